// The safety rule alone: each limit from both sides, forged and old readings, and random readings against the rule as a
// sentence.
extern "C" {
#include "interlock.h"
}

#include <gtest/gtest.h>

#include <random>

namespace {

constexpr stamp_key_t kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr uint64_t kNow = 10'000;

class Interlock : public ::testing::Test {
protected:
    Interlock() { lock_.key = kKey; }

    void give(int32_t level, uint64_t time = kNow, uint64_t now = kNow) {
        interlock_reading(&lock_, level, time, stamp_of(kKey, level, time), now);
    }
    verdict_t verdict(uint64_t now = kNow) { return interlock_verdict(&lock_, now); }
    bool closes(uint64_t now = kNow) { return interlock_closes_valve(&lock_, now) != 0; }

    interlock_t lock_{};
};

TEST_F(Interlock, WithoutAReadingNothingRunsAndTheValveIsOpen) {
    EXPECT_EQ(verdict(), kVerdictStale);
    EXPECT_FALSE(closes());
    EXPECT_EQ(verdict(0), kVerdictStale);
}

TEST_F(Interlock, AGoodReadingLetsItRunForSoLong) {
    give(500);
    EXPECT_EQ(verdict(kNow), kVerdictRun);
    EXPECT_EQ(verdict(kNow + kStaleMs), kVerdictRun);
    EXPECT_TRUE(closes(kNow + kStaleMs));
    EXPECT_EQ(verdict(kNow + kStaleMs + 1), kVerdictStale);
    EXPECT_FALSE(closes(kNow + kStaleMs + 1));
}

TEST_F(Interlock, LittleWaterStopsItUntilThereIsMore) {
    give(kLowMm, kNow);
    EXPECT_EQ(verdict(), kVerdictRun);
    give(kLowMm - 1, kNow + 1, kNow + 1);
    EXPECT_EQ(verdict(kNow + 1), kVerdictLow);
    give(kLowEndMm - 1, kNow + 2, kNow + 2);
    EXPECT_EQ(verdict(kNow + 2), kVerdictLow);
    give(kLowEndMm, kNow + 3, kNow + 3);
    EXPECT_EQ(verdict(kNow + 3), kVerdictRun);
}

TEST_F(Interlock, TheFloatSwitchHasItsOwnSay) {
    give(500);
    lock_.float_low = 1;
    EXPECT_EQ(verdict(), kVerdictSwitch);
    lock_.float_low = 0, lock_.float_high = 1;
    EXPECT_EQ(verdict(), kVerdictRun);
    EXPECT_FALSE(closes());
}

TEST_F(Interlock, TheValveOpensHighAndShutsLower) {
    give(kHighMm - 1);
    EXPECT_TRUE(closes());
    give(kHighMm, kNow + 1, kNow + 1);
    EXPECT_FALSE(closes(kNow + 1));
    give(kHighEndMm, kNow + 2, kNow + 2);
    EXPECT_FALSE(closes(kNow + 2));
    give(kHighEndMm - 1, kNow + 3, kNow + 3);
    EXPECT_TRUE(closes(kNow + 3));
}

TEST_F(Interlock, ForgedOldAndFutureReadingsAreRefusedAndCounted) {
    give(500);
    interlock_t const before = lock_;
    interlock_reading(&lock_, 600, kNow + 1, stamp_of(kKey, 500, kNow + 1), kNow + 1);           // another level
    interlock_reading(&lock_, 600, kNow + 2, stamp_of(kKey, 600, kNow + 1), kNow + 2);           // another time
    interlock_reading(&lock_, 600, kNow + 1, stamp_of({kKey.low, 1}, 600, kNow + 1), kNow + 1);  // another key
    interlock_reading(&lock_, 600, kNow, stamp_of(kKey, 600, kNow), kNow);                       // no newer
    interlock_reading(&lock_, 600, kNow - 1, stamp_of(kKey, 600, kNow - 1), kNow);               // older
    interlock_reading(&lock_, 600, kNow + kAheadMs + 1, stamp_of(kKey, 600, kNow + kAheadMs + 1),
                      kNow);  // from the future
    EXPECT_EQ(lock_.refused, before.refused + 6);
    EXPECT_EQ(lock_.accepted, before.accepted);
    EXPECT_EQ(lock_.level_mm, 500);
    EXPECT_EQ(lock_.time_ms, kNow);
    give(600, kNow + kAheadMs, kNow);
    EXPECT_EQ(lock_.level_mm, 600);
}

// What was recorded can be said again to an interlock that has just been restarted; it is old then.
TEST_F(Interlock, ARepeatedRecordingDoesNotRunTheMotor) {
    give(500, kNow, kNow + kStaleMs + 1);
    EXPECT_EQ(lock_.accepted, 1u);
    EXPECT_EQ(verdict(kNow + kStaleMs + 1), kVerdictStale);
}

TEST_F(Interlock, WhateverComesTheRuleHolds) {
    std::mt19937 noise(1);
    auto const below = [&](unsigned limit) { return noise() % limit; };
    uint64_t now = kNow, good_time = 0;
    int32_t good_level = 0;
    unsigned ran = 0;
    for (unsigned step = 0; step < 200'000; ++step) {
        now += below(60);
        int32_t const level = static_cast<int32_t>(below(1100));
        uint64_t const time = now + below(400) - 300;
        bool const is_forged = below(4) == 0;
        interlock_reading(&lock_, level, time, stamp_of(kKey, level, time) ^ (is_forged ? 1 + noise() : 0), now);
        if (!is_forged && time > good_time && time <= now + kAheadMs) good_time = time, good_level = level;
        lock_.float_low = below(20) == 0, lock_.float_high = below(20) == 0;
        bool const is_fresh = good_time != 0 && now <= good_time + kStaleMs;
        if (verdict(now) == kVerdictRun) {
            ++ran;
            ASSERT_TRUE(is_fresh && good_level >= kLowMm && !lock_.float_low) << step;
        }
        if (closes(now)) {
            ASSERT_TRUE(is_fresh && good_level < kHighMm && !lock_.float_high) << step;
        }
    }
    EXPECT_GT(ran, 1000u);
}

}  // namespace
