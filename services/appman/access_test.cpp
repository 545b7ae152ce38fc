/*
 * Tests of access.h: default deny, what each word allows, and every mistake.
 */
#include "access.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace kos::appman {
namespace {

constexpr unsigned kAppman = 1;
constexpr unsigned kAgent = 2;
constexpr unsigned kWeb = 3;
constexpr unsigned kPump = 4;

struct AccessTest : testing::Test {
    AccessTest() : manifest(std::make_unique<manifest::Manifest>()) {
        manifest->mode_count = 2;
        manifest->modes[0] = "normal";
        manifest->modes[1] = "reserve";
        const char* names[] = {"appman", "agent", "web", "pump"};
        for (unsigned i = 0; i < 4; ++i) manifest->domains[i + 1].name = names[i];
    }
    bool read(const std::vector<std::pair<const char*, const char*>>& parameters) {
        manifest->parameter_count = 0;
        // Somebody else's parameters come before and do not count.
        manifest->parameters[manifest->parameter_count++] = {"allow_pump", "list"};
        for (const auto& [name, value] : parameters) manifest->parameters[manifest->parameter_count++] = {name, value};
        manifest->domains[kAppman].parameters = {1, static_cast<uint16_t>(parameters.size())};
        access = Access();
        wrong = {};
        return access.read(*manifest, kAppman, &wrong);
    }
    std::unique_ptr<manifest::Manifest> manifest;
    Access access;
    std::string_view wrong;
};

TEST_F(AccessTest, NobodyMayAnythingByDefault) {
    ASSERT_TRUE(read({{"interval_ms", "5"}}));
    for (unsigned caller = 0; caller < 70; ++caller) {
        EXPECT_FALSE(access.may_list(caller));
        EXPECT_FALSE(access.may_switch(caller, 0));
        for (unsigned target = 0; target < 70; ++target) EXPECT_FALSE(access.may(caller, Verb::kStatus, target));
    }
}

TEST_F(AccessTest, WordsAllowWhatTheySay) {
    ASSERT_TRUE(read({{"allow_agent", "list status,start stop restart mode"},
                      {"allow_web", "status:pump restart:pump mode:reserve"}}));
    EXPECT_TRUE(access.may_list(kAgent));
    EXPECT_FALSE(access.may_list(kWeb));
    for (Verb verb : {Verb::kStatus, Verb::kStart, Verb::kStop, Verb::kRestart}) {
        EXPECT_TRUE(access.may(kAgent, verb, kPump));
        EXPECT_FALSE(access.may(kPump, verb, kPump));
        EXPECT_FALSE(access.may(kWeb, verb, kAgent));
    }
    EXPECT_TRUE(access.may(kWeb, Verb::kStatus, kPump));
    EXPECT_TRUE(access.may(kWeb, Verb::kRestart, kPump));
    EXPECT_FALSE(access.may(kWeb, Verb::kStop, kPump));
    EXPECT_TRUE(access.may_switch(kAgent, 0));
    EXPECT_TRUE(access.may_switch(kWeb, 1));
    EXPECT_FALSE(access.may_switch(kWeb, 0));
}

TEST_F(AccessTest, MistakesAreNamed) {
    const std::pair<const char*, const char*> cases[] = {
        {"statu", "statu"},         {"status:pupm", "status:pupm"}, {"status:", "status:"},
        {"list:pump", "list:pump"}, {"mode:nromal", "mode:nromal"}, {":", ":"},
        {"list kill", "kill"}};
    for (const auto& [value, word] : cases) {
        EXPECT_FALSE(read({{"allow_agent", value}})) << value;
        EXPECT_EQ(wrong, word);
    }
    EXPECT_FALSE(read({{"allow_agnet", "list"}}));
    EXPECT_EQ(wrong, "allow_agnet");
}

}  // namespace
}  // namespace kos::appman
