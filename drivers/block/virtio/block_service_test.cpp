// The block driver, device class and service together, against a simulated device: every request, every refusal, every
// way in which a device can fail.
#include "block_service.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fake_block.h"
#include "fake_calls.h"

namespace kos::driver {
namespace {

using Device = VirtioBlock<FakeBlock>;

struct BlockCalls : FakeCalls {
    explicit BlockCalls(FakeBlock& device) : block(device) {}
    void alarm(uint64_t when) { alarms.push_back(when); }
    uint64_t ticks() { return block.ticks(); }
    uint64_t hz() { return block.hz(); }
    void report(virtio::Error error) { reports.push_back(error); }

    FakeBlock& block;
    std::vector<uint64_t> alarms;
    std::vector<virtio::Error> reports;
};

class BlockTest : public ::testing::Test {
protected:
    static constexpr uint64_t kSectors = 1000, kTimeoutUs = 5000000;

    void start() { ASSERT_TRUE(driver.start().ok()); }

    kos_status_t call(uint64_t label, uint64_t param = 0, const std::vector<uint8_t>& payload = {},
                      bool has_words = false, uint64_t word0 = 0, uint64_t word1 = 0) {
        kos_msg_t request = {};
        request.label = label;
        request.param = param;
        request.payload = payload.data();
        request.payload_bytes = static_cast<uint32_t>(payload.size());
        request.has_words = has_words ? 1 : 0;
        request.words[0] = word0;
        request.words[1] = word1;
        answer = {};
        return service.dispatch({5, 1, 0}, request, answer);
    }
    // The number under which the answer will come, 0 if the request was refused.
    kos_slot_t read(uint64_t sector, uint64_t bytes) {
        return call(KOS_BLOCK_LABEL_READ, sector, {}, true, bytes) == KOS_STATUS_NO_REPLY ? calls.last : 0;
    }
    kos_slot_t write(uint64_t sector, const std::vector<uint8_t>& data) {
        return call(KOS_BLOCK_LABEL_WRITE, sector, data) == KOS_STATUS_NO_REPLY ? calls.last : 0;
    }
    kos_slot_t flush() { return call(KOS_BLOCK_LABEL_FLUSH) == KOS_STATUS_NO_REPLY ? calls.last : 0; }
    kos_status_t status(kos_slot_t number) { return calls.status(number); }
    void finish() {
        disk.complete_all();
        service.interrupt();
    }
    static std::vector<uint8_t> pattern(size_t bytes, uint8_t seed) {
        std::vector<uint8_t> result(bytes);
        for (size_t i = 0; i < bytes; i++) result[i] = static_cast<uint8_t>(seed + i * 7);
        return result;
    }
    // After whatever went wrong: does everything still work?
    void expect_working() {
        const auto data = pattern(512, 77);
        const kos_slot_t writing = write(3, data);
        finish();
        EXPECT_EQ(status(writing), KOS_STATUS_OK);
        const kos_slot_t reading = read(3, 512);
        finish();
        EXPECT_EQ(status(reading), KOS_STATUS_OK);
        EXPECT_EQ(calls.data[reading], data);
        EXPECT_TRUE(calls.open.empty());
        EXPECT_EQ(driver.in_flight(), 0u);
    }

    virtio::testing::FakeDma dma{Device::kDmaBytes};
    FakeBlock disk{dma, kSectors};
    Device driver{disk, dma.span(), dma.physical(), kTimeoutUs};
    BlockCalls calls{disk};
    BlockService<Device, BlockCalls> service{driver, calls};
    kos_msg_t answer = {};
};

TEST_F(BlockTest, TellsTheGeometry) {
    start();
    ASSERT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, kSectors);
    EXPECT_EQ(answer.words[0], 512 | uint64_t{4096} << 32);
    EXPECT_EQ(answer.words[1], 0u);
}

TEST_F(BlockTest, WritesReadsAndFlushes) {
    start();
    const auto data = pattern(4096, 1);
    const kos_slot_t writing = write(992, data);
    finish();
    EXPECT_EQ(status(writing), KOS_STATUS_OK);
    const kos_slot_t flushing = flush();
    finish();
    EXPECT_EQ(status(flushing), KOS_STATUS_OK);
    EXPECT_EQ(disk.log, "wf");
    const kos_slot_t reading = read(993, 512);
    finish();
    EXPECT_EQ(status(reading), KOS_STATUS_OK);
    EXPECT_EQ(calls.data[reading], std::vector<uint8_t>(data.begin() + 512, data.begin() + 1024));
}

TEST_F(BlockTest, HasManyRequestsInFlightInAnyOrder) {
    start();
    std::mt19937 random(1);
    for (size_t i = 0; i < disk.disk.size(); i++) disk.disk[i] = static_cast<uint8_t>(i / 512 * 3);
    std::map<kos_slot_t, uint64_t> expected;
    unsigned answered = 0;
    for (int step = 0; step < 5000; step++) {
        if (random() % 2 == 0) {
            const uint64_t sector = random() % kSectors;
            const bool room = driver.in_flight() < Device::kRequests;
            const kos_slot_t number = read(sector, 512);
            ASSERT_EQ(number != 0, room);
            if (room) expected[number] = sector;
        } else if (disk.collect() > 0) {
            disk.complete(random() % disk.waiting.size());
            if (random() % 2 == 0) service.interrupt();
        }
        for (const auto& [number, bytes] : calls.data) {
            ASSERT_EQ(calls.statuses[number], KOS_STATUS_OK);
            ASSERT_EQ(bytes, std::vector<uint8_t>(512, static_cast<uint8_t>(expected[number] * 3)));
            answered++;
        }
        calls.data.clear();
    }
    EXPECT_GT(answered, 1000u);
    EXPECT_TRUE(calls.reports.empty());
}

TEST_F(BlockTest, IsFullNotBlockedWithTooManyRequests) {
    start();
    for (unsigned i = 0; i < Device::kRequests; i++) ASSERT_NE(read(i, 512), 0u);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, 512), KOS_STATUS_FULL);
    finish();
    EXPECT_NE(read(0, 512), 0u);
    finish();
    calls.replies = 0;
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, 512), KOS_STATUS_FULL);
    EXPECT_EQ(driver.in_flight(), 0u);
}

TEST_F(BlockTest, RefusesWrongRanges) {
    start();
    for (uint64_t bytes :
         {uint64_t{0}, uint64_t{1}, uint64_t{511}, uint64_t{513}, uint64_t{4608}, uint64_t{1} << 32, UINT64_MAX}) {
        EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, bytes), KOS_STATUS_INVALID_ARGUMENT) << bytes;
    }
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, kSectors, {}, true, 512), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, kSectors - 1, {}, true, 1024), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, UINT64_MAX, {}, true, 512), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, UINT64_MAX - 6, {}, true, 4096), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_WRITE, 0), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_WRITE, 0, pattern(100, 0)), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_WRITE, kSectors, pattern(512, 0)), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(disk.collect(), 0u);
    EXPECT_NE(read(kSectors - 1, 512), 0u);
}

TEST_F(BlockTest, RefusesWhatItDoesNotKnow) {
    start();
    EXPECT_EQ(call(0), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(5), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY, 0, {1}), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0), KOS_STATUS_BAD_REQUEST) << "words that were not sent";
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {1}, true, 512), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, 512, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_WRITE, 0, pattern(512, 0), true, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_FLUSH, 1), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_FLUSH, 0, {1}), KOS_STATUS_BAD_REQUEST);
    kos_msg_t request = {};
    request.label = KOS_BLOCK_LABEL_GEOMETRY;
    request.token = 9;
    EXPECT_EQ(service.dispatch({5, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.token = 0;
    EXPECT_EQ(service.dispatch({5, 1, 7}, request, answer), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(disk.collect(), 0u);
}

TEST_F(BlockTest, DoesNotWriteToAReadOnlyDevice) {
    disk.features |= FakeBlock::kReadOnly;
    start();
    ASSERT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY), KOS_STATUS_OK);
    EXPECT_EQ(answer.words[1], 1u);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_WRITE, 0, pattern(512, 0)), KOS_STATUS_UNAUTHORIZED);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_FLUSH), KOS_STATUS_OK);
    EXPECT_EQ(disk.collect(), 0u);
    const kos_slot_t reading = read(0, 512);
    finish();
    EXPECT_EQ(status(reading), KOS_STATUS_OK);
}

TEST_F(BlockTest, NeedsNoFlushWithoutAVolatileCache) {
    disk.features &= ~FakeBlock::kFlush;
    start();
    EXPECT_EQ(call(KOS_BLOCK_LABEL_FLUSH), KOS_STATUS_OK);
    EXPECT_EQ(disk.collect(), 0u);
}

TEST_F(BlockTest, KeepsToTheDevicesBlocks) {
    disk.set_block_bytes(4096);
    start();
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, 512), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 1, {}, true, 4096), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_NE(read(8, 4096), 0u);
}

TEST_F(BlockTest, DoesNotStartWithANonsensicalConfiguration) {
    for (uint32_t bytes : {0u, 1u, 256u, 513u, 8192u, UINT32_MAX}) {
        disk.set_block_bytes(bytes);
        EXPECT_EQ(driver.start().error(), virtio::Error::kConfig) << bytes;
    }
    disk.set_block_bytes(512);
    disk.set_capacity(UINT64_MAX);
    EXPECT_EQ(driver.start().error(), virtio::Error::kConfig);
    disk.set_capacity(kSectors);
    disk.restless = true;
    EXPECT_EQ(driver.start().error(), virtio::Error::kConfig);
    disk.restless = false;
    EXPECT_TRUE(driver.start().ok());
}

TEST_F(BlockTest, DoesNotStartWithTooLittleMemory) {
    Device small(disk, dma.span().first(Device::kDmaBytes - 1), dma.physical(), kTimeoutUs);
    EXPECT_EQ(small.start().error(), virtio::Error::kMemory);
}

TEST_F(BlockTest, FollowsAChangedCapacity) {
    start();
    disk.set_capacity(10);
    disk.interrupts |= virtio::mmio::kInterruptConfig;
    service.interrupt();
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 10, {}, true, 512), KOS_STATUS_INVALID_ARGUMENT);
    ASSERT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY), KOS_STATUS_OK);
    EXPECT_EQ(answer.param, 10u);
}

TEST_F(BlockTest, PassesOnTheDevicesErrors) {
    start();
    disk.io_error = true;
    const kos_slot_t failing = read(0, 512);
    finish();
    EXPECT_EQ(status(failing), KOS_STATUS_INTERNAL_ERROR);
    EXPECT_TRUE(calls.data[failing].empty());
    disk.io_error = false;
    disk.unsupported = true;
    const kos_slot_t unsupported = flush();
    finish();
    EXPECT_EQ(status(unsupported), KOS_STATUS_NOT_IMPLEMENTED);
    disk.unsupported = false;
    EXPECT_EQ(driver.resets(), 0u) << "an error is no reason for a reset";
    expect_working();
}

TEST_F(BlockTest, NeverShowsAClientWhatAnotherOneRead) {
    start();
    memset(disk.disk.data(), 's', 512);
    const kos_slot_t first = read(0, 512);
    finish();
    EXPECT_EQ(calls.data[first], std::vector<uint8_t>(512, 's'));
    disk.lazy = true;
    disk.status_override = 0;
    const kos_slot_t second = read(1, 512);
    finish();
    EXPECT_EQ(status(second), KOS_STATUS_OK);
    EXPECT_EQ(calls.data[second], std::vector<uint8_t>(512, 0));
}

// --- Devices that break the protocol: reset, everyone answered, and it goes on.

TEST_F(BlockTest, ResetsADeviceThatLiesAboutTheLength) {
    start();
    for (uint32_t length : {0u, 1u, 512u}) {
        const kos_slot_t number = read(0, 512);
        disk.length_override = length;
        finish();
        disk.length_override.reset();
        EXPECT_EQ(status(number), KOS_STATUS_INTERNAL_ERROR) << length;
        expect_working();
    }
    const kos_slot_t number = read(0, 512);
    disk.length_override = 514;
    finish();
    disk.length_override.reset();
    EXPECT_EQ(status(number), KOS_STATUS_INTERNAL_ERROR);
    EXPECT_EQ(driver.resets(), 4u);
    expect_working();
}

TEST_F(BlockTest, ResetsADeviceThatGivesNoStatus) {
    start();
    disk.leave_status = true;
    const kos_slot_t first = read(0, 512);
    const kos_slot_t second = write(1, pattern(512, 1));
    finish();
    disk.leave_status = false;
    EXPECT_EQ(status(first), KOS_STATUS_INTERNAL_ERROR);
    EXPECT_EQ(status(second), KOS_STATUS_INTERNAL_ERROR);
    disk.status_override = 3;
    const kos_slot_t third = flush();
    finish();
    EXPECT_EQ(status(third), KOS_STATUS_INTERNAL_ERROR);
    disk.status_override.reset();
    expect_working();
}

TEST_F(BlockTest, ResetsADeviceWithAWildUsedRing) {
    start();
    std::mt19937 random(2);
    for (int round = 0; round < 200; round++) {
        std::vector<kos_slot_t> numbers;
        for (unsigned i = 0; i < 1 + random() % 15; i++) numbers.push_back(read(random() % kSectors, 512));
        disk.collect();
        for (int i = 0; i < 4; i++) disk.put_used(0, random() % 80, random() % 600);
        if (random() % 2 == 0) disk.set_used_index(0, static_cast<uint16_t>(random()));
        service.interrupt();
        disk.forget();
        if (driver.in_flight() > 0) {
            disk.pass_us(kTimeoutUs + 1);
            service.check_deadlines();
        }
        for (kos_slot_t number : numbers) ASSERT_EQ(calls.statuses.count(number), 1u);
        ASSERT_TRUE(calls.open.empty());
    }
    expect_working();
}

TEST_F(BlockTest, AnswersWhenTheDeviceDoesNot) {
    start();
    const kos_slot_t first = read(0, 512);
    ASSERT_EQ(calls.alarms.size(), 1u);
    disk.pass_us(kTimeoutUs / 2);
    const kos_slot_t second = read(1, 512);
    EXPECT_EQ(calls.alarms.size(), 1u) << "one alarm at a time";
    disk.collect();
    disk.pass_us(kTimeoutUs / 2 - 100);
    service.check_deadlines();
    EXPECT_EQ(calls.open.size(), 2u) << "too early";
    disk.pass_us(200);
    service.check_deadlines();
    EXPECT_EQ(status(first), KOS_STATUS_INTERNAL_ERROR);
    EXPECT_EQ(status(second), KOS_STATUS_INTERNAL_ERROR);
    EXPECT_EQ(driver.resets(), 1u);
    disk.forget();
    expect_working();
}

TEST_F(BlockTest, SetsTheAlarmAgainForLaterRequests) {
    start();
    (void)read(0, 512);
    disk.pass_us(kTimeoutUs / 2);
    const kos_slot_t second = read(1, 512);
    disk.collect();
    disk.complete(0);
    service.interrupt();
    disk.pass_us(kTimeoutUs / 2 + 100);
    service.check_deadlines();  // the first request's alarm
    EXPECT_EQ(calls.alarms.size(), 2u);
    disk.pass_us(kTimeoutUs / 2);
    service.check_deadlines();
    EXPECT_EQ(status(second), KOS_STATUS_INTERNAL_ERROR);
}

TEST_F(BlockTest, AnAnswerWithoutItsInterruptCounts) {
    start();
    const kos_slot_t number = read(0, 512);
    disk.complete_all();
    disk.pass_us(kTimeoutUs + 1);
    service.check_deadlines();
    EXPECT_EQ(status(number), KOS_STATUS_OK);
    EXPECT_EQ(driver.resets(), 0u);
}

TEST_F(BlockTest, ResetsADeviceThatAsksForIt) {
    start();
    const kos_slot_t number = read(0, 512);
    disk.current |= virtio::kNeedsReset;
    disk.interrupts |= virtio::mmio::kInterruptConfig;
    service.interrupt();
    EXPECT_EQ(status(number), KOS_STATUS_INTERNAL_ERROR);
    disk.forget();
    expect_working();
}

TEST_F(BlockTest, IsUnavailableWhileTheDeviceDoesNotResetAndComesBack) {
    start();
    const kos_slot_t number = read(0, 512);
    disk.collect();
    disk.refuse_reset = true;
    disk.pass_us(kTimeoutUs + 1);
    service.check_deadlines();
    EXPECT_EQ(status(number), KOS_STATUS_INTERNAL_ERROR);
    const unsigned resets = disk.resets;
    EXPECT_EQ(call(KOS_BLOCK_LABEL_READ, 0, {}, true, 512), KOS_STATUS_UNAVAILABLE);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY), KOS_STATUS_UNAVAILABLE);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_FLUSH), KOS_STATUS_UNAVAILABLE);
    service.interrupt();
    EXPECT_EQ(disk.resets, resets) << "not with each request: a reset may take a second";
    disk.refuse_reset = false;
    disk.pass_us(6000000);
    EXPECT_EQ(call(KOS_BLOCK_LABEL_GEOMETRY), KOS_STATUS_OK);
    disk.forget();
    expect_working();
}

TEST_F(BlockTest, StartsFromWhateverStateThePredecessorLeft) {
    start();
    (void)read(0, 512);
    (void)write(1, pattern(512, 1));
    disk.collect();
    Device successor(disk, dma.span(), dma.physical(), kTimeoutUs);
    ASSERT_TRUE(successor.start().ok());
    EXPECT_EQ(successor.in_flight(), 0u);
    EXPECT_TRUE(disk.running());
    EXPECT_EQ(disk.queues[0].ready, 1u);
}

}  // namespace
}  // namespace kos::driver
