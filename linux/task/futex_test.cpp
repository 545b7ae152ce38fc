// futex(2) with real calls: lines, requeueing, locks with owners, robust lists, a thread's end.
#include "task/futex.h"

#include "mm/shared_memory.h"
#include "testing/process_test.h"

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kFutex = 98, kSetRobustList = 99, kGetRobustList = 100, kSetTidAddress = 96;
constexpr uint64_t kWait = 0, kWake = 1, kRequeue = 3, kCmpRequeue = 4, kWakeOp = 5, kLockPi = 6, kUnlockPi = 7,
                   kTrylockPi = 8, kWaitBitset = 9, kWakeBitset = 10, kWaitRequeuePi = 11, kCmpRequeuePi = 12,
                   kPrivate = 128, kRealtime = 256;
constexpr uint64_t kWord = kArea + 0x1000, kOther = kArea + 0x1040, kTime = kArea + 0x2000;

class Futexes : public ProcessTest {
protected:
    Thread& a = thread;
    Thread& b = world.make_thread(process);
    Thread& c = world.make_thread(process);
    Thread& d = world.make_thread(process);

    uint32_t word(uint64_t address) { return World::get<uint32_t>(process, address); }
    void set(uint64_t address, uint32_t value) { World::put(process, address, value); }
    int64_t futex(Thread& by, uint64_t operation, uint64_t address, uint64_t value, uint64_t fourth = 0,
                  uint64_t second = 0, uint64_t third = 0) {
        return world.call(by, kFutex, address, operation, value, fourth, second, third);
    }
};

TEST_F(Futexes, WaitsWhileTheWordIsWhatItWasAndWakesInOrder) {
    set(kWord, 5);
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 4), error(Errno::kEAGAIN));
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord + 2, 5), error(Errno::kEINVAL));
    EXPECT_EQ(futex(a, kWait | kPrivate, 0x10000, 5), error(Errno::kEFAULT));
    EXPECT_EQ(futex(b, kWait | kPrivate, kWord, 5), kAsleep);
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 5), kAsleep);
    EXPECT_EQ(futex(d, kWake | kPrivate, kOther, 10), 0);
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 1), 1);
    EXPECT_EQ(World::result(b), 0);
    EXPECT_EQ(World::result(a), kAsleep);
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 10), 1);
    EXPECT_EQ(World::result(a), 0);
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 10), 0);
}

TEST_F(Futexes, TimesOut) {
    World::put(process, kTime, Timespec{0, 5'000'000});
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0, kTime), kAsleep);
    world.pass(4'999'999);
    EXPECT_EQ(World::result(a), kAsleep);
    world.pass(1);
    EXPECT_EQ(World::result(a), error(Errno::kETIMEDOUT));
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 10), 0);
    // Absolute: by the monotonic clock, or by the realtime clock.
    World::put(process, kTime, timespec_of(world.time.now + 1000));
    EXPECT_EQ(futex(a, kWaitBitset | kPrivate, kWord, 0, kTime, 0, ~0u), kAsleep);
    World::put(process, kTime, timespec_of(world.time.now + world.time.offset + 1000));
    EXPECT_EQ(futex(b, kWaitBitset | kPrivate | kRealtime, kWord, 0, kTime, 0, ~0u), kAsleep);
    world.pass(999);
    EXPECT_EQ(World::result(b), kAsleep);
    world.pass(1);
    EXPECT_EQ(World::result(a), error(Errno::kETIMEDOUT));
    EXPECT_EQ(World::result(b), error(Errno::kETIMEDOUT));
    World::put(process, kTime, Timespec{0, 1'000'000'000});
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0, kTime), error(Errno::kEINVAL));
    World::put(process, kTime, Timespec{-1, 0});
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0, kTime), error(Errno::kEINVAL));
}

TEST_F(Futexes, BitsChoose) {
    EXPECT_EQ(futex(a, kWaitBitset | kPrivate, kWord, 0, 0, 0, 1), kAsleep);
    EXPECT_EQ(futex(b, kWaitBitset | kPrivate, kWord, 0, 0, 0, 2), kAsleep);
    EXPECT_EQ(futex(c, kWakeBitset | kPrivate, kWord, 10, 0, 0, 2), 1);
    EXPECT_EQ(World::result(b), 0);
    EXPECT_EQ(futex(c, kWakeBitset | kPrivate, kWord, 10, 0, 0, 0), error(Errno::kEINVAL));
    EXPECT_EQ(futex(c, kWaitBitset | kPrivate, kWord, 0, 0, 0, 0), error(Errno::kEINVAL));
}

TEST_F(Futexes, Requeues) {
    for (Thread* one : {&a, &b, &c}) EXPECT_EQ(futex(*one, kWait | kPrivate, kWord, 0), kAsleep);
    EXPECT_EQ(futex(d, kCmpRequeue | kPrivate, kWord, 1, 1, kOther, 7), error(Errno::kEAGAIN));
    EXPECT_EQ(futex(d, kCmpRequeue | kPrivate, kWord, 1, 1, kOther, 0), 2);
    EXPECT_EQ(World::result(a), 0);
    EXPECT_EQ(futex(d, kWake | kPrivate, kOther, 10), 1);
    EXPECT_EQ(World::result(b), 0);
    EXPECT_EQ(futex(d, kRequeue | kPrivate, kWord, 0, 10, kOther), 1);
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 10), 0);
    EXPECT_EQ(futex(d, kWake | kPrivate, kOther, 10), 1);
    EXPECT_EQ(World::result(c), 0);
    EXPECT_EQ(futex(d, kRequeue | kPrivate, kWord, ~uint64_t{0}, 0, kOther), error(Errno::kEINVAL));
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0), kAsleep);
    EXPECT_EQ(futex(d, kRequeue | kPrivate, kWord, 0, INT32_MAX, kWord), 1);
    EXPECT_EQ(futex(d, kWake | kPrivate, kWord, 0), 1);  // at least one
}

TEST_F(Futexes, WakeOperation) {
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0), kAsleep);
    EXPECT_EQ(futex(b, kWait | kPrivate, kOther, 0), kAsleep);
    // ADD 3, and wake the second line if the old value was 0.
    uint64_t const operation = uint64_t{1} << 28 | uint64_t{0} << 24 | 3 << 12 | 0;
    EXPECT_EQ(futex(d, kWakeOp | kPrivate, kWord, 1, 1, kOther, operation), 2);
    EXPECT_EQ(word(kOther), 3u);
    // OR 1 << 4; less than -1: not.
    uint64_t const shifted = uint64_t{8 | 2} << 28 | uint64_t{2} << 24 | 4 << 12 | 0xfff;
    EXPECT_EQ(futex(d, kWakeOp | kPrivate, kWord, 1, 1, kOther, shifted), 0);
    EXPECT_EQ(word(kOther), 0x13u);
    EXPECT_EQ(futex(d, kWakeOp | kPrivate, kWord, 1, 1, kOther, uint64_t{5} << 28), error(Errno::kENOSYS));
}

TEST_F(Futexes, ProcessesMeetInSharedMappingsOnly) {
    Process& second = world.make_process(&init);
    EXPECT_EQ(futex(a, kWait, kWord, 0), kAsleep);
    EXPECT_EQ(world.call(World::first(second), kFutex, kWord, kWake, 10), 0);
    EXPECT_EQ(futex(b, kWake, kWord, 10), 1);

    auto file = make_shared_memory(world.system, 2 * kPageBytes);
    ASSERT_TRUE(file.ok());
    uint64_t const here = 0x900000, there = 0xa00000;
    for (auto [owner, address] : {std::pair{&process, here}, std::pair{&second, there}}) {
        ASSERT_TRUE(
            owner->memory->map(address, 2 * kPageBytes, kPROT_READ | kPROT_WRITE, kMAP_SHARED | kMAP_FIXED, *file, 0)
                .ok());
    }
    // Who has looked at a page before sees what is written to it later.
    EXPECT_EQ(World::get<uint32_t>(second, there + 0x1010), 0u);
    set(here + 0x1010, 9);
    EXPECT_EQ(World::get<uint32_t>(second, there + 0x1010), 9u);
    EXPECT_EQ(futex(a, kWait, here + 0x1010, 9), kAsleep);
    EXPECT_EQ(world.call(World::first(second), kFutex, there + 0x10, kWake, 10), 0);
    EXPECT_EQ(world.call(World::first(second), kFutex, there + 0x1010, kWake | kPrivate, 10), 0);
    EXPECT_EQ(world.call(World::first(second), kFutex, there + 0x1010, kWake, 10), 1);
    EXPECT_EQ(World::result(a), 0);
}

TEST_F(Futexes, AWaitEndsWithItsThread) {
    EXPECT_EQ(futex(a, kWait | kPrivate, kWord, 0), kAsleep);
    Ref<Thread> const held(&a);
    end_thread(a);
    EXPECT_EQ(futex(b, kWake | kPrivate, kWord, 10), 0);
}

TEST_F(Futexes, TheEndClearsTheThreadsNumber) {
    set(kWord, 77);
    EXPECT_EQ(world.call(b, kSetTidAddress, kWord), b.tid);
    EXPECT_EQ(futex(a, kWait, kWord, 77), kAsleep);  // pthread_join
    world.call(b, 93, 0);
    EXPECT_EQ(word(kWord), 0u);
    EXPECT_EQ(World::result(a), 0);
}

TEST_F(Futexes, LocksWithOwners) {
    auto const tid = [](Thread& of) { return static_cast<uint32_t>(of.tid); };
    EXPECT_EQ(futex(a, kLockPi | kPrivate, kWord, 0), 0);
    EXPECT_EQ(word(kWord), tid(a));
    EXPECT_EQ(futex(a, kLockPi | kPrivate, kWord, 0), error(Errno::kEDEADLK));
    EXPECT_EQ(futex(b, kTrylockPi | kPrivate, kWord, 0), error(Errno::kEAGAIN));
    EXPECT_EQ(futex(b, kLockPi | kPrivate, kWord, 0), kAsleep);
    EXPECT_EQ(futex(c, kLockPi | kPrivate, kWord, 0), kAsleep);
    EXPECT_EQ(word(kWord), tid(a) | kFUTEX_WAITERS);
    EXPECT_EQ(futex(d, kUnlockPi | kPrivate, kOther, 0), error(Errno::kEPERM));
    EXPECT_EQ(futex(a, kUnlockPi | kPrivate, kWord, 0), 0);
    EXPECT_EQ(World::result(b), 0);
    EXPECT_EQ(word(kWord), tid(b) | kFUTEX_WAITERS);
    EXPECT_EQ(futex(b, kUnlockPi | kPrivate, kWord, 0), 0);
    EXPECT_EQ(word(kWord), tid(c));
    EXPECT_EQ(futex(c, kUnlockPi | kPrivate, kWord, 0), 0);
    EXPECT_EQ(word(kWord), 0u);
    set(kWord, 31000);
    EXPECT_EQ(futex(a, kLockPi | kPrivate, kWord, 0), error(Errno::kESRCH));
}

TEST_F(Futexes, ConditionsOfLocksWithOwners) {
    EXPECT_EQ(futex(a, kWaitRequeuePi | kPrivate, kWord, 0, 0, kOther), kAsleep);
    EXPECT_EQ(futex(b, kWaitRequeuePi | kPrivate, kWord, 0, 0, kOther), kAsleep);
    EXPECT_EQ(futex(c, kLockPi | kPrivate, kOther, 0), 0);
    EXPECT_EQ(futex(c, kCmpRequeuePi | kPrivate, kWord, 1, 10, kOther, 0), 2);
    EXPECT_EQ(World::result(a), kAsleep);
    EXPECT_EQ(futex(c, kUnlockPi | kPrivate, kOther, 0), 0);
    EXPECT_EQ(World::result(a), 0);
    EXPECT_EQ(word(kOther), static_cast<uint32_t>(a.tid) | kFUTEX_WAITERS);
    EXPECT_EQ(futex(a, kUnlockPi | kPrivate, kOther, 0), 0);
    EXPECT_EQ(World::result(b), 0);
}

TEST_F(Futexes, RobustListOfAThreadThatEnds) {
    // Two locks in the list, each a node followed by its word at +32; and one that was about to be taken.
    uint64_t const head = kArea + 0x3000, first = kArea + 0x3100, second = kArea + 0x3200, pending = kArea + 0x3300;
    World::put(process, head, first);
    World::put(process, head + 8, int64_t{32});
    World::put(process, head + 16, pending);
    World::put(process, first, second);
    World::put(process, second, head);
    auto const tid = static_cast<uint32_t>(b.tid);
    set(first + 32, tid | kFUTEX_WAITERS);
    set(second + 32, tid + 1);  // another one's
    set(pending + 32, tid);
    EXPECT_EQ(world.call(b, kSetRobustList, head, 23), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(b, kSetRobustList, head, 24), 0);
    EXPECT_EQ(world.call(a, kGetRobustList, b.tid, kTime, kTime + 8), 0);
    EXPECT_EQ(World::get<uint64_t>(process, kTime), head);
    EXPECT_EQ(futex(a, kWait, first + 32, tid | kFUTEX_WAITERS), kAsleep);
    world.call(b, 93, 0);
    EXPECT_EQ(word(first + 32), kFUTEX_OWNER_DIED | kFUTEX_WAITERS);
    EXPECT_EQ(word(second + 32), tid + 1);
    EXPECT_EQ(word(pending + 32), kFUTEX_OWNER_DIED);
    EXPECT_EQ(World::result(a), 0);
}

TEST_F(Futexes, ARobustListThatIsARingOrNonsenseEnds) {
    uint64_t const head = kArea + 0x3000;
    World::put(process, head, kArea + 0x3100);
    World::put(process, head + 8, INT64_MIN + 3);
    World::put(process, head + 16, ~uint64_t{0});
    World::put(process, kArea + 0x3100, kArea + 0x3100);
    world.call(b, kSetRobustList, head, 24);
    world.call(b, 93, 0);
    world.call(c, kSetRobustList, 0x20000, 24);
    world.call(c, 93, 0);
    EXPECT_EQ(process.threads.size(), 2u);
}

}  // namespace
