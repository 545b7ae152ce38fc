/*
 * Tests of console_feed.h: every line appears once and in order, however little the console takes at a time.
 */
#include "console_feed.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace kos::log {
namespace {

struct Feed : testing::Test {
    Feed() : memory(2048), store(std::make_unique<Store>()) {
        EXPECT_TRUE(store->open(memory.data(), memory.size() * 8));
        names.of[0] = "root";
        names.of[3] = "pump";
        feed = std::make_unique<ConsoleFeed>(*store, names, 1000, KOS_LOG_INFO);
    }
    void write(const std::string& text, uint8_t level = KOS_LOG_INFO, uint16_t domain = 3, uint32_t instance = 0) {
        Line line = {};
        line.ticks = 1234;
        line.level = level;
        line.domain = domain;
        line.instance = instance;
        line.bytes = static_cast<uint8_t>(text.size());
        text.copy(line.text, sizeof line.text);
        store->append(line);
    }
    void run(size_t most = 10000, unsigned lines = 100) {
        feed->run(
            [&](const char* bytes, size_t size) -> size_t {
                const size_t taken = std::min(size, most);
                shown.append(bytes, taken);
                most -= taken;
                return taken;
            },
            lines);
    }
    std::vector<uint64_t> memory;
    std::unique_ptr<Store> store;
    Names names;
    std::unique_ptr<ConsoleFeed> feed;
    std::string shown;
};

TEST_F(Feed, FormatsLines) {
    write("hello");
    write("hot", KOS_LOG_WARNING, 3, 2);
    write("hidden", KOS_LOG_DEBUG);
    write("gone", KOS_LOG_ERROR, 9);
    write("boot", KOS_LOG_INFO, 0);
    run();
    EXPECT_EQ(shown,
              "|    1.234000 | pump | hello\r\n"
              "|    1.234000 | pump#2 | warning: hot\r\n"
              "|    1.234000 | ? | error: gone\r\n"
              "|    1.234000 | root | boot\r\n");
    shown.clear();
    run();
    EXPECT_EQ(shown, "");
}

TEST_F(Feed, ADeadConsoleLosesNothing) {
    write("one");
    run(0);
    EXPECT_EQ(shown, "");
    write("two");
    run();
    EXPECT_EQ(shown, "|    1.234000 | pump | one\r\n|    1.234000 | pump | two\r\n");
}

TEST_F(Feed, AnyPortionsGiveTheSameText) {
    std::mt19937_64 random(2);
    std::string expected;
    for (int i = 0; i < 500; ++i) {
        write("line " + std::to_string(i));
        expected += "|    1.234000 | pump | line " + std::to_string(i) + "\r\n";
        run(random() % 100, random() % 4);
    }
    while (store->console_position() != store->next()) run(7);
    EXPECT_EQ(shown, expected);
}

TEST_F(Feed, GoesOnAfterARestartOfTheLog) {
    write("one");
    write("two");
    run(10000, 1);
    Store again;
    ASSERT_TRUE(again.open(memory.data(), memory.size() * 8));
    ConsoleFeed second(again, names, 1000, KOS_LOG_INFO);
    std::string rest;
    second.run(
        [&](const char* bytes, size_t size) {
            rest.append(bytes, size);
            return size;
        },
        100);
    EXPECT_EQ(rest, "|    1.234000 | pump | two\r\n");
}

TEST_F(Feed, SaysHowManyLinesWereOverwritten) {
    write("first");
    run();
    for (int i = 0; i < 2000; ++i) write("flood " + std::to_string(i));
    run(100000, 1);
    EXPECT_NE(shown.find("lines lost\r\n"), std::string::npos) << shown;
}

}  // namespace
}  // namespace kos::log
