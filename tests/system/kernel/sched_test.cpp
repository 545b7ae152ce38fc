// Scheduling in time: priorities, round robin, budgets and periods, yield, consumed time, yield-to.
//
// Times are taken from the counter, which goes on while the host does other things, and timer interrupts come late
// when the host is busy. So bounds are wide, many samples are judged together, and a spoiled attempt is repeated. That
// a thread was away is seen by what others did meanwhile, not by time.
#include "support.h"

namespace {

constexpr CPtr kSelf = seL4_CapInitThreadTCB;

// What a thread used, against what its budget allows in that time.
bool is_fair_share(Word consumed_us, Word elapsed_us, Word budget_us, Word period_us) {
    Word expected = elapsed_us * budget_us / period_us;
    bool fair = consumed_us <= expected * 3 / 2 + budget_us && consumed_us >= expected / 3;
    if (!fair) {
        print("consumed {} us of {}, allowed {}\n", consumed_us, elapsed_us, expected);
    }
    return fair;
}

}  // namespace

KOS_TEST(sched_highest_priority_runs) {
    constexpr Word kThreads = 8;
    Thread threads[kThreads];
    Shared<Word> position;
    Word order[kThreads] = {};
    // Made ready from the lowest up, all below the test.
    for (Word i = 0; i < kThreads; ++i) {
        ASSERT_TRUE(t.create(threads[i], {.priority = 20 + i * 3}));
        EXPECT_OK(threads[i].start([&, i] { order[position.add(1) - 1] = i; }));
    }
    EXPECT_EQ(position.get(), 0u);
    EXPECT_OK(tcb_set_priority(kSelf, kSelf, 10));
    EXPECT_OK(tcb_set_priority(kSelf, kSelf, kMainPriority));
    for (Word i = 0; i < kThreads; ++i) {
        EXPECT_EQ(order[i], kThreads - 1 - i);
    }
}

// The ways in which a thread becomes ready.
enum class Wake { kResume, kSignal, kMessage, kReply, kReceive };

KOS_TEST(sched_order_of_threads_made_ready) {
    // At the priority of the running thread: behind the others. Below it: in front of them.
    constexpr Word kThreads = 4;
    for (Wake wake : {Wake::kResume, Wake::kSignal, Wake::kMessage, Wake::kReply, Wake::kReceive}) {
        for (bool below : {false, true}) {
            CPtr notification = t.make(seL4_NotificationObject);
            CPtr endpoints = t.make_many(seL4_EndpointObject, 0, kThreads);
            CPtr replies = t.make_many(seL4_ReplyObject, 0, kThreads);
            Thread threads[kThreads];
            Shared<Word> position;
            Word order[kThreads] = {99, 99, 99, 99};
            for (Word i = 0; i < kThreads; ++i) {
                ASSERT_TRUE(t.create(threads[i], {.priority = kAboveMain}));
                auto body = [&, i] {
                    switch (wake) {
                        case Wake::kResume: break;
                        case Wake::kSignal: wait(notification); break;
                        case Wake::kMessage: wait(endpoints + i); break;
                        case Wake::kReply: call(endpoints + i, Tag{}); break;
                        case Wake::kReceive: send(endpoints + i, Tag{}); break;
                    }
                    order[position.add(1) - 1] = i;
                };
                EXPECT_OK(wake == Wake::kResume ? threads[i].prepare(body) : threads[i].start(body));
                if (wake == Wake::kReply) {
                    recv(endpoints + i, replies + i);
                }
            }
            for (Thread& thread : threads) {
                EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, below ? kBelowMain : kMainPriority));
            }
            for (Word i = 0; i < kThreads; ++i) {
                switch (wake) {
                    case Wake::kResume: EXPECT_OK(tcb_resume(threads[i].tcb())); break;
                    case Wake::kSignal: signal(notification); break;
                    case Wake::kMessage: nb_send(endpoints + i, Tag{}); break;
                    case Wake::kReply: reply(replies + i, Tag{}); break;
                    case Wake::kReceive: nb_wait(endpoints + i); break;
                }
            }
            EXPECT_OK(tcb_set_priority(kSelf, kSelf, 10));
            EXPECT_OK(tcb_set_priority(kSelf, kSelf, kMainPriority));
            for (Word i = 0; i < kThreads; ++i) {
                EXPECT_EQ(order[i], below ? kThreads - 1 - i : i);
            }
        }
    }
}

KOS_TEST(sched_order_after_a_change_of_context) {
    // Of three threads that are ready, the second is given its context anew, which puts it in front, or other
    // parameters for its context, or a context without parameters and then some: as if it became ready only now.
    enum Way { kRoundRobin, kPeriodic, kBind, kFirstParameters };
    constexpr Word kMiddle = 1;
    for (Way way : {kRoundRobin, kPeriodic, kBind, kFirstParameters}) {
        for (bool below : {false, true}) {
            Thread threads[3];
            Shared<Word> position;
            Word order[3] = {99, 99, 99};
            CPtr unconfigured = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
            for (Word i = 0; i < 3; ++i) {
                ASSERT_TRUE(t.create(threads[i], {.priority = below ? kBelowMain : kMainPriority}));
                EXPECT_OK(threads[i].start([&, i] { order[position.add(1) - 1] = i; }));
            }
            CPtr context = threads[kMiddle].sched_context();
            switch (way) {
                case kRoundRobin:
                    EXPECT_OK(sched_control_configure(t.sched_control(), context,
                                                      {.budget_us = 150000, .period_us = 150000}));
                    break;
                case kPeriodic:
                    EXPECT_OK(sched_control_configure(t.sched_control(), context,
                                                      {.budget_us = 150000, .period_us = 250000}));
                    break;
                case kBind:
                    EXPECT_OK(sched_context_unbind(context));
                    EXPECT_OK(sched_context_bind(context, threads[kMiddle].tcb()));
                    break;
                case kFirstParameters:
                    EXPECT_OK(sched_context_unbind(context));
                    EXPECT_OK(sched_context_bind(unconfigured, threads[kMiddle].tcb()));
                    EXPECT_OK(sched_control_configure(t.sched_control(), unconfigured,
                                                      {.budget_us = 150000, .period_us = 150000}));
                    break;
            }
            for (Thread& thread : threads) {
                thread.join();
            }
            // Without that: 0 1 2 at the priority of the running thread, 2 1 0 below.
            const bool first = below || way == kBind;
            const Word others[2] = {below ? Word{2} : Word{0}, below ? Word{0} : Word{2}};
            const Word expected[3] = {first ? kMiddle : others[0], first ? others[0] : others[1],
                                      first ? others[1] : kMiddle};
            for (Word i = 0; i < 3; ++i) {
                EXPECT_EQ(order[i], expected[i]);
            }
        }
    }
}

KOS_TEST(sched_order_after_a_change_of_priority) {
    // A ready thread whose priority is set goes to the front of its new queue.
    for (Word priority : {kBelowMain, kMainPriority}) {
        Thread threads[3];
        Shared<Word> position;
        Word order[3] = {};
        for (Word i = 0; i < 3; ++i) {
            ASSERT_TRUE(t.create(threads[i], {.priority = 50 + i}));
            EXPECT_OK(threads[i].start([&, i] { order[position.add(1) - 1] = i; }));
        }
        for (Thread& thread : threads) {
            EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, priority));
        }
        EXPECT_OK(tcb_set_priority(kSelf, kSelf, 10));
        EXPECT_OK(tcb_set_priority(kSelf, kSelf, kMainPriority));
        for (Word i = 0; i < 3; ++i) {
            EXPECT_EQ(order[i], 2 - i);
        }
    }
}

KOS_TEST(sched_every_priority_works) {
    // One thread at each priority that is below the test, and each runs exactly when nothing above it is ready.
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = 0}));
    for (Word priority = 0; priority < 256; ++priority) {
        EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, priority));
        ran.set(0);
        EXPECT_OK(thread.start([&] { ran.set(1); }));
        EXPECT_EQ(ran.get(), priority > kMainPriority ? 1u : 0u);
        EXPECT_OK(tcb_suspend(thread.tcb()));
    }
}

KOS_TEST(sched_yield_at_equal_priority_takes_turns) {
    Thread threads[3];
    Shared<Word> step;
    Word first[3] = {};
    Word second[3] = {};
    for (Word i = 0; i < 3; ++i) {
        ASSERT_TRUE(t.create(threads[i], {.priority = kMainPriority}));
        EXPECT_OK(threads[i].start([&, i] {
            first[i] = step.add(1);
            yield();
            second[i] = step.add(1);
        }));
    }
    yield();
    yield();
    for (Word i = 0; i < 3; ++i) {
        EXPECT_EQ(first[i], i + 1);
        EXPECT_EQ(second[i], i + 4);
    }
}

KOS_TEST(sched_round_robin_shares_the_processor) {
    // Two threads that never stop, with budget = period: each gets about half, in many turns.
    constexpr Word kSlices = 100;
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word slice_us = 2000 * scale;
        const Word window_us = kSlices * slice_us;
        Thread threads[2];
        Shared<Word> counts[2];
        Word turns[2] = {};
        uint64_t end = now_us() + window_us;
        for (Word i = 0; i < 2; ++i) {
            t.create(threads[i], {.priority = kBelowMain, .budget = {.budget_us = slice_us, .period_us = slice_us}});
            EXPECT_OK(threads[i].start([&, i] {
                Word seen = 0;
                while (now_us() < end) {
                    counts[i].add(1);
                    Word other = counts[1 - i].get();
                    turns[i] += other != seen ? 1 : 0;
                    seen = other;
                }
            }));
        }
        for (Thread& thread : threads) {
            thread.join();
        }
        Word elapsed = now_us() - end + window_us;
        for (Word i = 0; i < 2; ++i) {
            // More turns than slices is wrong in any case.
            EXPECT_LE(turns[i], elapsed / slice_us + 1);
            if (counts[i].get() < counts[1 - i].get() / 3 || turns[i] < kSlices / 10) {
                return false;
            }
        }
        return true;
    }));
}

KOS_TEST(sched_budget_is_a_share_of_the_period) {
    // 2 of 10 ms at a high priority, against a thread below that takes the rest.
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word budget_us = 2000 * scale;
        const Word period_us = 10000 * scale;
        Thread thread;
        Shared<Word> count;
        t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = budget_us, .period_us = period_us}});
        EXPECT_OK(thread.start([&] {
            for (;;) {
                count.add(1);
            }
        }));
        EXPECT_OK(sched_context_consumed(thread.sched_context()));
        uint64_t begin = now_us();
        spin_us(40 * period_us);
        Word consumed = sched_context_consumed(thread.sched_context()).word(0);
        return is_fair_share(consumed, now_us() - begin, budget_us, period_us);
    }));
}

KOS_TEST(sched_period_of_a_yielding_thread) {
    // Yield gives up the rest of the budget: the thread runs once a period.
    constexpr size_t kSamples = 15;
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word period_us = 4000 * scale;
        Thread thread;
        uint64_t times[kSamples + 1] = {};
        t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = 500, .period_us = period_us}});
        EXPECT_OK(thread.start([&] {
            for (uint64_t& time : times) {
                yield();
                time = now_us();
            }
        }));
        thread.join();
        uint64_t gaps[kSamples];
        for (size_t i = 0; i < kSamples; ++i) {
            gaps[i] = times[i + 1] - times[i];
        }
        return mostly_within(gaps, period_us * 3 / 4, period_us * 3 / 2);
    }));
}

KOS_TEST(sched_budget_ends_a_run) {
    // Without yield, each run is as long as the budget and begins one period after the last.
    constexpr size_t kSamples = 9;
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word budget_us = 2000 * scale;
        const Word period_us = 8000 * scale;
        Thread thread;
        uint64_t lengths[kSamples] = {};
        uint64_t distances[kSamples] = {};
        Shared<Word> below;
        t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = budget_us, .period_us = period_us}});
        EXPECT_OK(thread.start([&] {
            uint64_t begin = now_us();
            uint64_t last = begin;
            Word seen = 0;
            for (size_t run = 0; run < kSamples;) {
                Word others = below.get();
                // After the look: a time taken before it may lie on the other side of the gap.
                uint64_t now = now_us();
                if (others != seen) {
                    lengths[run] = last - begin;
                    distances[run] = now - begin;
                    begin = now;
                    seen = others;
                    ++run;
                    last = now;
                } else if (below.get() == seen) {
                    last = now;
                }
            }
        }));
        while (!thread.finished()) {
            below.add(1);
        }
        return mostly_within(lengths, budget_us * 3 / 4, budget_us * 3 / 2) &&
               mostly_within(distances, period_us * 3 / 4, period_us * 3 / 2);
    }));
}

KOS_TEST(sched_lower_thread_runs_when_the_budget_is_used_up) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = 1000, .period_us = 500000}}));
    EXPECT_OK(thread.start([] {
        for (;;) {
        }
    }));
    // If this line is reached, the high one was stopped: with budget = period it would never be.
    EXPECT_FALSE(thread.finished());
}

KOS_TEST(sched_sleeping_thread_keeps_its_budget) {
    // Waiting costs nothing: a thread that blocked for longer than its period has its whole budget, and not more.
    CPtr notification = t.make(seL4_NotificationObject);
    EXPECT_TRUE(eventually([&](Word scale) {
        const Word budget_us = 4000 * scale;
        const Word period_us = 40000 * scale;
        uint64_t lengths[6] = {};
        for (uint64_t& length : lengths) {
            Thread thread;
            Shared<Word> below;
            t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = budget_us, .period_us = period_us}});
            EXPECT_OK(thread.start([&] {
                wait(notification);
                uint64_t begin = now_us();
                for (;;) {
                    uint64_t now = now_us();  // before the question: nobody below ran up to here
                    if (below.get() != 0) {
                        break;
                    }
                    length = now - begin;
                }
            }));
            spin_us(period_us + period_us / 2);
            signal(notification);
            while (!thread.finished()) {
                below.add(1);
            }
        }
        return mostly_within(lengths, budget_us * 3 / 4, budget_us * 3 / 2);
    }));
}

KOS_TEST(sched_consumed_counts_and_resets) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain}));
    EXPECT_EQ(sched_context_consumed(thread.sched_context()).word(0), 0u);
    EXPECT_OK(thread.start([] { spin_us(3000); }));
    Result answer = sched_context_consumed(thread.sched_context());
    EXPECT_OK(answer);
    EXPECT_EQ(answer.message.length(), 1u);
    EXPECT_GE(answer.word(0), 2000u);
    EXPECT_EQ(sched_context_consumed(thread.sched_context()).word(0), 0u);
    // Its own: what was charged, so not what it used since it was last switched to.
    EXPECT_OK(sched_context_consumed(seL4_CapInitThreadSC));
    spin_us(3000);
    yield();
    EXPECT_GE(sched_context_consumed(seL4_CapInitThreadSC).word(0), 2000u);
}

KOS_TEST(sched_unconfigured_context_never_runs) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .passive = true}));
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    EXPECT_OK(sched_context_bind(context, thread.tcb()));
    EXPECT_OK(thread.start([] {}));
    EXPECT_FALSE(thread.finished());
    EXPECT_OK(sched_control_configure(t.sched_control(), context, {.budget_us = 1000, .period_us = 1000}));
    EXPECT_TRUE(thread.finished());
}

KOS_TEST(sched_reconfigure_a_running_context) {
    // From nearly nothing to everything.
    Thread thread;
    Shared<Word> stop;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain, .budget = {.budget_us = 100, .period_us = 1000000}}));
    EXPECT_OK(thread.start([&] {
        while (stop.get() == 0) {
        }
    }));
    EXPECT_FALSE(thread.finished());
    stop.set(1);
    EXPECT_FALSE(thread.finished());  // no budget for a second
    EXPECT_OK(
        sched_control_configure(t.sched_control(), thread.sched_context(), {.budget_us = 5000, .period_us = 5000}));
    EXPECT_TRUE(thread.finished());
}

KOS_TEST(sched_reconfigure_to_less) {
    Thread thread;
    Shared<Word> count;
    ASSERT_TRUE(t.create(thread, {.priority = kMainPriority}));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            count.add(1);
        }
    }));
    yield();
    EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, kBelowMain));
    EXPECT_OK(
        sched_control_configure(t.sched_control(), thread.sched_context(), {.budget_us = 1000, .period_us = 1000000}));
    EXPECT_OK(tcb_set_priority(thread.tcb(), kSelf, kAboveMain));
    // Reached although it is above the test and never stops.
    Word before = count.get();
    EXPECT_GT(before, 0u);
}

KOS_TEST(sched_yield_to_equal_priority) {
    Thread thread;
    Shared<Word> ran;
    CPtr notification = t.make(seL4_NotificationObject);
    ASSERT_TRUE(t.create(thread, {.priority = kMainPriority}));
    EXPECT_OK(thread.start([&] {
        ran.add(1);
        wait(notification);
        ran.add(1);
    }));
    EXPECT_EQ(ran.get(), 0u);
    Result answer = sched_context_yield_to(thread.sched_context());
    EXPECT_OK(answer);
    EXPECT_EQ(answer.message.length(), 1u);
    EXPECT_EQ(ran.get(), 1u);
    // Blocked now: comes back at once.
    EXPECT_OK(sched_context_yield_to(thread.sched_context()));
    EXPECT_EQ(ran.get(), 1u);
}

KOS_TEST(sched_yield_to_lower_priority_returns_at_once) {
    Thread thread;
    Shared<Word> ran;
    ASSERT_TRUE(t.create(thread, {.priority = kBelowMain}));
    EXPECT_OK(thread.start([&] { ran.add(1); }));
    EXPECT_OK(sched_context_yield_to(thread.sched_context()));
    EXPECT_EQ(ran.get(), 0u);
}

KOS_TEST(sched_yield_to_puts_the_target_first) {
    // Of three threads of the test's priority the last is asked for.
    Thread threads[3];
    Shared<Word> position;
    Word order[3] = {};
    for (Word i = 0; i < 3; ++i) {
        ASSERT_TRUE(t.create(threads[i], {.priority = kMainPriority}));
        EXPECT_OK(threads[i].start([&, i] { order[i] = position.add(1); }));
    }
    EXPECT_OK(sched_context_yield_to(threads[2].sched_context()));
    EXPECT_EQ(order[2], 1u);
}

KOS_TEST(sched_yield_to_answers_the_consumed_time) {
    Thread thread;
    ASSERT_TRUE(t.create(thread, {.priority = kMainPriority}));
    EXPECT_OK(thread.start([] { spin_us(2000); }));
    Result answer = sched_context_yield_to(thread.sched_context());
    EXPECT_OK(answer);
    EXPECT_GE(answer.word(0), 1000u);
}

KOS_TEST(sched_sporadic_refills) {
    // A thread that runs in short pieces; with room for refills it gets its whole budget in each period, and never
    // more in the long run.
    for (Word flags : {Word{seL4_SchedContext_NoFlag}, Word{seL4_SchedContext_Sporadic}}) {
        EXPECT_TRUE(eventually([&](Word scale) {
            const Word budget_us = 4000 * scale;
            const Word period_us = 20000 * scale;
            CPtr notification = t.make(seL4_NotificationObject);
            Thread thread;
            Shared<Word> pieces;
            t.create(thread,
                     {.priority = kAboveMain,
                      .budget = {.budget_us = budget_us, .period_us = period_us, .extra_refills = 8, .flags = flags},
                      .sched_context_bits = 8});
            EXPECT_OK(thread.start([&] {
                for (;;) {
                    wait(notification);
                    spin_us(period_us / 40);
                    pieces.add(1);
                }
            }));
            EXPECT_OK(sched_context_consumed(thread.sched_context()));
            uint64_t begin = now_us();
            while (now_us() < begin + 15 * period_us) {
                signal(notification);
                spin_us(200 * scale);
            }
            Word consumed = sched_context_consumed(thread.sched_context()).word(0);
            EXPECT_GT(pieces.get(), 0u);
            return is_fair_share(consumed, now_us() - begin, budget_us, period_us);
        }));
    }
}

KOS_TEST(sched_many_contexts_at_once) {
    // The queue of those that wait for budget holds many, and serves the earliest first.
    constexpr Word kThreads = 24;
    EXPECT_TRUE(eventually([&](Word scale) {
        Thread threads[kThreads];
        Shared<Word> runs[kThreads];
        auto period = [scale](Word i) { return (2000 + 500 * i) * scale; };
        uint64_t begin = now_us();
        for (Word i = 0; i < kThreads; ++i) {
            t.create(threads[i], {.priority = kAboveMain, .budget = {.budget_us = 50 * scale, .period_us = period(i)}});
            EXPECT_OK(threads[i].start([&, i] {
                for (;;) {
                    runs[i].add(1);
                    yield();
                }
            }));
        }
        spin_us(200000 * scale);
        for (Thread& thread : threads) {
            EXPECT_OK(tcb_suspend(thread.tcb()));
        }
        uint64_t elapsed = now_us() - begin;
        bool all_ran = true;
        for (Word i = 0; i < kThreads; ++i) {
            EXPECT_LE(runs[i].get(), elapsed / period(i) + 3);
            all_ran = all_ran && runs[i].get() > 1;
        }
        return all_ran && runs[0].get() > runs[kThreads - 1].get();
    }));
}
