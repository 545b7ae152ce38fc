// Reply objects: one caller at a time, reuse, deletion at every step, call chains.
#include "support.h"

namespace {

struct Caller {
    Thread thread;
    MessageCopy answer;

    bool start(TestContext& t, CPtr endpoint, Word word) {
        return t.create(thread, {.priority = kAboveMain}) &&
               thread.start([this, endpoint, word] { answer = call(endpoint, Tag::make(0, 1), Words{{word}}); }).ok();
    }
};

}  // namespace

KOS_TEST(reply_only_once) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr copy = t.copy(reply_object);
    Caller caller;
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    reply(copy, Tag::make(1, 0));
    reply(reply_object, Tag::make(2, 0));
    reply(copy, Tag::make(3, 0));
    EXPECT_TRUE(caller.thread.finished());
    EXPECT_EQ(caller.answer.label(), 1u);
}

KOS_TEST(reply_by_nb_send_and_by_call) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Caller first;
    Caller second;
    ASSERT_TRUE(first.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    nb_send(reply_object, Tag::make(11, 0));
    EXPECT_EQ(first.answer.label(), 11u);
    ASSERT_TRUE(second.start(t, endpoint, 2));
    recv(endpoint, reply_object);
    // Called, a reply object answers at once with an empty message; an empty one as well.
    Message result = call(reply_object, Tag::make(12, 1), Words{{5}});
    EXPECT_EQ(result.tag.word, 0u);
    EXPECT_EQ(second.answer.label(), 12u);
    EXPECT_EQ(call(reply_object, Tag::make(13, 1), Words{{5}}).tag.word, 0u);
}

KOS_TEST(reply_by_another_thread) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Caller caller;
    Thread helper;
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    CPtr moved = t.slot();
    EXPECT_OK(cnode_move(root_slot(moved), root_slot(reply_object)));
    ASSERT_TRUE(t.create(helper, {.priority = kAboveMain}));
    EXPECT_OK(helper.start([&] { reply(moved, Tag::make(5, 0)); }));
    EXPECT_EQ(caller.answer.label(), 5u);
}

KOS_TEST(reply_object_used_again_drops_the_first_caller) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Caller first;
    Caller second;
    ASSERT_TRUE(first.start(t, endpoint, 1));
    ASSERT_TRUE(second.start(t, endpoint, 2));
    EXPECT_EQ(recv(endpoint, reply_object).words[0], 1u);
    EXPECT_EQ(recv(endpoint, reply_object).words[0], 2u);
    reply(reply_object, Tag::make(9, 0));
    EXPECT_EQ(second.answer.label(), 9u);
    EXPECT_FALSE(first.thread.finished());
    // The dropped one is stopped, as if suspended.
    EXPECT_OK(tcb_resume(first.thread.tcb()));
    EXPECT_EQ(nb_recv(endpoint, reply_object).words[0], 1u);
}

KOS_TEST(reply_object_used_again_for_nothing) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Caller caller;
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    // A poll of a notification needs no reply object and leaves it alone.
    EXPECT_EQ(nb_recv(notification, reply_object).badge, 0u);
    reply(reply_object, Tag::make(4, 0));
    EXPECT_EQ(caller.answer.label(), 4u);
    // A poll of an endpoint takes it, though nobody is there.
    Caller second;
    ASSERT_TRUE(second.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    EXPECT_EQ(nb_recv(endpoint, reply_object).badge, 0u);
    reply(reply_object, Tag::make(4, 0));
    EXPECT_FALSE(second.thread.finished());
}

KOS_TEST(reply_object_of_two_receivers) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread first;
    Thread second;
    ASSERT_TRUE(t.create(first, {.priority = kAboveMain}));
    ASSERT_TRUE(t.create(second, {.priority = kAboveMain}));
    EXPECT_OK(first.start([&] { recv(endpoint, reply_object); }));
    EXPECT_OK(second.start([&] { recv(endpoint, reply_object); }));
    // The second one took it over; the first is stopped.
    nb_send(endpoint, Tag{});
    EXPECT_TRUE(second.finished());
    nb_send(endpoint, Tag{});
    EXPECT_FALSE(first.finished());
    EXPECT_OK(tcb_resume(first.tcb()));
    nb_send(endpoint, Tag{});
    EXPECT_TRUE(first.finished());
}

KOS_TEST(reply_object_deleted_under_a_receiver) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread receiver;
    ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain}));
    EXPECT_OK(receiver.start([&] { recv(endpoint, reply_object); }));
    EXPECT_OK(cnode_delete(root_slot(reply_object)));
    nb_send(endpoint, Tag{});
    EXPECT_FALSE(receiver.finished());
}

KOS_TEST(reply_object_deleted_with_a_caller) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr copy = t.copy(reply_object);
    Caller caller;
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    EXPECT_OK(cnode_delete(root_slot(reply_object)));  // not the last capability: nothing happens
    EXPECT_EQ(nb_wait(endpoint).badge, 0u);
    EXPECT_OK(cnode_delete(root_slot(copy)));
    EXPECT_FALSE(caller.thread.finished());
    EXPECT_EQ(nb_wait(endpoint).length(), 0u);
    EXPECT_OK(tcb_resume(caller.thread.tcb()));  // calls again
    CPtr other = t.make(seL4_ReplyObject);
    EXPECT_EQ(nb_recv(endpoint, other).words[0], 1u);
}

KOS_TEST(reply_survives_the_endpoint) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Caller caller;
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    recv(endpoint, reply_object);
    EXPECT_OK(cnode_delete(root_slot(endpoint)));
    EXPECT_FALSE(caller.thread.finished());
    reply(reply_object, Tag::make(6, 0));
    EXPECT_EQ(caller.answer.label(), 6u);
}

KOS_TEST(reply_survives_the_server) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Caller caller;
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(server.start([&] {
        recv(endpoint, reply_object);
        wait(notification);
    }));
    ASSERT_TRUE(caller.start(t, endpoint, 1));
    EXPECT_OK(cnode_delete(root_slot(server.tcb())));
    EXPECT_FALSE(caller.thread.finished());
    reply(reply_object, Tag::make(6, 0));
    EXPECT_EQ(caller.answer.label(), 6u);
}

KOS_TEST(reply_after_the_caller_is_gone) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    {
        Caller caller;
        ASSERT_TRUE(caller.start(t, endpoint, 1));
        recv(endpoint, reply_object);
        EXPECT_OK(cnode_delete(root_slot(caller.thread.tcb())));
    }
    reply(reply_object, Tag::make(6, 0));
    Caller next;
    ASSERT_TRUE(next.start(t, endpoint, 2));
    recv(endpoint, reply_object);  // the object can be used again
    reply(reply_object, Tag::make(7, 0));
    EXPECT_EQ(next.answer.label(), 7u);
}

KOS_TEST(reply_many_objects_at_once) {
    constexpr Word kCallers = 16;
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, kCallers);
    Caller callers[kCallers];
    for (Word i = 0; i < kCallers; ++i) {
        ASSERT_TRUE(callers[i].start(t, endpoint, i));
        EXPECT_EQ(recv(endpoint, replies + i).words[0], i);
    }
    for (Word i = 0; i < kCallers; ++i) {
        Word k = i * 7 % kCallers;
        reply(replies + k, Tag::make(k + 1, 0));
        EXPECT_EQ(callers[k].answer.label(), k + 1);
    }
}

KOS_TEST(reply_chain_of_servers) {
    // Each server asks the next one before it answers.
    constexpr Word kServers = 6;
    CPtr endpoints = t.make_many(seL4_EndpointObject, 0, kServers);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, kServers);
    Thread servers[kServers];
    for (Word i = 0; i < kServers; ++i) {
        ASSERT_TRUE(t.create(servers[i], {.priority = kAboveMain + i}));
        EXPECT_OK(servers[i].start([=] {
            Word value = recv(endpoints + i, replies + i).words[0];
            for (;;) {
                Word result = i + 1 < kServers ? call(endpoints + i + 1, Tag::make(0, 1), Words{{value + 1}}).words[0]
                                               : value * 100;
                value = reply_recv(endpoints + i, replies + i, Tag::make(0, 1), Words{{result + 1}}).words[0];
            }
        }));
    }
    for (Word k = 1; k <= 3; ++k) {
        Word expected = (k + kServers - 1) * 100 + kServers;
        EXPECT_EQ(call(endpoints, Tag::make(0, 1), Words{{k}}).words[0], expected);
    }
}
