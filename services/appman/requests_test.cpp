/*
 * Tests of requests.h: each request, each way to get it wrong, and who is refused.
 */
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "test_appman.h"

namespace kos::appman {
namespace {

struct RequestsTest : testing::Test, TestAppman {};

TEST_F(RequestsTest, ListsAndDescribes) {
    ASSERT_EQ(call(kAgent, KOS_APPMAN_LIST, ""), KOS_STATUS_OK);
    ASSERT_EQ(answer.payload_bytes, 3 * sizeof(kos_appman_entry_t));
    EXPECT_EQ(answer.param, 0u);
    EXPECT_STREQ(entries()[2].name, "pump");
    EXPECT_EQ(entries()[2].domain, kPump);
    ASSERT_EQ(call(kAgent, KOS_APPMAN_LIST, "", 2), KOS_STATUS_OK);
    EXPECT_EQ(answer.payload_bytes, sizeof(kos_appman_entry_t));
    ASSERT_EQ(call(kAgent, KOS_APPMAN_STATUS, "pump"), KOS_STATUS_OK);
    ASSERT_EQ(answer.payload_bytes, sizeof(kos_appman_entry_t));
    EXPECT_EQ(entries()[0].state, KOS_APPMAN_STARTING);
    EXPECT_EQ(entries()[0].instance, 1u);
}

TEST_F(RequestsTest, WatchTellsWhatHasChangedAndSignalsOnce) {
    ASSERT_EQ(call(kAgent, KOS_APPMAN_WATCH, "", 0), KOS_STATUS_OK);
    EXPECT_EQ(answer.payload_bytes, 3 * sizeof(kos_appman_entry_t));
    uint64_t since = answer.param;
    EXPECT_EQ(requests->take_due(), 0u);
    ASSERT_EQ(call(kAgent, KOS_APPMAN_WATCH, "", since), KOS_STATUS_OK);
    EXPECT_EQ(answer.payload_bytes, 0u);
    EXPECT_EQ(answer.param, since);
    supervisor->ready(kPump, 1, 0);
    EXPECT_EQ(requests->take_due(), bit(kAgent));
    root.states[kPump] = KOS_DOMAIN_STOPPED;
    supervisor->ended(kPump, 1, KOS_EXIT_FAULT_MEMORY, 0);
    EXPECT_EQ(requests->take_due(), 0u);  // told already; it asks
    ASSERT_EQ(call(kAgent, KOS_APPMAN_WATCH, "", since), KOS_STATUS_OK);
    ASSERT_EQ(answer.payload_bytes, sizeof(kos_appman_entry_t));
    EXPECT_EQ(entries()[0].domain, kPump);
    EXPECT_EQ(entries()[0].last_reason, KOS_EXIT_FAULT_MEMORY);
    EXPECT_EQ(requests->take_due(), 0u);
    supervisor->run(0);
    EXPECT_EQ(requests->take_due(), bit(kAgent));
    // A number of another appman's, or of nobody's: everything.
    for (uint64_t const wrong : {uint64_t{1}, uint64_t{7} << 32, ~uint64_t{0}}) {
        ASSERT_EQ(call(kAgent, KOS_APPMAN_WATCH, "", wrong), KOS_STATUS_OK);
        EXPECT_EQ(answer.payload_bytes, 3 * sizeof(kos_appman_entry_t));
    }
    EXPECT_EQ(call(kPump, KOS_APPMAN_WATCH, "", 0), KOS_STATUS_UNAUTHORIZED);
    supervisor->ready(kPump, 2, 0);
    EXPECT_EQ(requests->take_due(), bit(kAgent));
    EXPECT_NE(Changes(2).take_due() & bit(kAgent), 0u);  // a restarted appman
}

TEST_F(RequestsTest, StartsStopsRestartsSwitches) {
    supervisor->ready(kPump, 1, 0);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_STOP, "pump"), KOS_STATUS_OK);
    supervisor->run(0);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_RESTART, "pump"), KOS_STATUS_CONFLICT);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_START, "pump"), KOS_STATUS_OK);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_RESTART, "pump"), KOS_STATUS_OK);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_MODE, ""), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0u);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_MODE, "reserve"), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 1u);
    EXPECT_EQ(supervisor->mode(), 1u);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_START, "pump"), KOS_STATUS_CONFLICT);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_MODE, "turbo"), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_START, "appman"), KOS_STATUS_NOT_FOUND);
}

TEST_F(RequestsTest, EverybodyElseIsRefused) {
    for (uint16_t caller : {kPump, uint16_t{0}, uint16_t{63}, uint16_t{64}, uint16_t{0x7fff}}) {
        for (uint64_t label : {KOS_APPMAN_STATUS, KOS_APPMAN_START, KOS_APPMAN_STOP, KOS_APPMAN_RESTART}) {
            EXPECT_EQ(call(caller, label, "pump"), KOS_STATUS_UNAUTHORIZED);
            EXPECT_EQ(call(caller, label, "nobody"), KOS_STATUS_UNAUTHORIZED);
        }
        EXPECT_EQ(call(caller, KOS_APPMAN_LIST, ""), KOS_STATUS_UNAUTHORIZED);
        EXPECT_EQ(call(caller, KOS_APPMAN_MODE, ""), KOS_STATUS_UNAUTHORIZED);
        EXPECT_EQ(call(caller, KOS_APPMAN_MODE, "reserve"), KOS_STATUS_UNAUTHORIZED);
        EXPECT_EQ(call(caller, KOS_APPMAN_MODE, "turbo"), KOS_STATUS_UNAUTHORIZED);
    }
    EXPECT_EQ(supervisor->mode(), 0u);
}

TEST_F(RequestsTest, RefusesWhatIsMalformed) {
    EXPECT_EQ(call(kAgent, 0, "pump"), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kAgent, 7, "pump"), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_STATUS, "nobody"), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_STATUS, ""), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_STATUS, "pump", 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_STATUS, std::string(32, 'x')), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_LIST, "pump"), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_APPMAN_LIST;
    EXPECT_EQ(requests->call({kAgent, 1, 5}, request, 0, answer), KOS_STATUS_BAD_REQUEST);
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(requests->call({kAgent, 1, 0}, request, 0, answer), KOS_STATUS_BAD_REQUEST);
    request.has_words = 0;
    request.words[1] = 0;
    request.token = 1;
    EXPECT_EQ(requests->call({kAgent, 1, 0}, request, 0, answer), KOS_STATUS_BAD_REQUEST);
}

TEST_F(RequestsTest, AccountsAreForWhoMayList) {
    EXPECT_EQ(call(kPump, KOS_APPMAN_ACCOUNTS, ""), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(kAgent, KOS_APPMAN_ACCOUNTS, "", 1), KOS_STATUS_BAD_REQUEST);
    ASSERT_EQ(call(kAgent, KOS_APPMAN_ACCOUNTS, ""), KOS_STATUS_OK);
    const uint64_t expected[4] = {1, 2, 3, 4};
    ASSERT_EQ(answer.payload_bytes, sizeof expected);
    EXPECT_EQ(memcmp(answer.payload, expected, sizeof expected), 0);
}

TEST_F(RequestsTest, ListsSixtyThreeDomains) {
    for (unsigned i = 1; i < KOS_MAX_DOMAINS; ++i) manifest->domains[i].name = "a_domain_name_of_31_characters__";
    unsigned seen = 0;
    uint64_t first = 0;
    do {
        ASSERT_EQ(call(kAgent, KOS_APPMAN_LIST, "", first), KOS_STATUS_OK);
        seen += static_cast<unsigned>(answer.payload_bytes / sizeof(kos_appman_entry_t));
        first = answer.param;
    } while (first != 0);
    EXPECT_EQ(seen, KOS_MAX_DOMAINS - 1u);
}

}  // namespace
}  // namespace kos::appman
