// Tests of arguments.h: every form of an option, what is refused, and the keys' options.
#include "arguments.h"

#include <gtest/gtest.h>

#include "files.h"

namespace kos::tools {
namespace {

struct Arguments : testing::Test {
    std::vector<std::string> parse(std::vector<std::string> words) {
        words.insert(words.begin(), "tool");
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        std::vector<Argument> arguments = {{"output", into(output), Argument::Kind::kValue, 'o'},
                                           {"folder", into(folders)},
                                           {"fast", into(fast), Argument::Kind::kFlag}};
        keys.add(arguments);
        return parse_arguments(static_cast<int>(words.size()), argv.data(), "tool", arguments);
    }
    std::string output;
    std::vector<std::string> folders;
    bool fast = false;
    KeyArguments keys{"development.key"};
};

TEST_F(Arguments, EveryForm) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(parse({"build", "--output", "a", "--folder=b", "--folder", "c", "--fast", "in"}), (Words{"build", "in"}));
    EXPECT_EQ(output, "a");
    EXPECT_EQ(folders, (Words{"b", "c"}));
    EXPECT_TRUE(fast);
    EXPECT_EQ(parse({"-o", "z"}), Words{});
    EXPECT_EQ(output, "z");
}

TEST_F(Arguments, WhatIsNone) {
    EXPECT_THROW(parse({"--nonsense"}), Error);
    EXPECT_THROW(parse({"-x"}), Error);
    EXPECT_THROW(parse({"--output"}), Error);
    EXPECT_THROW(parse({"--fast=1"}), Error);
}

TEST_F(Arguments, OneKey) {
    parse({});
    EXPECT_TRUE(keys.is_development());
    keys.check();
    parse({"--key", "k"});
    EXPECT_FALSE(keys.is_development());
    keys.check();
    parse({"--development-key", "d"});
    EXPECT_THROW(keys.check(), Error);
}

}  // namespace
}  // namespace kos::tools
