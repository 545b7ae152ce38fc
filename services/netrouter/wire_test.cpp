// The wire's own protocols: ARP, neighbour discovery, DHCP, router advertisements, names, time; and what the status
// says.
#include <gtest/gtest.h>

#include "test_network.h"

namespace kos::netrouter {
namespace {

using M = PolicyMaker;

// --- ARP and neighbours

struct WireTest : testing::Test {
    WireTest() : bench(named_policy()) {}
    Bytes udp(const Ip& to) {
        bench.link(1, make_udp(bench.address4(1), 1, to, 1));
        return bench.host.take(kWire);
    }
    Bench bench;
};

TEST_F(WireTest, AnswersArpForItselfOnly) {
    bench.wire(make_arp(1, Mac{0x525500000009}, ip4(10, 0, 2, 9), {}, kOwn4, kBroadcast));
    const Bytes answer = bench.host.take(kWire);
    ASSERT_GE(answer.size(), 28u);
    EXPECT_EQ(load16(&answer[6]), 2);
    EXPECT_EQ(load_mac(&answer[8]), kOwnMac);
    EXPECT_EQ(load_ip4(&answer[14]), kOwn4);
    EXPECT_EQ(load_mac(&bench.host.last_frame[0]), (Mac{0x525500000009}));
    bench.wire(make_arp(1, Mac{0x525500000009}, ip4(10, 0, 2, 9), {}, bench.address4(0), kBroadcast));
    bench.wire(make_arp(1, Mac{0x525500000009}, ip4(10, 0, 2, 9), {}, ip4(10, 0, 2, 16), kBroadcast));
    EXPECT_TRUE(bench.host.take(kWire).empty());
    // Somebody else with our address: recorded, not obeyed.
    bench.wire(make_arp(2, Mac{0x525500000009}, kOwn4, kOwnMac, kOwn4, kOwnMac));
    EXPECT_EQ(bench.refused(kWire, Reason::kSpoofed), 1u);
    EXPECT_EQ(bench.router->own4(), kOwn4);
}

TEST_F(WireTest, PacketsWaitForTheAddress) {
    bench.is_silent = true;
    const Ip neighbour = ip4(10, 0, 2, 77);
    Bytes sent = udp(neighbour);
    ASSERT_GE(sent.size(), 28u);
    EXPECT_EQ(load16(&sent[6]), 1);  // a question
    EXPECT_EQ(load_ip4(&sent[24]), neighbour);
    EXPECT_TRUE(udp(neighbour).empty());  // one waits, one question in a second
    bench.wire(make_arp(2, Mac{0x525500000077}, neighbour, kOwnMac, kOwn4, kOwnMac));
    sent = bench.host.take(kWire);
    ASSERT_FALSE(sent.empty());
    EXPECT_TRUE(has_right_sums(sent));
    EXPECT_EQ(load_mac(&bench.host.last_frame[0]), (Mac{0x525500000077}));
    EXPECT_FALSE(udp(neighbour).empty());
}

TEST_F(WireTest, WhoDoesNotAnswerIsUnreachable) {
    bench.is_silent = true;
    const Ip neighbour = ip4(10, 0, 2, 77);
    udp(neighbour);
    unsigned questions = 1;
    for (unsigned i = 0; i < 5; ++i) {
        bench.at(bench.now + kSecond);
        while (!bench.host.take(kWire).empty()) ++questions;
    }
    EXPECT_EQ(questions, 3u);
    EXPECT_TRUE(udp(neighbour).empty());
    EXPECT_EQ(bench.refused(2, Reason::kUnreachable), 1u);
    bench.at(bench.now + 4 * kSecond);
    EXPECT_FALSE(udp(neighbour).empty());  // asked again
}

TEST_F(WireTest, AGatewayIsNotReplacedByWhoeverSaysSo) {
    ASSERT_FALSE(udp(kServer).empty());
    bench.wire(make_arp(2, Mac{0x525500000bad}, kGateway4, kOwnMac, kOwn4, kOwnMac));
    ASSERT_FALSE(udp(kServer).empty());
    EXPECT_EQ(load_mac(&bench.host.last_frame[0]), kGatewayMac);
    EXPECT_EQ(bench.refused(kWire, Reason::kNeighbour), 1u);
    // Nobody becomes known that we do not talk to.
    bench.wire(make_arp(2, Mac{0x525500000bad}, ip4(10, 0, 2, 200), kOwnMac, kOwn4, kOwnMac));
    bench.is_silent = true;
    const Bytes sent = udp(ip4(10, 0, 2, 200));
    ASSERT_GE(sent.size(), 8u);
    EXPECT_EQ(load16(&sent[6]), 1);
}

TEST_F(WireTest, AnswersSolicitations) {
    const Ip asker{0xfe80000000000000, 0x99};
    Bytes body{0, 0, 0, 0};
    append_ip(body, kOwn6);
    body.insert(body.end(), {1, 1, 0x52, 0x55, 0, 0, 0, 0x99});
    bench.wire(make_frame(make_icmp(asker, solicited_node(kOwn6), kSolicit, 0, body, 255), Mac{0x525500000099},
                          Mac{0x3333ff000015}));
    const Bytes answer = bench.host.take(kWire);
    ASSERT_EQ(answer.size(), 72u);
    EXPECT_TRUE(has_right_sums(answer));
    EXPECT_EQ(answer[40], kAdvert);
    EXPECT_EQ(load_ip6(&answer[24]), asker);
    EXPECT_EQ(load_mac(&answer[66]), kOwnMac);
    // From further away than the network: hop limit below 255.
    bench.wire(make_frame(make_icmp(asker, solicited_node(kOwn6), kSolicit, 0, body, 254), Mac{0x525500000099},
                          Mac{0x3333ff000015}));
    EXPECT_TRUE(bench.host.take(kWire).empty());
    // For somebody else's address.
    Bytes other{0, 0, 0, 0};
    append_ip(other, bench.address6(0));
    bench.wire(make_frame(make_icmp(asker, kOwn6, kSolicit, 0, other, 255)));
    EXPECT_TRUE(bench.host.take(kWire).empty());
}

TEST_F(WireTest, JunkFromTheWire) {
    std::mt19937 random(8);
    for (int i = 0; i < 20000; ++i) {
        Bytes frame(random() % 120);
        for (uint8_t& byte : frame) byte = static_cast<uint8_t>(random());
        if (frame.size() >= 15) {
            store_mac(&frame[0], random() % 2 ? kOwnMac : kBroadcast);
            store16(&frame[12], random() % 3 == 0 ? 0x0806 : random() % 2 ? 0x0800 : 0x86dd);
            frame[14] = static_cast<uint8_t>(random() % 2 ? 0x45 : 0x60);
        }
        bench.wire(frame);
    }
    EXPECT_TRUE(bench.host.take(1).empty());
    EXPECT_TRUE(bench.host.take(2).empty());
    EXPECT_EQ(bench.router->connections().count(), 0u);
}

TEST_F(WireTest, EchoIsAnsweredWithinARate) {
    bench.outside(make_echo(kStranger, kOwn4, 5, false, 100));
    const Bytes reply = bench.host.take(kWire);
    ASSERT_FALSE(reply.empty());
    EXPECT_TRUE(has_right_sums(reply));
    EXPECT_EQ(reply.size(), 128u);
    for (int i = 0; i < 500; ++i) bench.outside(make_echo(kStranger, kOwn4, 5));
    unsigned replies = 0;
    while (!bench.host.take(kWire).empty()) ++replies;
    EXPECT_LE(replies, 50u);
}

// --- DHCP

struct DhcpTest : testing::Test {
    static Policy policy() {
        M made;
        made.policy.uplink.is_dhcp = true;
        made.policy.uplink.mode6 = Mode6::kNone;
        made.policy.uplink.dns_count = 0;
        made.policy.uplink.host_name = "pump";
        made.link(5, "a").allow(Protocol::kAny, M::any());
        return made.policy;
    }
    DhcpTest() : bench(policy(), false) {
        bench.router->start_wire(kOwnMac, kMtu, bench.now);
        bench.at(bench.now);
    }
    // The next message of the client: its payload.
    Bytes message() {
        const Bytes packet = bench.host.take(kWire);
        if (packet.size() < 28 + 240) return {};
        EXPECT_TRUE(has_right_sums(packet));
        EXPECT_EQ(load16(&packet[20]), 68);
        EXPECT_EQ(load16(&packet[22]), 67);
        destination = load_ip4(&packet[16]);
        return Bytes(packet.begin() + 28, packet.end());
    }
    static uint8_t type_of(const Bytes& payload) { return payload.size() > 242 ? payload[242] : 0; }
    Bytes answer(const Bytes& to, uint8_t type, const Ip& yours, uint32_t lease_s, const Bytes& more = {}) {
        Bytes out(240);
        out[0] = 2;
        out[1] = 1;
        out[2] = 6;
        std::copy(to.begin() + 4, to.begin() + 8, out.begin() + 4);
        store32(&out[16], yours.v4());
        store_mac(&out[28], kOwnMac);
        store32(&out[236], 0x63825363);
        Bytes options{53,  1, type, 54, 4,  10, 0, 2, 2, 51, 4,  0, 0, 0, 0,  1, 4, 255, 255,
                      255, 0, 3,    4,  10, 0,  2, 2, 6, 8,  10, 0, 2, 3, 10, 0, 2, 4};
        store32(&options[11], lease_s);
        out.insert(out.end(), options.begin(), options.end());
        out.insert(out.end(), more.begin(), more.end());
        out.push_back(255);
        return out;
    }
    void reply(const Bytes& payload) {
        const Bytes packet = make_udp(kGateway4, 67, ip4(255, 255, 255, 255), 68, payload);
        bench.wire(make_frame(packet, kGatewayMac, kOwnMac));
        bench.at(bench.now);
    }
    void bind(uint32_t lease_s = 3600) {
        const Bytes discover = message();
        ASSERT_EQ(type_of(discover), 1);
        reply(answer(discover, 2, kOwn4, lease_s));
        const Bytes request = message();
        ASSERT_EQ(type_of(request), 3);
        reply(answer(request, 5, kOwn4, lease_s));
        ASSERT_EQ(bench.router->own4(), kOwn4);
        bench.host.sent.clear();
    }
    Bench bench;
    Ip destination;
};

TEST_F(DhcpTest, GetsAnAddress) {
    bind();
    EXPECT_EQ(bench.router->gateway4(), kGateway4);
    Ip servers[kMaxServers];
    ASSERT_EQ(bench.router->dns_servers(servers), 2u);
    EXPECT_EQ(servers[1], ip4(10, 0, 2, 4));
    EXPECT_GE(bench.host.changes, 1u);
    bench.link(0, make_udp(bench.address4(0), 1, kServer, 1));
    EXPECT_FALSE(bench.host.take(kWire).empty());
}

TEST_F(DhcpTest, RepeatsUntilAnswered) {
    unsigned count = 0;
    const uint64_t begin = bench.now;
    while (bench.now < begin + 60 * kSecond) {
        bench.at(bench.now + kSecond);
        while (!message().empty()) ++count;
    }
    EXPECT_GE(count, 4u);
    EXPECT_LE(count, 7u);
}

TEST_F(DhcpTest, RenewsThenRebindsThenGivesUp) {
    bind(3600);
    bench.at(bench.now + 1799 * kSecond);
    EXPECT_TRUE(message().empty());
    bench.at(bench.now + 2 * kSecond);
    Bytes request = message();
    ASSERT_EQ(type_of(request), 3);
    EXPECT_EQ(destination, kGateway4);
    EXPECT_EQ(load_ip4(&request[12]), kOwn4);
    reply(answer(request, 5, kOwn4, 3600));
    EXPECT_EQ(bench.router->dhcp().state(), Dhcp::State::kBound);
    // Now nobody answers any more.
    bench.at(bench.now + 3200 * kSecond);
    EXPECT_EQ(bench.router->dhcp().state(), Dhcp::State::kRebinding);
    EXPECT_EQ(bench.router->own4(), kOwn4);
    while (!message().empty()) {
    }
    EXPECT_EQ(destination, ip4(255, 255, 255, 255));
    bench.at(bench.now + 401 * kSecond);
    EXPECT_TRUE(bench.router->own4().is_none());
    EXPECT_EQ(bench.router->dhcp().state(), Dhcp::State::kSelecting);
    bench.link(0, make_udp(bench.address4(0), 1, kServer, 1));
    EXPECT_EQ(bench.refused(1, Reason::kUnreachable), 1u);
}

TEST_F(DhcpTest, ANakBeginsAnew) {
    bind();
    bench.at(bench.now + 1801 * kSecond);
    const Bytes request = message();
    reply(answer(request, 6, {}, 0));
    EXPECT_TRUE(bench.router->own4().is_none());
    bench.at(bench.now + 3 * kSecond);
    EXPECT_EQ(type_of(message()), 1);
}

TEST_F(DhcpTest, BelievesOnlyAnswersToItsQuestions) {
    const Bytes discover = message();
    Bytes bad = answer(discover, 2, kOwn4, 3600);
    bad[4] ^= 1;  // another transaction
    reply(bad);
    bad = answer(discover, 2, kOwn4, 3600);
    bad[33] ^= 1;  // another machine
    reply(bad);
    bad = answer(discover, 2, kOwn4, 3600);
    bad[239] ^= 1;  // no DHCP
    reply(bad);
    reply(answer(discover, 5, kOwn4, 3600));              // an acknowledgement that nobody asked for
    reply(answer(discover, 2, ip4(127, 0, 0, 1), 3600));  // no address for a host
    reply(answer(discover, 2, ip4(10, 78, 5, 2), 3600));  // one of the links'
    for (size_t size = 0; size < 250; size += 7) {
        bad = answer(discover, 2, kOwn4, 3600);
        bad.resize(size);
        reply(bad);
    }
    reply(answer(discover, 2, kOwn4, 3600, {3, 3, 1, 2, 3}));  // an option of a wrong length
    reply(answer(discover, 2, kOwn4, 3600, {3, 200}));
    EXPECT_EQ(bench.router->dhcp().state(), Dhcp::State::kSelecting);
    reply(answer(discover, 2, kOwn4, 3600));
    EXPECT_EQ(bench.router->dhcp().state(), Dhcp::State::kRequesting);
    const Bytes request = message();
    bad = answer(request, 5, ip4(10, 0, 2, 16), 3600);  // another address than offered
    reply(bad);
    EXPECT_TRUE(bench.router->own4().is_none());
}

TEST_F(DhcpTest, RestartKeepsTheLease) {
    bind();
    bench.restart();
    EXPECT_EQ(bench.router->own4(), kOwn4);
    bench.router->start_wire(kOwnMac, kMtu, bench.now);
    bench.at(bench.now);
    EXPECT_EQ(bench.router->own4(), kOwn4);
    EXPECT_TRUE(message().empty());
    bench.at(bench.now + 1801 * kSecond);
    EXPECT_EQ(type_of(message()), 3);
    // Another device asks anew.
    bench.router->start_wire(Mac{0x525400999999}, kMtu, bench.now);
    EXPECT_TRUE(bench.router->own4().is_none());
}

// --- IPv6 by advertisements

struct AutoconfTest : testing::Test {
    static Policy policy() {
        M made;
        made.policy.uplink.mode6 = Mode6::kAuto;
        made.policy.uplink.address6 = {};
        made.policy.uplink.gateway6 = {};
        made.link(5, "a").allow(Protocol::kAny, M::any());
        return made.policy;
    }
    AutoconfTest() : bench(policy(), false) {
        bench.router->start_wire(kOwnMac, kMtu, bench.now);
        bench.at(bench.now);
    }
    void advertise(uint16_t router_s, uint32_t valid_s, uint8_t hops = 255, Ip source = kGateway6) {
        Bytes body{64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        store16(&body[2], router_s);
        Bytes prefix{3, 4, 64, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        store32(&prefix[4], valid_s);
        store32(&prefix[8], valid_s);
        append_ip(prefix, Ip{0x2001067c00010000, 0});
        body.insert(body.end(), prefix.begin(), prefix.end());
        Bytes dns{25, 3, 0, 0, 0, 0, 1, 0};
        append_ip(dns, Ip{0x2001067c00530000, 0x53});
        body.insert(body.end(), dns.begin(), dns.end());
        bench.wire(
            make_frame(make_icmp(source, kAllNodes, kRouterAdvert, 0, body, hops), kGatewayMac, Mac{0x333300000001}));
        bench.at(bench.now);
    }
    Bench bench;
    Ip mine{0x2001067c00010000, 0x505400fffe123456};
};

TEST_F(AutoconfTest, AsksAndGetsAnAddress) {
    bool asked = false;
    for (Bytes packet = bench.host.take(kWire); !packet.empty(); packet = bench.host.take(kWire)) {
        asked |= packet.size() == 56 && packet[40] == kRouterSolicit && has_right_sums(packet) && packet[7] == 255;
    }
    EXPECT_TRUE(asked);
    advertise(1800, 10000);
    EXPECT_TRUE(bench.router->own6().is_none());  // looks first whether it is somebody else's
    bench.at(bench.now + 2 * kSecond);
    EXPECT_EQ(bench.router->own6(), mine);
    EXPECT_EQ(bench.router->gateway6(), kGateway6);
    bench.link(0, make_udp(bench.address6(0), 1, kServer6, 1));
    Bytes sent;
    while (sent.empty() || (sent[6] != kUdp && !bench.host.sent.empty())) {
        sent = bench.host.take(kWire);
        ASSERT_FALSE(sent.empty());
    }
    EXPECT_EQ(load_ip6(&sent[8]), mine);
    // The router goes, then the address expires.
    advertise(0, 10000);
    EXPECT_TRUE(bench.router->gateway6().is_none());
    bench.at(bench.now + 10002 * kSecond);
    EXPECT_TRUE(bench.router->own6().is_none());
}

TEST_F(AutoconfTest, ADuplicateIsNotUsed) {
    advertise(1800, 10000);
    Bytes body{0, 0, 0, 0};
    append_ip(body, mine);
    bench.wire(make_frame(make_icmp(kGateway6, kAllNodes, kAdvert, 0, body, 255), kGatewayMac, Mac{0x333300000001}));
    bench.at(bench.now + 5 * kSecond);
    EXPECT_TRUE(bench.router->own6().is_none());
    advertise(1800, 10000);
    bench.at(bench.now + 5 * kSecond);
    EXPECT_TRUE(bench.router->own6().is_none());
}

TEST_F(AutoconfTest, ForgedAdvertisements) {
    advertise(1800, 10000, 254);
    advertise(1800, 10000, 255, kServer6);
    bench.at(bench.now + 5 * kSecond);
    EXPECT_TRUE(bench.router->own6().is_none());
    advertise(1800, 10000);
    bench.at(bench.now + 2 * kSecond);
    ASSERT_EQ(bench.router->own6(), mine);
    advertise(1800, 1);  // a forged end takes two hours at least
    bench.at(bench.now + 7000 * kSecond);
    EXPECT_EQ(bench.router->own6(), mine);
    // Whoever says later that the address is his.
    Bytes body{0, 0, 0, 0};
    append_ip(body, mine);
    bench.wire(make_frame(make_icmp(kGateway6, kAllNodes, kAdvert, 0, body, 255), kGatewayMac, Mac{0x333300000001}));
    EXPECT_EQ(bench.router->own6(), mine);
}

}  // namespace
}  // namespace kos::netrouter
