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
    bool read(const char* allow) {
        manifest->parameter_count = 3;
        // Somebody else's parameter comes before and does not count.
        manifest->parameters[0] = {"allow", "pump list"};
        manifest->parameters[1] = {"interval_ms", "5"};
        manifest->parameters[2] = {"allow", allow};
        manifest->domains[kAppman].parameters = {1, 2};
        access = Access();
        wrong = {};
        return access.read(*manifest, kAppman, &wrong);
    }
    std::unique_ptr<manifest::Manifest> manifest;
    Access access;
    std::string_view wrong;
};

TEST_F(AccessTest, NobodyMayAnythingByDefault) {
    ASSERT_TRUE(read(" ; "));
    ASSERT_TRUE(read(""));
    for (unsigned caller = 0; caller < 70; ++caller) {
        EXPECT_FALSE(access.may_list(caller));
        EXPECT_FALSE(access.may_switch(caller, 0));
        for (unsigned target = 0; target < 70; ++target) EXPECT_FALSE(access.may(caller, Verb::kStatus, target));
    }
}

TEST_F(AccessTest, WordsAllowWhatTheySay) {
    ASSERT_TRUE(read("agent list status,start stop restart mode; web status:pump restart:pump mode:reserve"));
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
        {"agent statu", "statu"},
        {"agent status:pupm", "status:pupm"},
        {"agent status:", "status:"},
        {"agent list:pump", "list:pump"},
        {"agent mode:nromal", "mode:nromal"},
        {"agent :", ":"},
        {"agent list kill", "kill"},
        {"agnet list", "agnet"},
        {"agent list; wbe list", "wbe"},
    };
    for (const auto& [value, word] : cases) {
        EXPECT_FALSE(read(value)) << value;
        EXPECT_EQ(wrong, word);
    }
}

}  // namespace
}  // namespace kos::appman
