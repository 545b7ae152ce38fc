// Tests of replenishments (sched_context.h): what comes back when, and that no window of a period ever gives more than
// the budget.
#include <deque>

#include "core/abi.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/kernel_test.h"

namespace keel {

bool operator==(const Refill& a, const Refill& b) { return a.time == b.time && a.amount == b.amount; }
std::ostream& operator<<(std::ostream& out, const Refill& refill) { return out << refill.time << '+' << refill.amount; }

namespace {

using host::machine;
using testing::KernelTest;
using testing::Made;
using testing::Random;

// Ticks of so many microseconds.
constexpr Ticks us(Word n) { return n * 125 / 2; }

class Refills : public KernelTest {
protected:
    void SetUp() override {
        sc_ = make_empty_context(9).get();  // room for 26
        machine.time = kNow;
        cpu().now = kNow;
    }
    void reset(Word budget, Word period, unsigned max_refills = 10) {
        refill_reset(*sc_, us(budget), period == budget ? 0 : us(period), max_refills, kNow);
    }
    std::vector<Refill> list() {
        std::vector<Refill> result;
        for (unsigned i = 0; i < sc_->refill_count; ++i)
            result.push_back(sc_->refills()[(sc_->refill_head + i) % sc_->refill_max]);
        return result;
    }
    void expect_whole() {
        Ticks sum = 0;
        Ticks last = 0;
        for (Refill const& refill : list()) {
            sum += refill.amount;
            EXPECT_GE(refill.time, last);
            last = refill.time;
        }
        EXPECT_EQ(sum, sc_->budget);
        EXPECT_LE(sc_->refill_count, sc_->refill_max);
    }

    static constexpr Ticks kNow = us(1'000'000);
    SchedContext* sc_;
};

using List = std::vector<Refill>;

TEST_F(Refills, AFreshContextHasItsWholeBudgetNow) {
    reset(100, 1000);
    EXPECT_EQ(list(), (List{{kNow, us(100)}}));
    EXPECT_TRUE(refill_ready(*sc_, kNow));
    EXPECT_TRUE(refill_sufficient(*sc_, us(80)));
    EXPECT_FALSE(refill_sufficient(*sc_, us(80) + 1)) << "less than the least budget is no use";
    EXPECT_FALSE(refill_sufficient(*sc_, us(101)));
}

TEST_F(Refills, ReadyALittleBeforeTheTime) {
    reset(100, 1000);
    EXPECT_TRUE(refill_ready(*sc_, kNow - us(kKernelWcetUs)));
    EXPECT_FALSE(refill_ready(*sc_, kNow - us(kKernelWcetUs) - 1));
}

TEST_F(Refills, APartReturnsAPeriodAfterItBecameAvailable) {
    reset(100, 1000);
    refill_charge(*sc_, us(30));
    EXPECT_EQ(list(), (List{{kNow + us(30), us(70)}, {kNow + us(1000), us(30)}}));
    refill_unblock(*sc_, kNow + us(200));
    refill_charge(*sc_, us(20));
    EXPECT_EQ(list(), (List{{kNow + us(220), us(50)}, {kNow + us(1000), us(30)}, {kNow + us(1200), us(20)}}));
    expect_whole();
}

TEST_F(Refills, TheWholeBudget) {
    reset(100, 1000);
    refill_charge(*sc_, us(100));
    EXPECT_EQ(list(), (List{{kNow + us(1000), us(100)}}));
    reset(100, 1000);
    refill_charge(*sc_, us(30));
    refill_charge(*sc_, us(70));
    EXPECT_EQ(list(), (List{{kNow + us(1000), us(100)}})) << "what touches is one";
}

TEST_F(Refills, ARestTooSmallWaitsForTheNext) {
    reset(100, 1000);
    refill_charge(*sc_, us(90));
    // The ten join what returns, early enough to be used up when that may begin.
    EXPECT_EQ(list(), (List{{kNow + us(990), us(100)}}));
    expect_whole();
}

TEST_F(Refills, OverrunIsPaidBack) {
    reset(100, 1000);
    refill_charge(*sc_, us(150));
    EXPECT_GE(refill_head(*sc_).time, kNow + us(1000) + us(50) - us(1));
    expect_whole();
    reset(100, 1000);
    refill_charge(*sc_, us(1'000'000'000));
    expect_whole();
    EXPECT_GE(refill_head(*sc_).time, kNow + us(1000));
}

TEST_F(Refills, WithoutRoomTimeComesLaterNotEarlier) {
    reset(100, 1000, 2);
    refill_charge(*sc_, us(30));
    refill_unblock(*sc_, kNow + us(200));
    refill_charge(*sc_, us(20));
    // Both parts in the one refill that is left: the first of them waits for the second.
    EXPECT_EQ(list(), (List{{kNow + us(220), us(50)}, {kNow + us(1200) - us(30), us(50)}}));
    expect_whole();
}

TEST_F(Refills, WhatWasNotUsedInTimeIsNotSaved) {
    reset(100, 1000);
    refill_charge(*sc_, us(30));
    refill_unblock(*sc_, kNow + us(5000));
    EXPECT_EQ(list(), (List{{kNow + us(5000), us(100)}}));
}

TEST_F(Refills, UnblockJoinsOnlyWhatTouches) {
    reset(100, 1000);
    refill_charge(*sc_, us(30));
    refill_unblock(*sc_, kNow + us(920));
    EXPECT_EQ(list(), (List{{kNow + us(920), us(70)}, {kNow + us(1000), us(30)}}));
    refill_unblock(*sc_, kNow + us(930));
    EXPECT_EQ(list(), (List{{kNow + us(930), us(100)}})) << "by the time the 70 are used up the 30 are there";
}

TEST_F(Refills, UnblockDoesNothingBeforeTheTime) {
    reset(100, 1000);
    refill_charge(*sc_, us(100));
    List const before = list();
    refill_unblock(*sc_, kNow + us(500));
    EXPECT_EQ(list(), before);
}

TEST_F(Refills, RoundRobin) {
    reset(100, 100);
    EXPECT_EQ(sc_->period, 0u);
    EXPECT_EQ(refill_head(*sc_).amount, us(100));
    refill_charge(*sc_, us(30));
    EXPECT_EQ(refill_head(*sc_).amount, us(70));
    expect_whole();
    refill_charge(*sc_, us(500));
    EXPECT_EQ(refill_head(*sc_).amount, 0u);
    expect_whole();
    refill_end_turn(*sc_);
    EXPECT_EQ(refill_head(*sc_).amount, us(100));
    EXPECT_TRUE(refill_ready(*sc_, kNow));
    expect_whole();
    refill_unblock(*sc_, kNow + us(5));
    expect_whole();
}

TEST_F(Refills, UpdateKeepsWhatIsOwed) {
    reset(100, 1000);
    refill_charge(*sc_, us(60));
    refill_update(*sc_, us(200), us(2000), 10, kNow + us(60));
    EXPECT_EQ(list(), (List{{kNow + us(60), us(40)}, {kNow + us(2060), us(160)}}));
    // Less than before.
    refill_update(*sc_, us(30), us(500), 10, kNow + us(60));
    EXPECT_EQ(list(), (List{{kNow + us(60), us(30)}}));
    // To round robin and back.
    refill_update(*sc_, us(50), 0, 2, kNow + us(60));
    expect_whole();
    EXPECT_EQ(sc_->period, 0u);
    refill_update(*sc_, us(80), us(400), 3, kNow + us(60));
    expect_whole();
    EXPECT_EQ(refill_head(*sc_).amount, us(50)) << "what round robin had at hand";
}

TEST_F(Refills, UpdateDoesNotBringTimeForward) {
    reset(100, 1000);
    refill_charge(*sc_, us(100));
    refill_update(*sc_, us(50), us(200), 10, kNow + us(100));
    EXPECT_EQ(refill_head(*sc_).time, kNow + us(1000));
    expect_whole();
}

// Every order of the operations keeps the sum and the order of times, for every number of refills.
TEST_F(Refills, RandomOperations) {
    for (unsigned max_refills = 2; max_refills <= 26; max_refills += 3) {
        SCOPED_TRACE(max_refills);
        Random random(max_refills);
        Ticks now = kNow;
        reset(500, 2000, max_refills);
        for (unsigned step = 0; step < 3000; ++step) {
            now += us(random.below(random.chance(10) ? 5000 : 100));
            switch (random.below(12)) {
                case 0: {
                    Word const budget = 20 + random.below(1000);
                    Word const period = random.chance(20) ? budget : budget + random.below(3000);
                    refill_update(*sc_, us(budget), period == budget ? 0 : us(period), max_refills, now);
                    break;
                }
                case 1:
                case 2:
                case 3: refill_unblock(*sc_, now); break;
                case 4:
                    if (sc_->period == 0) refill_end_turn(*sc_);
                    break;
                case 5: refill_charge(*sc_, us(random.below(3000))); break;
                default:
                    if (refill_ready(*sc_, now)) {
                        refill_unblock(*sc_, now);
                        refill_charge(*sc_, random.below(refill_head(*sc_).amount + 1));
                    }
                    break;
            }
            expect_whole();
            // A head that is no use would keep its thread from ever running.
            EXPECT_TRUE(sc_->period == 0 || refill_head(*sc_).amount >= us(kMinBudgetUs));
            ASSERT_FALSE(HasFailure()) << "step " << step;
        }
    }
}

// --- By the scheduler
// ----------------------------------------------------------------------------------------------------

struct Pattern {
    unsigned max_refills;
    bool sporadic;
    bool interference;  // a thread of higher priority comes and goes
    uint64_t seed;
};

class Supply : public KernelTest, public ::testing::WithParamInterface<Pattern> {
protected:
    // Time passes to the next event; it is written down if the thread runs.
    void advance(Ticks limit) {
        Ticks const until_deadline = machine.deadline > machine.time ? machine.deadline - machine.time : 0;
        Ticks const length = std::min(limit, until_deadline);
        if (current() == tcb_) note(machine.time, length);
        pass_ticks(length);
        tick();
    }
    void note(Ticks start, Ticks length) {
        if (length == 0) return;
        used_.push_back({start, length});
        // Oldest use that matters: what lies in the window that ends now.
        while (used_.front().time + used_.front().amount + window_ <= start + length) used_.pop_front();
        Ticks const window_start = start + length - window_;
        Ticks sum = 0;
        for (Refill const& piece : used_) {
            Ticks const end = piece.time + piece.amount;
            sum += end - std::max(piece.time, window_start);
        }
        ASSERT_LE(sum, tcb_->sched_context->budget) << "at " << machine.time;
        total_ += length;
    }

    Tcb* tcb_ = nullptr;
    Ticks window_ = 0;
    Ticks total_ = 0;
    std::deque<Refill> used_;
};

TEST_P(Supply, NoWindowGivesMoreThanTheBudget) {
    Pattern const pattern = GetParam();
    Random random(pattern.seed);
    Word const budget = 100 + random.below(900);
    Word const period = budget + 200 + random.below(3000);
    auto const sc = make_context(budget, period, pattern.max_refills, pattern.sporadic);
    auto const tcb = make_passive(10);
    bind_thread(*sc, *tcb);
    tcb_ = tcb.get();
    auto const other = make_thread(20, 100'000);
    suspend(*other);
    resume(*tcb);
    schedule(cpu());
    // The kernel lets a context run that little earlier (ReadyALittleBeforeTheTime).
    window_ = us(period) - us(kKernelWcetUs);
    Ticks const start = machine.time;
    for (unsigned step = 0; step < 6000; ++step) {
        switch (random.below(6)) {
            case 0:
                suspend(*tcb);
                schedule(cpu());
                break;
            case 1:
                if (pattern.interference) random.chance(50) ? suspend(*other) : resume(*other);
                schedule(cpu());
                break;
            case 2:
            case 3:
                resume(*tcb);
                schedule(cpu());
                break;
            default: advance(us(random.below(random.chance(50) ? 60 : 1500))); break;
        }
        ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    }
    expect_sound();
    // It gets a fair part of what it may have, too.
    EXPECT_GT(total_, (machine.time - start) / us(period) * us(budget) / 8);
}

std::vector<Pattern> patterns() {
    std::vector<Pattern> result;
    for (unsigned max_refills : {2u, 3u, 8u}) {
        for (uint64_t seed = 1; seed <= 4; ++seed) {
            result.push_back({max_refills, false, false, seed});
            result.push_back({max_refills, false, true, seed});
            result.push_back({max_refills, true, false, seed});
        }
    }
    return result;
}

std::string name_of(const ::testing::TestParamInfo<Pattern>& test) {
    Pattern const& p = test.param;
    return std::string(p.sporadic ? "Sporadic" : "ConstantBandwidth") + (p.interference ? "Interrupted" : "") +
           std::to_string(p.max_refills) + "Seed" + std::to_string(p.seed);
}

INSTANTIATE_TEST_SUITE_P(Patterns, Supply, ::testing::ValuesIn(patterns()), name_of);

// A thread that always wants to run gets all of its budget in every period.
TEST_F(Refills, FullUse) {
    auto const tcb = make_thread(10, 300, 1000);
    schedule(cpu());
    Ticks used = 0;
    Ticks const start = machine.time;
    while (machine.time - start < us(100'000)) {
        Ticks const step = std::min<Ticks>(machine.deadline - machine.time, us(37));
        if (current() == tcb.get()) used += step;
        pass_ticks(step);
        tick();
    }
    EXPECT_NEAR(static_cast<double>(used), static_cast<double>(us(100 * 300)), static_cast<double>(us(300)));
}

}  // namespace
}  // namespace keel
