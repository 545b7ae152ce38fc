// The MMIO transport with a device that keeps the rules and one that breaks each in turn.
#include <kos/virtio/transport.h>

#include <gtest/gtest.h>

#include "fake_device.h"

namespace kos::virtio {
namespace {

using testing::FakeDevice;
using testing::FakeDma;

constexpr uint64_t kOffered = 0x5 | uint64_t{1} << 40;

class TransportTest : public ::testing::Test {
protected:
    QueueLayout layout() {
        EXPECT_TRUE(queue.create(dma.span(), dma.physical()).ok());
        return queue.layout();
    }
    void up_to_features() {
        ASSERT_TRUE(transport.find(DeviceType::kBlock).ok());
        ASSERT_TRUE(transport.reset().ok());
        ASSERT_TRUE(transport.negotiate(0, 0).ok());
    }

    FakeDma dma{16384};
    FakeDevice device{DeviceType::kBlock, dma, 1, kOffered};
    Transport<FakeDevice> transport{device};
    Queue<16> queue;
};

TEST_F(TransportTest, StartsADevice) {
    ASSERT_TRUE(transport.find(DeviceType::kBlock).ok());
    ASSERT_TRUE(transport.reset().ok());
    EXPECT_EQ(device.current, uint32_t{kAcknowledge | kDriver});
    const auto features = transport.negotiate(1, 2 | uint64_t{1} << 40);
    ASSERT_TRUE(features.ok());
    EXPECT_EQ(features.value(), kFeatureVersion1 | uint64_t{1} << 40 | 1) << "what was offered of what was asked for";
    EXPECT_EQ(device.accepted, features.value());
    ASSERT_TRUE(transport.add_queue(0, layout()).ok());
    EXPECT_EQ(device.queues[0].size, 16u);
    EXPECT_EQ(device.queues[0].descriptors, queue.layout().descriptors_physical);
    EXPECT_EQ(device.queues[0].available, queue.layout().available_physical);
    EXPECT_EQ(device.queues[0].used, queue.layout().used_physical);
    EXPECT_FALSE(device.running());
    transport.run();
    EXPECT_TRUE(device.running());
    transport.notify(0);
    EXPECT_EQ(device.queues[0].notified, 1u);
}

TEST_F(TransportTest, FindsOnlyTheDeviceThatIsMeant) {
    EXPECT_EQ(transport.find(DeviceType::kEntropy).error(), Error::kNoDevice);
    device.device_id = 0;  // 4.2.3.1: a transport without a device
    EXPECT_EQ(transport.find(DeviceType::kBlock).error(), Error::kNoDevice);
    device.version = 1;
    EXPECT_EQ(transport.find(DeviceType::kBlock).error(), Error::kLegacy);
    device.version = 3;
    EXPECT_EQ(transport.find(DeviceType::kBlock).error(), Error::kNoDevice);
    device.magic = 0;
    EXPECT_EQ(transport.find(DeviceType::kBlock).error(), Error::kNoDevice);
}

TEST_F(TransportTest, WaitsForASlowResetButNotForEver) {
    device.current = kDriverOk;
    device.slow_reset = 1000;
    EXPECT_TRUE(transport.reset().ok());
    device.current = kDriverOk;
    device.slow_reset = 0;
    device.refuse_reset = true;
    EXPECT_EQ(transport.reset().error(), Error::kNoReset);
    EXPECT_LT(device.now_us(), 3 * Transport<FakeDevice>::kResetUs);
}

TEST_F(TransportTest, GivesUpWithoutNeededFeatures) {
    ASSERT_TRUE(transport.reset().ok());
    EXPECT_EQ(transport.negotiate(2, 0).error(), Error::kFeatures);
    EXPECT_NE(device.current & kFailed, 0u);
    device.features &= ~kFeatureVersion1;
    EXPECT_EQ(transport.negotiate(0, 0).error(), Error::kFeatures);
    device.features |= kFeatureVersion1;
    device.refuse_features = true;
    EXPECT_EQ(transport.negotiate(1, 0).error(), Error::kFeatures);
}

TEST_F(TransportTest, RefusesQueuesThatDoNotFit) {
    up_to_features();
    const QueueLayout fits = layout();
    EXPECT_EQ(transport.add_queue(1, fits).error(), Error::kNoQueue) << "there is only one";
    device.queues[0].max = 8;
    EXPECT_EQ(transport.add_queue(0, fits).error(), Error::kNoQueue);
    device.queues[0].max = 16;
    device.queues[0].ready = 1;
    EXPECT_EQ(transport.add_queue(0, fits).error(), Error::kNoQueue) << "in use";
    device.queues[0].ready = 0;
    device.refuse_queue = true;
    EXPECT_EQ(transport.add_queue(0, fits).error(), Error::kNoQueue);
}

TEST_F(TransportTest, TakesInterruptCauses) {
    EXPECT_EQ(transport.take_interrupts(), 0u);
    device.interrupts = 3;
    EXPECT_EQ(transport.take_interrupts(), 3u);
    EXPECT_EQ(device.interrupts, 0u);
    device.interrupts = 0x80000000;  // not defined
    EXPECT_EQ(transport.take_interrupts(), 0u);
}

TEST_F(TransportTest, SeesThatTheDeviceNeedsAReset) {
    up_to_features();
    transport.run();
    EXPECT_FALSE(transport.needs_reset());
    device.current |= kNeedsReset;
    EXPECT_TRUE(transport.needs_reset());
    ASSERT_TRUE(transport.reset().ok());
    EXPECT_FALSE(transport.needs_reset());
}

TEST_F(TransportTest, ReadsTheConfigurationAsAWhole) {
    for (uint8_t i = 0; i < 16; i++) device.config.push_back(i);
    uint64_t value = 0;
    int tries = 0;
    ASSERT_TRUE(transport
                    .read_config([&] {
                        if (++tries == 1) device.generation++;  // changed while it was read
                        value = transport.config64(0);
                    })
                    .ok());
    EXPECT_EQ(tries, 2);
    EXPECT_EQ(value, 0x0706050403020100u);
    EXPECT_EQ(transport.config32(8), 0x0b0a0908u);
    EXPECT_EQ(transport.config16(2), 0x0302u);
    EXPECT_EQ(transport.config8(15), 15);
    device.restless = true;
    EXPECT_EQ(transport.read_config([] {}).error(), Error::kConfig);
}

TEST(Error, HasATextEach) {
    for (Error error : {Error::kNoDevice, Error::kLegacy, Error::kFeatures, Error::kNoReset, Error::kNoQueue,
                        Error::kConfig, Error::kMemory, Error::kFull, Error::kBroken}) {
        EXPECT_STRNE(error_text(error), "unknown");
    }
}

}  // namespace
}  // namespace kos::virtio
