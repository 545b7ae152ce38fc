// Tests of scheduler.h: ready queues, who runs next, accounting of time, domains.
#include "core/scheduler.h"

#include <algorithm>
#include <list>
#include <map>

#include "core/sched_context.h"
#include "core/thread.h"
#include "testing/kernel_test.h"

namespace keel {
namespace {

using host::machine;
using testing::KernelTest;
using testing::Made;
using testing::Random;

class Scheduler : public KernelTest {
protected:
    void reschedule_now() {
        reschedule(cpu());
        schedule(cpu());
    }
};

TEST_F(Scheduler, NobodyReadyMeansIdle) {
    schedule(cpu());
    EXPECT_EQ(current(), &cpu().idle);
    EXPECT_EQ(cpu().current_sc, nullptr);
    expect_sound();
}

TEST_F(Scheduler, TheHighestPriorityRuns) {
    auto const low = make_thread(3), high = make_thread(200), middle = make_thread(64);
    schedule(cpu());
    EXPECT_EQ(current(), high.get());
    suspend(*high);
    schedule(cpu());
    EXPECT_EQ(current(), middle.get());
    suspend(*middle);
    schedule(cpu());
    EXPECT_EQ(current(), low.get());
    expect_sound();
}

// Every priority has its bit, also at the edges of the words.
TEST_F(Scheduler, AllPriorities) {
    std::vector<Made<Tcb>> threads;
    for (unsigned priority : {0u, 1u, 63u, 64u, 127u, 128u, 191u, 192u, 254u, 255u})
        threads.push_back(make_thread(priority));
    while (!threads.empty()) {
        schedule(cpu());
        ASSERT_EQ(current(), threads.back().get());
        EXPECT_EQ(highest_ready(cpu(), 0), threads.size() > 1 ? threads[threads.size() - 2]->priority : -1);
        suspend(*threads.back());
        threads.pop_back();
    }
    schedule(cpu());
    EXPECT_EQ(current(), &cpu().idle);
}

TEST_F(Scheduler, ReadyQueuesAgainstAModel) {
    Random random(3);
    std::vector<Made<Tcb>> threads;
    std::map<unsigned, std::list<Tcb*>, std::greater<>> model;
    for (unsigned i = 0; i < 40; ++i) threads.push_back(make_thread(static_cast<unsigned>(random.below(4) * 80)));
    for (auto const& tcb : threads) model[tcb->priority].push_back(tcb.get());
    for (unsigned step = 0; step < 3000; ++step) {
        Tcb& tcb = *random.pick(threads);
        auto& queue = model[tcb.priority];
        if (tcb.in_ready_queue) {
            ready_dequeue(tcb);
            queue.remove(&tcb);
        } else if (random.chance(50)) {
            ready_enqueue_first(tcb);
            queue.push_front(&tcb);
        } else {
            ready_enqueue_last(tcb);
            queue.push_back(&tcb);
        }
        int highest = -1;
        for (auto const& [priority, expected] : model) {
            std::list<Tcb*> actual;
            for (Tcb* at = cpu().ready[0][priority].head; at; at = at->ready_next) actual.push_back(at);
            ASSERT_EQ(actual, expected);
            if (!expected.empty() && highest < 0) highest = static_cast<int>(priority);
        }
        ASSERT_EQ(highest_ready(cpu(), 0), highest);
    }
    expect_sound(false);
}

TEST_F(Scheduler, EnqueueingTwiceIsOnce) {
    auto const tcb = make_thread(5);
    ready_enqueue_first(*tcb);
    ready_enqueue_last(*tcb);
    expect_sound(false);
    ready_dequeue(*tcb);
    ready_dequeue(*tcb);
    EXPECT_EQ(highest_ready(cpu(), 0), -1);
}

TEST_F(Scheduler, AWokenThreadRunsIfItIsHigher) {
    auto const running = make_thread(10);
    schedule(cpu());
    auto const higher = make_passive(11), equal = make_passive(10), lower = make_passive(9);
    for (auto const& tcb : {higher, equal, lower}) {
        bind_thread(*make_context(5000, 0), *tcb);
        tcb->state = ThreadState::kRunning;
    }
    make_ready(*lower);
    schedule(cpu());
    EXPECT_EQ(current(), running.get());
    EXPECT_TRUE(lower->in_ready_queue);
    make_ready(*equal);
    schedule(cpu());
    EXPECT_EQ(current(), running.get());
    EXPECT_TRUE(equal->in_ready_queue);
    make_ready(*higher);
    schedule(cpu());
    EXPECT_EQ(current(), higher.get());
    EXPECT_TRUE(running->in_ready_queue);
    // Whoever was preempted runs before its equals.
    suspend(*higher);
    schedule(cpu());
    EXPECT_EQ(current(), running.get());
    expect_sound();
}

TEST_F(Scheduler, AThreadWokenByOneThatBlocksRunsOnlyIfItIsTheHighest) {
    auto const running = make_thread(20), ready = make_thread(15);
    schedule(cpu());
    auto const woken = make_passive(10);
    bind_thread(*make_context(5000, 0), *woken);
    woken->state = ThreadState::kRunning;
    make_ready(*woken);
    set_state(*running, ThreadState::kInactive);
    schedule(cpu());
    EXPECT_EQ(current(), ready.get());
    expect_sound();
}

TEST_F(Scheduler, TwoWokenThreads) {
    auto const running = make_thread(10);
    schedule(cpu());
    ASSERT_EQ(current(), running.get());
    auto const first = make_passive(12), second = make_passive(14);
    for (auto const& tcb : {first, second}) {
        bind_thread(*make_context(5000, 0), *tcb);
        tcb->state = ThreadState::kRunning;
        make_ready(*tcb);
    }
    schedule(cpu());
    EXPECT_EQ(current(), second.get());
    suspend(*second);
    schedule(cpu());
    EXPECT_EQ(current(), first.get());
    expect_sound();
}

TEST_F(Scheduler, WithoutContextOrBudgetNobodyRuns) {
    auto const passive = make_passive(10);
    resume(*passive);
    schedule(cpu());
    EXPECT_EQ(current(), &cpu().idle);
    auto const sc = make_empty_context();
    bind_thread(*sc, *passive);
    schedule(cpu());
    EXPECT_EQ(current(), &cpu().idle) << "a context that was never configured gives no time";
    expect_sound();
}

// --- Time
// ----------------------------------------------------------------------------------------------------------------

TEST_F(Scheduler, RoundRobinTakesTurns) {
    auto const a = make_thread(10, 1000), b = make_thread(10, 1000), c = make_thread(10, 1000);
    schedule(cpu());
    for (unsigned round = 0; round < 4; ++round) {
        for (auto const& tcb : {a, b, c}) {
            ASSERT_EQ(current(), tcb.get());
            EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(1000));
            pass(400);
            tick();
            ASSERT_EQ(current(), tcb.get()) << "its turn is not over";
            pass(600);
            tick();
        }
    }
    expect_sound();
}

TEST_F(Scheduler, BudgetIsUsedUpAndComesBackAPeriodLater) {
    auto const tcb = make_thread(10, 100, 1000);
    schedule(cpu());
    Ticks const start = machine.time;
    pass(100);
    tick();
    EXPECT_EQ(current(), &cpu().idle);
    EXPECT_TRUE(tcb->in_release_queue);
    EXPECT_EQ(machine.deadline, start + us_to_ticks(1000));
    pass(500);
    tick();
    EXPECT_EQ(current(), &cpu().idle);
    pass(400);
    tick();
    EXPECT_EQ(current(), tcb.get());
    expect_sound();
}

// The kernel's own time is spared: a budget that does not give useful time any more is over.
TEST_F(Scheduler, ARestBelowTheLeastBudgetIsNotUsed) {
    auto const tcb = make_thread(10, 100, 1000);
    schedule(cpu());
    pass(79);
    tick();
    EXPECT_EQ(current(), tcb.get());
    pass(2);
    tick();
    EXPECT_EQ(current(), &cpu().idle);
}

TEST_F(Scheduler, ConsumedTimeIsCharged) {
    auto const tcb = make_thread(10, 1000, 10000);
    auto const other = make_thread(9, 1000, 10000);
    schedule(cpu());
    SchedContext& sc = *tcb->sched_context;
    pass(300);
    tick();
    EXPECT_EQ(cpu().consumed, us_to_ticks(300));
    suspend(*tcb);
    schedule(cpu());
    EXPECT_EQ(current(), other.get());
    EXPECT_EQ(sc.consumed, us_to_ticks(300));
    EXPECT_EQ(refill_head(sc).amount, us_to_ticks(700));
    EXPECT_EQ(take_consumed_us(sc), 300u);
    EXPECT_EQ(take_consumed_us(sc), 0u);
    expect_sound();
}

TEST_F(Scheduler, TheDeadlineIsTheNearestEvent) {
    auto const low = make_thread(10, 5000, 10000);
    auto const high = make_thread(20, 100, 1000);
    schedule(cpu());
    Ticks const start = machine.time;
    pass(100);
    tick();
    ASSERT_EQ(current(), low.get());
    EXPECT_EQ(machine.deadline, start + us_to_ticks(1000)) << "the return of the other's budget";
    pass(900);
    tick();
    EXPECT_EQ(current(), high.get());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(100));
    suspend(*high);
    schedule(cpu());
    EXPECT_EQ(current(), low.get());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(4100)) << "its own budget";
}

// --- Priorities
// ----------------------------------------------------------------------------------------------------------

TEST_F(Scheduler, ChangingPriorities) {
    auto const a = make_thread(10), b = make_thread(9);
    schedule(cpu());
    set_priority(*b, 11);
    schedule(cpu());
    EXPECT_EQ(current(), b.get());
    set_priority(*b, 5);
    schedule(cpu());
    EXPECT_EQ(current(), a.get());
    set_priority(*b, 10);
    schedule(cpu());
    EXPECT_EQ(current(), a.get()) << "equal priority does not preempt";
    set_priority(*a, 10);
    schedule(cpu());
    expect_sound();
    suspend(*a);
    set_priority(*a, 200);
    schedule(cpu());
    EXPECT_EQ(current(), b.get());
    EXPECT_EQ(a->priority, 200);
    expect_sound();
}

TEST_F(Scheduler, APriorityMayChangeWhileBudgetIsAwaited) {
    auto const tcb = make_thread(10, 100, 1000);
    schedule(cpu());
    pass(100);
    tick();
    ASSERT_TRUE(tcb->in_release_queue);
    set_priority(*tcb, 77);
    schedule(cpu());
    expect_sound();
    pass(1000);
    tick();
    EXPECT_EQ(current(), tcb.get());
    EXPECT_EQ(tcb->priority, 77);
    expect_sound();
}

// --- Domains
// -------------------------------------------------------------------------------------------------------------

class Domains : public Scheduler {
protected:
    void set_schedule(std::initializer_list<DomainSlot> entries) {
        unsigned i = 0;
        for (DomainSlot const& entry : entries) kernel.domain_schedule[i++] = entry;
        start_domain_schedule(cpu(), 0);
        reschedule(cpu());
        schedule(cpu());
    }
};

TEST_F(Domains, OnlyThreadsOfTheDomainRun) {
    auto const zero = make_thread(10, 100000), one = make_thread(20, 100000);
    set_domain(*one, 1);
    reschedule_now();
    EXPECT_EQ(current(), zero.get());
    set_schedule({{0, us_to_ticks(1000)}, {1, us_to_ticks(500)}, {0, 0}});
    EXPECT_EQ(current(), zero.get());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(1000));
    pass(1000);
    tick();
    EXPECT_EQ(current(), one.get());
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(500));
    expect_sound();
    pass(500);
    tick();
    EXPECT_EQ(current(), zero.get()) << "an entry without duration ends the schedule";
    expect_sound();
}

TEST_F(Domains, AnEmptyDomainIdles) {
    auto const zero = make_thread(10, 100000);
    set_schedule({{3, us_to_ticks(1000)}, {0, us_to_ticks(1000)}, {0, 0}});
    EXPECT_EQ(current(), &cpu().idle);
    EXPECT_EQ(machine.deadline, machine.time + us_to_ticks(1000));
    pass(1000);
    tick();
    EXPECT_EQ(current(), zero.get());
    pass(1000);
    tick();
    EXPECT_EQ(current(), &cpu().idle);
    expect_sound();
}

TEST_F(Domains, AWokenThreadOfAnotherDomainWaitsForIt) {
    auto const zero = make_thread(10, 100000), one = make_thread(20, 100000);
    suspend(*one);
    set_domain(*one, 1);
    reschedule_now();
    resume(*one);
    schedule(cpu());
    EXPECT_EQ(current(), zero.get());
    EXPECT_TRUE(one->in_ready_queue);
    expect_sound();
}

TEST_F(Domains, TheRunningThreadCanBeSentAway) {
    auto const a = make_thread(20, 100000), b = make_thread(10, 100000);
    schedule(cpu());
    ASSERT_EQ(current(), a.get());
    set_domain(*a, 2);
    schedule(cpu());
    EXPECT_EQ(current(), b.get());
    expect_sound();
    set_domain(*a, 0);
    reschedule_now();
    EXPECT_EQ(current(), a.get());
    expect_sound();
}

// Random life of threads; whenever the scheduler has run, the highest ready thread of the domain is running.
TEST_F(Scheduler, MoreWakesThanInterruptsMayWaitFor) {
    constexpr unsigned kThreads = 150;
    std::vector<Tcb*> waiting;
    for (unsigned i = 0; i < kThreads; ++i) {
        waiting.push_back(make_thread(5, 1000, 10000).get());
        refill_head(*waiting.back()->sched_context).time += us_to_ticks(3000);
        postpone(*waiting.back()->sched_context);
    }
    auto const left = [&] {
        return std::count_if(waiting.begin(), waiting.end(), [](Tcb* tcb) { return tcb->in_release_queue; });
    };
    reschedule_now();
    pass(3000);
    long before = left();
    ASSERT_EQ(before, kThreads);
    while (before > 0) {
        tick();
        EXPECT_LT(left(), before);
        EXPECT_LE(before - left(), 64) << "at one go";
        before = left();
        // The interrupt comes again at once for the rest.
        if (before > 0) {
            EXPECT_LE(machine.deadline, machine.time);
        }
        expect_sound();
    }
}

TEST_F(Scheduler, RandomLife) {
    Random random(11);
    std::vector<Made<Tcb>> threads;
    for (unsigned i = 0; i < 12; ++i)
        threads.push_back(make_thread(static_cast<unsigned>(random.below(4)), 200 + random.below(2000),
                                      random.chance(40) ? 0 : 3000 + random.below(3000)));
    schedule(cpu());
    for (unsigned step = 0; step < 4000; ++step) {
        Tcb& tcb = *random.pick(threads);
        switch (random.below(8)) {
            case 0: suspend(tcb); break;
            case 1:
            case 2: resume(tcb); break;
            case 3: set_priority(tcb, static_cast<uint8_t>(random.below(4))); break;
            case 4:
                // A thread that comes into the running domain waits for the next decision.
                set_domain(tcb, static_cast<unsigned>(random.below(2)));
                reschedule(cpu());
                break;
            default:
                pass(random.below(500));
                tick();
                break;
        }
        schedule(cpu());
        expect_sound();
        ASSERT_FALSE(HasFailure()) << "step " << step;
        int const ready = highest_ready(cpu(), cpu().domain);
        ASSERT_GE(current() == &cpu().idle ? -1 : current()->priority, ready) << "step " << step;
        ASSERT_LE(machine.time - us_to_ticks(1000), machine.deadline) << "step " << step;
    }
}

}  // namespace
}  // namespace keel
