/*
 * For the tests of the timer: a host that keeps callers and notes what it was told.
 */
#ifndef KOS_SERVICES_TIMER_TEST_HOST_H_
#define KOS_SERVICES_TIMER_TEST_HOST_H_

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "service.h"

namespace kos::timer {

constexpr uint64_t kHz = 1000000;
constexpr uint16_t kClient = 3;
constexpr uint16_t kSetter = 4;

struct FakeHost final : Host {
    bool defer(unsigned place) override {
        if (no_room) return false;
        EXPECT_TRUE(kept.insert(place).second);
        last = place;
        return true;
    }
    void wake(unsigned place) override {
        EXPECT_EQ(kept.erase(place), 1u);
        woken.push_back(place);
    }
    void signal(unsigned domain) override { signalled.push_back(domain); }
    void arm(uint64_t time) override { armed = time; }
    uint64_t alterations() override { return 7; }

    bool no_room = false;
    unsigned last = 0;
    std::set<unsigned> kept;
    std::vector<unsigned> woken;
    std::vector<unsigned> signalled;
    uint64_t armed = 0;
};

}  // namespace kos::timer

#endif
