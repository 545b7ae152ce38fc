/*
 * Tests of directory.h: rights, waiting, deadlines, ends of domains, restarts at every point, and a model under random
 * load.
 */
#include <gtest/gtest.h>
#include <kos/ports.h>

#include <memory>
#include <random>
#include <vector>

#include "test_directory.h"

namespace kos::directory {
namespace {

// What a request was answered, or that its caller is kept.
struct Told {
    kos_status_t status;
    uint64_t param, word;
    kos_slot_t token;
};

struct DirectoryTest : testing::Test {
    DirectoryTest() : memory(512) {
        introductions = test_introductions();
        restart();
    }
    void restart() {
        saved = SavedState();
        ASSERT_TRUE(saved.open(memory.data(), memory.size() * 8));
        callers.kept.clear();  // root answers PEER_GONE
        directory = std::make_unique<Directory>(introductions, saved, callers);
    }
    Told call(const kos_caller_t& caller, const kos_msg_t& request) {
        kos_msg_t answer = {};
        const kos_status_t status = directory->call(caller, request, now, answer);
        return {status, answer.param, answer.words[0], answer.token};
    }
    Told call(uint16_t domain, uint64_t label, uint64_t port, uint64_t argument = 0) {
        kos_msg_t request = {};
        request.label = label;
        request.param = port;
        request.words[0] = argument;
        request.has_words = 1;
        return call({domain, 1, 0}, request);
    }
    // `instance` of the sender (KOS_DIR_BIND) or of the domain that has ended.
    bool send(uint16_t domain, uint64_t label, uint32_t number, uint32_t instance = 1) {
        const uint32_t words[2] = {number, instance};
        return directory->queued({domain, 1, 0}, label, words, label == KOS_DIR_UNBIND ? 4 : 8);
    }
    std::vector<uint64_t> memory;
    std::vector<kos_startup_introduction_t> introductions;
    SavedState saved;
    FakeCallers callers;
    std::unique_ptr<Directory> directory;
    uint64_t now = 1000;
};

TEST_F(DirectoryTest, IntroducesWhoTheManifestNames) {
    EXPECT_EQ(call(kClient, KOS_DIR_QUERY, kPort).status, KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, 0).status, KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, kPort).status, KOS_STATUS_OK);
    EXPECT_EQ(call(kClient, KOS_DIR_QUERY, kPort).status, KOS_STATUS_OK);
    const Told answer = call(kClient, KOS_DIR_REQUEST, kPort, 0);
    EXPECT_EQ(answer.status, KOS_STATUS_OK);
    EXPECT_EQ(answer.token, 40u);
    EXPECT_EQ(call(kServer, KOS_DIR_UNBIND, kPort).status, KOS_STATUS_OK);
    EXPECT_EQ(call(kClient, KOS_DIR_QUERY, kPort).status, KOS_STATUS_NOT_FOUND);
}

TEST_F(DirectoryTest, RefusesEverybodyElse) {
    call(kServer, KOS_DIR_BIND, kPort);
    for (uint16_t domain : {kOther, kAppman, uint16_t{0}, uint16_t{63}, uint16_t{0x7fff}}) {
        for (uint64_t label : {KOS_DIR_BIND, KOS_DIR_UNBIND, KOS_DIR_QUERY, KOS_DIR_REQUEST, KOS_DIR_SUBSCRIBE}) {
            const Told answer = call(domain, label, kPort);
            EXPECT_EQ(answer.status, KOS_STATUS_UNAUTHORIZED);
            EXPECT_EQ(answer.token, 0u);
        }
    }
    EXPECT_EQ(call(kClient, KOS_DIR_BIND, kPort).status, KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(kClient, KOS_DIR_UNBIND, kPort).status, KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(kServer, KOS_DIR_REQUEST, kPort).status, KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, 5).status, KOS_STATUS_UNAUTHORIZED);
    EXPECT_FALSE(send(kClient, KOS_DIR_BIND, kPort));
    EXPECT_FALSE(send(kClient, KOS_DIR_UNBIND, kPort));
    EXPECT_FALSE(send(kServer, KOS_DIR_DOMAIN_DOWN, kServer));
    EXPECT_FALSE(send(kServer, KOS_DIR_BIND, 1u << 31));
    EXPECT_TRUE(directory->is_bound(kPort));
}

TEST_F(DirectoryTest, RefusesWhatIsMalformed) {
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, 0).status, KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, KOS_MAX_PORTS).status, KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, UINT64_MAX).status, KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, kPort, uint64_t{1} << 32).status, KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(kServer, KOS_DIR_UNBIND, kPort, 1).status, KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kServer, 0, kPort).status, KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(kAppman, KOS_DIR_DOMAIN_DOWN, kPort).status, KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_DIR_BIND;
    request.param = kPort;
    EXPECT_EQ(call(kos_caller_t{kServer, 1, 9}, request).status, KOS_STATUS_BAD_REQUEST);
    request.token = 7;
    EXPECT_EQ(call(kos_caller_t{kServer, 1, 0}, request).status, KOS_STATUS_BAD_REQUEST);
    request.token = 0;
    request.payload_bytes = 1;
    EXPECT_EQ(call(kos_caller_t{kServer, 1, 0}, request).status, KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(call(kos_caller_t{kServer, 1, 0}, request).status, KOS_STATUS_BAD_REQUEST);
    EXPECT_FALSE(directory->queued({kServer, 1, 0}, KOS_DIR_BIND, "abc", 3));
    EXPECT_FALSE(send(kServer, KOS_DIR_QUERY, kPort));
    EXPECT_FALSE(send(kAppman, KOS_DIR_DOMAIN_DOWN, 0));
    EXPECT_FALSE(send(kAppman, KOS_DIR_DOMAIN_DOWN, KOS_MAX_DOMAINS));
}

TEST_F(DirectoryTest, WaitsUntilBound) {
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, UINT64_MAX).status, KOS_STATUS_NO_REPLY);
    EXPECT_EQ(directory->next_deadline(), UINT64_MAX);
    directory->expire(UINT64_MAX);
    EXPECT_TRUE(callers.answers.empty());
    EXPECT_TRUE(send(kServer, KOS_DIR_BIND, kSecondPort));
    EXPECT_TRUE(callers.answers.empty());
    EXPECT_TRUE(send(kServer, KOS_DIR_BIND, kPort));
    ASSERT_EQ(callers.answers.size(), 1u);
    EXPECT_EQ(callers.answers.begin()->second.connection, 40u);
    EXPECT_TRUE(callers.kept.empty());
}

TEST_F(DirectoryTest, DeadlinesPass) {
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now).status, KOS_STATUS_TIMEOUT);
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 5).status, KOS_STATUS_NO_REPLY);
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 3).status, KOS_STATUS_NO_REPLY);
    const unsigned second = callers.last;
    EXPECT_EQ(directory->next_deadline(), now + 3);
    directory->expire(now + 3);
    ASSERT_EQ(callers.answers.size(), 1u);
    EXPECT_EQ(callers.answers[second].status, KOS_STATUS_TIMEOUT);
    EXPECT_EQ(directory->next_deadline(), now + 5);
}

TEST_F(DirectoryTest, RoomForWaitersIsBounded) {
    for (unsigned i = 0; i < Directory::kMostWaitersOfDomain; ++i) {
        EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 1).status, KOS_STATUS_NO_REPLY);
    }
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 1).status, KOS_STATUS_FULL);
    EXPECT_EQ(call(kOther, KOS_DIR_REQUEST, kSecondPort, now + 1).status, KOS_STATUS_NO_REPLY);
    now += 1;  // those who have waited in vain make room
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 1).status, KOS_STATUS_NO_REPLY);
    EXPECT_EQ(callers.answers.size(), 5u);
    callers.no_room = true;
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, now + 1).status, KOS_STATUS_FULL);
}

TEST_F(DirectoryTest, SubscribersSeeEveryChange) {
    EXPECT_EQ(call(kClient, KOS_DIR_SUBSCRIBE, kPort, 0).status, KOS_STATUS_NO_REPLY);
    const unsigned waiter = callers.last;
    send(kServer, KOS_DIR_BIND, kPort);
    EXPECT_EQ(callers.answers[waiter].changes, 1u);
    EXPECT_TRUE(callers.answers[waiter].bound);
    send(kServer, KOS_DIR_UNBIND, kPort);
    const Told answer = call(kClient, KOS_DIR_SUBSCRIBE, kPort, 1);
    EXPECT_EQ(answer.status, KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 2u);
    EXPECT_EQ(answer.word, 0u);
}

TEST_F(DirectoryTest, TheEndOfADomainUnbindsItsPortsAndForgetsItsCalls) {
    send(kServer, KOS_DIR_BIND, kPort);
    EXPECT_EQ(call(kOther, KOS_DIR_REQUEST, kSecondPort, UINT64_MAX).status, KOS_STATUS_NO_REPLY);
    EXPECT_TRUE(send(kAppman, KOS_DIR_DOMAIN_DOWN, kServer));
    EXPECT_FALSE(directory->is_bound(kPort));
    EXPECT_EQ(callers.kept.size(), 1u);
    EXPECT_TRUE(send(kAppman, KOS_DIR_DOMAIN_DOWN, kOther));
    EXPECT_TRUE(callers.kept.empty());
    EXPECT_TRUE(send(kServer, KOS_DIR_BIND, kSecondPort));
}

// The end of an instance may be reported after the next one has bound its ports: they come through two queues.
TEST_F(DirectoryTest, AnEndThatIsReportedLateLeavesTheNextInstanceAlone) {
    EXPECT_TRUE(send(kServer, KOS_DIR_BIND, kPort, 3));
    EXPECT_EQ(call(kClient, KOS_DIR_SUBSCRIBE, kPort, 1).status, KOS_STATUS_NO_REPLY);
    const unsigned waiter = callers.last;
    EXPECT_TRUE(send(kServer, KOS_DIR_BIND, kPort, 4));
    EXPECT_EQ(callers.answers[waiter].changes, 2u);
    EXPECT_EQ(call(kClient, KOS_DIR_SUBSCRIBE, kPort, 0).param, 3u);
    EXPECT_TRUE(send(kAppman, KOS_DIR_DOMAIN_DOWN, kServer, 3));
    EXPECT_TRUE(directory->is_bound(kPort));
    restart();
    EXPECT_TRUE(send(kAppman, KOS_DIR_DOMAIN_DOWN, kServer, 3));
    EXPECT_TRUE(directory->is_bound(kPort));
    EXPECT_TRUE(send(kAppman, KOS_DIR_DOMAIN_DOWN, kServer, 4));
    EXPECT_FALSE(directory->is_bound(kPort));
    EXPECT_EQ(call(kServer, KOS_DIR_BIND, kPort, 5).status, KOS_STATUS_OK);
    EXPECT_TRUE(directory->is_bound(kPort));
}

TEST_F(DirectoryTest, WhatIsBoundSurvivesARestart) {
    send(kServer, KOS_DIR_BIND, kPort);
    restart();
    EXPECT_TRUE(directory->is_bound(kPort));
    EXPECT_FALSE(directory->is_bound(kSecondPort));
    EXPECT_EQ(call(kClient, KOS_DIR_REQUEST, kPort, 0).token, 40u);
    EXPECT_EQ(call(kClient, KOS_DIR_SUBSCRIBE, kPort, 0).param, 1u);
}

// Whichever byte of the newer copy is damaged, the older one counts.
TEST_F(DirectoryTest, ATornStoreLeavesTheStateBefore) {
    send(kServer, KOS_DIR_BIND, kPort);
    const std::vector<uint64_t> before = memory;
    send(kServer, KOS_DIR_BIND, kSecondPort);
    const std::vector<uint64_t> after = memory;
    for (size_t i = 0; i < SavedState::kBytes; ++i) {
        const auto* old_bytes = reinterpret_cast<const uint8_t*>(before.data());
        auto* bytes = reinterpret_cast<uint8_t*>(memory.data());
        memory = after;
        if (bytes[i] == old_bytes[i]) continue;
        bytes[i] ^= 0x40;
        restart();
        EXPECT_TRUE(directory->is_bound(kPort));
        EXPECT_FALSE(directory->is_bound(kSecondPort));
    }
}

TEST_F(DirectoryTest, UnfitMemoryIsRefused) {
    EXPECT_FALSE(saved.open(nullptr, 4096));
    EXPECT_FALSE(saved.open(memory.data(), SavedState::kBytes - 1));
    EXPECT_FALSE(saved.open(reinterpret_cast<uint8_t*>(memory.data()) + 1, 4000));
}

// Random load: nobody waits for a port that is bound, nobody waits twice, everybody is answered in the end.
TEST_F(DirectoryTest, RandomLoadMatchesTheModel) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        memory.assign(memory.size(), 0);
        restart();
        bool bound = false;
        std::multiset<uint64_t> deadlines;
        for (int step = 0; step < 3000; ++step) {
            now += random() % 4;
            directory->expire(now);
            while (!deadlines.empty() && *deadlines.begin() <= now) deadlines.erase(deadlines.begin());
            switch (random() % 8) {
                case 0:
                    send(kServer, KOS_DIR_BIND, kPort);
                    bound = true;
                    deadlines.clear();
                    break;
                case 1:
                    send(kServer, KOS_DIR_UNBIND, kPort);
                    bound = false;
                    break;
                case 2:
                    send(kAppman, KOS_DIR_DOMAIN_DOWN, kServer);
                    bound = false;
                    break;
                case 3:
                    if (random() % 10 != 0) break;
                    restart();
                    deadlines.clear();
                    break;
                default: {
                    const uint64_t deadline = now + random() % 20;
                    const Told answer = call(kClient, KOS_DIR_REQUEST, kPort, deadline);
                    if (bound) {
                        ASSERT_EQ(answer.token, 40u);
                    } else if (deadline == now) {
                        ASSERT_EQ(answer.status, KOS_STATUS_TIMEOUT);
                    } else if (deadlines.size() < Directory::kMostWaitersOfDomain) {
                        ASSERT_EQ(answer.status, KOS_STATUS_NO_REPLY);
                        deadlines.insert(deadline);
                    } else {
                        ASSERT_EQ(answer.status, KOS_STATUS_FULL);
                    }
                }
            }
            ASSERT_EQ(directory->is_bound(kPort), bound);
            ASSERT_EQ(callers.kept.size(), deadlines.size());
            ASSERT_EQ(directory->next_deadline(), deadlines.empty() ? UINT64_MAX : *deadlines.begin());
        }
    }
}

}  // namespace
}  // namespace kos::directory
