/*
 * Tests of rate_limit.h in virtual time.
 */
#include "rate_limit.h"

#include <gtest/gtest.h>

#include <random>

namespace kos::log {
namespace {

TEST(RateLimit, AllowsTheBurstThenTheRate) {
    RateLimit rate(1000, 10, 5);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(rate.take(1, 0));
    EXPECT_FALSE(rate.take(1, 0));
    EXPECT_FALSE(rate.take(1, 99));
    EXPECT_TRUE(rate.take(1, 100));
    EXPECT_FALSE(rate.take(1, 100));
    EXPECT_EQ(rate.suppressed_total(), 3u);
}

TEST(RateLimit, DomainsDoNotShare) {
    RateLimit rate(1000, 10, 1);
    EXPECT_TRUE(rate.take(1, 0));
    EXPECT_FALSE(rate.take(1, 0));
    EXPECT_TRUE(rate.take(2, 0));
}

TEST(RateLimit, ReportsOnceAndOnlyWhenThereIsRoom) {
    RateLimit rate(1000, 10, 1);
    rate.take(1, 0);
    rate.take(1, 0);
    rate.take(1, 0);
    EXPECT_EQ(rate.report(1, 0), 0u);
    EXPECT_EQ(rate.report(1, 100), 2u);
    EXPECT_EQ(rate.report(1, 100), 0u);
    EXPECT_EQ(rate.report(2, 100), 0u);
}

TEST(RateLimit, ACounterBelowTheRateStillCounts) {
    RateLimit rate(10, 1000, 1);
    EXPECT_TRUE(rate.take(1, 0));
    EXPECT_FALSE(rate.take(1, 0));
    EXPECT_TRUE(rate.take(1, 1));
}

TEST(RateLimit, NeverMoreThanBurstAndRate) {
    std::mt19937_64 random(3);
    RateLimit rate(1000, 20, 7);
    uint64_t now = 0;
    uint64_t taken = 0;
    for (int i = 0; i < 100000; ++i) {
        now += random() % 30;
        if (rate.take(1, now)) ++taken;
        ASSERT_LE(taken, 7 + now / 50 + 1);
    }
    EXPECT_GT(taken, now / 50 * 9 / 10);
}

}  // namespace
}  // namespace kos::log
