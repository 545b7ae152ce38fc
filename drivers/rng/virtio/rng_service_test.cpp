// The entropy device, device class and service together, against a simulated device.
#include "rng_service.h"

#include <gtest/gtest.h>

#include "fake_device.h"
#include "virtio_rng.h"

namespace kos::driver {
namespace {

using virtio::testing::FakeDevice;
using virtio::testing::FakeDma;
using Device = VirtioRng<FakeDevice>;

class RngTest : public ::testing::Test {
protected:
    void start() { ASSERT_TRUE(rng.start().ok()); }

    // The device answers with `bytes` bytes, counted up.
    void fill(uint32_t bytes, std::optional<uint32_t> claimed = std::nullopt) {
        const auto chain = device.fetch(0);
        ASSERT_TRUE(chain.has_value()) << "nothing was asked for";
        EXPECT_TRUE(chain->readable().empty());
        std::vector<uint8_t> random(bytes);
        for (uint8_t& byte : random) byte = ++next;
        chain->write(random);
        device.put_used(0, chain->head, claimed.value_or(bytes));
        service.interrupt();
        EXPECT_EQ(device.interrupts, 0u);
    }
    kos_status_t read(uint64_t most) {
        kos_msg_t request = {};
        request.label = KOS_RNG_LABEL_READ;
        request.param = most;
        answer = {};
        return service.dispatch({4, 1, 0}, request, answer);
    }
    std::vector<uint8_t> answered() const {
        const auto* bytes = static_cast<const uint8_t*>(answer.payload);
        return {bytes, bytes + answer.payload_bytes};
    }

    FakeDma dma{Device::kDmaBytes};
    FakeDevice device{virtio::DeviceType::kEntropy, dma, 1, 0};
    Device rng{device, dma.span(), dma.physical()};
    RngService<Device> service{rng};
    kos_msg_t answer = {};
    uint8_t next = 0;
};

TEST_F(RngTest, HandsOutEachByteOnce) {
    start();
    EXPECT_EQ(read(10), KOS_STATUS_EMPTY);
    fill(6);
    ASSERT_EQ(read(4), KOS_STATUS_OK);
    EXPECT_EQ(answered(), (std::vector<uint8_t>{1, 2, 3, 4}));
    EXPECT_FALSE(device.fetch(0).has_value()) << "asked again too early";
    ASSERT_EQ(read(1024), KOS_STATUS_OK);
    EXPECT_EQ(answered(), (std::vector<uint8_t>{5, 6}));
    EXPECT_EQ(read(1), KOS_STATUS_EMPTY);
    fill(1024);
    ASSERT_EQ(read(1024), KOS_STATUS_OK);
    EXPECT_EQ(answer.payload_bytes, 1024u);
    EXPECT_EQ(answered()[0], 7);
}

TEST_F(RngTest, ForgetsWhatItHandedOut) {
    start();
    fill(6);
    ASSERT_EQ(read(6), KOS_STATUS_OK);
    for (uint8_t byte : dma.span().subspan(1024, 1024)) EXPECT_TRUE(byte == 0 || byte == 0xa5);
}

TEST_F(RngTest, RefusesWhatItDoesNotKnow) {
    start();
    fill(16);
    EXPECT_EQ(read(0), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(read(1025), KOS_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(read(UINT64_MAX), KOS_STATUS_INVALID_ARGUMENT);
    kos_msg_t request = {};
    request.label = 2;
    request.param = 1;
    EXPECT_EQ(service.dispatch({4, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.label = KOS_RNG_LABEL_READ;
    EXPECT_EQ(service.dispatch({4, 1, 1}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 1;
    EXPECT_EQ(service.dispatch({4, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    request.payload_bytes = 0;
    request.has_words = 1;
    request.words[1] = 1;
    EXPECT_EQ(service.dispatch({4, 1, 0}, request, answer), KOS_STATUS_BAD_REQUEST);
    EXPECT_EQ(read(16), KOS_STATUS_OK);
    EXPECT_EQ(answer.payload_bytes, 16u);
}

TEST_F(RngTest, DoesNotStartOnAnotherDeviceOrWithTooLittleMemory) {
    Device small(device, dma.span().first(4095), dma.physical());
    EXPECT_EQ(small.start().error(), virtio::Error::kMemory);
    device.device_id = 2;
    EXPECT_EQ(rng.start().error(), virtio::Error::kNoDevice);
}

TEST_F(RngTest, ResetsADeviceThatLiesAboutTheLength) {
    start();
    for (uint32_t claimed : {0u, 1025u, UINT32_MAX}) {
        fill(8, claimed);
        EXPECT_EQ(read(8), KOS_STATUS_EMPTY) << claimed;
    }
    EXPECT_EQ(rng.resets(), 3u);
    fill(8);
    EXPECT_EQ(read(8), KOS_STATUS_OK);
}

TEST_F(RngTest, ResetsADeviceWithAWildUsedRing) {
    start();
    device.put_used(0, 1, 8);
    EXPECT_EQ(read(8), KOS_STATUS_EMPTY);
    device.put_used(0, 0, 8);
    device.set_used_index(0, 77);
    EXPECT_EQ(read(8), KOS_STATUS_EMPTY);
    EXPECT_EQ(rng.resets(), 2u);
    fill(8);
    EXPECT_EQ(read(8), KOS_STATUS_OK);
}

TEST_F(RngTest, ResetsADeviceThatIsSilent) {
    start();
    device.pass_us(Device::kStallUs / 2);
    EXPECT_EQ(read(8), KOS_STATUS_EMPTY);
    EXPECT_EQ(rng.resets(), 0u);
    device.pass_us(Device::kStallUs);
    EXPECT_EQ(read(8), KOS_STATUS_EMPTY);
    EXPECT_EQ(rng.resets(), 1u);
    fill(8);
    EXPECT_EQ(read(8), KOS_STATUS_OK);
}

TEST_F(RngTest, IsUnavailableWhileTheDeviceDoesNotResetAndComesBack) {
    start();
    device.refuse_reset = true;
    device.pass_us(Device::kStallUs + 1);
    const uint64_t before = device.now_us();
    EXPECT_EQ(read(8), KOS_STATUS_UNAVAILABLE);
    EXPECT_LT(device.now_us() - before, 2 * Device::kResetUs) << "on the caller's time";
    const unsigned resets = device.resets;
    EXPECT_EQ(read(8), KOS_STATUS_UNAVAILABLE);
    EXPECT_EQ(device.resets, resets);
    device.refuse_reset = false;
    device.pass_us(Device::kRetryUs);
    EXPECT_EQ(read(8), KOS_STATUS_EMPTY);
    fill(8);
    EXPECT_EQ(read(8), KOS_STATUS_OK);
}

}  // namespace
}  // namespace kos::driver
