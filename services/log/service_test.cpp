/*
 * Tests of service.h: each request and each way to get it wrong.
 */
#include "service.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace kos::log {
namespace {

constexpr uint16_t kWriter = 3;
constexpr uint16_t kReader = 4;

struct LogService : testing::Test {
    LogService() : memory(2048), rate(1000, 10, 20) {
        EXPECT_TRUE(store.open(memory.data(), memory.size() * 8));
        names.of[0] = "root";
        names.of[1] = "log";
        names.of[kWriter] = "pump";
        Settings settings;
        settings.own_domain = 1;
        settings.keep_level = KOS_LOG_INFO;
        settings.readers = 1 << kReader;
        service = std::make_unique<Service>(store, rate, names, settings);
    }
    kos_status_t call(uint16_t domain, const kos_msg_t& request, uint64_t token = 0) {
        answer = {};
        const kos_caller_t caller = {domain, 1, token};
        return service->call(caller, request, now, answer);
    }
    kos_status_t write(uint16_t domain, uint64_t level, const std::string& text) {
        kos_msg_t request = {};
        request.label = KOS_LOG_WRITE;
        request.param = level;
        request.payload = text.data();
        request.payload_bytes = static_cast<uint32_t>(text.size());
        return call(domain, request);
    }
    kos_status_t read(uint16_t domain, uint64_t cursor) {
        kos_msg_t request = {};
        request.label = KOS_LOG_READ;
        request.param = cursor;
        return call(domain, request);
    }
    std::vector<std::string> lines() {
        std::vector<std::string> result;
        const auto* at = static_cast<const uint8_t*>(answer.payload);
        for (uint64_t i = 0; i < answer.words[1]; ++i) {
            kos_log_line_t line;
            memcpy(&line, at, sizeof line);
            result.push_back(std::string(line.name) + ": " +
                             std::string(reinterpret_cast<const char*>(at + sizeof line), line.bytes));
            at += (sizeof line + line.bytes + 7) / 8 * 8;
        }
        EXPECT_EQ(at, static_cast<const uint8_t*>(answer.payload) + answer.payload_bytes);
        return result;
    }
    std::vector<std::string> all() {
        return read(kReader, 0) == KOS_STATUS_EMPTY ? std::vector<std::string>() : lines();
    }

    std::vector<uint64_t> memory;
    Store store;
    RateLimit rate;
    Names names;
    std::unique_ptr<Service> service;
    uint64_t now = 0;
    kos_msg_t answer = {};
};

TEST_F(LogService, WritesAndReads) {
    EXPECT_EQ(write(kWriter, KOS_LOG_ERROR, "one\x1b"), KOS_STATUS_OK);
    EXPECT_EQ(write(9, KOS_LOG_INFO, "two"), KOS_STATUS_OK);
    EXPECT_EQ(all(), (std::vector<std::string>{"pump: one\\x1b", "?: two"}));
    EXPECT_EQ(answer.param, 3u);
    EXPECT_EQ(read(kReader, 3), KOS_STATUS_EMPTY);
    EXPECT_EQ(read(kReader, 2), KOS_STATUS_OK);
    EXPECT_EQ(lines(), (std::vector<std::string>{"?: two"}));
}

TEST_F(LogService, OnlyReadersRead) {
    write(kWriter, KOS_LOG_INFO, "secret");
    EXPECT_EQ(read(kWriter, 0), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(read(64, 0), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(answer.payload_bytes, 0u);
}

TEST_F(LogService, RefusesWhatIsWrong) {
    EXPECT_EQ(write(kWriter, 0, "x"), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(write(kWriter, 5, "x"), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(write(kWriter, uint64_t{1} << 32 | 3, "x"), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(write(kWriter, KOS_LOG_INFO, std::string(241, 'x')), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(write(kWriter, KOS_LOG_INFO, std::string(240, 'x')), KOS_STATUS_OK);
    EXPECT_EQ(read(kReader, 1000), KOS_STATUS_INVALID_ARGUMENT);
    kos_msg_t request = {};
    for (uint64_t label : {uint64_t{0}, uint64_t{4}, UINT64_MAX}) {
        request.label = label;
        EXPECT_EQ(call(kWriter, request), KOS_STATUS_BAD_REQUEST);
    }
    for (uint64_t label : {KOS_LOG_WRITE, KOS_LOG_READ, KOS_LOG_STATUS}) {
        request = {};
        request.label = label;
        request.has_words = 1;
        request.words[1] = 1;
        EXPECT_EQ(call(kReader, request), KOS_STATUS_BAD_REQUEST);
        request.has_words = 0;
        request.words[1] = 0;
        request.token = 5;
        EXPECT_EQ(call(kReader, request), KOS_STATUS_BAD_REQUEST);
        request.token = 0;
        EXPECT_EQ(call(kReader, request, 1), KOS_STATUS_BAD_REQUEST);
    }
}

TEST_F(LogService, LevelsBelowAreNotKept) {
    EXPECT_EQ(write(kWriter, KOS_LOG_DEBUG, "detail"), KOS_STATUS_OK);
    EXPECT_TRUE(all().empty());
}

TEST_F(LogService, AFloodIsCountedAndReported) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(write(kWriter, KOS_LOG_INFO, "flood"), i < 20 ? KOS_STATUS_OK : KOS_STATUS_FULL);
    }
    EXPECT_EQ(write(5, KOS_LOG_INFO, "other"), KOS_STATUS_OK);
    now = 300;
    EXPECT_EQ(write(kWriter, KOS_LOG_INFO, "after"), KOS_STATUS_OK);
    const auto kept = all();
    ASSERT_EQ(kept.size(), 23u);
    EXPECT_EQ(kept[21], "log: pump: 30 lines above its rate were suppressed");
    EXPECT_EQ(kept[22], "pump: after");
}

TEST_F(LogService, SuppressedLinesOfAnEndedFloodAreReportedByTick) {
    for (int i = 0; i < 25; ++i) write(kWriter, KOS_LOG_INFO, "flood");
    service->tick(now);
    EXPECT_EQ(all().size(), 20u);
    service->tick(1000);
    EXPECT_EQ(all().back(), "log: pump: 5 lines above its rate were suppressed");
    service->tick(2000);
    EXPECT_EQ(all().size(), 21u);
}

TEST_F(LogService, TakesQueuedLines) {
    const kos_caller_t caller = {kWriter, 1, 0};
    service->queued(caller, KOS_LOG_WRITE | KOS_LOG_WARNING << 8, "quick", 5, now);
    service->queued(caller, KOS_LOG_WRITE, "no level", 8, now);
    service->queued(caller, KOS_LOG_READ | 3 << 8, "", 0, now);
    EXPECT_EQ(all(), (std::vector<std::string>{"pump: quick"}));
    service->tick(now);
    EXPECT_EQ(all().back(), "log: pump: 2 queued messages were no lines");
}

TEST_F(LogService, FollowsRoot) {
    std::vector<uint64_t> words(256);
    auto* ring = reinterpret_cast<RootRing*>(words.data());
    root_ring_create(ring, 2048);  // 7 entries
    root_ring_append(ring, 5, kRootStart, 3, kWriter, 2, "pump", 4);
    root_ring_append(ring, 6, kRootText, 1, kWriter, 2, "fault\nat 0", 10);
    service->follow_root(ring, 2048, now);
    service->follow_root(ring, 2048, now);
    EXPECT_EQ(all(), (std::vector<std::string>{"root: pump starts, instance 2", "root: fault\\nat 0"}));
    write(kWriter, KOS_LOG_INFO, "alive");
    Line line;
    ASSERT_TRUE(store.read(3, &line));
    EXPECT_EQ(line.instance, 2u);
    for (int i = 0; i < 10; ++i) root_ring_append(ring, 7, kRootText, 99, 99, 0, "x", 1);
    service->follow_root(ring, 2048, now);
    EXPECT_EQ(all().back(), "log: 3 records of root were overwritten before they were read");
    EXPECT_EQ(all().size(), 11u);
}

TEST_F(LogService, ReadsPageByPageAndSaysWhatIsLost) {
    rate = RateLimit(1000, 1000, 100000);
    for (int i = 0; i < 1000; ++i) write(kWriter, KOS_LOG_INFO, "line " + std::to_string(i));
    uint64_t cursor = 1;
    uint64_t seen = 0;
    uint64_t lost = 0;
    while (read(kReader, cursor) == KOS_STATUS_OK) {
        ASSERT_LE(answer.payload_bytes, KOS_PAYLOAD_MAX);
        ASSERT_GT(answer.param, cursor);
        cursor = answer.param;
        lost += answer.words[0];
        seen += answer.words[1];
        lines();
    }
    EXPECT_EQ(cursor, store.next());
    EXPECT_EQ(seen + lost, 1000u);
    EXPECT_GT(lost, 0u);
}

TEST_F(LogService, StatusCounts) {
    for (int i = 0; i < 22; ++i) write(kWriter, KOS_LOG_INFO, "x");
    kos_msg_t request = {};
    request.label = KOS_LOG_STATUS;
    ASSERT_EQ(call(kWriter, request), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 21u);
    EXPECT_EQ(answer.words[0], 20u);
    EXPECT_EQ(answer.words[1], 2u);
}

TEST_F(LogService, RandomRequestsAreAnswered) {
    std::mt19937_64 random(4);
    std::vector<char> payload(KOS_PAYLOAD_MAX);
    for (int i = 0; i < 20000; ++i) {
        now += random() % 50;
        for (char& c : payload) c = static_cast<char>(random());
        kos_msg_t request = {};
        request.label = random() % 5;
        request.param = random() % 3 == 0 ? random() : random() % 6;
        request.payload = payload.data();
        request.payload_bytes = static_cast<uint32_t>(random() % (random() % 2 == 0 ? 4 : KOS_PAYLOAD_MAX + 1));
        request.has_words = random() % 8 == 0;
        request.words[0] = random();
        const kos_status_t status = call(static_cast<uint16_t>(random()), request);
        ASSERT_GE(status, 128u);
        ASSERT_LE(status, 164u);
    }
}

}  // namespace
}  // namespace kos::log
