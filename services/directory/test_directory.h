/*
 * For the tests of the directory: a small system's introductions, and callers that wait.
 */
#ifndef KOS_SERVICES_DIRECTORY_TEST_DIRECTORY_H_
#define KOS_SERVICES_DIRECTORY_TEST_DIRECTORY_H_

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "directory.h"

namespace kos::directory {

constexpr uint16_t kAppman = 1;
constexpr uint16_t kServer = 2;
constexpr uint16_t kClient = 3;
constexpr uint16_t kOther = 4;
constexpr uint32_t kAppmanPort = 1;
constexpr uint32_t kPort = 2;
constexpr uint32_t kSecondPort = 3;

inline kos_startup_introduction_t entry(const char* name, uint32_t port, uint16_t server, uint16_t client,
                                        uint64_t slot) {
    kos_startup_introduction_t result = {};
    std::string(name).copy(result.name, KOS_MAX_NAME);
    result.port = port;
    result.server = server;
    result.client = client;
    result.slot = slot;
    return result;
}

struct FakeCallers final : Callers {
    bool defer(unsigned waiter) override {
        if (no_room) return false;
        EXPECT_TRUE(kept.insert(waiter).second) << "waiter kept twice";
        last = waiter;
        return true;
    }
    void answer(unsigned waiter, const Answer& answer) override {
        EXPECT_EQ(kept.erase(waiter), 1u) << "answered somebody who does not wait";
        answers[waiter] = answer;
    }
    bool no_room = false;
    unsigned last = 0;
    std::set<unsigned> kept;
    std::map<unsigned, Answer> answers;
};

// A pump that kClient may use, a valve that kOther may use, both of kServer.
inline std::vector<kos_startup_introduction_t> test_introductions() {
    return {entry("appman", kAppmanPort, kAppman, kAppman, 0), entry("pump", kPort, kServer, kServer, 0),
            entry("pump", kPort, kServer, kClient, 40), entry("valve", kSecondPort, kServer, kServer, 0),
            entry("valve", kSecondPort, kServer, kOther, 41)};
}

}  // namespace kos::directory

#endif
