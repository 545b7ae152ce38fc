/*
 * Tests of root_ring.h: order, overwriting, a hostile or strange ring, and a producer at work while the consumer reads.
 */
#include "root_ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace kos::log {
namespace {

struct Memory {
    explicit Memory(size_t bytes) : words(bytes / 8) { root_ring_create(ring(), bytes); }
    RootRing* ring() { return reinterpret_cast<RootRing*>(words.data()); }
    size_t bytes() const { return words.size() * 8; }
    void append(const std::string& text) { root_ring_append(ring(), 7, kRootText, 3, 5, 2, text.data(), text.size()); }
    std::vector<uint64_t> words;
};

TEST(RootRing, GivesRecordsInOrder) {
    Memory memory(4096);
    memory.append("a");
    memory.append("bc");
    uint64_t next = 0;
    uint64_t lost = 0;
    RootRecord record;
    ASSERT_TRUE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(std::string(record.text, record.bytes), "a");
    EXPECT_EQ(record.sequence, 1u);
    EXPECT_EQ(record.domain, 5);
    EXPECT_EQ(record.instance, 2u);
    EXPECT_EQ(record.ticks, 7u);
    ASSERT_TRUE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(std::string(record.text, record.bytes), "bc");
    EXPECT_FALSE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(lost, 0u);
}

TEST(RootRing, OverwritesTheOldestAndSaysHowMany) {
    Memory memory(4096);  // 15 entries
    for (int i = 1; i <= 40; ++i) memory.append(std::to_string(i));
    uint64_t next = 3;
    uint64_t lost = 0;
    RootRecord record;
    for (int i = 26; i <= 40; ++i) {
        ASSERT_TRUE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
        EXPECT_EQ(std::string(record.text, record.bytes), std::to_string(i));
    }
    EXPECT_FALSE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(lost, 23u);
}

TEST(RootRing, CutsLongText) {
    Memory memory(4096);
    memory.append(std::string(1000, 'x'));
    uint64_t next = 0;
    uint64_t lost = 0;
    RootRecord record;
    ASSERT_TRUE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(record.bytes, kRootTextBytes);
}

TEST(RootRing, RefusesWhatIsNoRing) {
    Memory memory(4096);
    memory.append("a");
    uint64_t next = 0;
    uint64_t lost = 0;
    RootRecord record;
    EXPECT_FALSE(root_ring_take(memory.ring(), 256, &next, &record, &lost));
    memory.ring()->entries = 16;  // more than fit
    EXPECT_FALSE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    memory.ring()->entries = 0;
    EXPECT_FALSE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    memory.ring()->entries = 15;
    memory.ring()->magic = 1;
    EXPECT_FALSE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
}

TEST(RootRing, APositionOfAnotherBootStartsAnew) {
    Memory memory(4096);
    memory.append("a");
    uint64_t next = 1000;
    uint64_t lost = 0;
    RootRecord record;
    ASSERT_TRUE(root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost));
    EXPECT_EQ(record.sequence, 1u);
}

TEST(RootRing, EveryRecordIsWholeUnderLoad) {
    Memory memory(2048);
    constexpr uint64_t kRecords = 20000;
    std::atomic<bool> done = false;
    std::thread producer([&] {
        for (uint64_t i = 1; i <= kRecords; ++i) {
            const std::string text(1 + i % kRootTextBytes, static_cast<char>('a' + i % 26));
            memory.append(text);
        }
        done = true;
    });
    uint64_t next = 0;
    uint64_t lost = 0;
    uint64_t taken = 0;
    RootRecord record;
    while (true) {
        const bool was_done = done;
        if (!root_ring_take(memory.ring(), memory.bytes(), &next, &record, &lost)) {
            if (was_done) break;
            continue;
        }
        ++taken;
        const uint64_t i = record.sequence;
        ASSERT_EQ(std::string(record.text, record.bytes),
                  std::string(1 + i % kRootTextBytes, static_cast<char>('a' + i % 26)));
    }
    producer.join();
    EXPECT_EQ(taken + lost, kRecords);
}

}  // namespace
}  // namespace kos::log
