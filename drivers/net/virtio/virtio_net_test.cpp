// The device class against a device that behaves, and one that does not.
#include <gtest/gtest.h>

#include "net_fixture.h"

namespace kos::driver {
namespace {

struct Finished {
    virtio::Status run(Net& device) {
        bool any = false;
        return device.finish(
            [this](unsigned buffer, uint16_t length, uint16_t flags) {
                received.push_back({buffer, length, flags});
            },
            [this](unsigned buffer) { sent.push_back(buffer); }, any);
    }
    struct One {
        unsigned buffer;
        uint16_t length, flags;
    };
    std::vector<One> received;
    std::vector<unsigned> sent;
};

TEST(VirtioNet, StartsWithWhatTheDeviceSays) {
    System system(FakeNet::kMac | FakeNet::kStatus | FakeNet::kMtu | FakeNet::kChecksum);
    system.fake.set_mtu(1400);
    ASSERT_TRUE(system.device.start().ok());
    EXPECT_TRUE(system.fake.running());
    EXPECT_EQ(system.device.mac()[5], 3);
    EXPECT_EQ(system.device.mtu(), 1400);
    EXPECT_TRUE(system.device.is_link_up());
    EXPECT_TRUE(system.device.offers_checksum());
}

TEST(VirtioNet, RefusesDevicesItCannotUse) {
    System no_mac(FakeNet::kStatus);
    EXPECT_EQ(no_mac.device.start().error(), virtio::Error::kFeatures);
    System group;
    group.fake.config[0] = 0x53;
    EXPECT_EQ(group.device.start().error(), virtio::Error::kConfig);
    System other;
    other.fake.device_id = 2;
    EXPECT_EQ(other.device.start().error(), virtio::Error::kNoDevice);
    System small;
    small.fake.queues[1].max = 128;
    EXPECT_EQ(small.device.start().error(), virtio::Error::kNoQueue);
    System stuck;
    stuck.fake.refuse_reset = true;
    stuck.fake.current = virtio::kDriverOk;
    EXPECT_EQ(stuck.device.start().error(), virtio::Error::kNoReset);
    System restless;
    restless.fake.restless = true;
    EXPECT_EQ(restless.device.start().error(), virtio::Error::kConfig);
}

TEST(VirtioNet, AnAbsurdMtuIsNotBelieved) {
    for (const uint16_t mtu : {uint16_t{0}, uint16_t{68}, uint16_t{1501}, uint16_t{65535}}) {
        System system(FakeNet::kMac | FakeNet::kMtu);
        system.fake.set_mtu(mtu);
        ASSERT_TRUE(system.device.start().ok());
        EXPECT_EQ(system.device.mtu(), 1500);
    }
}

TEST(VirtioNet, FramesArriveWhereTheyBelong) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    ASSERT_TRUE(system.device.post(5));
    system.device.notify();
    EXPECT_EQ(system.fake.queues[0].notified, 1u);
    ASSERT_TRUE(system.fake.arrive(frame_of("hello")));
    EXPECT_FALSE(system.fake.arrive(frame_of("no buffer")));
    Finished finished;
    ASSERT_TRUE(finished.run(system.device).ok());
    ASSERT_EQ(finished.received.size(), 1u);
    EXPECT_EQ(finished.received[0].buffer, 5u);
    EXPECT_EQ(finished.received[0].length, net::kFrameMin + 5);
    EXPECT_EQ(finished.received[0].flags, 0);
    EXPECT_EQ(text_of(system.area().subspan(net::frame_position(5), net::kFrameMin + 5)), "hello");
    EXPECT_FALSE(system.device.is_with_device(5));
}

TEST(VirtioNet, AsManyAsTheQueueHolds) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    for (unsigned i = 0; i < Net::kInFlight; i++) ASSERT_TRUE(system.device.post(i));
    EXPECT_FALSE(system.device.post(Net::kInFlight));
    for (unsigned i = 0; i < Net::kInFlight; i++) {
        ASSERT_TRUE(system.device.send(net::kReceiveBuffers + i, net::kFrameMax, 0, 0).ok());
    }
    EXPECT_EQ(system.device.sending(), Net::kInFlight);
    system.device.notify();
    system.fake.send_all();
    Finished finished;
    ASSERT_TRUE(finished.run(system.device).ok());
    EXPECT_EQ(finished.sent.size(), Net::kInFlight);
    EXPECT_EQ(system.device.deadline(), UINT64_MAX);
}

TEST(VirtioNet, ChecksumsOnlyIfAgreedOn) {
    for (const bool agreed : {false, true}) {
        System system(FakeNet::kMac | (agreed ? FakeNet::kGuestChecksum | FakeNet::kChecksum : 0));
        ASSERT_TRUE(system.device.start().ok());
        for (unsigned i = 0; i < 3; i++) ASSERT_TRUE(system.device.post(i));
        system.fake.arrive(frame_of("partial"), 1);
        system.fake.arrive(frame_of("good"), 2);
        system.fake.arrive(frame_of("unknown"), 0);
        Finished finished;
        ASSERT_TRUE(finished.run(system.device).ok());
        ASSERT_EQ(finished.received.size(), 3u);
        EXPECT_EQ(finished.received[0].flags, agreed ? net::kChecksumPartial : 0);
        EXPECT_EQ(finished.received[1].flags, agreed ? net::kChecksumGood : 0);
        EXPECT_EQ(finished.received[2].flags, 0);
    }
    System system(FakeNet::kMac | FakeNet::kChecksum);
    ASSERT_TRUE(system.device.start().ok());
    ASSERT_TRUE(system.device.send(net::kReceiveBuffers, 60, 34, 16).ok());
    system.fake.collect();
    ASSERT_EQ(system.fake.sent.size(), 1u);
    EXPECT_EQ(system.fake.sent[0].header, (std::vector<uint8_t>{1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0}));
    ASSERT_TRUE(system.device.send(net::kReceiveBuffers + 1, 60, 0, 0).ok());
    system.fake.collect();
    EXPECT_EQ(system.fake.sent[1].header, std::vector<uint8_t>(12));
}

TEST(VirtioNet, MalformedFramesAreNotPassedOn) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    for (unsigned i = 0; i < 4; i++) ASSERT_TRUE(system.device.post(i));
    system.fake.length_override = 0;
    system.fake.arrive(frame_of(""));
    system.fake.length_override = FakeNet::kHeaderBytes + net::kFrameMin - 1;
    system.fake.arrive(frame_of(""));
    system.fake.length_override = std::nullopt;
    system.fake.arrive(frame_of("segments"), 0, 1);
    system.fake.arrive(frame_of("good"));
    Finished finished;
    ASSERT_TRUE(finished.run(system.device).ok());
    ASSERT_EQ(finished.received.size(), 4u);
    for (unsigned i = 0; i < 3; i++) EXPECT_EQ(finished.received[i].length, 0);
    EXPECT_NE(finished.received[3].length, 0);
    EXPECT_EQ(system.device.counters().malformed, 3u);
}

TEST(VirtioNet, ABrokenDeviceIsResetAndItsBuffersComeBack) {
    const auto lies = {
        +[](FakeNet& fake) { fake.put_used(0, 0, FakeNet::kHeaderBytes + net::kFrameMax + 1); },
        +[](FakeNet& fake) { fake.put_used(0, 255, 100); },
        +[](FakeNet& fake) { fake.put_used(1, 1, 0); },
        +[](FakeNet& fake) { fake.set_used_index(1, 200); },
        +[](FakeNet& fake) { fake.put_used(1, 0, 1); },
        +[](FakeNet& fake) {
            fake.current |= virtio::kNeedsReset;
            fake.interrupts |= virtio::mmio::kInterruptConfig;
        },
    };
    for (const auto lie : lies) {
        System system;
        ASSERT_TRUE(system.device.start().ok());
        ASSERT_TRUE(system.device.post(3));
        ASSERT_TRUE(system.device.send(net::kReceiveBuffers + 4, 100, 0, 0).ok());
        system.fake.collect();
        lie(system.fake);
        Finished finished;
        const virtio::Status status = finished.run(system.device);
        ASSERT_FALSE(status.ok());
        EXPECT_EQ(status.error(), virtio::Error::kBroken);
        std::vector<unsigned> lost;
        system.fake.forget();
        ASSERT_TRUE(system.device.recover([&](unsigned buffer) { lost.push_back(buffer); }).ok());
        EXPECT_EQ(lost, (std::vector<unsigned>{3, net::kReceiveBuffers + 4}));
        EXPECT_EQ(system.device.receiving() + system.device.sending(), 0u);
        ASSERT_TRUE(system.device.post(3));
        EXPECT_TRUE(system.fake.arrive(frame_of("again")));
    }
}

TEST(VirtioNet, BuffersStayWithADeviceThatDoesNotReset) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    ASSERT_TRUE(system.device.post(3));
    system.fake.refuse_reset = true;
    unsigned lost = 0;
    EXPECT_EQ(system.device.recover([&](unsigned) { lost++; }).error(), virtio::Error::kNoReset);
    EXPECT_EQ(lost, 0u);
    EXPECT_TRUE(system.device.is_with_device(3));
    EXPECT_FALSE(system.device.post(4));
    system.fake.refuse_reset = false;
    ASSERT_TRUE(system.device.recover([&](unsigned) { lost++; }).ok());
    EXPECT_EQ(lost, 1u);
}

TEST(VirtioNet, ADeviceThatStandsStillHasADeadline) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    EXPECT_EQ(system.device.deadline(), UINT64_MAX);
    ASSERT_TRUE(system.device.send(net::kReceiveBuffers, 100, 0, 0).ok());
    EXPECT_GT(system.device.deadline(), system.fake.ticks());
    system.fake.pass_us(1000001);
    EXPECT_LT(system.device.deadline(), system.fake.ticks());
    // Each frame that it finishes gives it more time.
    ASSERT_TRUE(system.device.send(net::kReceiveBuffers + 1, 100, 0, 0).ok());
    system.fake.collect();
    system.fake.put_used(1, system.fake.unfinished.front(), 0);
    Finished finished;
    ASSERT_TRUE(finished.run(system.device).ok());
    EXPECT_EQ(system.device.sending(), 1u);
    EXPECT_GT(system.device.deadline(), system.fake.ticks());
}

TEST(VirtioNet, TheLinkGoesDownAndUp) {
    System system;
    ASSERT_TRUE(system.device.start().ok());
    system.fake.set_link(false);
    Finished finished;
    ASSERT_TRUE(finished.run(system.device).ok());
    EXPECT_FALSE(system.device.is_link_up());
    system.fake.set_link(true);
    ASSERT_TRUE(finished.run(system.device).ok());
    EXPECT_TRUE(system.device.is_link_up());
}

}  // namespace
}  // namespace kos::driver
