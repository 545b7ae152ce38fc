/*
 * Tests of store.h against a model, with restarts at every point, torn writes and damage.
 */
#include "store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace kos::log {
namespace {

using Memory = std::vector<uint64_t>;

Line make_line(const std::string& text, uint16_t domain = 3) {
    Line line = {};
    line.ticks = 77;
    line.instance = 4;
    line.domain = domain;
    line.level = KOS_LOG_INFO;
    line.bytes = static_cast<uint8_t>(text.size());
    text.copy(line.text, sizeof line.text);
    return line;
}

std::string text_of(const Line& line) { return {line.text, line.bytes}; }

std::unique_ptr<Store> open(Memory& memory) {
    auto store = std::make_unique<Store>();
    EXPECT_TRUE(store->open(memory.data(), memory.size() * 8));
    return store;
}

TEST(Store, RefusesUnfitMemory) {
    Memory memory(1024);
    Store store;
    EXPECT_FALSE(store.open(nullptr, 8192));
    EXPECT_FALSE(store.open(memory.data(), 8191));
    EXPECT_FALSE(store.open(reinterpret_cast<uint8_t*>(memory.data()) + 1, 8192));
    EXPECT_FALSE(store.open(memory.data(), size_t{17} << 20));
    EXPECT_TRUE(store.open(memory.data(), 8192));
}

TEST(Store, KeepsLines) {
    Memory memory(1024);
    auto store = open(memory);
    EXPECT_EQ(store->append(make_line("one")), 1u);
    EXPECT_EQ(store->append(make_line("", 63)), 2u);
    Line line;
    ASSERT_TRUE(store->read(1, &line));
    EXPECT_EQ(text_of(line), "one");
    EXPECT_EQ(line.domain, 3);
    EXPECT_EQ(line.level, KOS_LOG_INFO);
    EXPECT_EQ(line.instance, 4u);
    EXPECT_EQ(line.ticks, 77u);
    ASSERT_TRUE(store->read(2, &line));
    EXPECT_EQ(text_of(line), "");
    EXPECT_FALSE(store->read(3, &line));
    EXPECT_FALSE(store->read(0, &line));
}

TEST(Store, PositionsSurviveAndAreCorrected) {
    Memory memory(1024);
    auto store = open(memory);
    for (int i = 0; i < 10; ++i) store->append(make_line("x"));
    store->set_console_position(4);
    store->set_root_position(9);
    store->set_instance(5, 8);
    auto again = open(memory);
    EXPECT_EQ(again->console_position(), 4u);
    EXPECT_EQ(again->root_position(), 9u);
    EXPECT_EQ(again->instance(5), 8u);
    EXPECT_EQ(again->instance(64), 0u);
    again->set_console_position(1000);
    EXPECT_EQ(again->console_position(), again->next());
    again->set_console_position(0);
    EXPECT_EQ(again->console_position(), 0u);
}

TEST(Store, MatchesTheModelThroughRestarts) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        Memory memory(1024 + random() % 2048);
        auto store = open(memory);
        std::deque<std::string> model;  // every line ever written; line n is model[n - 1]
        for (int step = 0; step < 2000; ++step) {
            std::string text(random() % (KOS_LOG_TEXT_MAX + 1), static_cast<char>('a' + random() % 26));
            if (random() % 2 == 0) text.resize(text.size() % 9);
            model.push_back(text);
            ASSERT_EQ(store->append(make_line(text)), model.size());
            if (random() % 50 == 0) store = open(memory);
            if (step % 20 != 0) continue;
            ASSERT_EQ(store->next(), model.size() + 1);
            // Everything that fits is kept: at least half of the memory holds lines once it has been filled.
            size_t kept = 0;
            Line line;
            for (uint64_t n = store->oldest(); n < store->next(); ++n) {
                ASSERT_TRUE(store->read(n, &line)) << n;
                ASSERT_EQ(text_of(line), model[n - 1]);
                kept += 32 + line.bytes;
            }
            if (store->oldest() > 1) {
                EXPECT_GT(kept, memory.size() * 8 / 2);
            }
        }
    }
}

// The log dies after any number of bytes of a line have been written: all other lines are found again.
TEST(Store, SkipsTornLines) {
    Memory memory(1024);
    auto store = open(memory);
    for (int i = 0; i < 100; ++i) store->append(make_line("line " + std::to_string(i)));
    const uint64_t next = store->next();
    const Memory before = memory;
    store->append(make_line("the torn one, long enough to cover some old ones and more than that"));
    const Memory after = memory;
    const auto* old_bytes = reinterpret_cast<const uint8_t*>(before.data());
    const auto* new_bytes = reinterpret_cast<const uint8_t*>(after.data());
    size_t first = 0;
    while (old_bytes[first] == new_bytes[first]) ++first;
    size_t last = before.size() * 8 - 1;
    while (old_bytes[last] == new_bytes[last]) --last;
    for (size_t cut = first; cut <= last; ++cut) {
        SCOPED_TRACE(cut);
        Memory torn = before;
        // The magic number is written last; before it the record is invalid.
        auto* bytes = reinterpret_cast<uint8_t*>(torn.data());
        memcpy(bytes + first, new_bytes + first, cut - first);
        memset(bytes + first, 0, std::min<size_t>(4, last - first));
        auto recovered = open(torn);
        ASSERT_EQ(recovered->next(), next);
        Line line;
        for (uint64_t n = recovered->oldest(); n < next; ++n) {
            ASSERT_TRUE(recovered->read(n, &line));
            ASSERT_EQ(text_of(line), "line " + std::to_string(n - 1));
        }
        EXPECT_EQ(recovered->append(make_line("goes on")), next);
    }
}

TEST(Store, RandomDamageNeverShowsAWrongLine) {
    std::mt19937_64 random(5);
    for (int round = 0; round < 300; ++round) {
        SCOPED_TRACE(round);
        Memory memory(1024);
        auto store = open(memory);
        for (int i = 0; i < 300; ++i) store->append(make_line("line " + std::to_string(i)));
        for (int i = 0; i < 20; ++i) reinterpret_cast<uint8_t*>(memory.data())[random() % 8192] ^= 1 << random() % 8;
        auto recovered = open(memory);
        Line line;
        for (uint64_t n = recovered->oldest(); n < recovered->next(); ++n) {
            ASSERT_TRUE(recovered->read(n, &line));
            ASSERT_EQ(text_of(line), "line " + std::to_string(n - 1));
        }
        for (int i = 0; i < 300; ++i) recovered->append(make_line("after"));
    }
}

TEST(Store, RandomMemoryIsTakenAsEmpty) {
    std::mt19937_64 random(6);
    Memory memory(1024);
    for (uint64_t& word : memory) word = random();
    auto store = open(memory);
    EXPECT_EQ(store->recovered(), 0u);
    EXPECT_EQ(store->append(make_line("first")), 1u);
}

TEST(Store, MostLinesAreBounded) {
    Memory memory(32768);
    auto store = open(memory);
    for (int i = 0; i < 5000; ++i) store->append(make_line(""));
    EXPECT_EQ(store->next() - store->oldest(), Store::kMostLines);
    EXPECT_EQ(open(memory)->oldest(), store->oldest());
}

TEST(Store, ReadersOnOtherThreadsSeeWholeLines) {
    Memory memory(1024);
    auto store = open(memory);
    std::atomic<bool> done = false;
    std::thread writer([&] {
        for (uint64_t i = 1; i <= 20000; ++i) {
            store->append(make_line(std::string(i % 200, static_cast<char>('a' + i % 26))));
        }
        done = true;
    });
    Line line;
    uint64_t read = 0;
    while (!done) {
        const uint64_t n = store->oldest();
        if (!store->read(n, &line)) continue;
        ++read;
        ASSERT_EQ(text_of(line), std::string(n % 200, static_cast<char>('a' + n % 26)));
    }
    writer.join();
    EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace kos::log
