// Record locks: ranges, kinds, owners, deadlocks.
#include "vfs/locks.h"

#include <gtest/gtest.h>

#include <random>

using namespace kos::lx;

namespace {

int owners[8];

FileLock lock(int owner, uint64_t start, uint64_t last, bool exclusive, LockKind kind = LockKind::kPosix) {
    FileLock made;
    made.kind = kind;
    made.owner = &owners[owner];
    made.pid = owner;
    made.start = start;
    made.last = last;
    made.is_exclusive = exclusive;
    return made;
}

TEST(Locks, SharedAndExclusive) {
    FileLocks locks;
    EXPECT_TRUE(locks.set(lock(1, 0, 9, false)).ok());
    EXPECT_TRUE(locks.set(lock(2, 5, 14, false)).ok());
    EXPECT_EQ(locks.set(lock(3, 9, 9, true)).error(), Errno::kEAGAIN);
    EXPECT_TRUE(locks.set(lock(3, 15, 20, true)).ok());
    EXPECT_EQ(locks.set(lock(1, 20, 20, false)).error(), Errno::kEAGAIN);
    const FileLock* const found = locks.find_conflict(lock(4, 0, UINT64_MAX, true));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->pid, 1);
    EXPECT_TRUE(locks.clear(lock(1, 0, UINT64_MAX, false)).ok());
    EXPECT_EQ(locks.find_conflict(lock(4, 0, 4, true)), nullptr);
}

TEST(Locks, UpgradeSplitMerge) {
    FileLocks locks;
    EXPECT_TRUE(locks.set(lock(1, 0, 99, false)).ok());
    EXPECT_TRUE(locks.set(lock(1, 40, 59, true)).ok());
    EXPECT_EQ(locks.find_conflict(lock(2, 0, 39, false)), nullptr);
    EXPECT_NE(locks.find_conflict(lock(2, 50, 50, false)), nullptr);
    EXPECT_TRUE(locks.clear(lock(1, 10, 89, false)).ok());
    EXPECT_EQ(locks.find_conflict(lock(2, 10, 89, true)), nullptr);
    EXPECT_NE(locks.find_conflict(lock(2, 9, 9, true)), nullptr);
    EXPECT_NE(locks.find_conflict(lock(2, 90, 90, true)), nullptr);
    EXPECT_TRUE(locks.set(lock(1, 10, 89, false)).ok());
    const FileLock* const whole = locks.find_conflict(lock(2, 50, 50, true));
    ASSERT_NE(whole, nullptr);
    EXPECT_EQ(whole->start, 0u);
    EXPECT_EQ(whole->last, 99u);
}

TEST(Locks, KindsAndOwners) {
    FileLocks locks;
    EXPECT_TRUE(locks.set(lock(1, 0, UINT64_MAX, true, LockKind::kFlock)).ok());
    // flock and fcntl know nothing of each other.
    EXPECT_TRUE(locks.set(lock(2, 0, UINT64_MAX, true)).ok());
    EXPECT_EQ(locks.set(lock(2, 0, UINT64_MAX, true, LockKind::kFlock)).error(), Errno::kEAGAIN);
    // Open file locks and POSIX locks do, even of one owner.
    EXPECT_EQ(locks.set(lock(2, 0, 0, true, LockKind::kOpenFile)).error(), Errno::kEAGAIN);
    locks.release_owner(&owners[2]);
    EXPECT_TRUE(locks.set(lock(2, 0, 0, true, LockKind::kOpenFile)).ok());
    locks.release_owner(&owners[1]);
    locks.release_owner(&owners[2]);
    EXPECT_TRUE(locks.is_empty());
}

TEST(Locks, Deadlock) {
    FileLocks a, b;
    ASSERT_TRUE(a.set(lock(1, 0, 0, true)).ok());
    ASSERT_TRUE(b.set(lock(2, 0, 0, true)).ok());
    EXPECT_FALSE(LockWaiter::would_deadlock(b, lock(1, 0, 0, true)));
    {
        LockWaiter const waits(b, lock(1, 0, 0, true));
        EXPECT_TRUE(LockWaiter::would_deadlock(a, lock(2, 0, 0, true)));
        EXPECT_FALSE(LockWaiter::would_deadlock(a, lock(3, 0, 0, true)));
    }
    EXPECT_FALSE(LockWaiter::would_deadlock(a, lock(2, 0, 0, true)));
}

TEST(Locks, Limit) {
    FileLocks locks;
    for (size_t i = 0; i < FileLocks::kLocksMax; ++i) ASSERT_TRUE(locks.set(lock(1, i * 2, i * 2, true)).ok());
    EXPECT_EQ(locks.set(lock(1, 1'000'000, 1'000'000, true)).error(), Errno::kENOLCK);
}

// Against one array per byte.
TEST(Locks, RandomOperations) {
    std::mt19937 random(20261122);
    for (int round = 0; round < 200; ++round) {
        FileLocks locks;
        constexpr unsigned kBytes = 24;
        int held[4][kBytes] = {};  // 0 none, 1 shared, 2 exclusive
        for (int step = 0; step < 100; ++step) {
            int const owner = static_cast<int>(random() % 4);
            unsigned const start = random() % kBytes, last = start + random() % (kBytes - start);
            int const mode = static_cast<int>(random() % 3);
            FileLock const wanted = lock(owner, start, last, mode == 2);
            if (mode == 0) {
                ASSERT_TRUE(locks.clear(wanted).ok());
                for (unsigned i = start; i <= last; ++i) held[owner][i] = 0;
                continue;
            }
            bool is_free = true;
            for (unsigned i = start; i <= last; ++i) {
                for (int other = 0; other < 4; ++other) {
                    if (other != owner && held[other][i] && (mode == 2 || held[other][i] == 2)) is_free = false;
                }
            }
            ASSERT_EQ(locks.set(wanted).ok(), is_free) << "seed 20261122 round " << round << " step " << step;
            if (is_free) {
                for (unsigned i = start; i <= last; ++i) held[owner][i] = mode;
            }
        }
    }
}

}  // namespace
