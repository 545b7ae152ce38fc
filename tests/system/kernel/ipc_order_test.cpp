// Who is served first: queues of endpoints and notifications, by priority and then by time; cancelled sends.
#include "support.h"

namespace {

constexpr Word kThreads = 5;

// Priorities in the order of arrival, and the order in which they are to be served.
constexpr Word kPriorities[kThreads] = {110, 112, 110, 120, 112};
constexpr Word kServed[kThreads] = {3, 1, 4, 0, 2};

}  // namespace

KOS_TEST(order_of_senders) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread senders[kThreads];
    for (Word i = 0; i < kThreads; ++i) {
        CPtr badged = t.mint(endpoint, i + 1);
        ASSERT_TRUE(t.create(senders[i], {.priority = kPriorities[i]}));
        EXPECT_OK(senders[i].start([badged] { send(badged, Tag::make(0, 0)); }));
    }
    for (Word expected : kServed) {
        EXPECT_EQ(nb_wait(endpoint).badge, expected + 1);
    }
}

KOS_TEST(order_of_callers) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread callers[kThreads];
    for (Word i = 0; i < kThreads; ++i) {
        CPtr badged = t.mint(endpoint, i + 1);
        ASSERT_TRUE(t.create(callers[i], {.priority = kPriorities[i]}));
        EXPECT_OK(callers[i].start([badged] { call(badged, Tag::make(0, 0)); }));
    }
    for (Word expected : kServed) {
        EXPECT_EQ(reply_recv(endpoint, reply_object, Tag{}).badge, expected + 1);
    }
}

KOS_TEST(order_of_receivers) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread receivers[kThreads];
    Word got[kThreads] = {};
    for (Word i = 0; i < kThreads; ++i) {
        ASSERT_TRUE(t.create(receivers[i], {.priority = kPriorities[i]}));
        EXPECT_OK(receivers[i].start([&, i] { got[i] = wait(endpoint).words[0]; }));
    }
    for (Word i = 0; i < kThreads; ++i) {
        nb_send(endpoint, Tag::make(0, 1), Words{{i + 1}});
        EXPECT_EQ(got[kServed[i]], i + 1);
    }
}

KOS_TEST(order_of_waiters) {
    CPtr notification = t.make(seL4_NotificationObject);
    Thread waiters[kThreads];
    Word got[kThreads] = {};
    CPtr badged[kThreads];
    for (Word i = 0; i < kThreads; ++i) {
        badged[i] = t.mint(notification, i + 1);
        ASSERT_TRUE(t.create(waiters[i], {.priority = kPriorities[i]}));
        EXPECT_OK(waiters[i].start([&, i] { got[i] = wait(notification).badge; }));
    }
    for (Word i = 0; i < kThreads; ++i) {
        signal(badged[i]);
        EXPECT_EQ(got[kServed[i]], i + 1);
    }
}

KOS_TEST(order_follows_a_change_of_priority) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    for (bool on_endpoint : {true, false}) {
        Thread threads[3];
        Word got[3] = {};
        for (Word i = 0; i < 3; ++i) {
            ASSERT_TRUE(t.create(threads[i], {.priority = kAboveMain}));
            EXPECT_OK(threads[i].start(
                [&, i] { got[i] = on_endpoint ? wait(endpoint).words[0] : wait(notification).badge; }));
        }
        EXPECT_OK(tcb_set_priority(threads[1].tcb(), seL4_CapInitThreadTCB, kAboveMain + 5));
        EXPECT_OK(tcb_set_priority(threads[0].tcb(), seL4_CapInitThreadTCB, kAboveMain - 5));
        constexpr Word kNow[] = {1, 2, 0};
        for (Word i = 0; i < 3; ++i) {
            if (on_endpoint) {
                nb_send(endpoint, Tag::make(0, 1), Words{{i + 1}});
            } else {
                signal(t.mint(notification, i + 1));
            }
            EXPECT_EQ(got[kNow[i]], i + 1);
        }
    }
}

KOS_TEST(order_of_a_thread_that_left_the_queue) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread senders[3];
    for (Word i = 0; i < 3; ++i) {
        CPtr badged = t.mint(endpoint, i + 1);
        ASSERT_TRUE(t.create(senders[i], {.priority = kAboveMain}));
        EXPECT_OK(senders[i].start([badged] { send(badged, Tag::make(0, 0)); }));
    }
    EXPECT_OK(tcb_suspend(senders[1].tcb()));
    EXPECT_EQ(nb_wait(endpoint).badge, 1u);
    EXPECT_EQ(nb_wait(endpoint).badge, 3u);
    EXPECT_EQ(nb_wait(endpoint).badge, 0u);
    EXPECT_OK(tcb_resume(senders[1].tcb()));
    EXPECT_EQ(nb_wait(endpoint).badge, 2u);
}

KOS_TEST(order_a_higher_receiver_runs_at_once) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread high;
    Thread low;
    Shared<Word> step;
    Word high_step = 0;
    Word low_step = 0;
    ASSERT_TRUE(t.create(high, {.priority = kAboveMain}));
    ASSERT_TRUE(t.create(low, {.priority = kBelowMain}));
    EXPECT_OK(high.start([&] {
        wait(endpoint);
        high_step = step.add(1);
    }));
    EXPECT_OK(low.start([&] {
        wait(endpoint);
        low_step = step.add(1);
    }));
    nb_send(endpoint, Tag::make(0, 0));
    Word main_step = step.add(1);
    EXPECT_EQ(high_step, 1u);
    EXPECT_EQ(main_step, 2u);
    EXPECT_EQ(low_step, 0u);
    // The low one gets to its wait only when the test stops, and runs only when it stops again.
    spin_us(10);
    EXPECT_EQ(low_step, 0u);
    EXPECT_OK(tcb_set_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, kBelowMain - 1));
    nb_send(endpoint, Tag::make(0, 0));
    EXPECT_EQ(low_step, 3u);
}

KOS_TEST(cancel_badged_sends) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr five = t.mint(endpoint, 5);
    CPtr six = t.mint(endpoint, 6);
    CPtr five_again = t.mint(endpoint, 5);
    Thread threads[4];
    Word errors[4] = {};
    for (Thread& thread : threads) {
        ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    }
    EXPECT_OK(threads[0].start([&] { errors[0] = call(five, Tag::make(0, 0)).label(); }));
    EXPECT_OK(threads[1].start([&] { send(six, Tag::make(0, 0)); }));
    EXPECT_OK(threads[2].start([&] { send(five_again, Tag::make(0, 0)); }));
    EXPECT_OK(threads[3].start([&] { send(endpoint, Tag::make(0, 0)); }));
    // Those with the badge start their system call again, so they are behind the others now.
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(five)));
    EXPECT_EQ(nb_wait(endpoint).badge, 6u);
    EXPECT_EQ(nb_wait(endpoint).badge, 0u);
    EXPECT_TRUE(threads[3].finished());
    EXPECT_EQ(nb_wait(endpoint).badge, 5u);
    EXPECT_EQ(nb_wait(endpoint).badge, 5u);
}

KOS_TEST(cancel_badged_sends_of_a_revoked_badge) {
    // How a server gets rid of a client for good: revoke the badge, delete it, and cancel what still waits.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr server_copy = t.mint(endpoint, 5);
    CPtr client_copy = t.copy(server_copy);
    Thread client;
    Word error = 99;
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { error = call(client_copy, Tag::make(0, 0)).label(); }));
    EXPECT_OK(cnode_revoke(root_slot(server_copy)));
    EXPECT_FALSE(client.finished());  // still in the queue
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(server_copy)));
    EXPECT_TRUE(client.finished());
    EXPECT_EQ(error, Word{seL4_InvalidCapability});
    EXPECT_EQ(nb_wait(endpoint).badge, 0u);
}

KOS_TEST(cancel_badged_sends_leaves_receivers) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr badged = t.mint(endpoint, 5);
    Thread receiver;
    Word got = 0;
    ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain}));
    EXPECT_OK(receiver.start([&] { got = wait(endpoint).badge; }));
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(badged)));
    nb_send(badged, Tag::make(0, 0));
    EXPECT_EQ(got, 5u);
}

KOS_TEST(cancel_unbadged_cancels_nothing) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread first;
    Thread second;
    CPtr badged = t.mint(endpoint, 2);
    ASSERT_TRUE(t.create(first, {.priority = kAboveMain}));
    ASSERT_TRUE(t.create(second, {.priority = kAboveMain}));
    EXPECT_OK(first.start([&] { send(endpoint, Tag::make(0, 1), Words{{1}}); }));
    EXPECT_OK(second.start([&] { send(badged, Tag::make(0, 1), Words{{2}}); }));
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(endpoint)));
    EXPECT_EQ(nb_wait(endpoint).words[0], 1u);
    EXPECT_EQ(nb_wait(endpoint).words[0], 2u);
}
