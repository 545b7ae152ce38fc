// The water, the drop-outs and the judge: each violation is seen, and nothing else is.
extern "C" {
#include "world.h"
}

#include <gtest/gtest.h>

namespace {

class World : public ::testing::Test {
protected:
    World() { world_begin(&world_, kBegin); }

    void pass(uint64_t ms) { world_advance(&world_, world_.time_ms + ms); }
    // As the parts do it: a reading every 50 ms, an order every 20.
    void keep(uint64_t ms, uint8_t percent, uint8_t closed, bool reads = true) {
        for (uint64_t done = 0; done < ms; done += 10) {
            if (reads && done % 50 == 0) world_.read_ms = world_.time_ms;
            if (done % 20 == 0) world_drive(&world_, percent, closed);
            pass(10);
        }
    }
    void fill_to(int32_t mm) { world_.volume_ul = static_cast<int64_t>(mm) * 20000; }

    static constexpr uint64_t kBegin = 5000;
    world_t world_{};
};

TEST_F(World, BeginsHalfFullWithNothingRunning) {
    EXPECT_EQ(world_level_mm(&world_), 500);
    EXPECT_EQ(world_motor_percent(&world_), 0);
    EXPECT_EQ(world_.steps, 0u);
}

TEST_F(World, EachStepIsAtMostTenMillisecondsAndJudged) {
    pass(1005);
    EXPECT_EQ(world_.steps, 101u);
    EXPECT_EQ(world_.time_ms, kBegin + 1005);
    world_advance(&world_, kBegin);  // time does not run backwards
    EXPECT_EQ(world_.time_ms, kBegin + 1005);
}

TEST_F(World, WaterComesAndIsPumpedOut) {
    int64_t const before = world_.volume_ul;
    pass(1000);
    EXPECT_GT(world_.volume_ul, before);
    keep(5000, 100, 1);
    EXPECT_LT(world_.volume_ul, before);
    EXPECT_EQ(world_outflow(&world_), 1000);
    EXPECT_EQ(world_pressure_pa(&world_), 180000);
}

TEST_F(World, TheInflowStaysWithinItsBounds) {
    for (unsigned i = 0; i < 100; ++i) {
        fill_to(500);
        pass(1000);
        EXPECT_GE(world_inflow(&world_), 250);
        EXPECT_LE(world_inflow(&world_), 550);
    }
}

TEST_F(World, WhoDrivesNoMoreLosesTheMotorAndTheValve) {
    world_drive(&world_, 80, 1);
    EXPECT_EQ(world_motor_percent(&world_), 80);
    EXPECT_FALSE(world_valve_open(&world_));
    pass(kDropOutMs);
    EXPECT_EQ(world_motor_percent(&world_), 80);
    pass(1);
    EXPECT_EQ(world_motor_percent(&world_), 0);
    EXPECT_TRUE(world_valve_open(&world_));
}

TEST_F(World, MoreThanAllIsAll) {
    world_drive(&world_, 255, 1);
    EXPECT_EQ(world_motor_percent(&world_), 100);
}

TEST_F(World, UndisturbedNobodyIsBlamed) {
    for (unsigned i = 0; i < 60; ++i) keep(1000, world_level_mm(&world_) > 500 ? 60 : 20, 1);
    EXPECT_EQ(world_.dry + world_.blind + world_.overflow, 0u);
}

TEST_F(World, RunningDryIsSeen) {
    fill_to(kMinimumMm);
    keep(20, 100, 1);
    EXPECT_GT(world_.dry, 0u);
    EXPECT_LT(world_.lowest_running_mm, kMinimumMm);
    EXPECT_EQ(world_.blind + world_.overflow, 0u);
}

TEST_F(World, LittleWaterWithoutTheMotorIsNoViolation) {
    fill_to(100);
    keep(1000, 0, 1);
    EXPECT_EQ(world_.dry, 0u);
}

TEST_F(World, RunningBlindIsSeen) {
    keep(kBlindMs, 40, 1, false);
    EXPECT_EQ(world_.blind, 0u);
    keep(20, 40, 1, false);
    EXPECT_GT(world_.blind, 0u);
    EXPECT_GT(world_.longest_blind_ms, static_cast<uint32_t>(kBlindMs));
}

TEST_F(World, NobodyLooksWhileNothingRuns) {
    keep(5000, 0, 1, false);
    EXPECT_EQ(world_.blind, 0u);
}

TEST_F(World, WithTheValveShutItOverflowsAndThatIsSeen) {
    fill_to(950);
    keep(60000, 0, 1);
    EXPECT_GT(world_.overflow, 0u);
    EXPECT_EQ(world_level_mm(&world_), kBrimMm);
}

// What the rule rests on when everybody is gone: the motor has stopped, and the relief takes more than can come.
TEST_F(World, LeftAloneItNeverOverflows) {
    fill_to(849);
    world_drive(&world_, 100, 1);
    pass(3'600'000);
    EXPECT_EQ(world_.overflow + world_.dry, 0u);
    EXPECT_LT(world_.highest_mm, 860);
    EXPECT_GE(world_level_mm(&world_), kReliefMm - 1);
}

TEST_F(World, AnEmptyBasinStaysEmpty) {
    fill_to(0);
    world_.volume_ul = 100;
    keep(1000, 100, 1);
    EXPECT_GE(world_.volume_ul, 0);
}

}  // namespace
