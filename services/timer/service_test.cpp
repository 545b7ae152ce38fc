/*
 * Tests of the timer: requests, order of deadlines, restarts, wall clock, and a model under random load.
 */
#include <gtest/gtest.h>
#include <kos/ports.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "test_host.h"

namespace kos::timer {
namespace {

struct TimerTest : testing::Test {
    TimerTest() : memory((256 + Alarms::kBytes) / 8) { restart(); }
    void restart() {
        host.kept.clear();
        saved = SavedWall();
        ASSERT_TRUE(saved.open(memory.data(), 256));
        ASSERT_TRUE(alarms.open(memory.data() + 32, Alarms::kBytes));
        service = std::make_unique<Service>(alarms, saved, host, kHz, 1u << kSetter);
        service->expire(now);
    }
    kos_status_t call(uint16_t domain, uint64_t label, uint64_t param, uint64_t word = 0) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        request.words[0] = word;
        request.has_words = 1;
        answer = {};
        return service->call({domain, 1, 0}, request, now, answer);
    }
    void at(uint64_t time) {
        now = time;
        service->expire(now);
    }
    std::vector<uint64_t> memory;
    Alarms alarms;
    SavedWall saved;
    FakeHost host;
    std::unique_ptr<Service> service;
    kos_msg_t answer = {};
    uint64_t now = 1000;
};

TEST_F(TimerTest, AlarmsComeInOrder) {
    EXPECT_EQ(host.armed, kNever);
    EXPECT_EQ(call(kClient, KOS_TIMER_ALARM, 0, 2000), KOS_STATUS_OK);
    EXPECT_EQ(call(5, KOS_TIMER_ALARM, 15, 1500), KOS_STATUS_OK);
    EXPECT_EQ(host.armed, 1500u);
    at(1499);
    EXPECT_TRUE(host.signalled.empty());
    at(1500);
    EXPECT_EQ(host.signalled, (std::vector<unsigned>{5}));
    EXPECT_EQ(host.armed, 2000u);
    at(5000);
    EXPECT_EQ(host.signalled, (std::vector<unsigned>{5, kClient}));
    EXPECT_EQ(host.armed, kNever);
}

TEST_F(TimerTest, AlarmsAreReplacedAndCancelled) {
    call(kClient, KOS_TIMER_ALARM, 1, 2000);
    call(kClient, KOS_TIMER_ALARM, 1, 3000);
    EXPECT_EQ(host.armed, 3000u);
    call(kClient, KOS_TIMER_ALARM, 1, 0);
    EXPECT_EQ(host.armed, kNever);
    call(kClient, KOS_TIMER_ALARM, 1, 5);  // has passed already
    EXPECT_EQ(host.signalled.size(), 1u);
}

TEST_F(TimerTest, AlarmsSurviveARestart) {
    call(kClient, KOS_TIMER_ALARM, 1, 2000);
    call(kClient, KOS_TIMER_ALARM, 2, 3000);
    now = 2500;  // the first one was due while nobody was there
    restart();
    EXPECT_EQ(host.signalled, (std::vector<unsigned>{kClient}));
    EXPECT_EQ(host.armed, 3000u);
}

TEST_F(TimerTest, SleepersAreAnsweredInTime) {
    EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 1000), KOS_STATUS_OK);
    EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 1200), KOS_STATUS_NO_REPLY);
    EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 1100), KOS_STATUS_NO_REPLY);
    const unsigned second = host.last;
    EXPECT_EQ(host.armed, 1100u);
    at(1150);
    EXPECT_EQ(host.woken, (std::vector<unsigned>{second}));
    EXPECT_EQ(host.armed, 1200u);
    at(1200);
    EXPECT_EQ(host.woken.size(), 2u);
}

TEST_F(TimerTest, RoomForSleepersIsShared) {
    for (unsigned i = 0; i < Sleepers::kMostOfDomain; ++i) {
        EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 9000), KOS_STATUS_NO_REPLY);
    }
    EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 9000), KOS_STATUS_FULL);
    EXPECT_EQ(call(9, KOS_TIMER_SLEEP, 9000), KOS_STATUS_NO_REPLY);
    host.no_room = true;
    EXPECT_EQ(call(10, KOS_TIMER_SLEEP, 9000), KOS_STATUS_FULL);
    host.no_room = false;
    unsigned kept = Sleepers::kMostOfDomain + 1;
    for (uint16_t domain = 20; call(domain, KOS_TIMER_SLEEP, 9000) == KOS_STATUS_NO_REPLY; ++domain) ++kept;
    EXPECT_EQ(kept, Sleepers::kMost);
}

TEST_F(TimerTest, WallClock) {
    EXPECT_EQ(call(kClient, KOS_TIMER_WALL, 0), KOS_STATUS_UNAVAILABLE);
    EXPECT_EQ(call(kClient, KOS_TIMER_SET_WALL, 5, 10), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(kSetter, KOS_TIMER_SET_WALL, 5, now + 1), KOS_STATUS_INVALID_ARGUMENT);
    now = 3 * kHz;
    const uint64_t ns = 1700000000ull * 1000000000;
    EXPECT_EQ(call(kSetter, KOS_TIMER_SET_WALL, ns, 2 * kHz), KOS_STATUS_OK);
    EXPECT_EQ(call(kClient, KOS_TIMER_WALL, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.words[0], ns - 2000000000);
    EXPECT_EQ(answer.words[1], 1u);
    restart();
    EXPECT_TRUE(service->has_wall());
    EXPECT_EQ(call(kClient, KOS_TIMER_WALL, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.words[0], ns - 2000000000);
}

TEST_F(TimerTest, AWallClockBeforeTheCounterBeganIsRight) {
    service->set_wall(5, 2 * kHz);
    EXPECT_EQ(call(kClient, KOS_TIMER_WALL, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.words[0] + 2000000000, 5u);  // modulo 2^64
}

TEST_F(TimerTest, StatusCounts) {
    call(kClient, KOS_TIMER_ALARM, 1, 2000);
    call(kClient, KOS_TIMER_ALARM, 2, 2000);
    call(kClient, KOS_TIMER_SLEEP, 2000);
    EXPECT_EQ(call(5, KOS_TIMER_STATUS, 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 2u);
    EXPECT_EQ(answer.words[0], 1u);
    EXPECT_EQ(answer.words[1], 7u);
}

TEST_F(TimerTest, RefusesWhatIsWrong) {
    EXPECT_EQ(call(kClient, KOS_TIMER_ALARM, 16, 2000), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(kClient, KOS_TIMER_ALARM, UINT64_MAX, 2000), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_MAX_DOMAINS, KOS_TIMER_ALARM, 1, 2000), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kClient, 0, 0), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kClient, 6, 0), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kClient, KOS_TIMER_SLEEP, 5000, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kClient, KOS_TIMER_WALL, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kClient, KOS_TIMER_STATUS, 1), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_TIMER_STATUS;
    EXPECT_EQ(service->call({kClient, 1, 1}, request, now, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 1;
    EXPECT_EQ(service->call({kClient, 1, 0}, request, now, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 0;
    request.payload_bytes = 1;
    EXPECT_EQ(service->call({kClient, 1, 0}, request, now, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(service->call({kClient, 1, 0}, request, now, answer), KOS_STATUS_BAD_REQUEST);
    EXPECT_TRUE(host.kept.empty());
}

TEST_F(TimerTest, QueuedAlarms) {
    const uint64_t good[2] = {3, 2000};
    const uint64_t bad[2] = {16, 2000};
    EXPECT_TRUE(service->queued({kClient, 1, 0}, KOS_TIMER_ALARM, good, sizeof good, now));
    EXPECT_EQ(host.armed, 2000u);
    EXPECT_FALSE(service->queued({kClient, 1, 0}, KOS_TIMER_ALARM, bad, sizeof bad, now));
    EXPECT_FALSE(service->queued({kClient, 1, 0}, KOS_TIMER_ALARM, good, 8, now));
    EXPECT_FALSE(service->queued({kClient, 1, 0}, KOS_TIMER_SLEEP, good, sizeof good, now));
    EXPECT_FALSE(service->queued({KOS_MAX_DOMAINS, 1, 0}, KOS_TIMER_ALARM, good, sizeof good, now));
}

TEST_F(TimerTest, UnfitMemoryIsRefused) {
    EXPECT_FALSE(alarms.open(nullptr, Alarms::kBytes));
    EXPECT_FALSE(alarms.open(memory.data(), Alarms::kBytes - 1));
    EXPECT_FALSE(alarms.open(reinterpret_cast<uint8_t*>(memory.data()) + 4, Alarms::kBytes));
}

// Nothing comes early, everything comes as soon as the device has been armed for it, across restarts.
TEST_F(TimerTest, RandomLoadMatchesTheModel) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        memory.assign(memory.size(), 0);
        restart();
        std::map<std::pair<unsigned, unsigned>, uint64_t> set;
        std::map<unsigned, uint64_t> sleeping;
        for (int step = 0; step < 3000; ++step) {
            host.signalled.clear();
            host.woken.clear();
            now = random() % 3 == 0 && host.armed != kNever ? std::max(now, host.armed) : now + random() % 20;
            if (random() % 100 == 0) {
                restart();
                sleeping.clear();
            } else {
                service->expire(now);
            }
            std::set<unsigned> due;
            for (auto it = set.begin(); it != set.end();) {
                if (it->second <= now) {
                    due.insert(it->first.first);
                    it = set.erase(it);
                } else {
                    ++it;
                }
            }
            ASSERT_EQ(std::set<unsigned>(host.signalled.begin(), host.signalled.end()), due);
            for (unsigned place : host.woken) {
                ASSERT_LE(sleeping.at(place), now);
                sleeping.erase(place);
            }
            uint64_t next = kNever;
            for (const auto& [key, time] : set) next = std::min(next, time);
            for (const auto& [place, time] : sleeping) next = std::min(next, time);
            ASSERT_EQ(host.armed, next);
            const auto domain = static_cast<uint16_t>(1 + random() % 63);
            const uint64_t time = now + 1 + random() % 200;
            if (random() % 2 == 0) {
                const unsigned bit = random() % 16;
                ASSERT_EQ(call(domain, KOS_TIMER_ALARM, bit, time), KOS_STATUS_OK);
                set[{domain, bit}] = time;
            } else if (call(domain, KOS_TIMER_SLEEP, time) == KOS_STATUS_NO_REPLY) {
                sleeping[host.last] = time;
            }
        }
    }
}

}  // namespace
}  // namespace kos::timer
