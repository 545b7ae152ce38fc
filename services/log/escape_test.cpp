/*
 * Tests of escape.h: nothing that a terminal obeys comes through, and what comes through is UTF-8.
 */
#include "escape.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace kos::log {
namespace {

std::string escaped(const std::string& text, size_t room = 1000) {
    std::string out(room, '?');
    out.resize(escape(text.data(), text.size(), out.data(), room));
    return out;
}

TEST(Escape, LeavesTextAsItIs) {
    EXPECT_EQ(escaped(""), "");
    EXPECT_EQ(escaped("Pumpe 3: 12.5 \"bar\""), "Pumpe 3: 12.5 \"bar\"");
    EXPECT_EQ(escaped("Größe 5 µm, 水, \U0001f4a7"), "Größe 5 µm, 水, \U0001f4a7");
}

TEST(Escape, ShowsControlCharacters) {
    EXPECT_EQ(escaped("a\nb\tc\rd\\e"), "a\\nb\\tc\\rd\\\\e");
    EXPECT_EQ(escaped("\x1b[2J\x07"), "\\x1b[2J\\x07");
    EXPECT_EQ(escaped(std::string("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(escaped("\x7f"), "\\x7f");
    EXPECT_EQ(escaped("\xc2\x9b"
                      "31m"),
              "\\xc2\\x9b31m");  // C1: CSI
    EXPECT_EQ(escaped("\xe2\x80\xae"
                      "abc"),
              "\\xe2\\x80\\xae"
              "abc");  // right-to-left override
    EXPECT_EQ(escaped("\x1e{}"), "\\x1e{}");
}

TEST(Escape, LeavesNewlinesAtTheEndOut) { EXPECT_EQ(escaped("line\r\n\n"), "line"); }

TEST(Escape, ShowsWhatIsNoUtf8) {
    EXPECT_EQ(escaped("\xff"), "\\xff");
    EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
    EXPECT_EQ(escaped("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");           // overlong
    EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
    EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
    EXPECT_EQ(escaped("ab\xe6\xb0"), "ab\\xe6\\xb0");                // cut off
}

TEST(Escape, CutsBetweenCharacters) {
    EXPECT_EQ(escaped("abcdef", 3), "abc");
    EXPECT_EQ(escaped("ab水", 4), "ab");
    EXPECT_EQ(escaped("abc\x01", 6), "abc");
    EXPECT_EQ(escaped("a", 0), "");
}

TEST(Escape, RandomBytesGiveHarmlessText) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 20000; ++round) {
        std::string text(random() % 60, ' ');
        for (char& c : text) c = static_cast<char>(random());
        const std::string out = escaped(text, random() % 240);
        // Escaping again changes backslashes only: everything else was harmless and UTF-8.
        std::string doubled;
        for (char c : out) doubled += c == '\\' ? "\\\\" : std::string(1, c);
        ASSERT_EQ(escaped(out), doubled);
    }
}

}  // namespace
}  // namespace kos::log
