// More packets than programs can take: when the network stops taking them, and when it goes on (Network::kDropsMost).
#include "testing/inet.h"

#include <lwip/pbuf.h>
#include <string.h>

#include <algorithm>
#include <deque>
#include <vector>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr uint32_t kOwn = 0x0a4e0102, kPeer = 0x0a4e0101;
constexpr uint16_t kPort = 5000, kStreamPort = 80;
constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr size_t kIp = 20, kUdp = 8, kPayload = 1400;
constexpr int kReceiveBytes = 40'000;  // SO_RCVBUF: 25 such datagrams

using Bytes = std::vector<uint8_t>;

void put16(Bytes& at, size_t offset, unsigned value) {
    at[offset] = static_cast<uint8_t>(value >> 8);
    at[offset + 1] = static_cast<uint8_t>(value);
}

// From the peer; whoever hands it over vouches for its sum.
Bytes datagram(uint16_t port) {
    Bytes packet(kIp + kUdp + kPayload);
    packet[0] = 0x45;
    put16(packet, 2, static_cast<unsigned>(packet.size()));
    packet[8] = 64;
    packet[9] = kIPPROTO_UDP;
    for (unsigned i = 0; i < 4; ++i) {
        packet[12 + i] = static_cast<uint8_t>(kPeer >> (24 - 8 * i));
        packet[16 + i] = static_cast<uint8_t>(kOwn >> (24 - 8 * i));
    }
    uint32_t sum = 0;
    for (size_t i = 0; i < kIp; i += 2) sum += uint32_t{packet[i]} << 8 | packet[i + 1];
    put16(packet, 10, ~(sum % 0xffff) & 0xffff);
    put16(packet, kIp, 9);
    put16(packet, kIp + 2, port);
    put16(packet, kIp + 4, kUdp + kPayload);
    return packet;
}

// The ring to the domain. What the domain sends comes back as the peer's, so that its own stack is the peer's as well.
class FloodLink final : public kos::net::Link, public LinkPlatform {
public:
    explicit FloodLink(WorldTime& of) : time(of) {}

    Sent send(const pbuf& packet, bool) override {
        Bytes bytes(packet.tot_len);
        pbuf_copy_partial(&packet, bytes.data(), packet.tot_len, 0);
        std::swap_ranges(bytes.begin() + 12, bytes.begin() + 16, bytes.begin() + 16);
        ring.push_back(std::move(bytes));
        ++sent;
        return Sent::kYes;
    }
    bool has_room() override { return true; }
    size_t next_bytes() override { return ring.empty() ? 0 : ring.front().size(); }
    size_t take(void* bytes, size_t room, bool* verified) override {
        *verified = true;
        size_t const count = std::min(room, ring.front().size());
        memcpy(bytes, ring.front().data(), count);
        drop();
        return count;
    }
    void drop() override {
        ring.pop_front();
        ++taken;
        time.now += takes;
    }
    bool prepare_sleep(bool, bool wants_packets) override {
        sleeps_for_packets = wants_packets && ring.empty();
        return !wants_packets || ring.empty();
    }
    bool owes_wake() const override { return false; }
    void wake() override {}

    WorldTime& time;
    std::deque<Bytes> ring;
    unsigned taken = 0, sent = 0;
    bool sleeps_for_packets = false;  // as it was announced last
    Nanoseconds takes = 0;            // a packet
};

class Overload : public ::testing::Test {
protected:
    Overload() : link(world.time) {
        kos::net::InterfaceConfig config;
        ip4_addr_set_u32(&config.address4, lwip_htonl(kOwn));
        ip4_addr_set_u32(&config.gateway4, lwip_htonl(kPeer));
        network().attach(link, config, &link);
        socket = receiver(kPort);
    }
    Network& network() { return world.network(); }

    Ref<Socket> receiver(uint16_t port, int bytes = kReceiveBytes) {
        Ref<Socket> const made = world.socket(kAF_INET, kSOCK_DGRAM);
        EXPECT_TRUE(made->bind(address4(0, port), world.process).ok());
        constexpr int kSO_RCVBUF = 8;
        // Which doubles it, as Linux does.
        EXPECT_TRUE(made->set_option(kSOL_SOCKET, kSO_RCVBUF, int_option(bytes / 2)).ok());
        return made;
    }
    void offer(unsigned count, uint16_t port = kPort) {
        for (unsigned i = 0; i < count; ++i) link.ring.push_back(datagram(port));
    }
    // The link signals.
    void signalled() { network().run(); }
    unsigned receive_all(Socket& from) {
        unsigned count = 0;
        while (world.receive(from).ok()) ++count;
        return count;
    }
    // The one that goes beyond is held, too.
    static constexpr unsigned kHeld = kReceiveBytes / (kPayload + 256) + 1;

    InetWorld world;
    FloodLink link;
    Ref<Socket> socket;
};

TEST_F(Overload, WhatASocketHoldsIsTakenAtOnce) {
    offer(kHeld + Network::kDropsMost - 1);
    signalled();
    EXPECT_FALSE(network().is_paused());
    EXPECT_TRUE(link.sleeps_for_packets);
    EXPECT_EQ(world.time.alarm, kNever);
    EXPECT_EQ(receive_all(*socket), kHeld);
}

TEST_F(Overload, AFullSocketPausesInput) {
    offer(200);
    signalled();
    EXPECT_TRUE(network().is_paused());
    EXPECT_EQ(link.taken, kHeld + Network::kDropsMost);
    // Nobody need say that more has come; the alarm ends it.
    EXPECT_FALSE(link.sleeps_for_packets);
    EXPECT_EQ(world.time.alarm, world.time.now + Network::kPauseLeast);
    offer(1);
    signalled();
    EXPECT_EQ(link.taken, kHeld + Network::kDropsMost);
}

TEST_F(Overload, ItGoesOnWhenTheSocketIsHalfEmpty) {
    offer(200);
    signalled();
    unsigned const taken = link.taken;
    constexpr unsigned kHalf = (kHeld + 1) / 2;
    for (unsigned i = 0; i < kHalf - 1; ++i) EXPECT_TRUE(world.receive(*socket).ok());
    EXPECT_EQ(link.taken, taken);
    // Within the call that makes it so.
    EXPECT_TRUE(world.receive(*socket).ok());
    EXPECT_EQ(link.taken, taken + kHalf + Network::kDropsMost);
    EXPECT_TRUE(network().is_paused());
    // Everything that is not dropped arrives, without any time passing.
    unsigned const received = kHalf + receive_all(*socket);
    EXPECT_TRUE(link.ring.empty());
    EXPECT_TRUE(link.sleeps_for_packets);
    EXPECT_FALSE(network().is_paused());
    EXPECT_GT(received, 200 / 3);
}

TEST_F(Overload, ItGoesOnAfterATimeThoughNobodyReads) {
    offer(200);
    signalled();
    unsigned taken = link.taken;
    world.pass(Network::kPauseLeast - 1);
    EXPECT_EQ(link.taken, taken);
    world.pass(1);
    EXPECT_EQ(link.taken, taken + Network::kDropsMost);
    for (unsigned i = 0; i < 20; ++i) world.pass(Network::kPauseLeast);
    EXPECT_TRUE(link.ring.empty());
    EXPECT_TRUE(link.sleeps_for_packets);
    EXPECT_FALSE(network().is_paused());
}

TEST_F(Overload, EveryFullSocketMustDrain) {
    Ref<Socket> const other = receiver(kPort + 1);
    // Less than would pause it, but full.
    offer(kHeld + 1, kPort + 1);
    offer(200);
    signalled();
    EXPECT_TRUE(network().is_paused());
    unsigned const taken = link.taken;
    EXPECT_EQ(receive_all(*socket), kHeld);
    EXPECT_EQ(link.taken, taken);
    EXPECT_EQ(receive_all(*other), kHeld);
    EXPECT_GT(link.taken, taken);
}

TEST_F(Overload, AClosedSocketPausesNothing) {
    offer(200);
    signalled();
    unsigned const taken = link.taken;
    socket = nullptr;
    world.pass(0);
    // To nobody: each is answered with an ICMP error, which comes back.
    EXPECT_GT(link.taken, taken + 200 - kHeld - Network::kDropsMost);
    EXPECT_FALSE(network().is_paused());
    EXPECT_TRUE(link.sleeps_for_packets);
}

TEST_F(Overload, OneThatIsShutDownPausesForATime) {
    EXPECT_EQ(socket->shutdown(0).error(), Errno::kENOTCONN);
    offer(100);
    signalled();
    EXPECT_EQ(link.taken, Network::kDropsMost);
    for (unsigned i = 0; i < 10; ++i) world.pass(Network::kPauseLeast);
    EXPECT_TRUE(link.ring.empty());
    EXPECT_FALSE(network().is_paused());
}

// Its one message is more than half of it.
TEST_F(Overload, ABufferForOneMessageIsNotFullForEver) {
    Ref<Socket> const small = receiver(kPort + 1, 0);
    constexpr unsigned kSmallest = 2304;  // bytes, which two such messages go beyond
    offer((kSmallest + kPayload + 255) / (kPayload + 256) + Network::kDropsMost, kPort + 1);
    signalled();
    EXPECT_TRUE(network().is_paused());
    offer(1);
    while (world.receive(*small).ok()) continue;
    EXPECT_TRUE(world.receive(*socket).ok());
}

// What the program sends to itself costs its own time.
TEST_F(Overload, DatagramsToOneselfDoNotPauseTheLink) {
    Ref<Socket> const sender = world.socket(kAF_INET, kSOCK_DGRAM);
    for (uint32_t const to : {0x7f000001u, kOwn}) {
        for (unsigned i = 0; i < 100; ++i) {
            EXPECT_TRUE(world.send(*sender, std::string(kPayload, 'x'), 0, address4(to, kPort)).ok());
        }
        EXPECT_FALSE(network().is_paused());
    }
}

TEST_F(Overload, OutputGoesOn) {
    offer(200);
    signalled();
    unsigned const before = link.sent;
    EXPECT_TRUE(world.send(*socket, "x", 0, address4(kPeer, 9)).ok());
    EXPECT_EQ(link.sent, before + 1);
    EXPECT_TRUE(world.send(*socket, "to myself", 0, loopback4(kStreamPort)).ok());
    EXPECT_TRUE(network().is_paused());
}

// A connection of the same domain waits for the pause, and loses nothing.
TEST_F(Overload, AConnectionIsDelayedByThePauseAlone) {
    Ref<Socket> const listener = world.socket(kAF_INET, kSOCK_STREAM), client = world.socket(kAF_INET, kSOCK_STREAM);
    ASSERT_TRUE(listener->bind(address4(0, kStreamPort), world.process).ok() && listener->listen(1).ok());
    (void)client->connect(address4(kPeer, kStreamPort), world.process);
    signalled();
    SocketAddress peer;
    Ref<Socket> const server = *listener->accept(peer);
    server->flags |= kO_NONBLOCK;

    offer(kHeld + Network::kDropsMost);
    EXPECT_EQ(*world.send(*client, "hello"), 5u);
    signalled();
    EXPECT_TRUE(network().is_paused());
    EXPECT_EQ(world.receive(*server).error(), Errno::kEAGAIN);
    world.pass(Network::kPauseLeast);
    EXPECT_EQ(*world.receive(*server), "hello");
}

// --- Input that takes too much time, whatever it is.

TEST_F(Overload, InputLeavesProgramsTheSameTime) {
    constexpr unsigned kMost = 400;
    link.takes = 20'000;
    offer(kMost, kPort + 1);  // nobody's: an error is sent for each
    Nanoseconds const begin = world.time.now;
    signalled();
    EXPECT_TRUE(network().is_paused());
    EXPECT_FALSE(link.sleeps_for_packets);
    // Looked at after each round of 64.
    Nanoseconds const spent = world.time.now - begin;
    EXPECT_GE(spent, Network::kInputMost);
    EXPECT_LE(spent, Network::kInputMost + 64 * link.takes);
    EXPECT_EQ(world.time.alarm, world.time.now + spent);
    world.pass(spent - 1);
    EXPECT_TRUE(network().is_paused());
    unsigned const taken = link.taken;
    world.pass(1);
    EXPECT_GT(link.taken, taken);
}

TEST_F(Overload, ManyShortRunsCountAsOne) {
    link.takes = 20'000;
    unsigned runs = 0;
    for (; !network().is_paused() && runs < 1000; ++runs) {
        offer(1);
        signalled();
        EXPECT_TRUE(world.receive(*socket).ok());
        world.time.now += 5'000;  // and the next signal is there
    }
    EXPECT_NEAR(static_cast<double>(runs), Network::kInputMost / 15'000.0, 2);
}

TEST_F(Overload, InputWithEnoughTimeBetweenIsNotPaused) {
    link.takes = 20'000;
    for (unsigned i = 0; i < 1000; ++i) {
        offer(1);
        signalled();
        EXPECT_FALSE(network().is_paused());
        EXPECT_TRUE(world.receive(*socket).ok());
        world.time.now += 20'000;
    }
}

TEST_F(Overload, AMachineThatStoodStillIsForgotten) {
    link.takes = 10'000 * kMillisecond;
    offer(1);
    signalled();
    link.takes = 0;
    EXPECT_EQ(world.time.alarm, world.time.now + Network::kPauseMost);
    world.pass(Network::kPauseMost);
    EXPECT_FALSE(network().is_paused());
    offer(100, kPort + 1);
    signalled();
    EXPECT_FALSE(network().is_paused());
}

}  // namespace
