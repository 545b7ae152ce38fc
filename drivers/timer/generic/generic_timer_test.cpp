// The generic timer against a model of its registers (DDI 0487, D11.2.4: the condition and the line), with somebody
// else who writes them.
#include "generic_timer.h"

#include <gtest/gtest.h>

#include <random>

namespace kos::driver {
namespace {

struct FakeTimer {
    uint64_t counter() const { return count; }
    uint64_t compare() const { return compare_value; }
    uint64_t control() const { return control_value | (condition() ? kTimerCondition : 0); }
    void set_compare(uint64_t value) {
        compare_value = value;
        glitches += raised() && count < intended;
    }
    void set_control(uint64_t value) {
        control_value = value & 3;
        glitches += raised() && count < intended;
    }

    bool condition() const { return (control_value & kTimerEnable) != 0 && count >= compare_value; }
    bool raised() const { return condition() && (control_value & kTimerMask) == 0; }

    uint64_t count = 1000, compare_value = 0, control_value = 0;
    uint64_t intended = 0;  // the line must not be raised before, not even between two writes
    unsigned glitches = 0;
};

class GenericTimerTest : public ::testing::Test {
protected:
    GenericTimerTest() {
        registers.control_value = kTimerEnable | kTimerMask;
        timer.reset();
    }
    void arm(uint64_t deadline) {
        registers.intended = deadline;
        timer.arm(deadline);
    }

    FakeTimer registers;
    GenericTimer<FakeTimer> timer{registers};
};

TEST_F(GenericTimerTest, ResetLeavesNoInterrupt) {
    EXPECT_FALSE(registers.raised());
    EXPECT_FALSE(timer.armed());
    EXPECT_FALSE(timer.due());
    EXPECT_EQ(timer.deadline(), UINT64_MAX);
    EXPECT_EQ(timer.check(), TimerTampering::kNone);
    registers.count = UINT64_MAX - 1;
    EXPECT_FALSE(registers.raised());
}

TEST_F(GenericTimerTest, RaisesTheLineAtTheDeadline) {
    arm(1500);
    EXPECT_EQ(timer.check(), TimerTampering::kNone);
    registers.count = 1499;
    EXPECT_FALSE(registers.raised());
    EXPECT_FALSE(timer.due());
    registers.count = 1500;
    EXPECT_TRUE(registers.raised());
    EXPECT_TRUE(timer.due());
    EXPECT_EQ(timer.check(), TimerTampering::kNone) << "the condition flag is no tampering";
    timer.disarm();
    EXPECT_FALSE(registers.raised());
    EXPECT_FALSE(timer.due());
}

TEST_F(GenericTimerTest, ADeadlineInThePastIsDueAtOnce) {
    arm(10);
    EXPECT_TRUE(timer.due());
    EXPECT_TRUE(registers.raised());
}

TEST_F(GenericTimerTest, ReplacingADeadlineRaisesNothingMeanwhile) {
    arm(1100);
    registers.count = 1200;
    ASSERT_TRUE(registers.raised());
    arm(5000);
    EXPECT_EQ(registers.glitches, 0u);
    EXPECT_FALSE(registers.raised());
    EXPECT_FALSE(timer.due());
}

TEST_F(GenericTimerTest, FindsAndUndoesAnAlteredCompareValue) {
    arm(1500);
    registers.compare_value = UINT64_MAX;
    registers.count = 1600;
    EXPECT_TRUE(timer.due()) << "by the counter, whatever the register says";
    EXPECT_EQ(timer.check(), TimerTampering::kCompare);
    EXPECT_TRUE(registers.raised());
    EXPECT_EQ(timer.check(), TimerTampering::kNone);
    EXPECT_EQ(timer.alterations(), 1u);
}

TEST_F(GenericTimerTest, FindsATimerThatWasSwitchedOffOrMasked) {
    for (uint64_t control : {uint64_t{0}, kTimerMask, kTimerEnable | kTimerMask}) {
        arm(1500);
        registers.control_value = control;
        EXPECT_EQ(timer.check(), TimerTampering::kControl);
        EXPECT_EQ(registers.control_value, kTimerEnable);
        EXPECT_EQ(registers.compare_value, 1500u);
    }
    EXPECT_EQ(timer.alterations(), 3u);
}

TEST_F(GenericTimerTest, FindsATimerThatWasSwitchedOn) {
    registers.compare_value = 0;
    registers.control_value = kTimerEnable;
    ASSERT_TRUE(registers.raised());
    EXPECT_FALSE(timer.due());
    EXPECT_EQ(timer.check(), TimerTampering::kControl);
    EXPECT_FALSE(registers.raised()) << "an interrupt nobody asked for would come for ever";
    EXPECT_FALSE(timer.armed());
}

TEST_F(GenericTimerTest, NoDeadlineIsMissedWhateverIsWritten) {
    std::mt19937_64 random(7);
    for (int step = 0; step < 20000; step++) {
        if (!timer.armed()) arm(registers.count + 1 + random() % 1000);
        if (random() % 3 == 0)
            registers.compare_value = random() % 4 == 0 ? random() : registers.count + random() % 500;
        if (random() % 3 == 0) registers.control_value = random() % 4;
        registers.count += random() % 100;
        const bool due = registers.count >= timer.deadline();
        timer.check();
        ASSERT_EQ(registers.raised(), due) << "step " << step;
        ASSERT_EQ(timer.due(), due);
        if (due) timer.disarm();
    }
    EXPECT_GT(timer.alterations(), 1000u);
}

}  // namespace
}  // namespace kos::driver
