// Driver and router over shared memory: frames both ways, restarts of either, each faced with a partner that lies.
#include <gtest/gtest.h>

#include "net_fixture.h"

namespace kos::driver {
namespace {

struct Running : System {
    explicit Running(uint64_t offered = FakeNet::kMac | FakeNet::kStatus) : System(offered) {
        start_driver();
        start_router();
        settle();
    }
};

// Frames pass in both directions, as many as there are buffers, twice.
void expect_traffic(System& system) {
    system.fake.sent.clear();
    system.heard.frames.clear();
    for (unsigned i = 0; i < 2 * net::kBuffers; i++) {
        const std::string text = "frame " + std::to_string(i);
        ASSERT_TRUE(system.fake.arrive(frame_of("in " + text))) << i;
        ASSERT_TRUE(system.send("out " + text)) << i;
        system.settle();
        system.fake.send_all();
        system.settle();
        ASSERT_EQ(system.heard.frames.size(), i + 1);
        ASSERT_EQ(system.heard.frames.back(), "in " + text);
        ASSERT_EQ(system.fake.sent.size(), i + 1);
        ASSERT_EQ(text_of(system.fake.sent.back().frame), "out " + text);
    }
}

TEST(DriverLink, BeginsAndMovesFrames) {
    Running system;
    EXPECT_EQ(system.heard.begins, 1u);
    EXPECT_EQ(system.heard.last_mac, (std::vector<uint8_t>{0x52, 0x54, 0, 1, 2, 3}));
    EXPECT_EQ(system.heard.mtu, 1500);
    EXPECT_EQ(system.heard.links, std::vector<bool>{true});
    EXPECT_EQ(system.router->transmit_room(), net::kTransmitBuffers);
    EXPECT_EQ(system.device.receiving(), Net::kInFlight);
    expect_traffic(system);
    EXPECT_EQ(system.link->counters().invalid + system.router->counters().invalid, 0u);
    EXPECT_EQ(system.heard.begins, 1u);
}

TEST(DriverLink, ManyInFlight) {
    Running system;
    for (unsigned i = 0; i < net::kTransmitBuffers; i++) ASSERT_TRUE(system.send(std::to_string(i)));
    EXPECT_FALSE(system.send("no room"));
    EXPECT_EQ(system.router->counters().no_buffer, 1u);
    system.settle();
    EXPECT_FALSE(system.send("all with the device"));
    system.fake.send_all();
    EXPECT_EQ(system.fake.sent.size(), net::kTransmitBuffers);
    for (unsigned i = 0; i < net::kTransmitBuffers; i++) {
        ASSERT_EQ(text_of(system.fake.sent[i].frame), std::to_string(i));
    }
    system.settle();
    EXPECT_EQ(system.router->transmit_room(), net::kTransmitBuffers);

    // While the router does not look, as many as there are buffers are kept, in order, and the rest is lost.
    unsigned kept = 0;
    for (unsigned i = 0; i < 1000; i++) {
        kept += system.fake.arrive(frame_of(std::to_string(i))) ? 1 : 0;
        ASSERT_TRUE(system.pump().ok());
    }
    EXPECT_EQ(kept, net::kReceiveBuffers);
    system.settle();
    ASSERT_EQ(system.heard.frames.size(), net::kReceiveBuffers);
    for (unsigned i = 0; i < net::kReceiveBuffers; i++) ASSERT_EQ(system.heard.frames[i], std::to_string(i));
    EXPECT_EQ(system.device.receiving(), Net::kInFlight);
}

TEST(DriverLink, EitherStartsFirstAndIsRestarted) {
    System system;
    system.start_router();
    while (system.router->poll(system.heard, 10) != 0) {
    }
    EXPECT_TRUE(system.router->transmit_buffer().empty());
    system.start_driver();
    system.settle();
    expect_traffic(system);
    for (unsigned i = 0; i < 20; i++) {
        // In the middle of traffic: frames with the device, in both rings, and with the router.
        for (unsigned k = 0; k < 5 + i; k++) {
            system.fake.arrive(frame_of("old"));
            static_cast<void>(system.send("old"));
            if (k == 2) {
                ASSERT_TRUE(system.pump().ok());
            }
            if (k == 3) system.router->flush();
        }
        if (i % 3 != 0) {
            ASSERT_TRUE(system.pump().ok());
        }
        if (i % 2 == 0) {
            system.start_driver();
        } else {
            system.start_router();
        }
        system.settle();
        system.fake.send_all();
        system.settle();
        ASSERT_EQ(system.router->transmit_room() + system.link->waiting(), net::kTransmitBuffers) << i;
        ASSERT_EQ(system.device.receiving(), Net::kInFlight) << i;
        expect_traffic(system);
        EXPECT_EQ(system.link->counters().invalid + system.router->counters().invalid, 0u);
    }
}

TEST(DriverLink, ABufferWithTheDeviceIsNotGivenToANewRouter) {
    Running system;
    ASSERT_TRUE(system.send("being sent"));
    system.settle();
    system.start_router();
    system.settle();
    EXPECT_EQ(system.router->transmit_room(), net::kTransmitBuffers - 1);
    system.fake.send_all();
    EXPECT_EQ(text_of(system.fake.sent.back().frame), "being sent");
    system.settle();
    EXPECT_EQ(system.router->transmit_room() + system.link->waiting(), net::kTransmitBuffers);
}

TEST(DriverLink, ADeviceThatBreaksLosesItsFramesOnly) {
    Running system;
    for (unsigned i = 0; i < 10; i++) ASSERT_TRUE(system.send("lost"));
    system.settle();
    system.fake.put_used(0, 999, 0);
    ASSERT_FALSE(system.pump().ok());
    system.fake.forget();
    ASSERT_TRUE(system.link->recover().ok());
    system.settle();
    EXPECT_EQ(system.heard.begins, 1u);
    EXPECT_EQ(system.router->transmit_room() + system.link->waiting(), net::kTransmitBuffers);
    expect_traffic(system);
}

TEST(DriverLink, ADeviceThatDoesNotComeBackSendsNothing) {
    Running system;
    system.fake.refuse_reset = true;
    EXPECT_FALSE(system.link->recover().ok());
    for (unsigned i = 0; i < 3 * net::kTransmitBuffers; i++) {
        ASSERT_TRUE(system.send("nowhere"));
        system.settle();
    }
    system.fake.refuse_reset = false;
    system.fake.forget();
    ASSERT_TRUE(system.link->recover().ok());
    system.settle();
    expect_traffic(system);
}

TEST(DriverLink, TheLinkIsToldOfEachChange) {
    Running system;
    system.fake.set_link(false);
    system.settle();
    EXPECT_FALSE(system.router->is_up());
    system.fake.set_link(true);
    system.settle();
    EXPECT_TRUE(system.router->is_up());
    EXPECT_EQ(system.heard.links, (std::vector<bool>{true, false, true}));
}

TEST(DriverLink, ChecksumsAreTheDevices) {
    Running system(FakeNet::kMac | FakeNet::kChecksum);
    EXPECT_TRUE(system.router->offers_checksum());
    ASSERT_FALSE(system.router->transmit_buffer().empty());
    system.router->send(60, 34, 16);
    system.settle();
    system.fake.collect();
    ASSERT_EQ(system.fake.sent.size(), 1u);
    EXPECT_EQ(system.fake.sent[0].header[0], 1);
    EXPECT_EQ(system.link->counters().invalid, 0u);
}

// A router that writes any descriptor.
struct HostileRouter : Running {
    using Running::Running;

    void write(net::LinkDescriptor descriptor) {
        router->flush();
        size_t done = 0;
        while (router_out->write(&descriptor, sizeof descriptor, &done) == KOS_STATUS_PEER_GONE) {
        }
        ASSERT_EQ(done, sizeof descriptor);
    }
    net::LinkDescriptor good() { return {net::LinkKind::kTransmit, 8, net::kReceiveBuffers + 1, 60, 0, 0, 0, 0}; }
};

TEST(DriverLink, ARouterThatBreaksTheRulesGetsANewSession) {
    using D = net::LinkDescriptor;
    const std::pair<const char*, void (*)(D&)> lies[] = {
        {"a buffer that is not there", [](D& d) { d.buffer = net::kBuffers; }},
        {"a buffer that is not there", [](D& d) { d.buffer = 0xffff; }},
        {"a buffer for receiving", [](D& d) { d.buffer = 3; }},
        {"read what was not received",
         [](D& d) {
             d.kind = net::LinkKind::kReceiveDone;
             d.buffer = 3;
         }},
        {"read what is to be sent", [](D& d) { d.kind = net::LinkKind::kReceiveDone; }},
        {"what only drivers say", [](D& d) { d.kind = net::LinkKind::kTransmitFree; }},
        {"an unknown kind", [](D& d) { d.kind = static_cast<net::LinkKind>(77); }},
        {"too short", [](D& d) { d.length = net::kFrameMin - 1; }},
        {"too long", [](D& d) { d.length = net::kFrameMax + 1; }},
        {"unknown flags", [](D& d) { d.flags = 0x100; }},
        {"reserved", [](D& d) { d.reserved = 1; }},
        {"an offset without flag", [](D& d) { d.checksum_offset = 1; }},
        {"a checksum beyond the frame",
         [](D& d) {
             d.flags = net::kFillChecksum;
             d.checksum_start = 50;
             d.checksum_offset = 9;
         }},
        {"a checksum that wraps around",
         [](D& d) {
             d.flags = net::kFillChecksum;
             d.checksum_start = 0xffff;
             d.checksum_offset = 0xffff;
         }},
    };
    for (const auto& [what, lie] : lies) {
        HostileRouter system(FakeNet::kMac | FakeNet::kChecksum);
        D descriptor = system.good();
        lie(descriptor);
        system.write(descriptor);
        ASSERT_TRUE(system.pump().ok()) << what;
        EXPECT_EQ(system.link->counters().invalid, 1u) << what;
        system.fake.collect();
        EXPECT_TRUE(system.fake.sent.empty()) << what;
        system.settle();
        EXPECT_EQ(system.heard.begins, 2u) << what;
        expect_traffic(system);
    }
    HostileRouter system;  // without checksums
    net::LinkDescriptor descriptor = system.good();
    system.write(descriptor);
    ASSERT_TRUE(system.pump().ok());
    EXPECT_EQ(system.link->counters().invalid, 0u);
    system.write(descriptor);  // sent already
    ASSERT_TRUE(system.pump().ok());
    EXPECT_EQ(system.link->counters().invalid, 1u);
    system.settle();
    descriptor.session = static_cast<uint16_t>(system.session + 1);
    descriptor.flags = net::kFillChecksum;
    descriptor.checksum_offset = 2;
    system.write(descriptor);
    ASSERT_TRUE(system.pump().ok());
    EXPECT_EQ(system.link->counters().invalid, 2u);
}

TEST(DriverLink, ASessionThatIsOverIsIgnored) {
    HostileRouter system;
    net::LinkDescriptor descriptor = system.good();
    descriptor.session = 3;
    system.write(descriptor);
    system.settle();
    EXPECT_EQ(system.link->counters().invalid, 0u);
    expect_traffic(system);
}

TEST(DriverLink, HalfADescriptorAndAnImpossiblePosition) {
    HostileRouter system;
    size_t done = 0;
    const uint64_t half = 1;
    ASSERT_EQ(system.router_out->write(&half, sizeof half, &done), KOS_STATUS_OK);
    system.settle();
    EXPECT_EQ(system.link->counters().invalid, 1u);
    expect_traffic(system);
    // The producer's position, the third word of its side.
    memset(system.area().data() + net::kToDriverOffset + 8, 0xff, 8);
    ASSERT_TRUE(system.pump().ok());
    EXPECT_EQ(system.link->counters().invalid, 2u);
}

// A driver that writes any descriptor.
TEST(RouterLink, ADriverThatBreaksTheRulesIsRefused) {
    using D = net::LinkDescriptor;
    const D lies[] = {
        {net::LinkKind::kReceived, 8, net::kReceiveBuffers, 60, 0, 0, 0, 0},
        {net::LinkKind::kReceived, 8, 0xffff, 60, 0, 0, 0, 0},
        {net::LinkKind::kReceived, 8, 0, net::kFrameMin - 1, 0, 0, 0, 0},
        {net::LinkKind::kReceived, 8, 0, net::kFrameMax + 1, 0, 0, 0, 0},
        {net::LinkKind::kTransmitFree, 8, 0, 0, 0, 0, 0, 0},
        {net::LinkKind::kTransmitFree, 8, net::kBuffers, 0, 0, 0, 0, 0},
        {net::LinkKind::kTransmitFree, 8, net::kBuffers - 1, 0, 0, 0, 0, 0},  // twice
        {net::LinkKind::kTransmit, 8, net::kBuffers - 1, 60, 0, 0, 0, 0},
        {static_cast<net::LinkKind>(0), 8, 0, 0, 0, 0, 0, 0},
    };
    for (const D& lie : lies) {
        Running system;
        size_t done = 0;
        ASSERT_EQ(system.driver_out->write(&lie, sizeof lie, &done), KOS_STATUS_OK);
        while (system.router->poll(system.heard, 10) != 0) {
        }
        EXPECT_EQ(system.router->counters().invalid, 1u);
        EXPECT_TRUE(system.heard.frames.empty());
        EXPECT_EQ(system.router->transmit_room(), net::kTransmitBuffers);
    }
}

TEST(RouterLink, ADriverThatSaysTheSameAllTheTimeIsCutOff) {
    Running system;
    const net::LinkDescriptor same = {net::LinkKind::kReceived, 8, 0, 60, 0, 0, 0, 0};
    size_t done = 0;
    unsigned written = 0;
    // It does not read what the router gives back.
    while (written < 5 * net::kBuffers) {
        const kos_status_t status = system.driver_out->write(&same, sizeof same, &done);
        if (status == KOS_STATUS_PEER_GONE) break;
        ASSERT_EQ(status, KOS_STATUS_OK);
        if (++written % 100 == 0) {
            while (system.router->poll(system.heard, 10) != 0) {
            }
        }
    }
    EXPECT_LT(written, 5 * net::kBuffers);
    EXPECT_EQ(system.router->counters().invalid, 1u);
    system.start_driver();
    system.settle();
    expect_traffic(system);
}

TEST(RouterLink, TheAreaMustBeLargeEnough) {
    System system;
    system.router_in = std::make_unique<Ring>(system.area());
    system.router_out = std::make_unique<Ring>(system.area());
    Router router(system.area().first(net::kLinkBytes - 1), *system.router_in, *system.router_out);
    EXPECT_EQ(router.open(), KOS_STATUS_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace kos::driver
