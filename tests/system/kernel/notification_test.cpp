// Notifications: badges are or-ed, waiting and polling, binding to a thread, deletion.
#include "stubs.h"

KOS_TEST(notification_badges_are_combined) {
    CPtr notification = t.make(seL4_NotificationObject);
    for (Word badge : {Word{1}, Word{4}, Word{4}, Word{1} << 63}) {
        signal(t.mint(notification, badge));
    }
    EXPECT_EQ(nb_wait(notification).badge, Word{1} << 63 | 5);
    EXPECT_EQ(nb_wait(notification).badge, 0u);
}

KOS_TEST(notification_every_receiving_call) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 3);
    CPtr reply_object = t.make(seL4_ReplyObject);
    signal(badged);
    EXPECT_EQ(wait(notification).badge, 3u);
    signal(badged);
    EXPECT_EQ(recv(notification, reply_object).badge, 3u);
    signal(badged);
    EXPECT_EQ(nb_wait(notification).badge, 3u);
    signal(badged);
    EXPECT_EQ(nb_recv(notification, reply_object).badge, 3u);
}

KOS_TEST(notification_every_sending_call) {
    CPtr notification = t.make(seL4_NotificationObject);
    send(t.mint(notification, 1), Tag::make(77, 4), Words{{1, 2, 3, 4}});
    nb_send(t.mint(notification, 2), Tag::make(77, 4), Words{{1, 2, 3, 4}});
    // A call signals, and comes back at once.
    Message answer = call(t.mint(notification, 4), Tag::make(77, 2), Words{{1, 2}});
    EXPECT_EQ(answer.tag.word, 0u);
    EXPECT_EQ(nb_wait(notification).badge, 7u);
}

KOS_TEST(notification_signal_without_badge) {
    // Wakes one waiter, with badge 0; without a waiter the word stays 0, but the signal is pending.
    CPtr notification = t.make(seL4_NotificationObject);
    Thread waiter;
    Word got = 99;
    ASSERT_TRUE(t.create(waiter, {.priority = kAboveMain}));
    EXPECT_OK(waiter.start([&] { got = wait(notification).badge; }));
    signal(notification);
    EXPECT_TRUE(waiter.finished());
    EXPECT_EQ(got, 0u);
    signal(notification);
    EXPECT_OK(waiter.start([&] { got = wait(notification).badge; }));
    EXPECT_TRUE(waiter.finished());
}

KOS_TEST(notification_wakes_one_waiter) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 8);
    Thread waiters[3];
    Word got[3] = {};
    for (Word i = 0; i < 3; ++i) {
        ASSERT_TRUE(t.create(waiters[i], {.priority = kAboveMain}));
        EXPECT_OK(waiters[i].start([&, i] { got[i] = wait(notification).badge; }));
    }
    for (Word i = 0; i < 3; ++i) {
        signal(badged);
        for (Word k = 0; k < 3; ++k) {
            EXPECT_EQ(got[k], k <= i ? 8u : 0u);
        }
    }
    EXPECT_EQ(nb_wait(notification).badge, 0u);
}

KOS_TEST(notification_registers_of_a_waiter) {
    // Only the badge register is written.
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 8);
    for (bool waits_first : {true, false}) {
        Thread waiter;
        Word x[9] = {notification, 11, 12, 13, 14, 15, 16, static_cast<Word>(-9), 18};
        ASSERT_TRUE(t.create(waiter, {.priority = kAboveMain}));
        if (!waits_first) {
            signal(badged);
        }
        EXPECT_OK(waiter.start([&] { stub_svc(x); }));
        if (waits_first) {
            signal(badged);
        }
        EXPECT_TRUE(waiter.finished());
        EXPECT_EQ(x[0], 8u);
        for (Word i = 1; i < 7; ++i) {
            EXPECT_EQ(x[i], 10 + i);
        }
    }
}

KOS_TEST(notification_bound_wakes_a_receiver) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr badged = t.mint(notification, 0x100);
    Thread server;
    Word badges[4] = {};
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(server.tcb(), notification));
    EXPECT_OK(server.start([&] {
        badges[0] = recv(endpoint, reply_object).badge;
        badges[1] = wait(endpoint).badge;
        badges[2] = recv(endpoint, reply_object).badge;
        badges[3] = reply_recv(endpoint, reply_object, Tag{}).badge;
    }));
    signal(badged);
    EXPECT_EQ(badges[0], 0x100u);
    signal(badged);
    EXPECT_EQ(badges[1], 0x100u);
    nb_send(t.mint(endpoint, 5), Tag{});  // messages still arrive
    EXPECT_EQ(badges[2], 5u);
    signal(badged);
    EXPECT_EQ(badges[3], 0x100u);
    EXPECT_TRUE(server.finished());
}

KOS_TEST(notification_bound_and_already_pending) {
    // A pending signal comes before waiting senders.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr badged_endpoint = t.mint(endpoint, 5);
    Thread sender;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(seL4_CapInitThreadTCB, notification));
    EXPECT_OK(sender.start([&] { send(badged_endpoint, Tag{}); }));
    signal(t.mint(notification, 0x100));
    EXPECT_EQ(recv(endpoint, reply_object).badge, 0x100u);
    EXPECT_EQ(recv(endpoint, reply_object).badge, 5u);
    signal(t.mint(notification, 0x200));
    EXPECT_EQ(nb_recv(endpoint, reply_object).badge, 0x200u);
    signal(t.mint(notification, 0x400));
    EXPECT_EQ(nb_wait(endpoint).badge, 0x400u);
    EXPECT_OK(tcb_unbind_notification(seL4_CapInitThreadTCB));
}

KOS_TEST(notification_bound_does_not_disturb_a_caller_or_sender) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr badged = t.mint(notification, 0x100);
    Thread caller;
    MessageCopy answer;
    Word later = 0;
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(caller.tcb(), notification));
    EXPECT_OK(caller.start([&] {
        answer = call(endpoint, Tag{});
        later = nb_wait(notification).badge;
    }));
    signal(badged);  // while it waits to send
    EXPECT_FALSE(caller.finished());
    recv(endpoint, reply_object);
    signal(badged);  // while it waits for the answer
    EXPECT_FALSE(caller.finished());
    reply(reply_object, Tag::make(3, 0));
    EXPECT_EQ(answer.label(), 3u);
    EXPECT_EQ(later, 0x100u);
}

KOS_TEST(notification_unbind) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 0x100);
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(server.tcb(), notification));
    EXPECT_OK(server.start([&] { wait(endpoint); }));
    EXPECT_OK(tcb_unbind_notification(server.tcb()));
    signal(badged);
    EXPECT_FALSE(server.finished());
    EXPECT_EQ(nb_wait(notification).badge, 0x100u);
}

KOS_TEST(notification_bound_only_its_thread_may_wait) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread other;
    Thread owner;
    Word got = 0;
    ASSERT_TRUE(t.create(other, {.priority = kAboveMain, .fault_endpoint = t.mint(faults, 1)}));
    ASSERT_TRUE(t.create(owner, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(owner.tcb(), notification));
    EXPECT_OK(other.start([&] { wait(notification); }));
    MessageCopy fault = nb_recv(faults, reply_object);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
    EXPECT_EQ(fault.word(seL4_CapFault_LookupFailureType), Word{seL4_MissingCapability});
    EXPECT_OK(owner.start([&] { got = wait(notification).badge; }));
    signal(t.mint(notification, 2));
    EXPECT_EQ(got, 2u);
}

KOS_TEST(notification_deleted_while_bound) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread server;
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain}));
    EXPECT_OK(tcb_bind_notification(server.tcb(), notification));
    EXPECT_OK(server.start([&] { wait(endpoint); }));
    EXPECT_OK(cnode_delete(root_slot(notification)));
    EXPECT_FALSE(server.finished());
    EXPECT_ERROR(tcb_unbind_notification(server.tcb()), seL4_IllegalOperation);
    EXPECT_OK(tcb_bind_notification(server.tcb(), t.make(seL4_NotificationObject)));
}

KOS_TEST(notification_thread_deleted_while_bound) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr tcb = t.make(seL4_TCBObject);
    EXPECT_OK(tcb_bind_notification(tcb, notification));
    EXPECT_OK(cnode_delete(root_slot(tcb)));
    CPtr other = t.make(seL4_TCBObject);
    EXPECT_OK(tcb_bind_notification(other, notification));
}

KOS_TEST(notification_deleted_with_waiters) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread waiter;
    ASSERT_TRUE(t.create(waiter, {.priority = kAboveMain, .fault_endpoint = faults}));
    EXPECT_OK(waiter.start([&] { wait(notification); }));
    EXPECT_OK(cnode_delete(root_slot(notification)));
    EXPECT_EQ(nb_recv(faults, reply_object).label(), Word{seL4_Fault_CapFault});
}

KOS_TEST(notification_waiter_on_revoked_badge) {
    // A badge is about signalling: revoking it does not disturb who waits.
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr badged = t.mint(notification, 1);
    Thread waiter;
    ASSERT_TRUE(t.create(waiter, {.priority = kAboveMain}));
    EXPECT_OK(waiter.start([&] { wait(notification); }));
    EXPECT_OK(cnode_revoke(root_slot(notification)));
    EXPECT_FALSE(holds_cap(t, badged));
    EXPECT_FALSE(waiter.finished());
    signal(notification);
    EXPECT_TRUE(waiter.finished());
}
