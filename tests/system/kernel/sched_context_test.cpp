// Who holds a scheduling context: binding, donation to passive servers and back, call chains, notifications that carry
// one, and what deleting any part of it does.
#include "support.h"

namespace {

constexpr CPtr kSelf = seL4_CapInitThreadTCB;

CPtr make_context(TestContext& t, Word budget_us = 10000, Word period_us = 10000) {
    CPtr context = t.make(seL4_SchedContextObject, 8);
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = budget_us, .period_us = period_us}));
    return context;
}

// A thread that got as far as its first blocking call on a context of its own, which is then taken away.
template <typename Body>
bool start_passive(TestContext& t, Thread& thread, const Body& body, ThreadOptions options = {}) {
    options.priority = kAboveMain + 5;
    options.passive = false;
    if (!t.create(thread, options) || !thread.start(body).ok()) {
        return false;
    }
    EXPECT_OK(sched_context_unbind(thread.sched_context()));
    return true;
}

}  // namespace

KOS_TEST(context_bind_starts_a_ready_thread) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .passive = true}));
    EXPECT_OK(thread.start([] {}));
    EXPECT_FALSE(thread.finished());
    EXPECT_OK(sched_context_bind(make_context(t), thread.tcb()));
    EXPECT_TRUE(thread.finished());
}

KOS_TEST(context_unbind_stops_a_running_thread) {
    for (int way = 0; way < 4; ++way) {
        Thread thread;
        Shared<Word> count;
        ASSERT_TRUE(t.create(thread, spinner_options()));
        EXPECT_OK(thread.start([&] {
            for (;;) {
                count.add(1);
            }
        }));
        wait_for_increase(count, 0);
        CPtr context = thread.sched_context();
        switch (way) {
            case 0: EXPECT_OK(sched_context_unbind(context)); break;
            case 1: EXPECT_OK(sched_context_unbind_object(context, thread.tcb())); break;
            case 2:
                EXPECT_OK(tcb_set_sched_params(thread.tcb(), kSelf, {.mcp = 255, .priority = kMainPriority}));
                break;
            default: EXPECT_OK(cnode_delete(root_slot(context))); break;
        }
        Word before = count.get();
        yield();
        EXPECT_EQ(count.get(), before);
        EXPECT_OK(sched_context_bind(make_context(t), thread.tcb()));
        wait_for_increase(count, before);
    }
}

KOS_TEST(context_of_a_deleted_thread_is_free) {
    CPtr context = make_context(t);
    CPtr tcb = t.make(seL4_TCBObject);
    EXPECT_OK(sched_context_bind(context, tcb));
    EXPECT_OK(cnode_delete(root_slot(tcb)));
    EXPECT_OK(sched_context_bind(context, t.make(seL4_TCBObject)));
}

KOS_TEST(context_of_a_deleted_notification_is_free) {
    CPtr context = make_context(t);
    CPtr notification = t.make(seL4_NotificationObject);
    EXPECT_OK(sched_context_bind(context, notification));
    EXPECT_OK(cnode_delete(root_slot(notification)));
    EXPECT_OK(sched_context_bind(context, t.make(seL4_NotificationObject)));
}

KOS_TEST(passive_thread_does_not_run_alone) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread thread;
    Word got = 0;
    ASSERT_TRUE(start_passive(t, thread, [&] { got = wait(endpoint).words[0]; }));
    // A send delivers the message, but lends no time; the thread stays where it is.
    nb_send(endpoint, Tag::make(0, 1), Words{{5}});
    EXPECT_FALSE(thread.finished());
    EXPECT_EQ(got, 0u);
    EXPECT_OK(sched_context_bind(make_context(t), thread.tcb()));
    EXPECT_TRUE(thread.finished());
    EXPECT_EQ(got, 5u);
}

KOS_TEST(passive_server_runs_on_its_callers_time) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread server;
    ASSERT_TRUE(start_passive(t, server, [&] {
        Word value = recv(endpoint, reply_object).words[0];
        for (;;) {
            spin_us(2000);
            value = reply_recv(endpoint, reply_object, Tag::make(0, 1), Words{{value + 1}}).words[0];
        }
    }));
    EXPECT_OK(sched_context_consumed(server.sched_context()));
    // A spin by the counter may be over early when the host was away: more calls use more time.
    EXPECT_TRUE(eventually([&](Word scale) {
        EXPECT_OK(sched_context_consumed(seL4_CapInitThreadSC));
        for (Word i = 0; i < 4 * scale; ++i) {
            EXPECT_EQ(call(endpoint, Tag::make(0, 1), Words{{i}}).words[0], i + 1);
        }
        yield();  // what was used since the last switch is charged
        return sched_context_consumed(seL4_CapInitThreadSC).word(0) >= 6000;
    }));
    EXPECT_EQ(sched_context_consumed(server.sched_context()).word(0), 0u);
}

KOS_TEST(passive_server_serves_many_clients) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread server;
    ASSERT_TRUE(start_passive(t, server, [&] {
        Word value = recv(endpoint, reply_object).words[0];
        for (;;) {
            value = reply_recv(endpoint, reply_object, Tag::make(0, 1), Words{{value * 2}}).words[0];
        }
    }));
    Thread clients[6];
    Word sums[6] = {};
    for (Word i = 0; i < 6; ++i) {
        ASSERT_TRUE(t.create(clients[i], {.priority = kBelowMain + i % 3}));
        EXPECT_OK(clients[i].start([&, i] {
            for (Word k = 0; k < 20; ++k) {
                sums[i] += call(endpoint, Tag::make(0, 1), Words{{k + i}}).words[0];
            }
        }));
    }
    for (Word i = 0; i < 6; ++i) {
        clients[i].join();
        EXPECT_EQ(sums[i], 2 * (190 + 20 * i));
    }
}

KOS_TEST(passive_chain_of_servers) {
    constexpr Word kServers = 5;
    CPtr endpoints = t.make_many(seL4_EndpointObject, 0, kServers);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, kServers);
    Thread servers[kServers];
    for (Word i = 0; i < kServers; ++i) {
        ASSERT_TRUE(start_passive(t, servers[i], [=] {
            Word value = recv(endpoints + i, replies + i).words[0];
            for (;;) {
                Word result = i + 1 < kServers ? call(endpoints + i + 1, Tag::make(0, 1), Words{{value + 1}}).words[0]
                                               : value * 100;
                value = reply_recv(endpoints + i, replies + i, Tag::make(0, 1), Words{{result + 1}}).words[0];
            }
        }));
    }
    for (Word k = 1; k <= 3; ++k) {
        EXPECT_EQ(call(endpoints, Tag::make(0, 1), Words{{k}}).words[0], (k + kServers - 1) * 100 + kServers);
    }
}

KOS_TEST(passive_server_gets_no_time_from_wait) {
    // Without a reply object nothing is lent: the message arrives, and the server waits for a context.
    CPtr endpoint = t.make(seL4_EndpointObject);
    Thread server;
    Thread client;
    Word got = 0;
    ASSERT_TRUE(start_passive(t, server, [&] { got = wait(endpoint).words[0]; }));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { call(endpoint, Tag::make(0, 1), Words{{5}}); }));
    EXPECT_EQ(got, 0u);
    EXPECT_FALSE(client.finished());
    EXPECT_OK(sched_context_bind(make_context(t), server.tcb()));
    EXPECT_EQ(got, 5u);
    EXPECT_FALSE(client.finished());  // nobody can answer it
}

KOS_TEST(passive_reply_deleted_gives_the_context_back) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread server;
    Thread client;
    Word step = 0;
    ASSERT_TRUE(start_passive(t, server, [&] {
        recv(endpoint, reply_object);
        step = 1;
        wait(notification);  // keeps the client's context while it waits
        step = 2;
    }));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { call(endpoint, Tag{}); }));
    EXPECT_EQ(step, 1u);
    EXPECT_OK(cnode_delete(root_slot(reply_object)));
    signal(notification);
    EXPECT_EQ(step, 1u);  // the server has no context any more
    // The client has it again; it is stopped, and a resume makes it call again.
    EXPECT_FALSE(client.finished());
    EXPECT_ERROR(sched_context_bind(client.sched_context(), server.tcb()), seL4_IllegalOperation);
    EXPECT_OK(sched_context_unbind_object(client.sched_context(), client.tcb()));
}

KOS_TEST(passive_unbind_object_returns_a_lent_context) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread server;
    Thread client;
    Word step = 0;
    MessageCopy answer;
    ASSERT_TRUE(start_passive(t, server, [&] {
        recv(endpoint, reply_object);
        step = 1;
        wait(notification);
        step = 2;
        reply(reply_object, Tag::make(3, 0));
    }));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}); }));
    EXPECT_EQ(step, 1u);
    EXPECT_OK(sched_context_unbind_object(client.sched_context(), server.tcb()));
    signal(notification);
    EXPECT_EQ(step, 1u);
    EXPECT_OK(sched_context_bind(make_context(t), server.tcb()));
    EXPECT_EQ(step, 2u);
}

KOS_TEST(passive_answer_by_another_thread_returns_the_context) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread server;
    Thread client;
    MessageCopy answer;
    Word step = 0;
    ASSERT_TRUE(start_passive(t, server, [&] {
        recv(endpoint, reply_object);
        wait(notification);
        step = 1;
    }));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}); }));
    reply(reply_object, Tag::make(8, 0));
    EXPECT_TRUE(client.finished());
    EXPECT_EQ(answer.label(), 8u);
    signal(notification);
    EXPECT_EQ(step, 0u);
}

KOS_TEST(passive_server_deleted) {
    // The context went to the server; with the server gone, answering gives it back.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread client;
    MessageCopy answer;
    {
        Thread server;
        ASSERT_TRUE(start_passive(t, server, [&] {
            recv(endpoint, reply_object);
            wait(notification);
        }));
        ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
        EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}); }));
        EXPECT_OK(cnode_delete(root_slot(server.tcb())));
    }
    EXPECT_FALSE(client.finished());
    reply(reply_object, Tag::make(8, 0));
    EXPECT_TRUE(client.finished());
    EXPECT_EQ(answer.label(), 8u);
}

KOS_TEST(passive_chain_with_a_reply_deleted_in_the_middle) {
    // client -> first -> second; the first server's reply object goes. The context stays with the second, and its
    // answer returns it to the client's end of the chain.
    CPtr endpoints = t.make_many(seL4_EndpointObject, 0, 2);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, 2);
    CPtr notification = t.make(seL4_NotificationObject);
    Thread first;
    Thread second;
    Thread client;
    Word step = 0;
    ASSERT_TRUE(start_passive(t, second, [&] {
        recv(endpoints + 1, replies + 1);
        step = 1;
        wait(notification);
        step = 2;
        reply_recv(endpoints + 1, replies + 1, Tag{});
    }));
    ASSERT_TRUE(start_passive(t, first, [&] {
        recv(endpoints, replies);
        call(endpoints + 1, Tag{});
        step = 3;
        reply_recv(endpoints, replies, Tag{});
    }));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
    EXPECT_OK(client.start([&] { call(endpoints, Tag{}); }));
    EXPECT_EQ(step, 1u);
    EXPECT_OK(cnode_delete(root_slot(replies)));
    signal(notification);
    // The second server still had the context and answered; the first goes on with it.
    EXPECT_EQ(step, 3u);
    EXPECT_FALSE(client.finished());
}

KOS_TEST(passive_nb_send_recv_passes_the_context_on) {
    // Data flow: the sender becomes passive, the receiver runs.
    CPtr forward = t.make(seL4_EndpointObject);
    CPtr back = t.make(seL4_EndpointObject);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, 2);
    Thread stage;
    Thread source;
    Word steps = 0;
    Word got = 0;
    ASSERT_TRUE(start_passive(t, stage, [&] {
        Word value = recv(forward, replies).words[0];
        ++steps;
        for (;;) {
            value = nb_send_recv(back, Tag::make(0, 1), Words{{value + 1}}, forward, replies).words[0];
            ++steps;
        }
    }));
    ASSERT_TRUE(t.create(source, {.priority = kAboveMain}));
    EXPECT_OK(source.start([&] {
        Word value = 10;
        for (int i = 0; i < 3; ++i) {
            value = nb_send_recv(forward, Tag::make(0, 1), Words{{value}}, back, replies + 1).words[0];
        }
        got = value;
    }));
    EXPECT_EQ(got, 13u);
    EXPECT_EQ(steps, 3u);
}

KOS_TEST(context_of_a_notification_runs_a_passive_waiter) {
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr context = make_context(t);
    Thread thread;
    Word rounds = 0;
    ASSERT_TRUE(start_passive(t, thread, [&] {
        for (;;) {
            wait(notification);
            ++rounds;
        }
    }));
    CPtr badged = t.mint(notification, 1);
    signal(badged);
    EXPECT_EQ(rounds, 0u);
    EXPECT_OK(sched_context_bind(context, thread.tcb()));
    EXPECT_EQ(rounds, 1u);  // the signal had arrived
    EXPECT_OK(sched_context_unbind(context));
    EXPECT_OK(sched_context_bind(context, notification));
    for (Word i = 2; i < 6; ++i) {
        signal(badged);
        EXPECT_EQ(rounds, i);
    }
    // Without the context again no run.
    EXPECT_OK(sched_context_unbind_object(context, notification));
    signal(badged);
    EXPECT_EQ(rounds, 5u);
}

KOS_TEST(context_of_a_bound_notification_runs_a_passive_server) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread server;
    Word signals = 0;
    Word calls = 0;
    ThreadOptions options;
    options.priority = kAboveMain + 5;
    ASSERT_TRUE(t.create(server, options));
    EXPECT_OK(tcb_bind_notification(server.tcb(), notification));
    EXPECT_OK(server.start([&] {
        Word badge = recv(endpoint, reply_object).badge;
        for (;;) {
            badge != 0 ? ++signals : ++calls;
            badge = reply_recv(endpoint, reply_object, Tag{}).badge;
        }
    }));
    EXPECT_OK(sched_context_unbind(server.sched_context()));
    EXPECT_OK(sched_context_bind(make_context(t), notification));
    CPtr badged = t.mint(notification, 1);
    for (Word i = 1; i < 5; ++i) {
        signal(badged);
        EXPECT_EQ(signals, i);
        call(endpoint, Tag{});
        EXPECT_EQ(calls, i);
    }
}

KOS_TEST(context_bound_to_thread_and_notification_makes_it_passive) {
    // How a server is started: it runs until it waits on its notification, and gives the context to that.
    CPtr notification = t.make(seL4_NotificationObject);
    Thread thread;
    Word rounds = 0;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_OK(sched_context_bind(thread.sched_context(), notification));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            ++rounds;
            wait(notification);
        }
    }));
    EXPECT_EQ(rounds, 1u);
    EXPECT_ERROR(sched_context_unbind_object(thread.sched_context(), thread.tcb()), seL4_IllegalOperation);
    CPtr badged = t.mint(notification, 1);
    for (Word i = 2; i < 5; ++i) {
        signal(badged);
        EXPECT_EQ(rounds, i);
    }
}

KOS_TEST(context_of_a_passive_fault_handler) {
    // The handler runs on the faulting thread's time.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread handler;
    Thread faulting;
    Word faults = 0;
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    // The table is there, so that mapping needs no more objects.
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual));
    ASSERT_OK(page_unmap(page));
    ASSERT_TRUE(start_passive(t, handler, [&] {
        Message fault = recv(endpoint, reply_object);
        for (;;) {
            faults += fault.label() == seL4_Fault_VMFault ? 1 : 100;
            page_map(page, seL4_CapInitThreadVSpace, kFreeVirtual);
            fault = reply_recv(endpoint, reply_object, Tag{});
        }
    }));
    ASSERT_TRUE(t.create(faulting, {.priority = kAboveMain, .fault_endpoint = endpoint}));
    EXPECT_OK(faulting.start([] { *reinterpret_cast<volatile Word*>(kFreeVirtual) = 7; }));
    EXPECT_TRUE(faulting.finished());
    EXPECT_EQ(faults, 1u);
}
