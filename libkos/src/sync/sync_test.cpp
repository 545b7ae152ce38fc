// kos/sync.h with real threads of this machine: park and unpark are one binary semaphore per thread, as on the device.
#include "park.h"

#include <kos/dir.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

struct Parking {
    std::mutex mutex;
    std::condition_variable wake;
    bool token = false;
};
std::array<Parking, KOS_MAX_THREADS> parking;
thread_local unsigned my_number = 0;
std::atomic<bool> several_cores{false};

uint64_t now_us() {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
}

// Threads numbered 0..n-1, joined at the end.
template <typename Body>
void run_threads(unsigned count, const Body& body) {
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < count; ++n) {
        threads.emplace_back([n, &body] {
            my_number = n;
            body(n);
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

namespace kos::sync {

unsigned self() { return my_number; }
bool spinning_helps() { return several_cores; }
uint64_t now_ticks() { return now_us(); }
bool doze(uint64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    return true;
}
void broken(const char* what) { throw std::logic_error(what); }

}  // namespace kos::sync

void kos_thread_park(void) {
    Parking& mine = parking[my_number];
    std::unique_lock lock(mine.mutex);
    mine.wake.wait(lock, [&] { return mine.token; });
    mine.token = false;
}

void kos_thread_unpark(unsigned thread_number) {
    Parking& its = parking[thread_number];
    std::lock_guard const lock(its.mutex);
    its.token = true;
    its.wake.notify_one();
}

namespace {

constexpr unsigned kThreads = 8;

TEST(Mutex, ExcludesEverybodyElse) {
    for (bool const spin : {false, true}) {
        several_cores = spin;
        kos_mutex_t mutex = KOS_MUTEX_INIT;
        uint64_t counter = 0;  // not atomic: the sanitizers and the sum see a missing exclusion
        run_threads(kThreads, [&](unsigned) {
            for (int i = 0; i < 3000; ++i) {
                kos_mutex_lock(&mutex);
                ++counter;
                kos_mutex_unlock(&mutex);
            }
        });
        EXPECT_EQ(counter, kThreads * 3000u);
        EXPECT_EQ(mutex.word, 0u);
    }
}

TEST(Mutex, MistakesEndTheDomain) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    EXPECT_THROW(kos_mutex_unlock(&mutex), std::logic_error);
    kos_mutex_lock(&mutex);
    EXPECT_THROW(kos_mutex_lock(&mutex), std::logic_error);
    EXPECT_EQ(kos_mutex_try_lock(&mutex), KOS_STATUS_CONFLICT);
    kos_mutex_unlock(&mutex);
    kos_sync_thread_gone(0);  // forget what the failed lock has noted
}

TEST(Mutex, TimedLockGivesUpAndLeavesNothing) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_mutex_lock(&mutex);
    std::thread other([&] {
        my_number = 1;
        uint64_t const begin = now_us();
        EXPECT_EQ(kos_mutex_lock_until(&mutex, begin + 5000), KOS_STATUS_TIMEOUT);
        EXPECT_GE(now_us(), begin + 5000);
    });
    other.join();
    EXPECT_EQ(mutex.word, 1u << 16);
    kos_mutex_unlock(&mutex);
    EXPECT_EQ(mutex.word, 0u);
}

// Deadlines that expire at about the moment of the hand-over: no lock may get lost, none be held twice.
TEST(Mutex, TimedLockRacesWithHandOver) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    uint64_t counter = 0;
    std::atomic<uint64_t> wanted{0};
    run_threads(kThreads, [&](unsigned n) {
        std::mt19937 random(n);
        for (int i = 0; i < 300; ++i) {
            if (kos_mutex_lock_until(&mutex, now_us() + random() % 400) != KOS_STATUS_OK) continue;
            ++counter;
            ++wanted;
            if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
            kos_mutex_unlock(&mutex);
        }
    });
    EXPECT_EQ(counter, wanted);
    EXPECT_GT(counter, 0u);
    EXPECT_EQ(mutex.word, 0u);
}

TEST(Mutex, NextIsRoundRobin) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_mutex_lock(&mutex);  // as thread 0
    std::vector<unsigned> order;
    std::vector<std::thread> threads;
    for (unsigned n : {3u, 1u, 2u}) {
        threads.emplace_back([&, n] {
            my_number = n;
            kos_mutex_lock(&mutex);
            order.push_back(n);
            kos_mutex_unlock(&mutex);
        });
    }
    while (__atomic_load_n(&mutex.word, __ATOMIC_ACQUIRE) != (1u << 16 | 0b1110)) std::this_thread::yield();
    kos_mutex_unlock(&mutex);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(order, (std::vector<unsigned>{1, 2, 3}));
}

TEST(Mutex, AThreadThatIsGoneIsPassedOver) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_mutex_lock(&mutex);
    std::thread dead([&] {
        my_number = 1;
        kos_mutex_lock(&mutex);  // handed over to it below, as if the thread had been stopped just before it saw that
        my_number = 1;
    });
    while (__atomic_load_n(&mutex.word, __ATOMIC_ACQUIRE) != (1u << 16 | 2)) std::this_thread::yield();
    std::thread alive([&] {
        my_number = 2;
        kos_mutex_lock(&mutex);
        kos_mutex_unlock(&mutex);
    });
    while (__atomic_load_n(&mutex.word, __ATOMIC_ACQUIRE) != (1u << 16 | 6)) std::this_thread::yield();
    kos_mutex_unlock(&mutex);
    dead.join();
    EXPECT_EQ(kos_mutex_take_from(&mutex, 0), KOS_STATUS_CONFLICT);
    EXPECT_EQ(kos_mutex_take_from(&mutex, 1), KOS_STATUS_OK);
    alive.join();
    EXPECT_EQ(mutex.word, 0u);
}

// A bounded buffer: producers and consumers on two conditions.
TEST(Condition, BoundedBuffer) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_condition_t not_full = KOS_CONDITION_INIT;
    kos_condition_t not_empty = KOS_CONDITION_INIT;
    std::vector<unsigned> buffer;
    uint64_t sum = 0;
    constexpr unsigned kItems = 2000;
    run_threads(kThreads, [&](unsigned n) {
        for (unsigned i = 1; i <= kItems; ++i) {
            kos_mutex_lock(&mutex);
            if (n % 2 == 0) {
                while (buffer.size() >= 3) kos_condition_wait(&not_full, &mutex);
                buffer.push_back(i);
                kos_condition_signal(&not_empty);
            } else {
                while (buffer.empty()) kos_condition_wait(&not_empty, &mutex);
                sum += buffer.back();
                buffer.pop_back();
                kos_condition_signal(&not_full);
            }
            kos_mutex_unlock(&mutex);
        }
    });
    EXPECT_EQ(sum, uint64_t{kThreads / 2} * kItems * (kItems + 1) / 2);
    EXPECT_TRUE(buffer.empty());
}

TEST(Condition, BroadcastWakesAllAndTimeoutWakesOne) {
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_condition_t condition = KOS_CONDITION_INIT;
    bool go = false;
    std::atomic<unsigned> timeouts{0};
    run_threads(kThreads, [&](unsigned n) {
        kos_mutex_lock(&mutex);
        if (n == 0) {
            EXPECT_EQ(kos_condition_wait_until(&condition, &mutex, now_us() + 20000), KOS_STATUS_TIMEOUT);
            ++timeouts;
            go = true;
            kos_condition_broadcast(&condition);
        } else {
            while (!go) kos_condition_wait(&condition, &mutex);
        }
        kos_mutex_unlock(&mutex);
    });
    EXPECT_EQ(timeouts, 1u);
    EXPECT_EQ(condition.waiters, 0u);
}

TEST(Semaphore, UnitsAreNeitherLostNorMade) {
    kos_semaphore_t semaphore = KOS_SEMAPHORE_INIT(3);
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    run_threads(kThreads, [&](unsigned n) {
        std::mt19937 random(n);
        for (int i = 0; i < 1000; ++i) {
            if (random() % 3 == 0) {
                if (kos_semaphore_wait_until(&semaphore, now_us() + random() % 100) != KOS_STATUS_OK) continue;
            } else {
                kos_semaphore_wait(&semaphore);
            }
            int const now = ++inside;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            --inside;
            EXPECT_EQ(kos_semaphore_post(&semaphore), KOS_STATUS_OK);
        }
    });
    EXPECT_LE(most, 3);
    EXPECT_EQ(semaphore.word, 3u);
}

TEST(Semaphore, Limits) {
    kos_semaphore_t semaphore = KOS_SEMAPHORE_INIT(0);
    EXPECT_EQ(kos_semaphore_try_wait(&semaphore), KOS_STATUS_EMPTY);
    EXPECT_EQ(kos_semaphore_wait_until(&semaphore, 0), KOS_STATUS_TIMEOUT);
    kos_semaphore_init(&semaphore, UINT32_MAX);
    EXPECT_EQ(kos_semaphore_post(&semaphore), KOS_STATUS_FULL);
    EXPECT_EQ(kos_semaphore_try_wait(&semaphore), KOS_STATUS_OK);
    EXPECT_EQ(kos_semaphore_post(&semaphore), KOS_STATUS_OK);
    EXPECT_EQ(semaphore.word, UINT32_MAX);
}

TEST(Event, SetLetsAllPassUntilReset) {
    kos_event_t event = KOS_EVENT_INIT;
    std::atomic<unsigned> passed{0};
    run_threads(kThreads, [&](unsigned n) {
        if (n == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            EXPECT_EQ(passed, 0u);
            kos_event_set(&event);
        } else {
            kos_event_wait(&event);
            ++passed;
        }
    });
    EXPECT_EQ(passed, kThreads - 1);
    EXPECT_TRUE(kos_event_is_set(&event));
    kos_event_wait(&event);
    kos_event_reset(&event);
    EXPECT_FALSE(kos_event_is_set(&event));
    EXPECT_EQ(kos_event_wait_until(&event, now_us() + 1000), KOS_STATUS_TIMEOUT);
    EXPECT_EQ(event.word, 0u);
}

TEST(Once, RunsOnceAndOthersWait) {
    for (int round = 0; round < 50; ++round) {
        kos_once_t once = KOS_ONCE_INIT;
        static int runs;
        static std::atomic<bool> finished;
        runs = 0;
        finished = false;
        run_threads(kThreads, [&](unsigned) {
            kos_once(
                &once,
                [](void* param) {
                    std::this_thread::sleep_for(std::chrono::microseconds(300));
                    ++*static_cast<int*>(param);
                    finished = true;
                },
                &runs);
            EXPECT_TRUE(finished);
        });
        EXPECT_EQ(runs, 1);
    }
}

TEST(Once, CallingItselfEndsTheDomain) {
    static kos_once_t once = KOS_ONCE_INIT;
    EXPECT_THROW(kos_once(
                     &once,
                     [](void*) {
                         kos_once(
                             &once, [](void*) {}, nullptr);
                     },
                     nullptr),
                 std::logic_error);
}

// A unit that was handed to a thread which was stopped before it saw that goes to the next one.
TEST(Gone, SemaphoreUnitGoesOn) {
    kos_semaphore_t semaphore = KOS_SEMAPHORE_INIT(0);
    std::thread waiter([&] {
        my_number = 1;
        kos_semaphore_wait(&semaphore);
    });
    while (!(__atomic_load_n(&semaphore.word, __ATOMIC_ACQUIRE) >> 33 & 1)) std::this_thread::yield();
    kos_sync_thread_gone(1);  // stopped while it waits: its bit is out
    EXPECT_EQ(semaphore.word, 0u);
    EXPECT_EQ(kos_semaphore_post(&semaphore), KOS_STATUS_OK);
    EXPECT_EQ(semaphore.word, 1u);
    kos_thread_unpark(1);  // lets this machine's thread end; it takes its bit's absence for a hand-over
    waiter.join();
}

}  // namespace
