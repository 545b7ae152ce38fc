// Two threads and a ring between them: order of memory, sleeping and waking, restarts while the other side is at work.
#include <kos/ring_core.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace {

// A notification of the kernel: a bit that a wait takes.
class Notification {
public:
    void signal() {
        std::lock_guard const lock(mutex_);
        is_set_ = true;
        ++signals;
        changed_.notify_one();
    }
    // False: nobody signalled for seconds, which is a lost wake-up.
    bool wait() {
        std::unique_lock lock(mutex_);
        bool const is_good = changed_.wait_for(lock, std::chrono::seconds(20), [this] { return is_set_; });
        is_set_ = false;
        return is_good;
    }
    uint64_t signals = 0;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_set_ = false;
};

struct Shared {
    explicit Shared(size_t bytes) : size(bytes), words(new uint64_t[bytes / 8]()) {}
    size_t size;
    std::unique_ptr<uint64_t[]> words;
    Notification to_producer, to_consumer;
};

// One side that looks whether the other one sleeps after up to `most` operations, and before it sleeps itself or ends
// (kos_ring_hold, kos_ring_wake).
class Waker {
public:
    Waker(kos_ring_core_t& ring, Notification& other, unsigned most, uint64_t seed)
        : ring_(ring), other_(other), most_(most), random_(seed) {}
    ~Waker() { wake(); }
    void operation() {
        if (left_-- == 0) wake();
    }
    void wake() {
        left_ = random_() % most_;
        if (kos_ring_core_take_wake(&ring_)) other_.signal();
    }

private:
    kos_ring_core_t& ring_;
    Notification& other_;
    unsigned most_;
    std::mt19937_64 random_;
    uint64_t left_ = 0;
};

void run_bytes(size_t ring_bytes, uint64_t total, uint64_t seed, unsigned most = 1) {
    Shared shared(ring_bytes);
    std::thread producer([&] {
        kos_ring_core_t ring{};
        ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 1), KOS_RING_OK);
        Waker waker(ring, shared.to_consumer, most, seed + 2);
        std::mt19937_64 random(seed);
        std::vector<unsigned char> chunk(500);
        for (uint64_t sent = 0; sent < total;) {
            size_t count = 1 + random() % chunk.size();
            if (count > total - sent) count = total - sent;
            for (size_t i = 0; i < count; ++i) chunk[i] = static_cast<unsigned char>(sent + i);
            size_t done = 0;
            kos_ring_result_t const result = kos_ring_core_write(&ring, chunk.data(), count, &done);
            waker.operation();
            if (result == KOS_RING_OK) {
                sent += done;
            } else {
                ASSERT_EQ(result, KOS_RING_WAIT);
                waker.wake();
                if (!kos_ring_core_prepare_wait(&ring, 1 + random() % 64)) {
                    ASSERT_TRUE(shared.to_producer.wait());
                }
            }
        }
    });
    kos_ring_core_t ring{};
    ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 0), KOS_RING_OK);
    Waker waker(ring, shared.to_producer, most, seed + 3);
    std::mt19937_64 random(seed + 1);
    std::vector<unsigned char> chunk(500);
    bool is_good = true;
    for (uint64_t received = 0; received < total && is_good;) {
        size_t done = 0;
        kos_ring_result_t const result = kos_ring_core_read(&ring, chunk.data(), 1 + random() % chunk.size(), &done);
        waker.operation();
        if (result != KOS_RING_OK) waker.wake();
        if (result == KOS_RING_OK) {
            for (size_t i = 0; i < done; ++i) is_good &= chunk[i] == static_cast<unsigned char>(received + i);
            received += done;
        } else if (result != KOS_RING_WAIT) {
            is_good = result == KOS_RING_GONE && received == 0;
        } else if (!kos_ring_core_prepare_wait(&ring, 1)) {
            is_good = shared.to_consumer.wait();
        }
    }
    EXPECT_TRUE(is_good);
    waker.wake();
    if (!is_good) shared.to_producer.signal();
    producer.join();
}

TEST(RingThreads, BytesArriveInOrder) {
    for (uint64_t seed = 1; seed <= 6; ++seed) run_bytes(256 + 64 * seed, 200000, seed);
    run_bytes(65536, 3000000, 99);
}

TEST(RingThreads, OneWakeUpForManyOperationsIsNotLost) {
    for (uint64_t seed = 1; seed <= 6; ++seed)
        run_bytes(256 + 64 * seed, 200000, seed, 2 + 8 * static_cast<unsigned>(seed));
    run_bytes(65536, 3000000, 99, 64);
}

// Records, with either side restarting at random. Each instance numbers what it sends; a consumer sees the numbers of
// one instance without a gap from the first on, until it is told that the producer was restarted.
TEST(RingThreads, RecordsAcrossRestarts) {
    Shared shared(1024);
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> flowed{0};
    std::future<void> const producer = std::async(std::launch::async, [&] {
        std::mt19937_64 random(1);
        uint64_t instance = 0;
        while (!stop) {
            kos_ring_core_t ring{};
            ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 1), KOS_RING_OK);
            shared.to_consumer.signal();
            uint64_t number = 0;
            ++instance;
            for (uint64_t life = random() % 3000; life && !stop; --life) {
                size_t const count = 16 + random() % 100;
                void* payload = nullptr;
                kos_ring_result_t result = kos_ring_core_reserve(&ring, count, &payload);
                if (result == KOS_RING_OK) {
                    uint64_t const head[2] = {instance, number};
                    memcpy(payload, head, sizeof head);
                    memset(static_cast<char*>(payload) + 16, static_cast<int>(number), count - 16);
                    result = kos_ring_core_commit(&ring, count, static_cast<uint32_t>(number));
                    if (result == KOS_RING_OK) ++number;
                }
                if (kos_ring_core_take_wake(&ring)) shared.to_consumer.signal();
                if (result == KOS_RING_GONE) {
                    number = 0;
                    ++instance;
                }
                if (result == KOS_RING_WAIT &&
                    !kos_ring_core_prepare_wait(&ring, kos_ring_core_reserve_needs(&ring, count))) {
                    ASSERT_TRUE(shared.to_producer.wait());
                }
                ASSERT_LE(result, KOS_RING_GONE);
            }
        }
    });
    std::mt19937_64 random(2);
    bool is_good = true;
    while (flowed < 60000 && is_good) {
        kos_ring_core_t ring{};
        ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 0), KOS_RING_OK);
        shared.to_producer.signal();
        uint64_t instance = 0;
        uint64_t expected = 0;
        for (uint64_t life = random() % 5000; life && is_good; --life) {
            unsigned char record[128];
            size_t length = 0;
            uint32_t tag = 0;
            kos_ring_result_t const result = kos_ring_core_receive(&ring, record, sizeof record, &length, &tag);
            if (kos_ring_core_take_wake(&ring)) shared.to_producer.signal();
            if (result == KOS_RING_GONE) {
                instance = 0;
                expected = 0;
            } else if (result == KOS_RING_OK) {
                uint64_t head[2];
                memcpy(head, record, sizeof head);
                if (expected == 0) instance = head[0];
                is_good = length >= 16 && head[0] == instance && head[1] == expected && tag == (expected & 0xffffffff);
                for (size_t i = 16; i < length; ++i) is_good &= record[i] == static_cast<unsigned char>(expected);
                ++expected;
                ++flowed;
            } else if (result == KOS_RING_WAIT) {
                if (!kos_ring_core_prepare_wait(&ring, 1)) is_good = shared.to_consumer.wait();
            } else {
                is_good = false;
            }
            EXPECT_TRUE(is_good) << "result " << result << " instance " << instance << " expected " << expected;
        }
    }
    stop = true;
    // The producer may sleep for a consumer that is no more.
    do {
        shared.to_producer.signal();
    } while (producer.wait_for(std::chrono::milliseconds(2)) != std::future_status::ready);
}

// A loaded ring does without notifications nearly always.
TEST(RingThreads, FewNotificationsUnderLoad) {
    Shared shared(65536);
    constexpr uint64_t kRecords = 100000;
    std::thread producer([&] {
        kos_ring_core_t ring{};
        ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 1), KOS_RING_OK);
        for (uint64_t i = 0; i < kRecords;) {
            void* payload = nullptr;
            kos_ring_result_t const result = kos_ring_core_reserve(&ring, 8, &payload);
            if (result == KOS_RING_OK) {
                memcpy(payload, &i, 8);
                ASSERT_EQ(kos_ring_core_commit(&ring, 8, 0), KOS_RING_OK);
                ++i;
            }
            if (kos_ring_core_take_wake(&ring)) shared.to_consumer.signal();
            // Half of the ring free: no wake-up per record.
            if (result == KOS_RING_WAIT && !kos_ring_core_prepare_wait(&ring, 32000)) {
                ASSERT_TRUE(shared.to_producer.wait());
            }
        }
    });
    kos_ring_core_t ring{};
    ASSERT_EQ(kos_ring_core_open(&ring, shared.words.get(), shared.size, 0), KOS_RING_OK);
    bool is_good = true;
    for (uint64_t i = 0; i < kRecords && is_good;) {
        uint64_t value = 0;
        size_t length = 0;
        uint32_t tag = 0;
        kos_ring_result_t const result = kos_ring_core_receive(&ring, &value, sizeof value, &length, &tag);
        if (result == KOS_RING_OK) is_good = value == i++;
        if (kos_ring_core_take_wake(&ring)) shared.to_producer.signal();
        if (result == KOS_RING_WAIT && !kos_ring_core_prepare_wait(&ring, 16000)) {
            // The last records are fewer than that.
            if (kRecords - i < 1000) continue;
            is_good = shared.to_consumer.wait();
        }
    }
    EXPECT_TRUE(is_good);
    producer.join();
    EXPECT_LT(shared.to_consumer.signals + shared.to_producer.signals, kRecords / 50);
}

}  // namespace
