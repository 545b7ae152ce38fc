// Timers: order, cancelling, timers that set themselves again.
#include "time/clock.h"

#include <gtest/gtest.h>

#include <vector>

using namespace kos::lx;

namespace {

class FakeTime final : public TimeSource {
public:
    Nanoseconds monotonic() override { return now; }
    Nanoseconds realtime_offset() override { return offset; }
    void set_realtime_offset(Nanoseconds value) override { offset = value; }
    void set_alarm(Nanoseconds when) override { alarm = when; }
    Nanoseconds now = 0, offset = 0, alarm = kNever;
};

class Recorder final : public Timer {
public:
    Recorder(int name, std::vector<int>& list) : name_(name), list_(list) {}
    void expired() override { list_.push_back(name_); }

private:
    int name_;
    std::vector<int>& list_;
};

TEST(Timers, ExpireInOrderOfTheirTime) {
    FakeTime time;
    Timers timers(time);
    std::vector<int> seen;
    Recorder first(1, seen), second(2, seen), third(3, seen);
    timers.set(second, 20);
    timers.set(first, 10);
    timers.set(third, 30);
    EXPECT_EQ(time.alarm, 10);
    time.now = 25;
    timers.expire();
    EXPECT_EQ(seen, (std::vector<int>{1, 2}));
    EXPECT_EQ(time.alarm, 30);
    EXPECT_FALSE(first.is_set());
    EXPECT_EQ(third.when(), 30);
}

TEST(Timers, ACancelledTimerDoesNotExpire) {
    FakeTime time;
    Timers timers(time);
    std::vector<int> seen;
    Recorder timer(1, seen);
    timers.set(timer, 10);
    timer.cancel();
    time.now = 100;
    timers.expire();
    EXPECT_TRUE(seen.empty());
}

TEST(Timers, ATimerMaySetItselfToThePastWithoutHoldingTheOthersUp) {
    struct Again final : Timer {
        explicit Again(Timers& of) : timers(of) {}
        void expired() override {
            ++count;
            timers.set(*this, 0);
        }
        Timers& timers;
        int count = 0;
    };
    FakeTime time;
    Timers timers(time);
    Again again(timers);
    timers.set(again, 5);
    time.now = 5;
    timers.expire();
    EXPECT_EQ(again.count, 1);
    EXPECT_EQ(time.alarm, 0);
}

}  // namespace
