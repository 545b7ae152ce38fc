// The wire's own protocols: ARP, neighbour discovery, DHCP, router advertisements, names, time; and what the status
// says.
#include <gtest/gtest.h>

#include <set>

#include "report.h"
#include "status.h"
#include "test_network.h"

namespace kos::netrouter {
namespace {

using M = PolicyMaker;

Policy named_policy() {
    M made;
    made.link(5, "web_app").allow(Protocol::kTcp, M::host("api.example.org"), {{443, 443}});
    made.allow(Protocol::kTcp, M::host("example.net", true), {{443, 443}});
    made.allow(Protocol::kTcp, M::domain(1), {{80, 80}});
    made.link(6, "other").allow(Protocol::kUdp, M::any());
    made.listen(Protocol::kTcp, 80, 0, {M::domain(0)});
    return made.policy;
}

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

// --- Names

struct NamesTest : testing::Test {
    NamesTest() : bench(named_policy()) {}
    static Bytes query(uint16_t id, const std::string& name, uint16_t type = kDnsA) {
        Bytes out{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
        store16(&out[0], id);
        append_name(out, name);
        out.insert(out.end(), {0, static_cast<uint8_t>(type), 0, 1});
        return out;
    }
    static void append_name(Bytes& out, std::string name) {
        while (!name.empty()) {
            const size_t dot = std::min(name.find('.'), name.size());
            out.push_back(static_cast<uint8_t>(dot));
            out.insert(out.end(), name.begin(), name.begin() + static_cast<long>(dot));
            name.erase(0, dot + 1);
        }
        out.push_back(0);
    }
    static void append_address(Bytes& out, const Ip& ip, uint32_t ttl_s) {
        out.insert(out.end(), {0, static_cast<uint8_t>(ip.is_v4() ? 1 : 28), 0, 1, 0, 0, 0, 0, 0,
                               static_cast<uint8_t>(ip.is_v4() ? 4 : 16)});
        store32(&out[out.size() - 6], ttl_s);
        append_ip(out, ip);
    }
    void ask(unsigned link, const Bytes& payload) {
        bench.link(link, make_udp(bench.address4(link), 3333, bench.policy->links[link].gateway4, 53, payload));
    }
    // The question as it goes out; empty if it does not.
    Bytes upstream() {
        const Bytes packet = bench.host.take(kWire);
        if (packet.empty() || packet[9] != kUdp) return {};
        EXPECT_TRUE(has_right_sums(packet));
        port = load16(&packet[20]);
        server = load_ip4(&packet[16]);
        return Bytes(packet.begin() + 28, packet.end());
    }
    // An answer with these addresses.
    static Bytes answer_to(Bytes question, const std::vector<Ip>& ips, uint32_t ttl_s = 300) {
        question[2] |= 0x80;
        question[3] = 0x80;
        store16(&question[6], static_cast<uint16_t>(ips.size()));
        for (const Ip& ip : ips) {
            question.insert(question.end(), {0xc0, 12});
            append_address(question, ip, ttl_s);
        }
        return question;
    }
    void respond(const Bytes& payload) { bench.outside(make_udp(server, 53, kOwn4, port, payload)); }
    Bytes answered(Interface link = 1) {
        const Bytes packet = bench.host.take(link);
        if (packet.empty()) return {};
        EXPECT_TRUE(has_right_sums(packet));
        EXPECT_EQ(load16(&packet[22]), 3333);
        return Bytes(packet.begin() + 28, packet.end());
    }
    bool passes(const Ip& to, uint16_t to_port = 443) {
        bench.host.sent.clear();
        bench.link(0, make_tcp(bench.address4(0), next++, to, to_port, kSyn));
        const bool has_passed = !bench.host.take(kWire).empty();
        bench.host.sent.clear();
        return has_passed;
    }
    Bench bench;
    uint16_t port = 0;
    uint16_t next = 2000;
    Ip server;
};

TEST_F(NamesTest, AnAllowedNameOpensItsAddresses) {
    EXPECT_FALSE(passes(kServer));
    ask(0, query(0x1234, "API.example.org"));
    const Bytes question = upstream();
    ASSERT_FALSE(question.empty());
    EXPECT_GE(port, 49152);
    respond(answer_to(question, {kServer}));
    const Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(load16(&got[0]), 0x1234);
    EXPECT_TRUE(passes(kServer));
    EXPECT_FALSE(passes(kServer, 80));
    EXPECT_FALSE(passes(ip4(kServer.v4() ^ 1)));
    EXPECT_EQ(bench.router->names().count(0, bench.now), 1u);
    bench.restart();
    bench.make_ready();
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 301 * kSecond);
    EXPECT_FALSE(passes(kServer));
}

TEST_F(NamesTest, Wildcards) {
    ask(0, query(1, "a.b.example.net"));
    EXPECT_FALSE(upstream().empty());
    ask(0, query(2, "example.net"));
    EXPECT_TRUE(upstream().empty());
    ask(0, query(3, "badexample.net"));
    EXPECT_TRUE(upstream().empty());
}

TEST_F(NamesTest, OtherNamesAreRefusedAndRecorded) {
    ask(0, query(7, "evil.example.com"));
    EXPECT_TRUE(upstream().empty());
    const Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsRefused);
    ASSERT_EQ(bench.router->denial_count(), 1u);
    EXPECT_EQ(bench.router->denial(0)->reason, Reason::kName);
    EXPECT_STREQ(bench.router->denial(0)->name, "evil.example.com");
    EXPECT_EQ(bench.router->denial(0)->domain, 5);
    // A link that may talk to any address may ask for any name.
    ask(1, query(7, "evil.example.com"));
    EXPECT_FALSE(upstream().empty());
}

TEST_F(NamesTest, AliasesCount) {
    ask(0, query(1, "api.example.org"));
    Bytes answer = upstream();
    answer[2] |= 0x80;
    store16(&answer[6], 3);
    answer.insert(answer.end(), {0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0});
    Bytes alias;
    append_name(alias, "cdn.example.com");
    answer.insert(answer.end(), {0, static_cast<uint8_t>(alias.size())});
    answer.insert(answer.end(), alias.begin(), alias.end());
    append_name(answer, "cdn.example.com");
    append_address(answer, kServer, 100);
    append_name(answer, "stray.example.com");  // of nobody in the chain
    append_address(answer, kStranger, 100);
    respond(answer);
    EXPECT_FALSE(answered().empty());
    EXPECT_TRUE(passes(kServer));
    EXPECT_FALSE(passes(kStranger));
}

TEST_F(NamesTest, ForgedAnswersAreNotBelieved) {
    ask(0, query(1, "api.example.org"));
    const Bytes question = upstream();
    const Bytes good = answer_to(question, {kServer});
    Bytes bad = good;
    bad[0] ^= 1;
    respond(bad);  // another number
    bad = good;
    bad[14] ^= 0x01;
    respond(bad);  // another name
    bench.outside(make_udp(server, 53, kOwn4, port ^ 1, good));
    bench.outside(make_udp(server, 54, kOwn4, port, good));
    bench.outside(make_udp(kStranger, 53, kOwn4, port, good));
    for (size_t size = 0; size < good.size(); ++size)
        respond(Bytes(good.begin(), good.begin() + static_cast<long>(size)));
    EXPECT_TRUE(answered().empty());
    EXPECT_FALSE(passes(kServer));
    respond(good);
    EXPECT_FALSE(answered().empty());
    EXPECT_TRUE(passes(kServer));
}

TEST_F(NamesTest, AnswersCannotOpenTheInside) {
    ask(0, query(1, "api.example.org"));
    respond(answer_to(upstream(), {bench.address4(1), ip4(127, 0, 0, 1), kOwn4, ip4(224, 0, 0, 1)}));
    EXPECT_FALSE(answered().empty());
    EXPECT_EQ(bench.router->names().count(0, bench.now), 0u);
    EXPECT_FALSE(passes(bench.address4(1), 443));
}

TEST_F(NamesTest, TimeToLiveIsBounded) {
    ask(0, query(1, "api.example.org"));
    respond(answer_to(upstream(), {kServer}, 0));
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 61 * kSecond);
    EXPECT_FALSE(passes(kServer));
    ask(0, query(2, "api.example.org"));
    respond(answer_to(upstream(), {kServer}, 0x7fffffff));
    bench.at(bench.now + 3599 * kSecond);
    EXPECT_TRUE(passes(kServer));
    bench.at(bench.now + 2 * kSecond);
    EXPECT_FALSE(passes(kServer));
}

TEST_F(NamesTest, SilentServersAndFullTables) {
    ask(0, query(9, "api.example.org"));
    unsigned questions = 0;
    std::set<uint16_t> ports;
    for (unsigned i = 0; i < 8; ++i) {
        while (!upstream().empty()) {
            ++questions;
            ports.insert(port);
        }
        bench.at(bench.now + kSecond);
    }
    EXPECT_EQ(questions, 3u);
    EXPECT_EQ(ports.size(), 3u);
    Bytes got = answered();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsFailure);
    for (uint16_t i = 0; i < 40; ++i) ask(0, query(i, "api.example.org"));
    EXPECT_EQ(bench.refused(1, Reason::kFull), 24u);
    ask(1, query(9, "x.example.com"));
    unsigned sent = 0;
    while (!upstream().empty()) ++sent;
    EXPECT_EQ(sent, 17u);
}

TEST_F(NamesTest, NamesOfDomains) {
    const auto address = [&](const std::string& name, uint16_t type = kDnsA) {
        ask(0, query(1, name, type));
        EXPECT_TRUE(upstream().empty()) << name;
        const Bytes got = answered();
        if (got.empty() || (got[3] & 15) != 0 || load16(&got[6]) == 0) return Ip{};
        return type == kDnsA ? load_ip4(&got[got.size() - 4]) : load_ip6(&got[got.size() - 16]);
    };
    EXPECT_EQ(address("other"), bench.address4(1));
    EXPECT_EQ(address("OTHER.internal"), bench.address4(1));
    EXPECT_EQ(address("other", kDnsAaaa), bench.address6(1));
    EXPECT_EQ(address("web-app"), bench.address4(0));
    EXPECT_EQ(address("unknown.internal"), Ip{});
    EXPECT_EQ(bench.router->denial_count(), 0u);
    ask(1, query(1, "web-app.internal"));  // it may not talk to that one, so it is not told about it
    const Bytes got = answered(2);
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got[3] & 15, kDnsNoName);
}

TEST_F(NamesTest, MalformedQueries) {
    const Bytes good = query(1, "api.example.org");
    for (size_t size = 0; size < good.size(); ++size)
        ask(0, Bytes(good.begin(), good.begin() + static_cast<long>(size)));
    Bytes bad = good;
    bad[12] = 0xc0;
    bad[13] = 12;  // a pointer to itself
    ask(0, bad);
    bad = good;
    bad[12] = 0x40;
    ask(0, bad);
    bad = good;
    bad[13] = '.';  // a dot inside of a label
    ask(0, bad);
    bad = good;
    store16(&bad[4], 2);
    ask(0, bad);
    EXPECT_TRUE(upstream().empty());
    EXPECT_EQ(bench.refused(1, Reason::kMalformed), good.size() + 4);
}

TEST(Dns, Addresses) {
    Ip ip;
    EXPECT_TRUE(read_ip("10.0.2.3", ip));
    EXPECT_EQ(ip, ip4(10, 0, 2, 3));
    EXPECT_TRUE(read_ip("fd00::7", ip));
    EXPECT_EQ(ip, (Ip{0xfd00000000000000, 7}));
    EXPECT_TRUE(read_ip("::1", ip));
    EXPECT_EQ(ip, (Ip{0, 1}));
    EXPECT_TRUE(read_ip("1:2:3:4:5:6:7:8", ip));
    EXPECT_EQ(ip, (Ip{0x0001000200030004, 0x0005000600070008}));
    for (const char* bad : {"", "10.0.2", "10.0.2.3.4", "10.0.2.256", "a.b.c.d", "1::2::3",
                            "12345::", "1:2:3:4:5:6:7:8:9", "1:", "pool.ntp.org"}) {
        EXPECT_FALSE(read_ip(bad, ip)) << bad;
    }
}

// --- Time

struct TimeTest : testing::Test {
    static Policy policy() {
        M made;
        made.policy.uplink.ntp[0] = "192.0.2.123";
        made.policy.uplink.ntp[1] = "time.example.org";
        made.policy.uplink.ntp_count = 2;
        made.link(5, "a");
        return made.policy;
    }
    TimeTest() : bench(policy()) {}
    // The next question; answers name queries meanwhile.
    bool wait_for_question(uint64_t until_us) {
        while (bench.now < until_us) {
            for (Bytes packet = bench.host.take(kWire); !packet.empty(); packet = bench.host.take(kWire)) {
                if (packet[0] >> 4 != 4 || packet[9] != kUdp || load16(&packet[22]) != 123) continue;
                question = packet;
                return true;
            }
            bench.at(bench.now + kSecond / 4);
        }
        return false;
    }
    void answer(uint64_t unix_s, uint8_t stratum = 2, uint8_t first = 0x24) {
        Bytes out(48);
        out[0] = first;
        out[1] = stratum;
        std::copy(question.begin() + 28 + 40, question.begin() + 28 + 48, out.begin() + 24);
        store32(&out[32], static_cast<uint32_t>(unix_s + 2208988800u));
        store32(&out[40], static_cast<uint32_t>(unix_s + 2208988800u));
        if (is_forged) out[24] ^= 1;
        bench.outside(make_udp(load_ip4(&question[16]), 123, kOwn4, load16(&question[20]), out));
    }
    Bench bench;
    Bytes question;
    bool is_forged = false;
};

TEST_F(TimeTest, SetsTheClock) {
    ASSERT_TRUE(wait_for_question(bench.now + 20 * kSecond));
    EXPECT_EQ(load_ip4(&question[16]), ip4(192, 0, 2, 123));
    answer(1800000000);
    ASSERT_EQ(bench.host.walls.size(), 1u);
    EXPECT_EQ(bench.host.walls[0].ns / 1000000000, 1800000000u);
    EXPECT_EQ(bench.host.walls[0].at_us, bench.now);
    // Once there is a time, one far from it is not believed.
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(1800000000 + 90000);
    EXPECT_EQ(bench.host.walls.size(), 1u);
    EXPECT_EQ(bench.refused(kWire, Reason::kMalformed), 1u);
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(bench.host.walls[0].ns / 1000000000 + (bench.now - bench.host.walls[0].at_us) / kSecond);
    EXPECT_EQ(bench.host.walls.size(), 2u);
}

TEST_F(TimeTest, RefusesWhatIsNoTime) {
    ASSERT_TRUE(wait_for_question(bench.now + 20 * kSecond));
    is_forged = true;
    answer(1800000000);
    is_forged = false;
    EXPECT_TRUE(bench.host.walls.empty());
    answer(1800000000, 2, 0xe4);  // not synchronised
    EXPECT_TRUE(bench.host.walls.empty());
    ASSERT_TRUE(wait_for_question(bench.now + 2000 * kSecond));
    answer(1800000000, 0);  // go away
    EXPECT_TRUE(bench.host.walls.empty());
    ASSERT_TRUE(wait_for_question(bench.now + 3000 * kSecond));
    answer(1800000000, 2, 0x23);  // a question
    EXPECT_TRUE(bench.host.walls.empty());
    answer(1800000000);
    EXPECT_EQ(bench.host.walls.size(), 1u);
}

TEST_F(TimeTest, ASilentServerGivesWayToTheNext) {
    std::set<uint64_t> asked;
    for (int i = 0; i < 40; ++i) {
        bench.at(bench.now + kSecond);
        for (Bytes packet = bench.host.take(kWire); !packet.empty(); packet = bench.host.take(kWire)) {
            if (packet[9] != kUdp || packet[0] != 0x45) continue;
            if (load16(&packet[22]) == 53) {
                Bytes dns(packet.begin() + 28, packet.end());
                bench.outside(
                    make_udp(kGateway4, 53, kOwn4, load16(&packet[20]), NamesTest::answer_to(dns, {kServer})));
            }
            if (load16(&packet[22]) == 123) asked.insert(load32(&packet[16]));
        }
    }
    EXPECT_TRUE(asked.contains(kServer.v4()));
    EXPECT_TRUE(asked.contains(ip4(192, 0, 2, 123).v4()));
}

// --- Status

TEST(Status, Tells) {
    Bench bench(named_policy());
    Status status(*bench.router);
    for (int i = 0; i < 300; ++i)
        bench.link(0, make_udp(bench.address4(0), 1, kStranger, static_cast<uint16_t>(i + 1)));
    kos_msg_t request = {};
    kos_msg_t answer = {};
    request.label = 1;
    request.has_words = 1;
    ASSERT_EQ(status.call({9, 1, 0}, request, bench.now, answer), KOS_STATUS_OK);
    const auto uplink = status.uplink({});
    ASSERT_TRUE(uplink.ok());
    EXPECT_EQ(uplink->state, KOS_NET_UPLINK_STATE_UP);
    EXPECT_EQ(load_ip6(uplink->address4), kOwn4);
    const auto links = status.links({}, 0);
    ASSERT_TRUE(links.ok());
    ASSERT_EQ(links->entries.size(), 2u);
    EXPECT_EQ(links->next, 0u);
    EXPECT_STREQ(links->entries[0].name, "web_app");
    EXPECT_EQ(links->entries[0].denials, 300u);
    EXPECT_EQ(links->entries[0].packets_in, 300u);
    const auto rules = status.rules({}, 1);
    ASSERT_TRUE(rules.ok());
    EXPECT_EQ(rules->entries.size(), 4u);
    auto denials = status.denials({}, 0);
    ASSERT_TRUE(denials.ok());
    EXPECT_EQ(denials->lost, 44u);
    ASSERT_EQ(denials->entries.size(), 30u);
    EXPECT_EQ(denials->entries[0].destination_port, 45);
    EXPECT_EQ(denials->next, 74u);
    denials = status.denials({}, 299);
    ASSERT_EQ(denials->entries.size(), 1u);
    EXPECT_EQ(status.denials({}, 1000)->entries.size(), 0u);
    EXPECT_EQ((*status.counters({}, 1))[static_cast<unsigned>(Reason::kRule)], 300u);
    EXPECT_EQ(status.counters({}, 3).status(), KOS_STATUS_NOT_FOUND);
    EXPECT_EQ(status.links({}, 99)->entries.size(), 0u);
}

TEST(Report, Lines) {
    Denial denial;
    denial.reason = Reason::kRule;
    denial.protocol = kTcp;
    denial.source = ip4(10, 78, 5, 2);
    denial.destination = Ip{0x2001067c00000000, 0x0000000100000000};
    denial.source_port = 4000;
    denial.destination_port = 80;
    Line line;
    write_denial(denial, "web", 3, line);
    EXPECT_EQ(std::string(line.data(), line.size()),
              "denied: web out rule tcp 10.78.5.2:4000 -> [2001:67c::1:0:0]:80 (and 3 before)");
    line.clear();
    add_ip(line, Ip{0, 1});
    line.add(' ');
    add_ip(line, Ip{});
    line.add(' ');
    add_ip(line, Ip{0xfe80000000000000, 0});
    EXPECT_EQ(std::string(line.data(), line.size()), "::1 :: fe80::");
}

}  // namespace
}  // namespace kos::netrouter
