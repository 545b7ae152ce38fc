// The virtio console against a simulated device, well-behaved and not. The interface is tested in drivers/common.
#include "virtio_console.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "fake_device.h"

namespace kos::driver {
namespace {

using virtio::testing::FakeDevice;
using virtio::testing::FakeDma;
using Device = VirtioConsole<FakeDevice>;

class ConsoleTest : public ::testing::Test {
protected:
    void start() { ASSERT_TRUE(console.start().ok()); }
    static std::span<const uint8_t> bytes(const std::string& text) {
        return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    }
    std::string read(size_t most = 4096) {
        std::vector<uint8_t> out(most);
        const size_t count = console.read(out);
        return {out.begin(), out.begin() + static_cast<ptrdiff_t>(count)};
    }
    // The other end takes up to `count` buffers.
    size_t take(size_t count = 1000) {
        size_t taken = 0;
        for (; taken < count; taken++) {
            const auto chain = device.fetch(1);
            if (!chain) break;
            const auto text = chain->readable();
            EXPECT_EQ(chain->writable_bytes(), 0u);
            far_end.append(text.begin(), text.end());
            device.put_used(1, chain->head, 0);
        }
        if (taken > 0) console.interrupt();
        return taken;
    }
    // The other end sends; false if the device has no buffer for it.
    bool send(const std::string& text) {
        const auto chain = device.fetch(0);
        if (!chain) return false;
        EXPECT_TRUE(chain->readable().empty());
        device.put_used(0, chain->head, chain->write(bytes(text)));
        console.interrupt();
        EXPECT_EQ(device.interrupts, 0u);
        return true;
    }

    FakeDma dma{Device::kDmaBytes};
    FakeDevice device{virtio::DeviceType::kConsole, dma, 2, 0x7};
    Device console{device, dma.span(), dma.physical()};
    std::string far_end;
};

TEST_F(ConsoleTest, StartsWithoutMultiplePorts) {
    start();
    EXPECT_EQ(device.accepted, virtio::kFeatureVersion1);
    EXPECT_GT(device.queues[0].notified, 0u);
}

TEST_F(ConsoleTest, RefusesAnotherDeviceAndTooLittleMemory) {
    Device small(device, dma.span().first(Device::kDmaBytes - 1), dma.physical());
    EXPECT_EQ(small.start().error(), virtio::Error::kMemory);
    device.device_id = 2;
    EXPECT_EQ(console.start().error(), virtio::Error::kNoDevice);
}

TEST_F(ConsoleTest, SendsAllInOrder) {
    start();
    std::string expected;
    for (int i = 0; i < 4; i++) {
        const std::string text(4096, static_cast<char>('a' + i));
        ASSERT_TRUE(console.write_all(bytes(text)));
        expected += text;
    }
    while (take(1) > 0) {
    }
    EXPECT_EQ(far_end, expected);
    EXPECT_EQ(console.status().sent_bytes, expected.size());
    EXPECT_EQ(console.status().transmit_queued, 0u);
}

TEST_F(ConsoleTest, IsFullWhenTheOtherEndTakesNothing) {
    start();
    const std::string text(4096, 'x');
    unsigned accepted = 0;
    while (accepted < 100 && console.write_all(bytes(text))) accepted++;
    EXPECT_EQ(accepted, 5u);  // ring and buffers
    EXPECT_EQ(console.write_some(bytes("more")), 0u);
    EXPECT_EQ(console.status().refused_bytes, 4100u);
    EXPECT_EQ(console.resets(), 0u) << "the other end may take its time";
    while (take() > 0) {
    }
    EXPECT_EQ(far_end.size(), 5 * 4096u);
    EXPECT_EQ(console.write_some(bytes("more")), 4u);
}

TEST_F(ConsoleTest, ReceivesAndHoldsTheSenderBack) {
    start();
    std::string sent;
    unsigned buffers = 0;
    while (buffers < 100) {
        const std::string text(1000, static_cast<char>('0' + buffers % 10));
        if (!send(text)) break;
        sent += text;
        buffers++;
    }
    EXPECT_GE(buffers, 4u);
    EXPECT_LT(buffers, 20u) << "bounded";
    std::string received;
    for (std::string part = read(100); !part.empty(); part = read(100)) received += part;
    EXPECT_EQ(received, sent);
    EXPECT_TRUE(send("again"));
    EXPECT_EQ(read(), "again");
    EXPECT_EQ(console.status().dropped_bytes, 0u);
}

TEST_F(ConsoleTest, AnEmptyBufferIsNoHarm) {
    start();
    ASSERT_TRUE(send(""));
    EXPECT_EQ(read(), "");
    ASSERT_TRUE(send("x"));
    EXPECT_EQ(read(), "x");
}

TEST_F(ConsoleTest, ResetsADeviceWithAWildUsedRing) {
    start();
    std::mt19937 random(4);
    for (int round = 0; round < 500; round++) {
        (void)console.write_some(bytes(std::string(random() % 2000, 'w')));
        for (uint32_t queue = 0; queue < 2; queue++) {
            while (device.fetch(queue)) {
            }
            device.put_used(queue, random() % 6, random() % 1200);
            if (random() % 8 == 0) device.set_used_index(queue, static_cast<uint16_t>(random()));
        }
        console.interrupt();
        (void)read(random() % 4096 + 1);
        ASSERT_TRUE(console.is_running());
    }
    EXPECT_GT(console.resets(), 50u);
    // And it still works.
    ASSERT_TRUE(console.start().ok());
    while (take() > 0) {
    }
    far_end.clear();
    while (!read().empty()) {
    }
    ASSERT_TRUE(console.write_all(bytes("fine")));
    take();
    EXPECT_EQ(far_end, "fine");
    ASSERT_TRUE(send("fine too"));
    EXPECT_EQ(read(), "fine too");
}

TEST_F(ConsoleTest, ATransmitBufferThatTheDeviceSaysItWroteBreaksIt) {
    start();
    ASSERT_TRUE(console.write_all(bytes("text")));
    const auto chain = device.fetch(1);
    ASSERT_TRUE(chain.has_value());
    device.put_used(1, chain->head, 1);
    console.interrupt();
    EXPECT_EQ(console.resets(), 1u);
}

TEST_F(ConsoleTest, ComesBackWhenTheDeviceDoes) {
    start();
    device.refuse_reset = true;
    device.put_used(1, 3, 3);
    console.interrupt();
    EXPECT_FALSE(console.is_running());
    ASSERT_TRUE(console.write_all(bytes("kept"))) << "there is room for it";
    const unsigned resets = device.resets;
    console.interrupt();
    EXPECT_EQ(device.resets, resets);
    device.refuse_reset = false;
    device.pass_us(Device::kRetryUs);
    ASSERT_TRUE(console.write_all(bytes(" and sent")));
    while (take() > 0) {
    }
    EXPECT_EQ(far_end, "kept and sent");
}

}  // namespace
}  // namespace kos::driver
