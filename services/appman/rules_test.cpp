/*
 * Tests of rules.h: what becomes of the manifest's groups, order and connections.
 */
#include "rules.h"

#include <gtest/gtest.h>

#include <memory>

namespace kos::appman {
namespace {

struct RulesTest : testing::Test {
    RulesTest() : manifest(std::make_unique<manifest::Manifest>()), rules(std::make_unique<Rules>()) {
        manifest->mode_count = 2;
        for (unsigned i = 0; i < KOS_MAX_DOMAINS; ++i) manifest->domains[i].group = manifest::kNoGroup;
    }
    void domain(unsigned number, const char* name) {
        manifest->domains[number].name = name;
        manifest->domains[number].number = number;
        manifest->domains[number].mode_mask = 3;
        manifest->start_order[manifest->domain_count++] = static_cast<uint8_t>(number);
    }
    void connect(unsigned client, unsigned port, unsigned server) {
        manifest->ports[port].server = server;
        manifest->connections[manifest->connection_count++] = {client, port, false, false};
    }
    std::unique_ptr<manifest::Manifest> manifest;
    std::unique_ptr<Rules> rules;
};

TEST_F(RulesTest, TakesDomainsInStartOrderWithoutAppman) {
    domain(3, "log");
    domain(1, "appman");
    domain(2, "pump");
    manifest->domains[2].watchdog_ms = 2000;
    manifest->domains[2].shutdown_ms = 30;
    manifest->domains[2].mode_mask = 2;
    manifest->domains[2].restart = manifest::Restart::kTransient;
    make_rules(*manifest, 1, 1000000, *rules);
    ASSERT_EQ(rules->order_count, 2u);
    EXPECT_EQ(rules->order[0], 3);
    EXPECT_EQ(rules->order[1], 2);
    EXPECT_EQ(rules->present, bit(2) | bit(3));
    EXPECT_EQ(rules->mode_count, 2u);
    EXPECT_EQ(rules->domains[2].watchdog_ticks, 2000000u);
    EXPECT_EQ(rules->domains[2].shutdown_ticks, 30000u);
    EXPECT_EQ(rules->domains[2].mode_mask, 2u);
    EXPECT_EQ(rules->domains[2].restart, manifest::Restart::kTransient);
    EXPECT_EQ(rules->domains[2].group, kRootGroup);
    EXPECT_EQ(rules->groups[kRootGroup].domains, bit(2) | bit(3));
    EXPECT_GT(rules->groups[kRootGroup].intensity, 0u);
}

TEST_F(RulesTest, ClientsWaitForServersThatComeBefore) {
    domain(1, "appman");
    domain(2, "log");
    domain(3, "uart");
    domain(4, "pump");
    connect(4, 1, 2);
    connect(4, 2, 1);  // on appman nobody waits
    connect(2, 3, 3);  // the log starts before the console that it uses
    make_rules(*manifest, 1, 1000, *rules);
    EXPECT_EQ(rules->domains[4].depends, bit(2));
    EXPECT_EQ(rules->domains[2].depends, 0u);
}

TEST_F(RulesTest, ResolvesGroupsInGroups) {
    for (unsigned i = 1; i <= 5; ++i) domain(i, "x");
    // outer (0): 2, inner (1): 3, 4; and 5
    manifest->group_count = 2;
    manifest->groups[0] = {"outer",
                           manifest::Strategy::kRestForOne,
                           manifest::Escalation::kReboot,
                           0,
                           manifest::kNoGroup,
                           3,
                           10,
                           2,
                           {0, 50},
                           {0, 3}};
    manifest->groups[1] = {"inner", manifest::Strategy::kOneForAll, manifest::Escalation::kMode, 1, 0, 99, 1, 0, {},
                           {3, 2}};
    manifest->members[0] = {2, false};
    manifest->members[1] = {1, true};
    manifest->members[2] = {5, false};
    manifest->members[3] = {3, false};
    manifest->members[4] = {4, false};
    manifest->domains[3].group = manifest->domains[4].group = 1;
    make_rules(*manifest, 1, 1000, *rules);
    const GroupRule& outer = rules->groups[0];
    EXPECT_EQ(outer.domains, bit(2) | bit(3) | bit(4) | bit(5));
    ASSERT_EQ(outer.member_count, 3u);
    EXPECT_EQ(outer.members[1], bit(3) | bit(4));
    EXPECT_EQ(outer.parent, kRootGroup);
    EXPECT_EQ(outer.groups, uint64_t{2});
    EXPECT_EQ(outer.back_off_count, 2u);
    EXPECT_EQ(outer.back_off_ticks[1], 50u);
    EXPECT_EQ(outer.period_ticks, 10000u);
    EXPECT_EQ(outer.escalation, manifest::Escalation::kReboot);
    const GroupRule& inner = rules->groups[1];
    EXPECT_EQ(inner.parent, 0);
    EXPECT_EQ(inner.intensity, kMaxIntensity);
    EXPECT_EQ(inner.escalation_mode, 1);
    EXPECT_EQ(rules->domains[3].group, 1);
}

}  // namespace
}  // namespace kos::appman
