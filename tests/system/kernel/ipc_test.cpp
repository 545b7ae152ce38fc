// Sending and receiving: lengths, registers, buffers, badges, rights, blocking and non-blocking forms, combined calls.
#include "stubs.h"

namespace {

Word number(int syscall) { return static_cast<Word>(static_cast<int64_t>(syscall)); }

struct Channel {
    CPtr endpoint;
    CPtr reply_object;
};

Channel make_channel(TestContext& t) { return {t.make(seL4_EndpointObject), t.make(seL4_ReplyObject)}; }

// Fills the words of a message in the calling thread's registers and buffer.
Words stage_pattern(Word seed, Word length) {
    Words words;
    for (Word i = 0; i < length && i < seL4_MsgMaxLength; ++i) {
        if (i < kRegisterWords) {
            words.w[i] = seed + i;
        } else {
            ipc_buffer()->msg[i] = seed + i;
        }
    }
    return words;
}

void expect_pattern(const MessageCopy& message, Word seed, Word length, int line) {
    using kos::roottask::testing::check;
    check(message.length() == length, __FILE__, line, "length", message.length(), "expected", length);
    for (Word i = 0; i < length && i < seL4_MsgMaxLength; ++i) {
        check(message.word(i) == seed + i, __FILE__, line, "word", message.word(i), "expected", seed + i);
    }
}

constexpr Word kLengths[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 119, 120};

}  // namespace

KOS_TEST(ipc_every_length_to_a_waiting_receiver) {
    Channel c = make_channel(t);
    CPtr badged = t.mint(c.endpoint, 0xbad9e);
    for (Word length : kLengths) {
        Thread receiver;
        MessageCopy message;
        ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain}));
        EXPECT_OK(receiver.start([&] { message = recv(c.endpoint, c.reply_object); }));
        Words words = stage_pattern(length << 32, length);
        send(badged, Tag::make(length + 1, length), words);
        EXPECT_TRUE(receiver.finished());
        EXPECT_EQ(message.badge, 0xbad9eu);
        EXPECT_EQ(message.label(), length + 1);
        expect_pattern(message, length << 32, length, __LINE__);
    }
}

KOS_TEST(ipc_every_length_from_a_waiting_sender) {
    Channel c = make_channel(t);
    CPtr badged = t.mint(c.endpoint, 0xbad9e);
    for (Word length : kLengths) {
        Thread sender;
        ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
        EXPECT_OK(sender.start([&] {
            Words words = stage_pattern(length << 32, length);
            send(badged, Tag::make(length + 1, length), words);
        }));
        EXPECT_FALSE(sender.finished());
        MessageCopy message = recv(c.endpoint, c.reply_object);
        EXPECT_TRUE(sender.finished());
        EXPECT_EQ(message.badge, 0xbad9eu);
        EXPECT_EQ(message.label(), length + 1);
        expect_pattern(message, length << 32, length, __LINE__);
    }
}

KOS_TEST(ipc_every_length_of_call_and_reply) {
    Channel c = make_channel(t);
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(server.start([&] {
        // Answers with the same words, one more each, in the other direction.
        MessageCopy request = recv(c.endpoint, c.reply_object);
        for (;;) {
            Words words = stage_pattern(request.word(0) + 1, request.length());
            request = reply_recv(c.endpoint, c.reply_object, Tag::make(request.label() + 1, request.length()), words);
        }
    }));
    for (Word length : kLengths) {
        Words words = stage_pattern(length << 32, length);
        MessageCopy answer = call(c.endpoint, Tag::make(length, length), words);
        EXPECT_EQ(answer.label(), length + 1);
        EXPECT_EQ(answer.badge, 0u);
        expect_pattern(answer, (length << 32) + 1, length, __LINE__);
    }
}

KOS_TEST(ipc_length_beyond_the_maximum) {
    Channel c = make_channel(t);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(sender.start([&] {
        Words words = stage_pattern(70, seL4_MsgMaxLength);
        send(c.endpoint, Tag::make(0xfffffffffffff, 127), words);
    }));
    MessageCopy message = recv(c.endpoint, c.reply_object);
    EXPECT_EQ(message.label(), 0xfffffffffffffu);
    expect_pattern(message, 70, seL4_MsgMaxLength, __LINE__);
}

KOS_TEST(ipc_without_a_buffer_only_registers_travel) {
    Channel c = make_channel(t);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain, .no_ipc_buffer = true}));
    EXPECT_OK(sender.start([&] { send(c.endpoint, Tag::make(1, 10, 3), Words{{50, 51, 52, 53}}); }));
    ipc_buffer()->msg[4] = 99;
    Message message = recv(c.endpoint, c.reply_object);
    EXPECT_EQ(message.length(), 4u);
    EXPECT_EQ(message.tag.extra_caps(), 0u);
    EXPECT_EQ(message.words[3], 53u);
    EXPECT_EQ(ipc_buffer()->msg[4], 99u);

    Thread receiver;
    Word x[9] = {c.endpoint, 1, 2, 3, 4, 5, c.reply_object, number(seL4_SysRecv), 0};
    ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain, .no_ipc_buffer = true}));
    EXPECT_OK(receiver.start([&] { stub_svc(x); }));
    ipc_buffer()->caps_or_badges[0] = c.endpoint;
    send(c.endpoint, Tag::make(3, 10, 1), Words{{60, 61, 62, 63}});
    EXPECT_EQ(x[1], Tag::make(3, 4).word);
    EXPECT_EQ(x[5], 63u);
}

KOS_TEST(ipc_registers_beyond_the_length_are_untouched) {
    Channel c = make_channel(t);
    CPtr badged = t.mint(c.endpoint, 5);
    for (Word length = 0; length <= 4; ++length) {
        Thread sender;
        ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
        EXPECT_OK(sender.start([&] { send(badged, Tag::make(9, length), Words{{50, 51, 52, 53}}); }));
        Word x[9] = {c.endpoint, 1, 10, 11, 12, 13, c.reply_object, number(seL4_SysRecv), 18};
        stub_svc(x);
        EXPECT_EQ(x[0], 5u);
        EXPECT_EQ(x[1], Tag::make(9, length).word);
        for (Word i = 0; i < 4; ++i) {
            EXPECT_EQ(x[2 + i], i < length ? 50 + i : 10 + i);
        }
        EXPECT_EQ(x[6], c.reply_object);
        EXPECT_EQ(x[8], 18u);
    }
}

KOS_TEST(ipc_nothing_to_receive) {
    Channel c = make_channel(t);
    CPtr notification = t.make(seL4_NotificationObject);
    for (int syscall : {seL4_SysNBRecv, seL4_SysNBWait}) {
        for (CPtr source : {c.endpoint, notification}) {
            Word x[9] = {source, 1, 2, 3, 4, 5, c.reply_object, number(syscall), 8};
            stub_svc(x);
            EXPECT_EQ(x[0], 0u);  // the badge is all that is written
            for (Word i = 1; i < 6; ++i) {
                EXPECT_EQ(x[i], i);
            }
        }
    }
}

KOS_TEST(ipc_nb_send_without_receiver_is_dropped) {
    Channel c = make_channel(t);
    Word x[9] = {c.endpoint, Tag::make(1, 1).word, 2, 3, 4, 5, 6, number(seL4_SysNBSend), 8};
    stub_svc(x);
    EXPECT_EQ(x[0], c.endpoint);
    EXPECT_EQ(x[1], Tag::make(1, 1).word);
    EXPECT_EQ(nb_recv(c.endpoint, c.reply_object).badge, 0u);
}

KOS_TEST(ipc_nb_receive_takes_a_waiting_sender) {
    Channel c = make_channel(t);
    CPtr badged = t.mint(c.endpoint, 6);
    Thread senders[2];
    for (Thread& sender : senders) {
        ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
        EXPECT_OK(sender.start([&] { send(badged, Tag::make(1, 1), Words{{2}}); }));
    }
    EXPECT_EQ(nb_recv(c.endpoint, c.reply_object).badge, 6u);
    EXPECT_EQ(nb_wait(c.endpoint).badge, 6u);
    EXPECT_TRUE(senders[0].finished() && senders[1].finished());
}

KOS_TEST(ipc_call_answers_the_right_caller) {
    Channel c = make_channel(t);
    CPtr second_reply = t.make(seL4_ReplyObject);
    Thread callers[2];
    Word answers[2] = {};
    for (Word i = 0; i < 2; ++i) {
        ASSERT_TRUE(t.create(callers[i], {.priority = kAboveMain}));
        EXPECT_OK(callers[i].start([&, i] { answers[i] = call(c.endpoint, Tag::make(0, 1), Words{{i}}).words[0]; }));
    }
    EXPECT_EQ(recv(c.endpoint, c.reply_object).words[0], 0u);
    EXPECT_EQ(recv(c.endpoint, second_reply).words[0], 1u);
    reply(second_reply, Tag::make(0, 1), Words{{101}});
    EXPECT_EQ(answers[1], 101u);
    EXPECT_EQ(answers[0], 0u);
    reply(c.reply_object, Tag::make(0, 1), Words{{100}});
    EXPECT_EQ(answers[0], 100u);
}

KOS_TEST(ipc_call_needs_grant_or_grant_reply) {
    Channel c = make_channel(t);
    const struct {
        seL4_CapRights_t rights;
        bool answered;
    } cases[] = {{seL4_CanWrite, false},
                 {seL4_ReadWrite, false},
                 {seL4_CanWrite | seL4_CanGrant, true},
                 {seL4_CanWrite | seL4_CanGrantReply, true}};
    for (const auto& test : cases) {
        CPtr endpoint = t.copy(c.endpoint, test.rights);
        Thread caller;
        ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
        EXPECT_OK(caller.start([&] { call(endpoint, Tag::make(2, 1), Words{{7}}); }));
        EXPECT_EQ(recv(c.endpoint, c.reply_object).words[0], 7u);  // the message arrives in any case
        reply(c.reply_object, Tag::make(0, 0));
        EXPECT_EQ(caller.finished(), test.answered);
        if (!test.answered) {
            // As if suspended: a resume makes the call again.
            EXPECT_OK(tcb_resume(caller.tcb()));
            EXPECT_EQ(nb_recv(c.endpoint, c.reply_object).words[0], 7u);
        }
    }
}

KOS_TEST(ipc_call_to_a_receiver_without_reply_object) {
    Channel c = make_channel(t);
    Thread caller;
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
    EXPECT_OK(caller.start([&] { call(c.endpoint, Tag::make(2, 1), Words{{7}}); }));
    EXPECT_EQ(wait(c.endpoint).words[0], 7u);
    EXPECT_OK(tcb_resume(caller.tcb()));  // nobody can answer; it asks again
    EXPECT_EQ(nb_recv(c.endpoint, c.reply_object).words[0], 7u);
    reply(c.reply_object, Tag::make(0, 0));
    EXPECT_TRUE(caller.finished());
}

KOS_TEST(ipc_nb_wait_and_nb_recv_of_a_call) {
    Channel c = make_channel(t);
    Thread caller;
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
    EXPECT_OK(caller.start([&] { call(c.endpoint, Tag::make(2, 0)); }));
    EXPECT_EQ(nb_recv(c.endpoint, c.reply_object).label(), 2u);
    reply(c.reply_object, Tag::make(3, 0));
    EXPECT_TRUE(caller.finished());
}

KOS_TEST(ipc_reply_recv_without_a_caller) {
    // Nothing to answer: only the receive happens.
    Channel c = make_channel(t);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(sender.start([&] { send(c.endpoint, Tag::make(1, 1), Words{{3}}); }));
    EXPECT_EQ(reply_recv(c.endpoint, c.reply_object, Tag::make(9, 1), Words{{8}}).words[0], 3u);
}

KOS_TEST(ipc_reply_recv_serves_a_queue) {
    Channel c = make_channel(t);
    Thread clients[4];
    Word answers[4] = {};
    for (Word i = 0; i < 4; ++i) {
        ASSERT_TRUE(t.create(clients[i], {.priority = kAboveMain}));
        EXPECT_OK(clients[i].start([&, i] { answers[i] = call(c.endpoint, Tag::make(0, 1), Words{{i}}).words[0]; }));
    }
    Message request = recv(c.endpoint, c.reply_object);
    for (Word i = 0; i < 3; ++i) {
        EXPECT_EQ(request.words[0], i);
        request = reply_recv(c.endpoint, c.reply_object, Tag::make(0, 1), Words{{i + 10}});
        EXPECT_EQ(answers[i], i + 10);
    }
    reply(c.reply_object, Tag::make(0, 1), Words{{13}});
    EXPECT_EQ(answers[3], 13u);
}

KOS_TEST(ipc_reply_recv_from_a_notification) {
    Channel c = make_channel(t);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread client;
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { call(c.endpoint, Tag::make(0, 0)); }));
    recv(c.endpoint, c.reply_object);
    signal(t.mint(notification, 0x10));
    EXPECT_EQ(reply_recv(notification, c.reply_object, Tag::make(0, 0)).badge, 0x10u);
    EXPECT_TRUE(client.finished());
}

KOS_TEST(ipc_nb_send_recv) {
    Channel c = make_channel(t);
    CPtr other = t.make(seL4_EndpointObject);
    Thread partner;
    MessageCopy got;
    ASSERT_TRUE(t.create(partner, {.priority = kAboveMain}));
    CPtr partner_reply = t.make(seL4_ReplyObject);
    EXPECT_OK(partner.start([&] {
        got = recv(other, partner_reply);
        send(c.endpoint, Tag::make(6, 1), Words{{got.word(0) + 1}});
    }));
    Words words = stage_pattern(40, 8);
    Message answer = nb_send_recv(other, Tag::make(5, 8), words, c.endpoint, c.reply_object);
    expect_pattern(got, 40, 8, __LINE__);
    EXPECT_EQ(answer.label(), 6u);
    EXPECT_EQ(answer.words[0], 41u);
}

KOS_TEST(ipc_nb_send_wait) {
    CPtr other = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 0x20);
    Thread partner;
    Word got = 0;
    ASSERT_TRUE(t.create(partner, {.priority = kAboveMain}));
    EXPECT_OK(partner.start([&] {
        got = wait(other).words[0];
        signal(badged);
    }));
    EXPECT_EQ(nb_send_wait(other, Tag::make(5, 1), Words{{44}}, notification).badge, 0x20u);
    EXPECT_EQ(got, 44u);
}

KOS_TEST(ipc_nb_send_forms_drop_what_nobody_takes) {
    Channel c = make_channel(t);
    CPtr other = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    signal(t.mint(notification, 1));
    EXPECT_EQ(nb_send_recv(other, Tag::make(5, 0), {}, notification, c.reply_object).badge, 1u);
    signal(t.mint(notification, 2));
    EXPECT_EQ(nb_send_wait(other, Tag::make(5, 0), {}, notification).badge, 2u);
    // The destination may also be a notification, nothing, or something else: the receive happens.
    CPtr destination = t.make(seL4_NotificationObject);
    CPtr signal_to_both = t.mint(destination, 4);
    signal(t.mint(notification, 8));
    EXPECT_EQ(nb_send_wait(signal_to_both, Tag::make(0, 0), {}, notification).badge, 8u);
    EXPECT_EQ(nb_wait(destination).badge, 4u);
    signal(t.mint(notification, 16));
    EXPECT_EQ(nb_send_wait(t.slot(), Tag::make(0, 0), {}, notification).badge, 16u);
    signal(t.mint(notification, 32));
    EXPECT_EQ(nb_send_recv(kOutsideRootCNode, Tag::make(0, 0), {}, notification, c.reply_object).badge, 32u);
    // Signal and wait on the same object.
    EXPECT_EQ(nb_send_wait(t.mint(notification, 64), Tag::make(0, 0), {}, notification).badge, 64u);
}

KOS_TEST(ipc_nb_send_recv_answers_through_a_reply_object) {
    Channel c = make_channel(t);
    Thread client;
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    Word answer = 0;
    EXPECT_OK(client.start([&] { answer = call(c.endpoint, Tag::make(0, 0)).words[0]; }));
    recv(c.endpoint, c.reply_object);
    CPtr notification = t.make(seL4_NotificationObject);
    signal(t.mint(notification, 1));
    EXPECT_EQ(nb_send_wait(c.reply_object, Tag::make(0, 1), Words{{77}}, notification).badge, 1u);
    EXPECT_EQ(answer, 77u);
}

KOS_TEST(ipc_between_address_spaces) {
    Channel c = make_channel(t);
    AddressSpace space;
    ASSERT_OK(space.create(t.arena()));
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain,
                                  .spaces = {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = space.vspace()}}));
    EXPECT_OK(server.start([&] {
        MessageCopy request = recv(c.endpoint, c.reply_object);
        for (;;) {
            Words words = stage_pattern(request.word(0) * 2, request.length());
            request = reply_recv(c.endpoint, c.reply_object, Tag::make(0, request.length()), words);
        }
    }));
    for (Word length : {Word{1}, Word{4}, Word{5}, Word{120}}) {
        Words words = stage_pattern(1000, length);
        expect_pattern(call(c.endpoint, Tag::make(0, length), words), 2000, length, __LINE__);
    }
}

KOS_TEST(ipc_invocation_by_send_gives_no_answer) {
    // An invocation by Send or NBSend happens, but nothing comes back.
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr endpoint = t.make(seL4_EndpointObject);
    for (int syscall : {seL4_SysSend, seL4_SysNBSend}) {
        CPtr to = t.slot();
        ipc_buffer()->caps_or_badges[0] = seL4_CapInitThreadCNode;
        ipc_buffer()->msg[4] = seL4_AllRights;
        Word x[9] = {seL4_CapInitThreadCNode,
                     Tag::make(shifted_label(seL4_CNodeCopy), 5, 1).word,
                     to,
                     64,
                     endpoint,
                     64,
                     0,
                     number(syscall),
                     0};
        Word before[9];
        __builtin_memcpy(before, x, sizeof(x));
        stub_svc(x);
        for (Word i = 0; i < 9; ++i) {
            EXPECT_EQ(x[i], before[i]);
        }
        EXPECT_TRUE(holds_cap(t, to));
        Word y[9] = {tcb, Tag::make(9999, 0).word, 2, 3, 4, 5, 6, number(syscall), 8};  // refused, silently
        stub_svc(y);
        EXPECT_EQ(y[1], Tag::make(9999, 0).word);
    }
}
