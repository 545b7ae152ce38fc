// When the other side of the link is woken: Network::settle, in virtual time.
#include "testing/inet.h"

#include <lwip/pbuf.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr uint32_t kOwn = 0x0a4e0102, kGateway = 0x0a4e0101, kPeer = 0x0a4e0202;

// Takes everything, and sleeps until it is woken.
class SleepyLink final : public kos::net::Link, public LinkPlatform {
public:
    Sent send(const pbuf&, bool) override {
        ++sent;
        return Sent::kYes;
    }
    bool has_room() override { return true; }
    size_t next_bytes() override { return 0; }
    size_t take(void*, size_t, bool*) override { return 0; }
    void drop() override {}
    bool prepare_sleep(bool, bool) override { return true; }
    bool owes_wake() const override { return sent != seen; }
    void wake() override {
        seen = sent;
        ++wakes;
    }
    unsigned sent = 0, seen = 0, wakes = 0;
};

class Wake : public ::testing::Test {
protected:
    Wake() {
        kos::net::InterfaceConfig config;
        ip4_addr_set_u32(&config.address4, lwip_htonl(kOwn));
        ip4_addr_set_u32(&config.gateway4, lwip_htonl(kGateway));
        world.network().attach(link, config, &link);
        socket = world.socket(kAF_INET, kSOCK_DGRAM);
        EXPECT_TRUE(socket->connect(address4(kPeer, 9), world.process).ok());
    }
    // A call of the program's, after which it goes on.
    void send() {
        EXPECT_EQ(*world.send(*socket, "x"), 1u);
        world.network().settle(true);
    }
    void sleep() { world.network().settle(false); }
    // What the program's last batch was decides about the next one.
    void batch(unsigned sends) {
        for (unsigned i = 0; i < sends; ++i) send();
        sleep();
        EXPECT_FALSE(link.owes_wake());
    }

    InetWorld world;
    SleepyLink link;
    Ref<Socket> socket;
};

TEST_F(Wake, OnePacketForEachWaitGoesAtOnce) {
    for (unsigned i = 1; i <= 5; ++i) {
        send();
        EXPECT_EQ(link.seen, i);
        sleep();
    }
    EXPECT_EQ(link.wakes, 5u);
    EXPECT_EQ(world.time.alarm, kNever);  // and nothing was set for it
}

TEST_F(Wake, SeveralPacketsGoWhenTheProgramWaits) {
    batch(2);
    unsigned const before = link.wakes;
    for (unsigned i = 0; i < 10; ++i) send();
    EXPECT_EQ(link.wakes, before);
    sleep();
    EXPECT_EQ(link.wakes, before + 1);
    EXPECT_EQ(link.seen, 12u);
}

TEST_F(Wake, AProgramThatComputesKeepsNothingBackForLonger) {
    batch(2);
    Nanoseconds const begin = world.time.now;
    send();
    world.pass(Network::kWakeLatest - 1);
    send();
    EXPECT_EQ(link.seen, 2u);
    // The alarm that the platform was asked for is what ends it.
    EXPECT_EQ(world.time.alarm, begin + Network::kWakeLatest);
    world.pass(1);
    EXPECT_EQ(link.seen, 4u);
}

TEST_F(Wake, TheTimeCountsFromTheFirstPacketOfABatch) {
    batch(2);
    batch(2);  // sets the alarm, which is still there
    world.pass(Network::kWakeLatest / 2);
    Nanoseconds const begin = world.time.now;
    send();
    world.pass(Network::kWakeLatest / 2);  // for nothing
    EXPECT_TRUE(link.owes_wake());
    EXPECT_EQ(world.time.alarm, begin + Network::kWakeLatest);
    world.pass(Network::kWakeLatest / 2);
    EXPECT_FALSE(link.owes_wake());
}

// One that never waits, and sends now and then: after the first time nothing of it waits any more.
TEST_F(Wake, APacketAloneInItsTimeIsNoBatch) {
    batch(2);
    send();
    world.pass(Network::kWakeLatest);
    EXPECT_EQ(link.seen, 3u);
    for (unsigned i = 4; i < 9; ++i) {
        world.pass(2 * Network::kWakeLatest);
        send();
        EXPECT_EQ(link.seen, i);
    }
}

TEST_F(Wake, WhatTheLinkOwesForItselfGoesAtOnce) {
    batch(2);
    link.seen = link.sent - 1;  // no packet: the ring has begun anew
    world.network().settle(true);
    EXPECT_FALSE(link.owes_wake());
}

// Datagrams to oneself come without the link.
TEST_F(Wake, PacketsToOneselfArriveInTheSameCall) {
    Ref<Socket> const own = world.socket(kAF_INET, kSOCK_DGRAM);
    EXPECT_TRUE(own->bind(address4(kOwn, 0), world.process).ok());
    unsigned const before = link.sent;
    EXPECT_EQ(*world.send(*own, "to myself", 0, *own->local_address()), 9u);
    EXPECT_EQ(*world.receive(*own), "to myself");
    EXPECT_EQ(link.sent, before);
}

}  // namespace
