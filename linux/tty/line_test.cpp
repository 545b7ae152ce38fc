// The line discipline: keys, echo, translation, limits.
#include "tty/line.h"

#include "signal/state.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

using namespace kos::lx;

namespace {

class LineTest : public ::testing::Test, public Line::Owner {
protected:
    Line line{*this};
    std::vector<int> signals;

    void key_signal(int signal) override { signals.push_back(signal); }
    void flow_changed(bool) override {}

    size_t type(const std::string& keys) {
        return line.receive({reinterpret_cast<const uint8_t*>(keys.data()), keys.size()});
    }
    std::string shown() {
        std::string text;
        for (auto bytes = line.output(); !bytes.empty(); bytes = line.output()) {
            text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            line.sent(bytes.size());
        }
        return text;
    }
    std::string read(size_t most = 1000) {
        std::string text(most, '\0');
        LocalBuffer buffer(text.data(), most);
        auto const bytes = line.read(buffer);
        text.resize(bytes.ok() ? *bytes : 0);
        return text;
    }
    std::string written(std::string text) {
        LocalBuffer buffer(text.data(), text.size());
        EXPECT_TRUE(line.write(buffer).ok());
        return shown();
    }
    void change(uint32_t Termios::*field, uint32_t set, uint32_t clear = 0) {
        Termios termios = line.settings();
        termios.*field = (termios.*field & ~clear) | set;
        line.set(termios);
    }
};

TEST_F(LineTest, LinesAreReadWhenTheyEnd) {
    type("hello");
    EXPECT_FALSE(line.has_line());
    EXPECT_EQ(shown(), "hello");
    type(" you\r");
    EXPECT_EQ(shown(), " you\r\n");
    type("next\n");
    EXPECT_EQ(read(), "hello you\n");
    EXPECT_EQ(read(3), "nex");
    EXPECT_EQ(read(), "t\n");
    EXPECT_FALSE(line.has_line());
}

TEST_F(LineTest, EndOfFile) {
    type("\x04");
    EXPECT_TRUE(line.has_line());
    EXPECT_EQ(read(), "");
    EXPECT_FALSE(line.has_line());
    type("abc\x04");
    EXPECT_EQ(read(), "abc");
    EXPECT_FALSE(line.has_line());
    // It belongs to what has filled the buffer.
    type("abc\x04");
    EXPECT_EQ(read(3), "abc");
    EXPECT_FALSE(line.has_line());
    type("abc\n\x04");
    EXPECT_EQ(read(4), "abc\n");
    EXPECT_TRUE(line.has_line());
    EXPECT_EQ(read(), "");
}

TEST_F(LineTest, Erasing) {
    type("ab\x7f\x7f\x7f");
    EXPECT_EQ(shown(), "ab\b \b\b \b");
    type("one two  \x17");
    EXPECT_EQ(shown(), "one two  \b \b\b \b\b \b\b \b\b \b");
    type("\x15");
    EXPECT_EQ(shown(), "\b \b\b \b\b \b\b \b");
    type("x\x01y\x7f\x7f\x7f");
    EXPECT_EQ(shown(), "x^Ay\b \b\b \b\b \b\b \b");
    type("q\t\x7f");
    EXPECT_EQ(shown(), "q\t\b\b\b\b\b\b\b");
    type("\n");
    EXPECT_EQ(read(), "q\n");
}

TEST_F(LineTest, ErasingCharactersOfSeveralBytes) {
    change(&Termios::input, kIUTF8);
    type("a\xc3\xa4\x7f");
    EXPECT_EQ(shown(), "a\xc3\xa4\b \b");
    type("\n");
    EXPECT_EQ(read(), "a\n");
    change(&Termios::input, 0, kIUTF8);
    type("\xc3\xa4\x7f\n");
    EXPECT_EQ(read(), "\xc3\n");
}

TEST_F(LineTest, KillWithoutPrettyEcho) {
    change(&Termios::local, 0, kECHOKE);
    type("abc\x15");
    EXPECT_EQ(shown(), "abc^U\r\n");
    change(&Termios::local, 0, kECHO);
    type(
        "abc\x15"
        "d\n");
    EXPECT_EQ(shown(), "");
    EXPECT_EQ(read(), "d\n");
    change(&Termios::local, kECHONL);
    type("e\n");
    EXPECT_EQ(shown(), "\r\n");
}

TEST_F(LineTest, LiteralNextAndReprint) {
    type("\x16\x03");
    EXPECT_EQ(shown(), "^\b^C");
    EXPECT_TRUE(signals.empty());
    type("ab\x12");
    EXPECT_EQ(shown(), "ab^R\r\n^Cab");
    type("\n");
    EXPECT_EQ(read(),
              "\x03"
              "ab\n");
}

TEST_F(LineTest, SignalsByKeys) {
    type("lost\x03");
    EXPECT_EQ(signals, std::vector<int>{kSIGINT});
    EXPECT_EQ(shown(), "^C");
    type("\x1c\x1a");
    EXPECT_EQ(signals, (std::vector<int>{kSIGINT, kSIGQUIT, kSIGTSTP}));
    shown();
    type("x\n");
    EXPECT_EQ(read(), "x\n");
    change(&Termios::local, kNOFLSH);
    type("kept\x03\n");
    EXPECT_EQ(read(), "kept\n");
    signals.clear();
    change(&Termios::local, 0, kISIG);
    type("\x03\n");
    EXPECT_EQ(read(), "\x03\n");
    EXPECT_TRUE(signals.empty());
}

TEST_F(LineTest, FlowControl) {
    type("\x13");
    EXPECT_TRUE(line.is_stopped());
    EXPECT_EQ(written("abc"), "");
    type("\x11");
    EXPECT_EQ(shown(), "abc");
    type("\x13x");
    EXPECT_TRUE(line.is_stopped());
    change(&Termios::input, kIXANY);
    type("y");
    EXPECT_FALSE(line.is_stopped());
    type("\x13");
    change(&Termios::input, 0, kIXON);
    EXPECT_FALSE(line.is_stopped());
    type("\x13");
    EXPECT_FALSE(line.is_stopped());
}

TEST_F(LineTest, Raw) {
    change(&Termios::local, 0, kICANON | kECHO);
    change(&Termios::input, 0, kICRNL);
    type("a\r\x04\x7f");
    EXPECT_EQ(line.available(), 4u);
    EXPECT_EQ(read(), "a\r\x04\x7f");
    EXPECT_EQ(shown(), "");
}

TEST_F(LineTest, ChangingModes) {
    type("part");
    change(&Termios::local, 0, kICANON);
    EXPECT_EQ(line.available(), 4u);
    EXPECT_EQ(read(2), "pa");
    change(&Termios::local, kICANON);
    EXPECT_EQ(line.available(), 0u);
    type("\n");
    EXPECT_EQ(read(), "rt\n");
}

TEST_F(LineTest, Translations) {
    EXPECT_EQ(written("a\nb\r\tc"), "a\r\nb\r\tc");
    change(&Termios::output, kXTABS);
    EXPECT_EQ(written("\rab\tc"), "\rab      c");
    change(&Termios::output, kOCRNL, kONLCR);
    EXPECT_EQ(written("x\r\n"), "x\n\n");
    change(&Termios::output, kOLCUC);
    EXPECT_EQ(written("aZ"), "AZ");
    change(&Termios::output, 0, kOPOST);
    EXPECT_EQ(written("a\n\t"), "a\n\t");
    change(&Termios::output, kOPOST | kONLCR, kOLCUC | kOCRNL | kXTABS);
    change(&Termios::input, kIGNCR);
    type("a\rb\n");
    EXPECT_EQ(read(), "ab\n");
    change(&Termios::input, kINLCR, kIGNCR | kICRNL);
    type("a\n");
    EXPECT_FALSE(line.has_line());
    change(&Termios::input, kISTRIP | kICRNL, kINLCR);
    type("\xe1\r");
    EXPECT_EQ(read(), "a\ra\n");
}

TEST_F(LineTest, LongLinesLoseTheirEndNotTheirLineEnd) {
    EXPECT_EQ(type(std::string(10000, 'x')), 10000u);
    shown();
    type("\n");
    std::string const text = read(20000);
    EXPECT_EQ(text.size(), 4096u);
    EXPECT_EQ(text.back(), '\n');
}

TEST_F(LineTest, UnreadInputHoldsTheDeviceBack) {
    type("line\n");
    EXPECT_LT(type(std::string(10000, 'x')), 4096u);
    EXPECT_EQ(line.room(), 0u);
    EXPECT_EQ(read(), "line\n");
    EXPECT_GT(line.room(), 0u);
    change(&Termios::local, 0, kICANON);
    read(5000);
    EXPECT_EQ(type(std::string(10000, 'x')), 4095u);
}

TEST_F(LineTest, OutputIsBounded) {
    std::string text(20000, 'x');
    LocalBuffer buffer(text.data(), text.size());
    auto const taken = line.write(buffer);
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(*taken, Line::kOutput - Line::kOutputForEcho);
    EXPECT_EQ(line.output_room(), 0u);
    type("echo");  // still fits
    EXPECT_EQ(shown().size(), *taken + 4);
}

TEST_F(LineTest, RandomKeysAndSettings) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    for (int step = 0; step < 100000; ++step) {
        switch (random() % 8) {
            case 0: {
                Termios termios = line.settings();
                termios.input ^= 1u << random() % 16;
                termios.output ^= 1u << random() % 13;
                termios.local ^= random() % 3 ? 0 : 1u << random() % 17;
                line.set(termios);
                break;
            }
            case 1: read(random() % 3000); break;
            case 2: shown(); break;
            case 3: written(std::string(random() % 500, static_cast<char>(random()))); break;
            case 4: type(std::string(random() % 3000, static_cast<char>(random()))); break;
            default: type(std::string(1, static_cast<char>(random() % 40)));
        }
        ASSERT_LE(line.available(), Line::kInput);
        ASSERT_LE(line.output_size(), Line::kOutput);
    }
}

}  // namespace
