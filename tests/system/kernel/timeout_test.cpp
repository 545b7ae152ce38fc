// Timeout faults: who gets them, what they say, and what can be done about them.
#include "stubs.h"

namespace {

constexpr Word kBudgetUs = 3000;
constexpr Word kPeriodUs = 20000;
constexpr Word kContextBadge = 0x5c;
constexpr Word kHandlerBadge = 0x71;

struct TimedThread {
    Thread thread;
    CPtr endpoint = kNullCap;
    CPtr reply_object = kNullCap;
    Shared<Word> count;

    bool start(TestContext& t, Word scale = 1) {
        endpoint = t.make(seL4_EndpointObject);
        reply_object = t.make(seL4_ReplyObject);
        return t.create(thread, {.priority = kAboveMain,
                                 .budget = {.budget_us = kBudgetUs * scale,
                                            .period_us = kPeriodUs * scale,
                                            .badge = kContextBadge}}) &&
               tcb_set_timeout_endpoint(thread.tcb(), t.mint(endpoint, kHandlerBadge)).ok() &&
               thread
                   .start([this] {
                       for (;;) {
                           count.add(1);
                       }
                   })
                   .ok();
    }
};

// Until the thread made progress. A budget that was overdrawn on a busy host comes back in pieces, with a fault each.
void wait_for_progress(TimedThread& timed, Word before) {
    while (timed.count.get() == before) {
        if (nb_recv(timed.endpoint, timed.reply_object).badge != 0) {
            reply(timed.reply_object, Tag{});
        }
    }
}

}  // namespace

KOS_TEST(timeout_fault_message) {
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    MessageCopy fault = nb_recv(timed.endpoint, timed.reply_object);
    EXPECT_EQ(fault.badge, kHandlerBadge);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
    EXPECT_EQ(fault.length(), Word{seL4_Timeout_Length});
    EXPECT_EQ(fault.word(seL4_Timeout_Data), kContextBadge);
    EXPECT_GE(fault.word(seL4_Timeout_Consumed), kBudgetUs * 9 / 10);
    // The thread waits for the answer, whatever its budget.
    Word before = timed.count.get();
    spin_us(2 * kPeriodUs);
    EXPECT_EQ(timed.count.get(), before);
}

KOS_TEST(timeout_fault_reply_continues) {
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    for (int round = 0; round < 3; ++round) {
        Message fault = recv(timed.endpoint, timed.reply_object);
        EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
        EXPECT_EQ(fault.words[0], kContextBadge);
        Word before = timed.count.get();
        reply(timed.reply_object, Tag{});
        wait_for_progress(timed, before);  // when its budget is back
    }
}

KOS_TEST(timeout_fault_consumed_is_the_budget) {
    EXPECT_TRUE(eventually([&](Word scale) {
        TimedThread timed;
        uint64_t samples[9] = {};
        EXPECT_TRUE(timed.start(t, scale));
        for (uint64_t& sample : samples) {
            sample = recv(timed.endpoint, timed.reply_object).words[seL4_Timeout_Consumed];
            reply(timed.reply_object, Tag{});
        }
        return mostly_within(samples, kBudgetUs * scale * 3 / 4, kBudgetUs * scale * 3 / 2);
    }));
}

KOS_TEST(timeout_fault_reply_without_budget) {
    // An answer gives no time: the thread goes on, without another fault, when there is some.
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    EXPECT_OK(tcb_suspend(timed.thread.tcb()));
    EXPECT_EQ(nb_recv(timed.endpoint, timed.reply_object).badge, 0u);
    EXPECT_OK(sched_control_configure(t.sched_control(), timed.thread.sched_context(),
                                      {.budget_us = 500, .period_us = 10000000, .badge = 7}));
    EXPECT_OK(tcb_resume(timed.thread.tcb()));
    Message fault = nb_recv(timed.endpoint, timed.reply_object);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
    EXPECT_EQ(fault.words[0], 7u);
    Word before = timed.count.get();
    reply(timed.reply_object, Tag{});
    EXPECT_EQ(timed.count.get(), before);
    EXPECT_EQ(nb_recv(timed.endpoint, timed.reply_object).badge, 0u);
}

KOS_TEST(timeout_fault_reply_with_a_label_stops) {
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    recv(timed.endpoint, timed.reply_object);
    Word before = timed.count.get();
    reply(timed.reply_object, Tag::make(1, 0));
    spin_us(2 * kPeriodUs);
    EXPECT_EQ(timed.count.get(), before);
    EXPECT_OK(tcb_resume(timed.thread.tcb()));
    wait_for_progress(timed, before);
}

KOS_TEST(timeout_fault_reply_sets_registers) {
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    recv(timed.endpoint, timed.reply_object);
    // In the order of seL4_UserContext, without the thread registers.
    Words registers{{address_of(stub_pattern_loop_at), 0x123450, 0xf0000000, 0x1000}};
    for (Word i = 4; i < seL4_TimeoutReply_Length; ++i) {
        ipc_buffer()->msg[i] = 0x1000 + i;
    }
    reply(timed.reply_object, Tag::make(0, seL4_TimeoutReply_Length), registers);
    seL4_UserContext context{};
    EXPECT_OK(tcb_read_registers(timed.thread.tcb(), Suspend::kYes, seL4_UserContext_Words, context));
    const Word* fields = &context.pc;
    EXPECT_EQ(fields[0], address_of(stub_pattern_loop_at));
    EXPECT_EQ(fields[1], 0x123450u);
    EXPECT_EQ(fields[2], 0xf0000000 | user_spsr());
    EXPECT_EQ(fields[3], 0x1000u);
    for (Word i = 4; i < seL4_TimeoutReply_Length; ++i) {
        EXPECT_EQ(fields[i], 0x1000 + i);
    }
}

KOS_TEST(timeout_fault_consumed_resets) {
    TimedThread timed;
    ASSERT_TRUE(timed.start(t));
    recv(timed.endpoint, timed.reply_object);
    EXPECT_EQ(sched_context_consumed(timed.thread.sched_context()).word(0), 0u);
}

KOS_TEST(timeout_without_a_handler_only_waits) {
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = 1000, .period_us = kPeriodUs}}));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    Word before = count.get();
    while (count.get() == before) {  // goes on at the next period
    }
}

KOS_TEST(timeout_round_robin_context_has_none) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kMainPriority, .budget = {.budget_us = 1000, .period_us = 1000}}));
    EXPECT_OK(tcb_set_timeout_endpoint(thread.tcb(), t.mint(endpoint, 1)));
    EXPECT_OK(thread.start([] {
        for (;;) {
        }
    }));
    for (int i = 0; i < 20; ++i) {
        yield();
    }
    EXPECT_EQ(nb_recv(endpoint, reply_object).badge, 0u);
}

KOS_TEST(timeout_yield_is_none) {
    EXPECT_TRUE(eventually([&](Word scale) {
        CPtr endpoint = t.make(seL4_EndpointObject);
        Thread thread;
        t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = 2000 * scale, .period_us = 4000 * scale}});
        EXPECT_OK(tcb_set_timeout_endpoint(thread.tcb(), t.mint(endpoint, 1)));
        EXPECT_OK(thread.start([&] {
            for (int i = 0; i < 5; ++i) {
                yield();
            }
        }));
        // A busy host may really use up the budget.
        while (!thread.finished()) {
            if (nb_wait(endpoint).badge != 0) {
                return false;
            }
        }
        return true;
    }));
}

KOS_TEST(timeout_of_a_server_on_its_clients_time) {
    // The handler answers the client in the server's place and sets the server back.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr replies = t.make_many(seL4_ReplyObject, 0, 2);
    CPtr timeouts = t.make(seL4_EndpointObject);
    Thread server;
    Thread client;
    MessageCopy answer;
    Shared<Word> hang{1};
    ASSERT_TRUE(t.create(server, {.priority = kAboveMain + 5}));
    EXPECT_OK(tcb_set_timeout_endpoint(server.tcb(), t.mint(timeouts, kHandlerBadge)));
    auto serve = [&] {
        recv(endpoint, replies);
        for (;;) {
            while (hang.get() != 0) {
            }
            reply_recv(endpoint, replies, Tag::make(4, 0));
        }
    };
    EXPECT_OK(server.start(serve));
    EXPECT_OK(sched_context_unbind(server.sched_context()));
    ASSERT_TRUE(t.create(client, {.priority = kAboveMain,
                                  .budget = {.budget_us = kBudgetUs, .period_us = kPeriodUs, .badge = kContextBadge}}));
    EXPECT_OK(client.start([&] { answer = call(endpoint, Tag{}); }));
    MessageCopy fault = recv(timeouts, replies + 1);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_Timeout});
    EXPECT_EQ(fault.badge, kHandlerBadge);
    EXPECT_EQ(fault.word(seL4_Timeout_Data), kContextBadge);  // whose time was used up
    reply(replies, Tag::make(9, 0));
    client.join();
    EXPECT_EQ(answer.label(), 9u);
    // The server starts over and waits for the next client.
    hang.set(0);
    EXPECT_OK(sched_context_bind(server.sched_context(), server.tcb()));
    EXPECT_OK(server.start(serve));
    EXPECT_OK(sched_context_unbind(server.sched_context()));
    EXPECT_EQ(call(endpoint, Tag{}).label(), 4u);
}
