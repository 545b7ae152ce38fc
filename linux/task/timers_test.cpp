// Clocks, sleeping and timers.
#include "task/timers.h"

#include "signal/frame.h"
#include "signal/signals.h"
#include "testing/process_test.h"

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kNanosleep = 101, kGetitimer = 102, kSetitimer = 103, kTimerCreate = 107, kTimerGettime = 108,
                   kTimerGetoverrun = 109, kTimerSettime = 110, kTimerDelete = 111, kClockSettime = 112,
                   kClockGettime = 113, kClockGetres = 114, kClockNanosleep = 115, kTimes = 153, kGettimeofday = 169,
                   kAdjtimex = 171, kSigtimedwait = 137;
constexpr uint64_t kScratch = kArea + 0x100, kResult = kArea + 0x200;
constexpr Nanoseconds kMs = 1'000'000;

struct Interval {
    int64_t interval_seconds, interval_microseconds, seconds, microseconds;
};
struct TimerValue {
    Timespec interval, value;
};
struct Event {
    uint64_t value;
    int32_t signal, notify, thread, padding[11];
};

class Times : public ProcessTest {
protected:
    Times() { thread.signals.blocked = ~kUnblockable; }

    Nanoseconds clock(int id) {
        if (world.call(thread, kClockGettime, id, kResult) != 0) return -1;
        Timespec const time = World::get<Timespec>(process, kResult);
        return time.seconds * 1'000'000'000 + time.nanoseconds;
    }
    bool is_pending(int signal) { return pending_signals(thread) & signal_bit(signal); }
    SignalInfo take(int signal) {
        SignalInfo info;
        EXPECT_TRUE(take_signal(thread, signal_bit(signal), info));
        return info;
    }
    int64_t create(int id, int32_t signal, int32_t notify = 0, int32_t tid = 0) {
        World::put(process, kScratch, Event{0xabcd, signal, notify, tid, {}});
        int64_t const done = world.call(thread, kTimerCreate, id, kScratch, kResult);
        return done ? done : World::get<int32_t>(process, kResult);
    }
    int64_t set(int64_t timer, Nanoseconds value, Nanoseconds interval, int flags = 0) {
        World::put(process, kScratch, TimerValue{timespec_of(interval), timespec_of(value)});
        return world.call(thread, kTimerSettime, timer, flags, kScratch, kResult);
    }
};

TEST_F(Times, Clocks) {
    for (int id : {1, 4, 6, 7, 9}) EXPECT_EQ(clock(id), world.time.now) << id;
    for (int id : {0, 5, 8, 11}) EXPECT_EQ(clock(id), world.time.now + world.time.offset) << id;
    World::machine(thread).used = 7;
    EXPECT_EQ(clock(2), 7);
    EXPECT_EQ(clock(3), 7);
    EXPECT_EQ(clock((~process.pid << 3) | 2), 7);
    EXPECT_EQ(clock((~thread.tid << 3) | 6), 7);
    EXPECT_EQ(world.call(thread, kClockGettime, 10, kResult), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kClockGettime, 99, kResult), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kClockGettime, 1, 0x20000), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kClockGetres, 1, kResult), 0);
    EXPECT_EQ(World::get<Timespec>(process, kResult).nanoseconds, 1);
    EXPECT_EQ(world.call(thread, kClockGetres, 6, kResult), 0);
    EXPECT_EQ(World::get<Timespec>(process, kResult).nanoseconds, 4'000'000);
    EXPECT_EQ(world.call(thread, kTimes, 0), world.time.now / 10'000'000);
}

TEST_F(Times, SettingTheClock) {
    World::put(process, kScratch, Timespec{2'000'000'000, 5});
    EXPECT_EQ(world.call(thread, kClockSettime, 0, kScratch), 0);
    EXPECT_EQ(clock(0), 2'000'000'000 * Nanoseconds{1'000'000'000} + 5);
    EXPECT_EQ(world.call(thread, kClockSettime, 1, kScratch), error(Errno::kEINVAL));
    process.credentials.capabilities = 0;
    EXPECT_EQ(world.call(thread, kClockSettime, 0, kScratch), error(Errno::kEPERM));
    for (uint64_t at = 0; at < 208; at += 8) World::put(process, kScratch + at, uint64_t{0});
    EXPECT_EQ(world.call(thread, kAdjtimex, kScratch), 5);
    EXPECT_EQ(World::get<int64_t>(process, kScratch + 72), 2'000'000'000);
}

TEST_F(Times, SleepingByAClockThatIsSet) {
    World::put(process, kScratch, timespec_of(world.time.now + world.time.offset + 10 * kMs));
    EXPECT_EQ(world.call(thread, kClockNanosleep, 0, 1, kScratch, 0), kAsleep);
    Thread& other = world.make_thread(process);
    World::put(process, kScratch + 64, timespec_of(world.time.now + world.time.offset - 50 * kMs));
    EXPECT_EQ(world.call(other, kClockSettime, 0, kScratch + 64), 0);
    world.pass(20 * kMs);
    EXPECT_EQ(World::result(thread), kAsleep);
    world.pass(40 * kMs);
    EXPECT_EQ(World::result(thread), 0);
    // Relative ones do not care.
    World::put(process, kScratch, Timespec{0, 10'000'000});
    EXPECT_EQ(world.call(thread, kClockNanosleep, 0, 0, kScratch, 0), kAsleep);
    World::put(process, kScratch + 64, Timespec{1'000'000, 0});
    EXPECT_EQ(world.call(other, kClockSettime, 0, kScratch + 64), 0);
    world.pass(10 * kMs);
    EXPECT_EQ(World::result(thread), 0);
    EXPECT_EQ(world.call(thread, kClockNanosleep, 3, 0, kScratch, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kClockNanosleep, 4, 0, kScratch, 0), error(Errno::kEOPNOTSUPP));
    World::put(process, kScratch, Timespec{INT64_MAX, 999'999'999});
    EXPECT_EQ(world.call(thread, kClockNanosleep, 1, 0, kScratch, 0), kAsleep);
}

TEST_F(Times, IntervalTimer) {
    World::put(process, kScratch, Interval{0, 20'000, 0, 10'000});
    EXPECT_EQ(world.call(thread, kSetitimer, 0, kScratch, 0), 0);
    world.pass(4 * kMs);
    EXPECT_EQ(world.call(thread, kGetitimer, 0, kResult), 0);
    EXPECT_EQ(World::get<Interval>(process, kResult).microseconds, 6000);
    EXPECT_EQ(World::get<Interval>(process, kResult).interval_microseconds, 20'000);
    world.pass(6 * kMs);
    take(kSIGALRM);
    world.pass(19 * kMs);
    EXPECT_FALSE(is_pending(kSIGALRM));
    world.pass(1 * kMs);
    take(kSIGALRM);
    World::put(process, kScratch, Interval{});
    EXPECT_EQ(world.call(thread, kSetitimer, 0, kScratch, 0), 0);
    world.pass(100 * kMs);
    EXPECT_FALSE(is_pending(kSIGALRM));
    World::put(process, kScratch, Interval{0, 1'000'000, 0, 1});
    EXPECT_EQ(world.call(thread, kSetitimer, 0, kScratch, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSetitimer, 3, 0, 0), error(Errno::kEINVAL));
}

TEST_F(Times, CpuTimeTimers) {
    World::put(process, kScratch, Interval{0, 0, 0, 10'000});
    EXPECT_EQ(world.call(thread, kSetitimer, 2, kScratch, 0), 0);
    world.pass(50 * kMs);
    EXPECT_FALSE(is_pending(kSIGPROF));
    World::machine(thread).used = 10 * kMs;
    world.pass(10 * kMs);
    take(kSIGPROF);
}

TEST_F(Times, TheLimitOfCpuTime) {
    World::put(process, kScratch, ResourceLimit{1, 3});
    EXPECT_EQ(world.call(thread, 164, kRLIMIT_CPU, kScratch), 0);
    world.pass(5'000 * kMs);
    EXPECT_FALSE(is_pending(kSIGXCPU));
    World::machine(thread).used = 1'000 * kMs;
    world.pass(1'000 * kMs);
    take(kSIGXCPU);
    world.pass(500 * kMs);
    EXPECT_FALSE(is_pending(kSIGXCPU));
    World::machine(thread).used = 2'000 * kMs;
    world.pass(1'000 * kMs);
    take(kSIGXCPU);
    World::machine(thread).used = 3'000 * kMs;
    Ref<Process> const held(&process);
    world.pass(1'000 * kMs);
    EXPECT_EQ(held->wait_status, kSIGKILL);
}

TEST_F(Times, PosixTimersCountWhatTheyMissed) {
    int64_t const timer = create(1, 40);
    ASSERT_GE(timer, 0);
    EXPECT_EQ(set(timer, 10 * kMs, 10 * kMs), 0);
    world.pass(10 * kMs);
    world.pass(35 * kMs);
    SignalInfo info = take(40);
    EXPECT_EQ(info.code, kSI_TIMER);
    EXPECT_EQ(info.value, 0xabcdu);
    EXPECT_EQ(info.pid, timer);
    EXPECT_EQ(info.uid, 3u);
    EXPECT_EQ(world.call(thread, kTimerGetoverrun, timer), 3);
    EXPECT_EQ(world.call(thread, kTimerGettime, timer, kResult), 0);
    EXPECT_EQ(World::get<TimerValue>(process, kResult).value.nanoseconds, 5 * kMs);
    world.pass(5 * kMs);
    info = take(40);
    EXPECT_EQ(info.uid, 0u);
    EXPECT_EQ(world.call(thread, kTimerDelete, timer), 0);
    EXPECT_EQ(world.call(thread, kTimerDelete, timer), error(Errno::kEINVAL));
    world.pass(100 * kMs);
    EXPECT_FALSE(is_pending(40));
}

TEST_F(Times, PosixTimersOfOtherKinds) {
    Thread& other = world.make_thread(process);
    other.signals.blocked = ~kUnblockable;
    int64_t const to_thread = create(1, 41, 4, other.tid);
    ASSERT_GE(to_thread, 0);
    EXPECT_EQ(set(to_thread, world.time.now + kMs, 0, 1), 0);
    int64_t const silent = create(0, 0, 1);
    ASSERT_GE(silent, 0);
    EXPECT_EQ(set(silent, 10 * kMs, 0), 0);
    world.pass(kMs);
    EXPECT_TRUE(other.signals.pending.set & signal_bit(41));
    EXPECT_EQ(world.call(thread, kTimerGettime, silent, kResult), 0);
    EXPECT_EQ(World::get<TimerValue>(process, kResult).value.nanoseconds, 9 * kMs);
    world.pass(10 * kMs);
    EXPECT_EQ(world.call(thread, kTimerGettime, silent, kResult), 0);
    EXPECT_EQ(World::get<TimerValue>(process, kResult).value.nanoseconds, 0);
    EXPECT_EQ(create(1, 65), error(Errno::kEINVAL));
    EXPECT_EQ(create(1, 40, 9), error(Errno::kEINVAL));
    EXPECT_EQ(create(1, 40, 4, 4711), error(Errno::kEINVAL));
    EXPECT_EQ(create(4, 40), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(set(4711, 1, 0), error(Errno::kEINVAL));
    int64_t last = 0;
    for (int i = 0; i < 300 && last >= 0; ++i) last = create(1, 40);
    EXPECT_EQ(last, error(Errno::kEAGAIN));
}

TEST_F(Times, ShortPeriodsDoNotHoldTheOthersUp) {
    int64_t const timer = create(1, kSIGCHLD);  // ignored
    thread.signals.blocked = 0;
    EXPECT_EQ(set(timer, 1, 1), 0);
    for (int i = 0; i < 1000; ++i) world.pass(1000);
    EXPECT_EQ(process.signals.pending.set, 0u);
}

}  // namespace
