// One thread: every short sequence of operations against a model; restarts; a hostile other side.
#include <kos/ring_core.h>

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr size_t kSmall = sizeof(kos_ring_shared_t) + 64;

// Exactly as large as the ring may use: AddressSanitizer sees one byte too far.
class Memory {
public:
    explicit Memory(size_t bytes) : bytes_(bytes), words_(new uint64_t[(bytes + 7) / 8]()) {}
    void* get() { return words_.get(); }
    size_t size() const { return bytes_; }
    unsigned char* bytes() { return reinterpret_cast<unsigned char*>(words_.get()); }
    kos_ring_shared_t* shared() { return reinterpret_cast<kos_ring_shared_t*>(words_.get()); }

private:
    size_t bytes_;
    std::unique_ptr<uint64_t[]> words_;
};

struct Pair {
    explicit Pair(Memory& memory) {
        EXPECT_EQ(kos_ring_core_open(&producer, memory.get(), memory.size(), 1), KOS_RING_OK);
        EXPECT_EQ(kos_ring_core_open(&consumer, memory.get(), memory.size(), 0), KOS_RING_OK);
    }
    kos_ring_core_t producer{};
    kos_ring_core_t consumer{};
};

TEST(Ring, RefusesMemoryThatIsTooSmallOrNotAligned) {
    Memory memory(kSmall);
    kos_ring_core_t ring{};
    EXPECT_EQ(kos_ring_core_open(&ring, memory.get(), kSmall - 1, 1), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_open(&ring, memory.bytes() + 4, kSmall, 1), KOS_RING_MISUSE);
}

TEST(Ring, WrongSideIsMisuse) {
    Memory memory(kSmall);
    Pair pair(memory);
    unsigned char byte = 0;
    size_t done = 0;
    uint32_t tag = 0;
    void* payload = nullptr;
    EXPECT_EQ(kos_ring_core_write(&pair.consumer, &byte, 1, &done), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_read(&pair.producer, &byte, 1, &done), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_receive(&pair.producer, &byte, 1, &done, &tag), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_reserve(&pair.consumer, 1, &payload), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_commit(&pair.producer, 1, 0), KOS_RING_MISUSE);
}

TEST(Ring, NothingFlowsBeforeBothHaveOpened) {
    Memory memory(kSmall);
    kos_ring_core_t producer{};
    ASSERT_EQ(kos_ring_core_open(&producer, memory.get(), kSmall, 1), KOS_RING_OK);
    size_t done = 0;
    EXPECT_EQ(kos_ring_core_write(&producer, "x", 1, &done), KOS_RING_WAIT);
    EXPECT_EQ(kos_ring_core_prepare_wait(&producer, 1), 0);
    kos_ring_core_t consumer{};
    ASSERT_EQ(kos_ring_core_open(&consumer, memory.get(), kSmall, 0), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&consumer), 1);
    EXPECT_EQ(kos_ring_core_write(&producer, "x", 1, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&producer), 1) << "the consumer may sleep for the producer's first look";
    char got = 0;
    EXPECT_EQ(kos_ring_core_read(&consumer, &got, 1, &done), KOS_RING_OK);
    EXPECT_EQ(got, 'x');
}

// --- Every sequence of a few operations

class Exhaustive {
public:
    static constexpr int kOperations = 8;

    void run(int depth, bool records) {
        std::vector<int> sequence(static_cast<size_t>(depth));
        uint64_t total = 1;
        for (int i = 0; i < depth; ++i) total *= kOperations;
        for (uint64_t code = 0; code < total && !testing::Test::HasFailure(); ++code) {
            uint64_t rest = code;
            for (int& operation : sequence) {
                operation = static_cast<int>(rest % kOperations);
                rest /= kOperations;
            }
            play(sequence, records);
        }
    }

private:
    // Data are a counter, so that a lost, doubled or swapped byte shows.
    void play(const std::vector<int>& sequence, bool records) {
        memset(memory_.get(), 0, memory_.size());
        Pair pair(memory_);
        // Meet first: the start alone has its own test.
        size_t none = 0;
        (void)kos_ring_core_write(&pair.producer, "", 0, &none);
        (void)kos_ring_core_read(&pair.consumer, nullptr, 0, &none);
        std::deque<std::vector<unsigned char>> sent;
        unsigned char next = 1;
        bool producer_restarted = false;
        bool consumer_restarted = false;
        size_t in_flight = 0;
        for (int operation : sequence) {
            static constexpr size_t kSizes[] = {1, 7, 24};
            if (operation < 3) {
                std::vector<unsigned char> data(kSizes[operation]);
                unsigned char value = next;
                for (unsigned char& byte : data) byte = value++;
                // Who restarted itself and has not met the other side since has nothing to lose and is told nothing.
                bool const is_told = consumer_restarted && pair.producer.is_met;
                if (consumer_restarted) {
                    consumer_restarted = false;
                    sent.clear();
                    in_flight = 0;
                }
                kos_ring_result_t const result = send(pair.producer, data, records);
                if (is_told) {
                    ASSERT_EQ(result, KOS_RING_GONE);
                } else if (producer_restarted) {
                    ASSERT_EQ(result, KOS_RING_WAIT) << "the consumer has not seen the new producer yet";
                } else if (result == KOS_RING_OK) {
                    next = value;
                    in_flight += data.size();
                    sent.push_back(std::move(data));
                } else {
                    ASSERT_EQ(result, KOS_RING_WAIT);
                    ASSERT_GT(in_flight + kSizes[operation] + 8 * (sent.size() + 2) + 32, 64u) << "full too early";
                }
            } else if (operation < 6) {
                std::vector<unsigned char> data(kSizes[operation - 3]);
                size_t done = 0;
                bool const is_told = producer_restarted && pair.consumer.is_met;
                if (producer_restarted) {
                    producer_restarted = false;
                    sent.clear();
                    in_flight = 0;
                }
                kos_ring_result_t const result = take(pair.consumer, data, done, records);
                if (is_told) {
                    ASSERT_EQ(result, KOS_RING_GONE);
                } else if (consumer_restarted) {
                    ASSERT_EQ(result, KOS_RING_WAIT);
                } else if (sent.empty()) {
                    ASSERT_EQ(result, KOS_RING_WAIT);
                } else if (result == KOS_RING_TOO_LONG) {
                    ASSERT_TRUE(records);
                    ASSERT_EQ(done, sent.front().size());
                    ASSERT_GT(done, data.size());
                } else {
                    ASSERT_EQ(result, KOS_RING_OK);
                    check(data, done, sent, records);
                    in_flight -= done;
                }
            } else if (operation == 6) {
                if (consumer_restarted || producer_restarted) continue;  // both at once: RandomRestarts
                ASSERT_EQ(kos_ring_core_open(&pair.producer, memory_.get(), memory_.size(), 1), KOS_RING_OK);
                producer_restarted = true;
            } else {
                if (consumer_restarted || producer_restarted) continue;
                ASSERT_EQ(kos_ring_core_open(&pair.consumer, memory_.get(), memory_.size(), 0), KOS_RING_OK);
                consumer_restarted = true;
            }
        }
    }

    static kos_ring_result_t send(kos_ring_core_t& ring, const std::vector<unsigned char>& data, bool records) {
        if (records) {
            void* payload = nullptr;
            kos_ring_result_t const result = kos_ring_core_reserve(&ring, data.size(), &payload);
            if (result != KOS_RING_OK) return result;
            memcpy(payload, data.data(), data.size());
            return kos_ring_core_commit(&ring, data.size(), static_cast<uint32_t>(data.size()) * 3);
        }
        // All or nothing, so that the model stays simple: look for room with prepare_wait.
        size_t done = 0;
        if (ring.is_met && !kos_ring_core_prepare_wait(&ring, data.size())) return KOS_RING_WAIT;
        kos_ring_result_t const result = kos_ring_core_write(&ring, data.data(), data.size(), &done);
        if (result == KOS_RING_OK) {
            EXPECT_EQ(done, data.size());
        }
        return result;
    }

    static kos_ring_result_t take(kos_ring_core_t& ring, std::vector<unsigned char>& data, size_t& done, bool records) {
        uint32_t tag = 0;
        if (!records) return kos_ring_core_read(&ring, data.data(), data.size(), &done);
        kos_ring_result_t const result = kos_ring_core_receive(&ring, data.data(), data.size(), &done, &tag);
        if (result == KOS_RING_OK) {
            EXPECT_EQ(tag, done * 3);
        }
        return result;
    }

    static void check(const std::vector<unsigned char>& data, size_t done, std::deque<std::vector<unsigned char>>& sent,
                      bool records) {
        if (records) {
            ASSERT_EQ(done, sent.front().size());
        }
        for (size_t i = 0; i < done; ++i) {
            ASSERT_FALSE(sent.empty());
            ASSERT_EQ(data[i], sent.front().front());
            sent.front().erase(sent.front().begin());
            if (sent.front().empty()) sent.pop_front();
        }
    }

    Memory memory_{kSmall};
};

TEST(Ring, EverySequenceOfBytes) { Exhaustive().run(6, false); }
TEST(Ring, EverySequenceOfRecords) { Exhaustive().run(6, true); }

// --- Long runs

TEST(Ring, BytesInAnyChunks) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        Memory memory(sizeof(kos_ring_shared_t) + 64 + random() % 2000);
        Pair pair(memory);
        unsigned char out = 0;
        unsigned char in = 0;
        unsigned char chunk[300];
        for (int i = 0; i < 20000; ++i) {
            size_t const count = random() % sizeof chunk;
            size_t done = 0;
            if (random() % 2) {
                for (size_t k = 0; k < count; ++k) chunk[k] = static_cast<unsigned char>(out + k);
                if (kos_ring_core_write(&pair.producer, chunk, count, &done) == KOS_RING_OK) {
                    out = static_cast<unsigned char>(out + done);
                }
            } else if (kos_ring_core_read(&pair.consumer, chunk, count, &done) == KOS_RING_OK) {
                for (size_t k = 0; k < done; ++k) ASSERT_EQ(chunk[k], in++) << "seed " << seed;
            }
        }
    }
}

TEST(Ring, LongestRecordAlwaysFitsAnEmptyRing) {
    for (size_t bytes = 64; bytes < 400; bytes += 8) {
        Memory memory(sizeof(kos_ring_shared_t) + bytes);
        Pair pair(memory);
        size_t const max = kos_ring_core_record_max(&pair.producer);
        std::vector<unsigned char> data(max, 7);
        std::vector<unsigned char> got(max);
        void* payload = nullptr;
        for (size_t step = 0; step < bytes / 8 * 3; ++step) {
            for (size_t count : {max, step % (max + 1)}) {
                ASSERT_EQ(kos_ring_core_reserve(&pair.producer, count, &payload), KOS_RING_OK) << bytes << " " << step;
                if (count) memcpy(payload, data.data(), count);
                ASSERT_EQ(kos_ring_core_commit(&pair.producer, count, 1), KOS_RING_OK);
                size_t length = 0;
                uint32_t tag = 0;
                ASSERT_EQ(kos_ring_core_receive(&pair.consumer, got.data(), got.size(), &length, &tag), KOS_RING_OK);
                ASSERT_EQ(length, count);
            }
        }
        EXPECT_EQ(kos_ring_core_reserve(&pair.producer, max + 1, &payload), KOS_RING_TOO_LONG);
    }
}

TEST(Ring, CommitMayBeShorterThanReserveAndNeverLonger) {
    Memory memory(kSmall + 64);
    Pair pair(memory);
    void* payload = nullptr;
    ASSERT_EQ(kos_ring_core_reserve(&pair.producer, 20, &payload), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_commit(&pair.producer, 21, 0), KOS_RING_MISUSE);
    memcpy(payload, "abc", 3);
    EXPECT_EQ(kos_ring_core_commit(&pair.producer, 3, 9), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_commit(&pair.producer, 3, 9), KOS_RING_MISUSE);
    char got[8];
    size_t length = 0;
    uint32_t tag = 0;
    EXPECT_EQ(kos_ring_core_receive(&pair.consumer, got, 2, &length, &tag), KOS_RING_TOO_LONG);
    EXPECT_EQ(length, 3u);
    EXPECT_EQ(kos_ring_core_receive(&pair.consumer, got, 8, &length, &tag), KOS_RING_OK);
    EXPECT_EQ(memcmp(got, "abc", 3), 0);
    EXPECT_EQ(tag, 9u);
}

// Restarts of either side at any time, also of both: what arrives is always a run of what the present producer has sent
// to the present consumer, from its first byte on, and data flow again soon.
TEST(Ring, PeekLeavesTheRecordUntilRelease) {
    Memory memory(kSmall);
    Pair pair(memory);
    const void* seen = nullptr;
    size_t length = 0;
    uint32_t tag = 0;
    EXPECT_EQ(kos_ring_core_peek(&pair.producer, &seen, &length, &tag), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_WAIT);
    EXPECT_EQ(kos_ring_core_release(&pair.consumer), KOS_RING_MISUSE);
    // Often enough to come around the end, with its fillings.
    for (uint32_t i = 0; i < 40; ++i) {
        void* payload = nullptr;
        const size_t size = 1 + i % 16;
        ASSERT_EQ(kos_ring_core_reserve(&pair.producer, size, &payload), KOS_RING_OK);
        memset(payload, static_cast<int>(i), size);
        ASSERT_EQ(kos_ring_core_commit(&pair.producer, size, i), KOS_RING_OK);
        for (int again = 0; again < 2; ++again) {
            ASSERT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_OK);
            ASSERT_EQ(length, size);
            ASSERT_EQ(tag, i);
            ASSERT_EQ(static_cast<const unsigned char*>(seen)[size - 1], i);
        }
        ASSERT_EQ(kos_ring_core_release(&pair.consumer), KOS_RING_OK);
        ASSERT_EQ(kos_ring_core_release(&pair.consumer), KOS_RING_MISUSE);
    }
    // A restart of the producer takes the record away, not the ring.
    void* payload = nullptr;
    ASSERT_EQ(kos_ring_core_reserve(&pair.producer, 8, &payload), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_commit(&pair.producer, 8, 1), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_open(&pair.producer, memory.get(), memory.size(), 1), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_release(&pair.consumer), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_GONE);
    EXPECT_EQ(kos_ring_core_release(&pair.consumer), KOS_RING_MISUSE);
    EXPECT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_WAIT);
    ASSERT_EQ(kos_ring_core_reserve(&pair.producer, 8, &payload), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_commit(&pair.producer, 8, 2), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_peek(&pair.consumer, &seen, &length, &tag), KOS_RING_OK);
    EXPECT_EQ(tag, 2u);
}

TEST(Ring, WhoIsLeftIsToldOnceAndMeetsTheNextInstance) {
    for (int const left : {0, 1}) {
        Memory memory(kSmall);
        Pair pair(memory);
        kos_ring_core_t& other = left ? pair.consumer : pair.producer;
        auto const look = [&] {
            char byte = 'x';
            size_t done = 0;
            return left ? kos_ring_core_read(&other, &byte, 1, &done) : kos_ring_core_write(&other, &byte, 1, &done);
        };
        size_t done = 0;
        ASSERT_EQ(kos_ring_core_write(&pair.producer, "ab", 2, &done), KOS_RING_OK);
        ASSERT_EQ(look(), KOS_RING_OK);
        kos_ring_core_leave(memory.shared(), left);
        kos_ring_core_leave(memory.shared(), left);  // of a domain that ended while it was opening the ring
        EXPECT_EQ(kos_ring_core_prepare_wait(&other, 1), 1) << "the mark is a reason not to sleep";
        EXPECT_EQ(look(), KOS_RING_GONE) << "what still lies in the ring is of nobody";
        EXPECT_EQ(look(), KOS_RING_WAIT);
        EXPECT_EQ(kos_ring_core_prepare_wait(&other, 1), 0);
        kos_ring_core_t next{};
        ASSERT_EQ(kos_ring_core_open(&next, memory.get(), memory.size(), left), KOS_RING_OK);
        kos_ring_core_t& producer = left ? next : other;
        kos_ring_core_t& consumer = left ? other : next;
        char got = 0;
        (void)kos_ring_core_read(&consumer, &got, 1, &done);
        ASSERT_EQ(kos_ring_core_write(&producer, "c", 1, &done), KOS_RING_OK);
        ASSERT_EQ(kos_ring_core_read(&consumer, &got, 1, &done), KOS_RING_OK);
        EXPECT_EQ(got, 'c');
    }
}

// The one that is left has never looked: it has nothing to lose and is told nothing.
TEST(Ring, ASideThatEndedBeforeTheyMetIsNotMissed) {
    Memory memory(kSmall);
    kos_ring_core_t producer{};
    ASSERT_EQ(kos_ring_core_open(&producer, memory.get(), memory.size(), 1), KOS_RING_OK);
    kos_ring_core_leave(memory.shared(), 1);
    kos_ring_core_t consumer{};
    ASSERT_EQ(kos_ring_core_open(&consumer, memory.get(), memory.size(), 0), KOS_RING_OK);
    char got = 0;
    size_t done = 0;
    EXPECT_EQ(kos_ring_core_read(&consumer, &got, 1, &done), KOS_RING_WAIT);
    ASSERT_EQ(kos_ring_core_open(&producer, memory.get(), memory.size(), 1), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_read(&consumer, &got, 1, &done), KOS_RING_WAIT);
    ASSERT_EQ(kos_ring_core_write(&producer, "x", 1, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_read(&consumer, &got, 1, &done), KOS_RING_OK);
}

TEST(Ring, RandomRestarts) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        std::mt19937_64 random(seed);
        Memory memory(kSmall + 40);
        Pair pair(memory);
        uint64_t sent = 0;
        uint64_t received = 0;
        uint64_t flowed = 0;
        uint64_t generation = 1;
        for (int i = 0; i < 20000; ++i) {
            size_t done = 0;
            uint64_t word[2];
            uint32_t tag = 0;
            void* payload = nullptr;
            switch (random() % 32) {
                case 0:
                    ASSERT_EQ(kos_ring_core_open(&pair.producer, memory.get(), memory.size(), 1), KOS_RING_OK);
                    sent = 0;
                    ++generation;
                    break;
                case 1:
                    ASSERT_EQ(kos_ring_core_open(&pair.consumer, memory.get(), memory.size(), 0), KOS_RING_OK);
                    received = 0;
                    break;
                default:
                    if (random() % 2) {
                        kos_ring_result_t result = kos_ring_core_reserve(&pair.producer, sizeof word, &payload);
                        if (result == KOS_RING_OK) {
                            word[0] = generation;
                            word[1] = sent;
                            memcpy(payload, word, sizeof word);
                            result = kos_ring_core_commit(&pair.producer, sizeof word, 0);
                            if (result == KOS_RING_OK) ++sent;
                        }
                        ASSERT_LE(result, KOS_RING_GONE);
                        if (result == KOS_RING_GONE) {
                            sent = 0;
                            ++generation;
                        }
                    } else {
                        kos_ring_result_t const result =
                            kos_ring_core_receive(&pair.consumer, word, sizeof word, &done, &tag);
                        ASSERT_LE(result, KOS_RING_GONE);
                        if (result == KOS_RING_GONE) received = 0;
                        if (result == KOS_RING_OK) {
                            ASSERT_EQ(word[0], generation) << "seed " << seed << " step " << i;
                            ASSERT_EQ(word[1], received) << "seed " << seed << " step " << i;
                            ++received;
                            ++flowed;
                        }
                    }
            }
        }
        EXPECT_GT(flowed, 1000u);
    }
}

// --- A hostile other side

// Anything may stand in the shared memory: nothing is read or written outside it (ASan), no call loops, every result is
// one of the named ones, and lengths fit the caller's buffer.
void play_against_noise(uint64_t seed, bool is_producer) {
    std::mt19937_64 random(seed);
    size_t const bytes = sizeof(kos_ring_shared_t) + 64 + random() % 500;
    Memory memory(bytes);
    kos_ring_core_t ring{};
    kos_ring_core_t other{};
    ASSERT_EQ(kos_ring_core_open(&ring, memory.get(), bytes, is_producer), KOS_RING_OK);
    ASSERT_EQ(kos_ring_core_open(&other, memory.get(), bytes, !is_producer), KOS_RING_OK);
    kos_ring_side_t& its = is_producer ? memory.shared()->consumer : memory.shared()->producer;
    unsigned good = 0;
    for (int i = 0; i < 3000; ++i) {
        switch (random() % 10) {
            case 0: memory.bytes()[random() % bytes] = static_cast<unsigned char>(random()); break;
            case 1: reinterpret_cast<uint64_t*>(memory.get())[random() % (bytes / 8)] = random(); break;
            case 2: its.position = ring.position + random() % 300; break;
            case 3: its.position = ring.position - random() % 300; break;
            case 4: its.epoch = static_cast<uint32_t>(random() % 4); break;
            case 5: its.seen = ring.epoch; break;
            case 6:
                // A record header at the reader's place: any length, filling, nearly right ones.
                if (ring.offset % 8 == 0) {
                    uint64_t const lengths[] = {random() % 80, KOS_RING_PAD, random(), ring.size - ring.offset - 8};
                    uint64_t const header = (lengths[random() % 4] & 0xffffffff) | random() << 32;
                    memcpy(ring.data + ring.offset, &header, sizeof header);
                }
                break;
            case 7: its.sleeps = random() % 3 ? random() % 400 : random(); break;
            case 8:
                if (random() % 20 == 0) {
                    ASSERT_EQ(kos_ring_core_open(&other, memory.get(), bytes, !is_producer), KOS_RING_OK);
                }
                break;
            default: break;
        }
        size_t const count = random() % 200;
        std::unique_ptr<unsigned char[]> const buffer(new unsigned char[count]());
        size_t done = 0;
        uint32_t tag = 0;
        kos_ring_result_t result = KOS_RING_OK;
        bool const records = ring.offset % 8 == 0 && random() % 2;
        if (is_producer && records) {
            void* payload = nullptr;
            result = kos_ring_core_reserve(&ring, count, &payload);
            if (result == KOS_RING_OK) {
                memset(payload, 1, count);
                if (random() % 4) result = kos_ring_core_commit(&ring, random() % (count + 1), 1);
            }
        } else if (is_producer) {
            result = kos_ring_core_write(&ring, buffer.get(), count, &done);
        } else if (records) {
            result = kos_ring_core_receive(&ring, buffer.get(), count, &done, &tag);
            if (result == KOS_RING_TOO_LONG) {
                ASSERT_LE(done, kos_ring_core_record_max(&ring));
            }
        } else {
            result = kos_ring_core_read(&ring, buffer.get(), count, &done);
        }
        if (result == KOS_RING_OK) {
            ASSERT_LE(done, count);
            ++good;
        }
        ASSERT_LE(result, KOS_RING_MISUSE);
        ASSERT_LE(ring.offset, ring.size);
        (void)kos_ring_core_take_wake(&ring);
        (void)kos_ring_core_prepare_wait(&ring, random() % 4 ? random() % 100 : random());
        if (result == KOS_RING_INVALID || result == KOS_RING_MISUSE) {
            ASSERT_EQ(kos_ring_core_open(&ring, memory.get(), bytes, is_producer), KOS_RING_OK);
        }
    }
    EXPECT_GT(good, 0u) << "seed " << seed;
}

TEST(Ring, HostileConsumer) {
    for (uint64_t seed = 1; seed <= 300 && !HasFatalFailure(); ++seed) play_against_noise(seed, true);
}
TEST(Ring, HostileProducer) {
    for (uint64_t seed = 1; seed <= 300 && !HasFatalFailure(); ++seed) play_against_noise(seed, false);
}

// Each rule of the protocol, broken once.
TEST(Ring, NamedViolations) {
    char got[64];
    size_t done = 0;
    uint32_t tag = 0;
    auto const fresh = [&](Memory& memory, kos_ring_core_t& consumer) {
        Pair pair(memory);
        void* payload = nullptr;
        ASSERT_EQ(kos_ring_core_read(&pair.consumer, got, 0, &done), KOS_RING_WAIT);
        ASSERT_EQ(kos_ring_core_reserve(&pair.producer, 10, &payload), KOS_RING_OK);
        memset(payload, 'p', 10);
        ASSERT_EQ(kos_ring_core_commit(&pair.producer, 10, 1), KOS_RING_OK);
        consumer = pair.consumer;
    };
    auto const expect_invalid = [&](const char* what, auto&& damage) {
        Memory memory(kSmall);
        kos_ring_core_t consumer{};
        fresh(memory, consumer);
        damage(memory);
        EXPECT_EQ(kos_ring_core_receive(&consumer, got, sizeof got, &done, &tag), KOS_RING_INVALID) << what;
        EXPECT_EQ(kos_ring_core_receive(&consumer, got, sizeof got, &done, &tag), KOS_RING_INVALID) << what;
        ASSERT_EQ(kos_ring_core_open(&consumer, memory.get(), memory.size(), 0), KOS_RING_OK);
        EXPECT_EQ(kos_ring_core_receive(&consumer, got, sizeof got, &done, &tag), KOS_RING_WAIT) << what;
    };
    auto const header = [](Memory& memory) { return reinterpret_cast<uint32_t*>(memory.shared() + 1); };
    expect_invalid("more than the ring holds", [](Memory& m) { m.shared()->producer.position = 65; });
    expect_invalid("backwards", [](Memory& m) { m.shared()->producer.position = UINT64_MAX; });
    expect_invalid("half a header", [](Memory& m) { m.shared()->producer.position = 4; });
    expect_invalid("longer than what is there", [&](Memory& m) { *header(m) = 20; });
    expect_invalid("longer than any", [&](Memory& m) { *header(m) = 0x7fffffff; });
    expect_invalid("filling at the beginning", [&](Memory& m) { *header(m) = KOS_RING_PAD; });
    Memory memory(kSmall);
    Pair pair(memory);
    ASSERT_EQ(kos_ring_core_write(&pair.producer, "abcdefgh", 8, &done), KOS_RING_OK);
    memory.shared()->consumer.position = 9;
    EXPECT_EQ(kos_ring_core_write(&pair.producer, "a", 1, &done), KOS_RING_INVALID) << "more read than written";
}

// --- Notifications are sent only to who sleeps, and for enough

TEST(Ring, WakesOnlySleepers) {
    Memory memory(kSmall);
    Pair pair(memory);
    size_t done = 0;
    char got[64];
    (void)kos_ring_core_write(&pair.producer, "", 0, &done);
    (void)kos_ring_core_take_wake(&pair.producer);
    EXPECT_EQ(kos_ring_core_read(&pair.consumer, got, 1, &done), KOS_RING_WAIT);
    (void)kos_ring_core_take_wake(&pair.consumer);
    ASSERT_EQ(kos_ring_core_write(&pair.producer, "x", 1, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&pair.producer), 0) << "the consumer is awake";
    EXPECT_EQ(kos_ring_core_prepare_wait(&pair.consumer, 1), 1) << "there is something";
    EXPECT_EQ(kos_ring_core_prepare_wait(&pair.consumer, 4), 0);
    ASSERT_EQ(kos_ring_core_write(&pair.producer, "yz", 2, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&pair.producer), 0) << "it wants four";
    ASSERT_EQ(kos_ring_core_write(&pair.producer, "a", 1, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&pair.producer), 1);
    EXPECT_EQ(kos_ring_core_take_wake(&pair.producer), 0) << "once";
    EXPECT_EQ(kos_ring_core_prepare_wait(&pair.producer, 61), 0);
    ASSERT_EQ(kos_ring_core_read(&pair.consumer, got, 1, &done), KOS_RING_OK);
    EXPECT_EQ(kos_ring_core_take_wake(&pair.consumer), 1);
}

}  // namespace
