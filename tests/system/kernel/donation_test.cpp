// What happens to a scheduling context that was lent along a chain of calls when a part of the chain goes: client ->
// first server -> second server, which has the client's context and waits. Then somebody is suspended or deleted,
// answered by a third party, or given or robbed of a context.
//
// The pieces in isolation (binding, donation and return) are in sched_context_test.cpp, timeout faults as such in
// timeout_test.cpp.
#include "support.h"

namespace {

constexpr Word kServerPriority = kAboveMain + 5;
constexpr Word kAnswer = 40;  // label of the second server's answer; each answer on the way back adds one

CPtr make_context(TestContext& t) {
    CPtr context = t.make(seL4_SchedContextObject, 8);
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = 100000, .period_us = 100000}));
    return context;
}

// For a blocked thread: true if it has no scheduling context. Leaves it as it was.
bool is_passive(TestContext& t, const Thread& thread) {
    CPtr context = make_context(t);
    if (!sched_context_bind(context, thread.tcb()).ok()) {
        return false;
    }
    EXPECT_OK(sched_context_unbind_object(context, thread.tcb()));
    return true;
}

// True if no thread has the context. Leaves it as it was.
bool is_free(TestContext& t, CPtr context) {
    CPtr tcb = t.make(seL4_TCBObject);
    if (!sched_context_bind(context, tcb).ok()) {
        return false;
    }
    EXPECT_OK(sched_context_unbind_object(context, tcb));
    return true;
}

struct Chain {
    Thread first;
    Thread second;
    Thread client;
    CPtr endpoints = kNullCap;
    CPtr replies =
        kNullCap;          // replies: of the first server, which holds the client; + 1: of the second, holds the first
    CPtr gate = kNullCap;  // what the second server waits for before it answers
    CPtr context = kNullCap;  // the client's
    // How far each got, and the last answer.
    Word first_calls = 0;
    Word first_answers = 0;
    Word second_calls = 0;
    Word second_answers = 0;
    Word client_answer = 0;

    bool start_server(TestContext& t, Thread& thread, const auto& body) {
        if (!t.create(thread, {.priority = kServerPriority}) || !thread.start(body).ok()) {
            return false;
        }
        EXPECT_OK(sched_context_unbind(thread.sched_context()));
        return true;
    }

    // Until the second server waits for the gate on the client's time.
    bool start(TestContext& t, const ThreadOptions& client_options = {.priority = kAboveMain}) {
        endpoints = t.make_many(seL4_EndpointObject, 0, 2);
        replies = t.make_many(seL4_ReplyObject, 0, 2);
        gate = t.make(seL4_NotificationObject);
        bool started = start_server(t, second, [this] {
            recv(endpoints + 1, replies + 1);
            for (;;) {
                ++second_calls;
                wait(gate);
                ++second_answers;
                reply_recv(endpoints + 1, replies + 1, Tag::make(kAnswer, 0));
            }
        });
        started = started && start_server(t, first, [this] {
                      recv(endpoints, replies);
                      for (;;) {
                          ++first_calls;
                          Word label = call(endpoints + 1, Tag{}).label();
                          ++first_answers;
                          reply_recv(endpoints, replies, Tag::make(label + 1, 0));
                      }
                  });
        if (!started || !t.create(client, client_options)) {
            return false;
        }
        context = client.sched_context();
        EXPECT_OK(client.start([this] { client_answer = call(endpoints, Tag{}).label(); }));
        EXPECT_EQ(second_calls, 1u);
        EXPECT_EQ(second_answers, 0u);
        return second_calls == 1;
    }

    void open_gate() { signal(gate); }
};

}  // namespace

KOS_TEST(donation_chain_goes_back_the_way_it_came) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_ERROR(sched_context_bind(chain.context, t.make(seL4_TCBObject)), seL4_IllegalOperation);
}

KOS_TEST(donation_client_suspended) {
    // The context stays with the servers: the answers go back to the first, which keeps it.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(tcb_suspend(chain.client.tcb()));
    EXPECT_EQ(chain.second_answers, 0u);
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.client));
    // The client's call is made again when it has a context; the first server now runs on what it kept.
    EXPECT_OK(tcb_resume(chain.client.tcb()));
    EXPECT_EQ(chain.first_calls, 1u);
    EXPECT_OK(sched_context_bind(make_context(t), chain.client.tcb()));
    EXPECT_EQ(chain.second_calls, 2u);
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
    EXPECT_FALSE(is_passive(t, chain.first));
}

KOS_TEST(donation_client_deleted) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(cnode_delete(root_slot(chain.client.tcb())));
    EXPECT_EQ(chain.second_answers, 0u);
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.first.tcb()));
    EXPECT_TRUE(is_free(t, chain.context));
}

KOS_TEST(donation_client_suspended_and_called_again) {
    // A client that gives up and calls again while its first context is still on the way.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(tcb_suspend(chain.client.tcb()));
    EXPECT_OK(sched_context_bind(make_context(t), chain.client.tcb()));
    EXPECT_OK(tcb_resume(chain.client.tcb()));
    EXPECT_EQ(chain.first_calls, 1u);  // it queues: the first server still waits for the second
    chain.open_gate();
    EXPECT_EQ(chain.first_calls, 2u);
    EXPECT_EQ(chain.second_calls, 2u);
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.second));
}

KOS_TEST(donation_context_deleted) {
    // The second server stops in the middle. Each answer still arrives, but only a new context lets its receiver run.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(cnode_delete(root_slot(chain.context)));
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 0u);
    CPtr contexts[] = {make_context(t), make_context(t), make_context(t)};
    EXPECT_OK(sched_context_bind(contexts[0], chain.second.tcb()));
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 0u);
    EXPECT_FALSE(is_passive(t, chain.second));
    EXPECT_OK(sched_context_bind(contexts[1], chain.first.tcb()));
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_FALSE(chain.client.finished());
    EXPECT_OK(sched_context_bind(contexts[2], chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
}

KOS_TEST(donation_middle_suspended) {
    // The chain breaks on both sides of the first server: the second keeps the context, the client waits without one.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(tcb_suspend(chain.first.tcb()));
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 0u);
    EXPECT_FALSE(is_passive(t, chain.second));
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.client));
    // An answer reaches the client, but no time with it.
    reply(chain.replies, Tag::make(7, 0));
    EXPECT_FALSE(chain.client.finished());
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.second.tcb()));
    EXPECT_OK(sched_context_bind(chain.context, chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 7u);
}

KOS_TEST(donation_middle_deleted) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(cnode_delete(root_slot(chain.first.tcb())));
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_FALSE(is_passive(t, chain.second));
    EXPECT_TRUE(is_passive(t, chain.client));
    reply(chain.replies, Tag::make(7, 0));
    EXPECT_FALSE(chain.client.finished());
    EXPECT_OK(sched_context_bind(make_context(t), chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 7u);
}

KOS_TEST(donation_last_suspended) {
    // The context goes nowhere by itself; a third party's answer in the server's place returns it.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(tcb_suspend(chain.second.tcb()));
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 0u);
    EXPECT_EQ(chain.first_answers, 0u);
    reply(chain.replies + 1, Tag::make(50, 0));
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 51u);
    EXPECT_TRUE(is_passive(t, chain.second));
}

KOS_TEST(donation_last_deleted) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(cnode_delete(root_slot(chain.second.tcb())));
    EXPECT_TRUE(is_free(t, chain.context));
    EXPECT_EQ(chain.first_answers, 0u);
    reply(chain.replies + 1, Tag::make(50, 0));
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 51u);
}

KOS_TEST(donation_client_answered_by_a_third_party) {
    // Not the top of the chain: the client gets the message, the context stays with the servers.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    reply(chain.replies, Tag::make(7, 0));
    EXPECT_FALSE(chain.client.finished());
    chain.open_gate();
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(chain.client.finished());
    EXPECT_OK(sched_context_bind(make_context(t), chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 7u);
}

KOS_TEST(donation_top_answered_by_a_third_party) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    reply(chain.replies + 1, Tag::make(50, 0));
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, 51u);
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 0u);
    // With a context of its own it goes on; its answer has no receiver any more.
    EXPECT_OK(sched_context_bind(make_context(t), chain.second.tcb()));
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 1u);
}

KOS_TEST(donation_unbind_object_keeps_the_chain) {
    // The server loses the context and gets another: its answer returns the client's, and it keeps its own.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.second.tcb()));
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 0u);
    CPtr other = make_context(t);
    EXPECT_OK(sched_context_bind(other, chain.second.tcb()));
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
    EXPECT_FALSE(is_passive(t, chain.second));
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_ERROR(sched_context_bind(chain.context, t.make(seL4_TCBObject)), seL4_IllegalOperation);
    EXPECT_OK(sched_context_unbind_object(other, chain.second.tcb()));
}

KOS_TEST(donation_unbind_forgets_the_chain) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(sched_context_unbind(chain.context));
    EXPECT_TRUE(is_free(t, chain.context));
    chain.open_gate();
    EXPECT_OK(sched_context_bind(make_context(t), chain.second.tcb()));
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.first_answers, 0u);
    EXPECT_TRUE(is_free(t, chain.context));
    // The first server continues on the client's context, but is not its borrower: the client does not get it back.
    EXPECT_OK(sched_context_bind(chain.context, chain.first.tcb()));
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_FALSE(chain.client.finished());
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_OK(sched_context_bind(make_context(t), chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
}

KOS_TEST(donation_client_gets_another_context) {
    // Who has a context when the answer comes is lent none back: the first server keeps the client's.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    CPtr other = make_context(t);
    EXPECT_OK(sched_context_bind(other, chain.client.tcb()));
    EXPECT_FALSE(chain.client.finished());
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.first.tcb()));
    EXPECT_OK(sched_context_unbind_object(other, chain.client.tcb()));
}

KOS_TEST(donation_middle_gets_another_context) {
    // The second server keeps the client's context after its answer, until the first answers the client.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    CPtr other = make_context(t);
    EXPECT_OK(sched_context_bind(other, chain.first.tcb()));
    chain.open_gate();
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_TRUE(chain.client.finished());
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(is_passive(t, chain.first));
    EXPECT_OK(sched_context_unbind_object(other, chain.first.tcb()));
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.client.tcb()));
}

KOS_TEST(donation_context_taken_by_a_stranger) {
    // The chain remembers the context, not who has it: the answer takes it away from whoever does.
    Chain chain;
    Thread stranger;
    Shared<Word> count;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.second.tcb()));
    ASSERT_TRUE(t.create(stranger, {.priority = kMainPriority, .passive = true}));
    EXPECT_OK(stranger.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    EXPECT_OK(sched_control_configure(t.sched_control(), chain.context, {.budget_us = 1000, .period_us = 1000}));
    EXPECT_OK(sched_context_bind(chain.context, stranger.tcb()));
    wait_for_increase(count, 0);
    EXPECT_OK(sched_context_bind(make_context(t), chain.second.tcb()));
    chain.open_gate();
    EXPECT_TRUE(eventually([&](Word) {
        yield();
        return chain.client.finished();
    }));
    Word before = count.get();
    yield();
    EXPECT_EQ(count.get(), before);
    EXPECT_TRUE(is_passive(t, chain.first));
}

KOS_TEST(donation_context_configured_while_lent) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_OK(sched_control_configure(t.sched_control(), chain.context, {.budget_us = 50000, .period_us = 90000}));
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_TRUE(is_passive(t, chain.second));
}

KOS_TEST(donation_set_sched_params_of_a_borrower) {
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    CPtr other = make_context(t);
    SchedParams params{.mcp = 255, .priority = kServerPriority};
    params.sched_context = other;
    EXPECT_ERROR(tcb_set_sched_params(chain.second.tcb(), seL4_CapInitThreadTCB, params), seL4_IllegalOperation);
    params.sched_context = kNullCap;
    EXPECT_OK(tcb_set_sched_params(chain.second.tcb(), seL4_CapInitThreadTCB, params));
    EXPECT_TRUE(is_passive(t, chain.second));
    params.sched_context = other;
    EXPECT_OK(tcb_set_sched_params(chain.second.tcb(), seL4_CapInitThreadTCB, params));
    chain.open_gate();
    EXPECT_TRUE(chain.client.finished());
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_FALSE(is_passive(t, chain.second));
}

KOS_TEST(donation_top_reply_object_used_again) {
    // Somebody receives with the reply object that holds the first server: that one stops, the second keeps the
    // context, and the chain down to the client is broken.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_EQ(nb_recv(t.make(seL4_EndpointObject), chain.replies + 1).badge, 0u);
    EXPECT_EQ(chain.first_answers, 0u);
    EXPECT_TRUE(is_passive(t, chain.first));
    EXPECT_FALSE(is_passive(t, chain.second));
    // Its call, made again, waits for the second server, which is still busy with the old one.
    EXPECT_OK(tcb_resume(chain.first.tcb()));
    EXPECT_OK(sched_context_bind(make_context(t), chain.first.tcb()));
    EXPECT_EQ(chain.second_calls, 1u);
    chain.open_gate();
    EXPECT_EQ(chain.second_answers, 1u);
    EXPECT_EQ(chain.second_calls, 2u);
    EXPECT_EQ(chain.first_answers, 0u);
    chain.open_gate();
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_FALSE(is_passive(t, chain.second));
    EXPECT_FALSE(chain.client.finished());
    EXPECT_OK(sched_context_unbind_object(chain.context, chain.second.tcb()));
    EXPECT_OK(sched_context_bind(chain.context, chain.client.tcb()));
    EXPECT_TRUE(chain.client.finished());
    EXPECT_EQ(chain.client_answer, kAnswer + 1);
}

KOS_TEST(donation_lower_reply_object_used_again) {
    // The client stops without its context; the rest of the chain does not notice.
    Chain chain;
    ASSERT_TRUE(chain.start(t));
    EXPECT_EQ(nb_recv(t.make(seL4_EndpointObject), chain.replies).badge, 0u);
    EXPECT_TRUE(is_passive(t, chain.client));
    chain.open_gate();
    EXPECT_EQ(chain.first_answers, 1u);
    EXPECT_FALSE(chain.client.finished());
    EXPECT_TRUE(is_passive(t, chain.second));
    EXPECT_FALSE(is_passive(t, chain.first));
}

KOS_TEST(donation_goes_on_to_a_fault_handler) {
    // The second server's fault takes the context along; with the client gone meanwhile, it comes back as usual.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr gate = t.make(seL4_NotificationObject);
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr fault_reply = t.make(seL4_ReplyObject);
    for (bool suspend_client : {false, true}) {
        Thread server;
        Thread handler;
        Thread client;
        Word handled = 0;
        Word answered = 0;
        ASSERT_TRUE(t.create(handler, {.priority = kServerPriority}));
        EXPECT_OK(handler.start([&] {
            recv(faults, fault_reply);
            for (;;) {
                ++handled;
                wait(gate);
                // The server goes on behind the instruction.
                seL4_UserContext context{};
                tcb_read_registers(server.tcb(), Suspend::kNo, 1, context);
                context.pc += 4;
                tcb_write_registers(server.tcb(), Resume::kNo, 1, context);
                reply_recv(faults, fault_reply, Tag{});
            }
        }));
        EXPECT_OK(sched_context_unbind(handler.sched_context()));
        ASSERT_TRUE(t.create(server, {.priority = kServerPriority, .fault_endpoint = faults}));
        EXPECT_OK(server.start([&] {
            recv(endpoint, reply_object);
            for (;;) {
                asm volatile("udf #0" ::: "memory");
                ++answered;
                reply_recv(endpoint, reply_object, Tag{});
            }
        }));
        EXPECT_OK(sched_context_unbind(server.sched_context()));
        ASSERT_TRUE(t.create(client, {.priority = kAboveMain}));
        EXPECT_OK(client.start([&] { call(endpoint, Tag{}); }));
        EXPECT_EQ(handled, 1u);
        EXPECT_FALSE(is_passive(t, handler));
        if (suspend_client) {
            EXPECT_OK(tcb_suspend(client.tcb()));
        }
        signal(gate);
        EXPECT_EQ(answered, 1u);
        EXPECT_TRUE(is_passive(t, handler));
        EXPECT_EQ(is_passive(t, server), !suspend_client);
        EXPECT_EQ(client.finished(), !suspend_client);
    }
}

KOS_TEST(donation_timeout_handler_lends_another_context) {
    // The client's budget ends in a passive server. The handler takes that context away and gives the server another,
    // so that it can finish; the client continues when its own budget is back.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr timeouts = t.make(seL4_EndpointObject);
    CPtr timeout_reply = t.make(seL4_ReplyObject);
    CPtr spare = make_context(t);
    Thread server;
    Thread client;
    Shared<Word> stop;
    Shared<Word> answers;
    ASSERT_TRUE(t.create(server, {.priority = kServerPriority}));
    EXPECT_OK(tcb_set_timeout_endpoint(server.tcb(), timeouts));
    EXPECT_OK(server.start([&] {
        recv(endpoint, reply_object);
        for (;;) {
            while (stop.get() == 0) {
            }
            answers.add(1);
            reply_recv(endpoint, reply_object, Tag::make(9, 0));
        }
    }));
    EXPECT_OK(sched_context_unbind(server.sched_context()));
    ASSERT_TRUE(
        t.create(client, {.priority = kAboveMain, .budget = {.budget_us = 2000, .period_us = 100000, .badge = 0x77}}));
    Word answer = 0;
    EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}).label(); }));
    Message fault = recv(timeouts, timeout_reply);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
    EXPECT_EQ(fault.words[seL4_Timeout_Data], 0x77u);
    stop.set(1);
    EXPECT_OK(sched_context_unbind_object(client.sched_context(), server.tcb()));
    EXPECT_OK(sched_context_bind(spare, server.tcb()));
    EXPECT_EQ(answers.get(), 0u);  // it waits for the answer to its fault
    reply(timeout_reply, Tag{});
    EXPECT_EQ(answers.get(), 1u);
    EXPECT_FALSE(is_passive(t, server));
    EXPECT_ERROR(sched_context_bind(client.sched_context(), t.make(seL4_TCBObject)), seL4_IllegalOperation);
    client.join();
    EXPECT_EQ(answer, 9u);
    EXPECT_OK(sched_context_unbind_object(spare, server.tcb()));
}

KOS_TEST(donation_timeout_handler_answers_the_client) {
    // Or the handler answers in the server's place: the client has its context again, the server's fault remains.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    CPtr timeouts = t.make(seL4_EndpointObject);
    CPtr timeout_reply = t.make(seL4_ReplyObject);
    Thread server;
    Thread client;
    Shared<Word> stop;
    Shared<Word> answers;
    ASSERT_TRUE(t.create(server, {.priority = kServerPriority}));
    EXPECT_OK(tcb_set_timeout_endpoint(server.tcb(), timeouts));
    EXPECT_OK(server.start([&] {
        recv(endpoint, reply_object);
        for (;;) {
            while (stop.get() == 0) {
            }
            answers.add(1);
            reply_recv(endpoint, reply_object, Tag::make(9, 0));
        }
    }));
    EXPECT_OK(sched_context_unbind(server.sched_context()));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain, .budget = {.budget_us = 2000, .period_us = 100000}}));
    Word answer = 0;
    EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}).label(); }));
    EXPECT_EQ(recv(timeouts, timeout_reply).label(), Word{seL4_Fault_Timeout});
    stop.set(1);
    reply(reply_object, Tag::make(13, 0));
    client.join();
    EXPECT_EQ(answer, 13u);
    reply(timeout_reply, Tag{});
    EXPECT_EQ(answers.get(), 0u);
    EXPECT_OK(sched_context_bind(make_context(t), server.tcb()));
    EXPECT_EQ(answers.get(), 1u);
}
