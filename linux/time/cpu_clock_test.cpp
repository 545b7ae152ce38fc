// CPU time: what was charged, and what runs since.
#include "time/cpu_clock.h"

#include <gtest/gtest.h>

using namespace kos::lx;

namespace {

TEST(CpuClock, ShowsWhatWasCharged) {
    CpuClock clock;
    EXPECT_EQ(clock.look(1000, 700, 1001, false), 700);
    EXPECT_EQ(clock.look(2000, 0, 2001, false), 700);
    EXPECT_EQ(clock.look(3000, 300, 3001, false), 1000);
}

TEST(CpuClock, GoesOnWhileNothingIsCharged) {
    CpuClock clock;
    EXPECT_EQ(clock.look(1000, 700, 1010, true), 700);
    EXPECT_EQ(clock.look(1510, 0, 1520, true), 1200);
    EXPECT_EQ(clock.look(2010, 0, 2020, true), 1700);
    // Also for others, on whatever core it runs.
    EXPECT_EQ(clock.look(2510, 0, 2520, false), 2200);
}

TEST(CpuClock, AChargeHasWhatWasAddedInIt) {
    CpuClock clock;
    EXPECT_EQ(clock.look(1000, 0, 1000, true), 0);
    EXPECT_EQ(clock.look(5000, 0, 5000, true), 4000);
    EXPECT_EQ(clock.look(9000, 7500, 9000, true), 7500);
    EXPECT_EQ(clock.look(9400, 0, 9400, true), 7900);
}

// It was left at once, waited, and went on: what it uses then is in the next charge.
TEST(CpuClock, NeverGoesBack) {
    CpuClock clock;
    EXPECT_EQ(clock.look(0, 0, 0, true), 0);
    EXPECT_EQ(clock.look(4000, 0, 4000, true), 4000);
    EXPECT_EQ(clock.look(9000, 3900, 9000, true), 4000);
    EXPECT_EQ(clock.look(9900, 1100, 9900, true), 5000);
}

TEST(CpuClock, AStoppedThreadUsesNothing) {
    CpuClock clock;
    EXPECT_EQ(clock.look(0, 1000, 0, true), 1000);
    clock.stopped();
    EXPECT_EQ(clock.look(5000, 0, 5000, false), 1000);
    EXPECT_EQ(clock.look(6000, 0, 6000, true), 1000);
    EXPECT_EQ(clock.look(6500, 0, 6500, true), 1500);
}

// A charge too small to be told does not let the clock run on for ever.
TEST(CpuClock, WhatIsAddedIsBounded) {
    CpuClock clock;
    EXPECT_EQ(clock.look(0, 0, 0, true), 0);
    EXPECT_EQ(clock.look(3600'000'000'000, 0, 3600'000'000'000, false), CpuClock::kUnchargedMost);
}

}  // namespace
