// The interface "console": every request, every refusal.
#include "console_service.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace kos::driver {
namespace {

struct FakeStream {
    bool write_all(std::span<const uint8_t> bytes) {
        if (bytes.size() > room) return false;
        write_some(bytes);
        return true;
    }
    size_t write_some(std::span<const uint8_t> bytes) {
        const size_t count = std::min(bytes.size(), room);
        written.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
        room -= count;
        return count;
    }
    size_t read(std::span<uint8_t> out) {
        const size_t count = std::min(out.size(), waiting.size());
        memcpy(out.data(), waiting.data(), count);
        waiting.erase(0, count);
        return count;
    }
    void interrupt() {
        waiting += arriving;
        arriving.clear();
    }
    StreamStatus status() const {
        return {.sent_bytes = written.size(),
                .dropped_bytes = 5,
                .transmit_queued = kTransmitBytes - room,
                .receive_queued = waiting.size()};
    }
    static constexpr size_t kTransmitBytes = 8192;

    std::string written, waiting, arriving;
    size_t room = kTransmitBytes;
};

struct FakeWaker final : ConsoleWaker {
    explicit FakeWaker(ConsoleWishes& kept) : ConsoleWaker(&kept) {}
    void signal(unsigned domain) override { told.push_back(domain); }
    std::vector<unsigned> told;
};

class ConsoleServiceTest : public ::testing::Test {
protected:
    kos_status_t call(uint64_t label, const std::string& payload = "", uint64_t param = 0, uint16_t domain = kReader) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        request.payload = payload.data();
        request.payload_bytes = static_cast<uint32_t>(payload.size());
        answer = {};
        return service.dispatch({domain, 1, 0}, request, answer);
    }
    std::string answered() const { return {static_cast<const char*>(answer.payload), answer.payload_bytes}; }

    static constexpr uint16_t kReader = 4, kOther = 5;
    FakeStream stream;
    DomainSet readers;
    kos_msg_t answer = {};
    ConsoleWishes wishes;
    FakeWaker waker{wishes};
    ConsoleService<FakeStream> service{stream, (readers.add(kReader), readers), waker};
};

TEST_F(ConsoleServiceTest, WritesAWholeMessageOrNothing) {
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE, "line\n"), KOS_STATUS_OK);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE, "line\n", 0, kOther), KOS_STATUS_OK);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE, std::string(4096, 'x')), KOS_STATUS_OK);
    stream.room = 4;
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE, "line\n"), KOS_STATUS_FULL);
    EXPECT_EQ(stream.written, "line\nline\n" + std::string(4096, 'x'));
}

TEST_F(ConsoleServiceTest, WritesWhatFits) {
    stream.room = 4;
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE_SOME, "line\n"), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 4u);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE_SOME, "\n"), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 0u);
    EXPECT_EQ(stream.written, "line");
}

TEST_F(ConsoleServiceTest, Reads) {
    stream.waiting = "hello";
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 2), KOS_STATUS_OK);
    EXPECT_EQ(answered(), "he");
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 4096), KOS_STATUS_OK);
    EXPECT_EQ(answered(), "llo");
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 4096), KOS_STATUS_EMPTY);
    EXPECT_EQ(answer.payload_bytes, 0u);
}

TEST_F(ConsoleServiceTest, LetsOnlyReadersRead) {
    stream.waiting = "secret";
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 4096, kOther), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(stream.waiting, "secret");
}

TEST_F(ConsoleServiceTest, TellsItsStatus) {
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WRITE, "abc"), KOS_STATUS_OK);
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_STATUS), KOS_STATUS_OK);
    StreamStatus status;
    ASSERT_EQ(answer.payload_bytes, sizeof status);
    memcpy(&status, answer.payload, sizeof status);
    EXPECT_EQ(status.sent_bytes, 3u);
    EXPECT_EQ(status.dropped_bytes, 5u);
}

TEST_F(ConsoleServiceTest, TellsOnceWhenBytesArrive) {
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 1), KOS_STATUS_OK);
    service.interrupt();
    EXPECT_TRUE(waker.told.empty());
    stream.arriving = "x";
    service.interrupt();
    service.interrupt();
    EXPECT_EQ(waker.told, std::vector<unsigned>{kReader});
    // They are there already.
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 1), KOS_STATUS_OK);
    EXPECT_EQ(waker.told.size(), 2u);
}

TEST_F(ConsoleServiceTest, TellsWhenThereIsRoom) {
    stream.room = 10;
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 2, kOther), KOS_STATUS_OK);
    stream.room = 4095;
    service.interrupt();
    EXPECT_TRUE(waker.told.empty());
    stream.room = 4096;
    service.interrupt();
    EXPECT_EQ(waker.told, std::vector<unsigned>{kOther});
}

TEST_F(ConsoleServiceTest, ForgetsWishesThatAreReplaced) {
    stream.room = 0;
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 3), KOS_STATUS_OK);
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 0), KOS_STATUS_OK);
    stream.room = 8192;
    stream.arriving = "x";
    service.interrupt();
    EXPECT_TRUE(waker.told.empty());
}

TEST_F(ConsoleServiceTest, RefusesWishesThatAreNotAllowed) {
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 1, kOther), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 4), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(wishes.input | wishes.room, 0u);
}

TEST_F(ConsoleServiceTest, ARestartedDriverTellsThoseWhoWaited) {
    ASSERT_EQ(call(KOS_CONSOLE_LABEL_WAKE, "", 1), KOS_STATUS_OK);
    FakeWaker again(wishes);
    ConsoleService<FakeStream> restarted{stream, readers, again};
    EXPECT_EQ(again.told, std::vector<unsigned>{kReader});
    EXPECT_EQ(wishes.input, 0u);
}

TEST_F(ConsoleServiceTest, RefusesWhatItDoesNotKnow) {
    for (uint64_t label : {uint64_t{0}, uint64_t{6}, UINT64_MAX}) EXPECT_EQ(call(label), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE, "x", 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE_SOME), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_WRITE_SOME, "x", 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "x", 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 0), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", 4097), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_READ, "", UINT64_MAX), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_STATUS, "x"), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_CONSOLE_LABEL_STATUS, "", 1), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_CONSOLE_LABEL_STATUS;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(service.dispatch({kReader, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.has_words = 0;
    EXPECT_EQ(service.dispatch({kReader, 1, 9}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 5;
    EXPECT_EQ(service.dispatch({kReader, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(stream.written, "");
}

}  // namespace
}  // namespace kos::driver
