// What each kind of rule lets pass, and that the neighbouring bit does not.
#include <gtest/gtest.h>

#include "test_network.h"

namespace kos::netrouter {
namespace {

using M = PolicyMaker;

// Domain 5: TCP 443 to one network, UDP 8000-8010 to anywhere, echo to one host. Domain 6: a forwarded port, and takes
// TCP 9000 of domain 5. Domain 7: nothing at all.
struct PolicyTest : testing::Test {
    PolicyTest() {
        M made;
        made.link(5, "web").allow(Protocol::kTcp, M::network(ip4(203, 0, 113, 0), 24), {{443, 443}});
        made.allow(Protocol::kUdp, M::any(), {{8000, 8010}});
        made.allow(Protocol::kIcmp, M::network(kServer, 32));
        made.allow(Protocol::kTcp, M::domain(1), {{9000, 9001}});
        made.allow(Protocol::kTcp, M::network(Ip{0x2001067c00990000, 0}, 64), {{443, 443}});
        made.link(6, "api").listen(Protocol::kTcp, 80, 8080, {M::network(ip4(198, 51, 100, 0), 24)});
        made.listen(Protocol::kTcp, 9000, 0, {M::domain(0)});
        made.listen(Protocol::kUdp, 53, 5353, {M::any()});
        made.link(7, "deaf");
        bench = std::make_unique<Bench>(made.policy);
    }
    // A packet of a link goes to the wire, translated; its answer comes back.
    void expect_passes(unsigned link, const Bytes& packet) {
        bench->host.sent.clear();
        bench->link(link, packet);
        const Bytes out = bench->host.take(kWire);
        ASSERT_FALSE(out.empty());
        EXPECT_TRUE(has_right_sums(out));
        EXPECT_EQ(bench->router->denial_count(), denials);
    }
    void expect_refused(unsigned link, const Bytes& packet, Reason reason) {
        bench->host.sent.clear();
        const auto from = static_cast<Interface>(link + 1);
        const uint64_t before = bench->refused(from, reason);
        bench->link(link, packet);
        EXPECT_TRUE(bench->host.take(kWire).empty());
        EXPECT_EQ(bench->refused(from, reason), before + 1) << name_of(reason);
        if (!is_denial(reason)) return;
        ASSERT_EQ(bench->router->denial_count(), ++denials);
        const Denial* denial = bench->router->denial(denials - 1);
        ASSERT_NE(denial, nullptr);
        EXPECT_EQ(denial->reason, reason);
        EXPECT_EQ(denial->domain, bench->policy->links[link].domain);
        EXPECT_FALSE(denial->is_inbound);
    }
    // A packet from outside that its domain has no room for.
    void expect_full(unsigned link, const Bytes& packet) {
        const auto to = static_cast<Interface>(link + 1);
        const uint64_t before = bench->router->counters(to).full;
        bench->host.is_full[to] = true;
        expect_refused_inbound(packet, Reason::kFull);
        bench->host.is_full[to] = false;
        EXPECT_EQ(bench->router->counters(to).full, before + 1);
        bench->outside(packet);
        EXPECT_FALSE(bench->host.take(to).empty());
        EXPECT_EQ(bench->router->counters(to).full, before + 1);
    }
    void expect_refused_inbound(const Bytes& packet, Reason reason) {
        bench->host.sent.clear();
        const uint64_t before = bench->refused(kWire, reason);
        bench->outside(packet);
        for (unsigned i = 0; i < 3; ++i) EXPECT_TRUE(bench->host.take(static_cast<Interface>(i + 1)).empty());
        EXPECT_EQ(bench->refused(kWire, reason), before + 1) << name_of(reason);
        if (is_denial(reason)) {
            ASSERT_EQ(bench->router->denial_count(), ++denials);
        }
    }
    std::unique_ptr<Bench> bench;
    uint64_t denials = 0;
};

TEST_F(PolicyTest, OutboundTcp) {
    const Ip from = bench->address4(0);
    expect_passes(0, make_tcp(from, 40000, kServer, 443, kSyn));
    expect_refused(0, make_tcp(from, 40000, kServer, 442, kSyn), Reason::kRule);
    expect_refused(0, make_tcp(from, 40000, ip4(203, 0, 112, 9), 443, kSyn), Reason::kRule);
    expect_refused(0, make_udp(from, 40000, kServer, 443), Reason::kRule);
    expect_refused(1, make_tcp(bench->address4(1), 40000, kServer, 443, kSyn), Reason::kRule);
    expect_refused(2, make_tcp(bench->address4(2), 40000, kServer, 443, kSyn), Reason::kRule);
    // Only a SYN begins something.
    expect_refused(0, make_tcp(from, 40001, kServer, 443, kAck), Reason::kNoConnection);
    expect_refused(0, make_tcp(from, 40001, kServer, 443, kSyn | kAck), Reason::kNoConnection);
}

TEST_F(PolicyTest, ARefusedConnectionIsResetAtOnce) {
    bench->link(0, make_tcp(bench->address4(0), 40000, kServer, 442, kSyn));
    const Bytes reset = bench->host.take(1);
    ASSERT_EQ(reset.size(), 40u);
    EXPECT_TRUE(has_right_sums(reset));
    EXPECT_EQ(reset[33], kRst | kAck);
    EXPECT_EQ(load32(&reset[28]), 1001u);
    EXPECT_EQ(load_ip4(&reset[12]), kServer);
    bench->link(0, make_udp(bench->address4(0), 40000, kServer, 442));
    const Bytes error = bench->host.take(1);
    ASSERT_GE(error.size(), 56u);
    EXPECT_TRUE(has_right_sums(error));
    EXPECT_EQ(error[20], 3);
    EXPECT_EQ(error[21], 13);
}

TEST_F(PolicyTest, OutboundUdpPorts) {
    const Ip from = bench->address4(0);
    expect_passes(0, make_udp(from, 1, kStranger, 8000));
    expect_passes(0, make_udp(from, 1, kStranger, 8010));
    expect_refused(0, make_udp(from, 1, kStranger, 7999), Reason::kRule);
    expect_refused(0, make_udp(from, 1, kStranger, 8011), Reason::kRule);
}

TEST_F(PolicyTest, OutboundEcho) {
    const Ip from = bench->address4(0);
    expect_passes(0, make_echo(from, kServer, 9));
    expect_refused(0, make_echo(from, ip4(203, 0, 113, 8), 9), Reason::kRule);
    expect_refused(0, make_echo(from, kServer, 10, true), Reason::kNoConnection);
    expect_refused(0, make_icmp(from, kServer, 13, 0, Bytes(16)), Reason::kProtocol);  // timestamp
    expect_refused(0, make_ip(from, kServer, 47, Bytes(20), 0), Reason::kProtocol);
}

TEST_F(PolicyTest, Outbound6) {
    const Ip from = bench->address6(0);
    expect_passes(0, make_tcp(from, 40000, kServer6, 443, kSyn));
    expect_refused(0, make_tcp(from, 40000, kServer6, 80, kSyn), Reason::kRule);
    expect_refused(0, make_tcp(from, 40000, Ip{0x2001067c00990001, 9}, 443, kSyn), Reason::kRule);
}

TEST_F(PolicyTest, SourcesAreChecked) {
    const Ip from = bench->address4(0);
    expect_refused(0, make_tcp(ip4(from.v4() ^ 1), 40000, kServer, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(bench->address4(1), 40000, kServer, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(bench->policy->links[0].gateway4, 40000, kServer, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(kOwn4, 40000, kServer, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(kServer, 40000, kServer, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(bench->address6(1), 40000, kServer6, 443, kSyn), Reason::kSpoofed);
    expect_refused(0, make_tcp(Ip{0xfe80000000000000, 2}, 40000, kServer6, 443, kSyn), Reason::kSpoofed);
    // Flipping any bit of the source makes it somebody else's.
    for (unsigned bit = 0; bit < 32; ++bit) {
        expect_refused(0, make_udp(ip4(from.v4() ^ 1u << bit), 1, kStranger, 8000), Reason::kSpoofed);
    }
}

TEST_F(PolicyTest, Destinations) {
    const Ip from = bench->address4(0);
    expect_refused(0, make_udp(from, 1, ip4(255, 255, 255, 255), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, ip4(224, 0, 0, 251), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, ip4(127, 0, 0, 1), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, ip4(10, 0, 2, 255), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, ip4(169, 254, 1, 1), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, ip4(10, 78, 99, 2), 8000), Reason::kDestination);
    expect_refused(0, make_udp(from, 1, bench->address4(2), 8000), Reason::kRule);
    expect_refused(0, make_udp(from, 1, from, 8000), Reason::kDestination);
}

TEST_F(PolicyTest, NoNeighbourMessagesOverALink) {
    const Ip from = bench->address6(0);
    Bytes advert{0x60, 0, 0, 0};
    append_ip(advert, bench->address6(1));
    expect_refused(0, make_icmp(from, bench->policy->links[0].gateway6, kAdvert, 0, advert, 255), Reason::kNeighbour);
    expect_refused(0, make_icmp(from, kAllNodes, kRouterAdvert, 0, Bytes(12), 255), Reason::kNeighbour);
    expect_refused(0, make_icmp(from, kAllNodes, kSolicit, 0, advert, 255), Reason::kNeighbour);
    expect_refused(0, make_icmp(Ip{0xfe80000000000000, 5}, kAllRouters, kRouterSolicit, 0, Bytes(4), 255),
                   Reason::kIgnored);
    expect_refused(0, Bytes{0, 1, 8, 0, 6, 4, 0, 1}, Reason::kMalformed);  // ARP without its frame
}

TEST_F(PolicyTest, ForwardedPort) {
    bench->outside(make_tcp(kStranger, 1234, kOwn4, 8080, kSyn));
    const Bytes in = bench->host.take(2);
    ASSERT_FALSE(in.empty());
    EXPECT_TRUE(has_right_sums(in));
    EXPECT_EQ(load_ip4(&in[12]), kStranger);
    EXPECT_EQ(load_ip4(&in[16]), bench->address4(1));
    EXPECT_EQ(load16(&in[22]), 80);
    bench->link(1, make_tcp(bench->address4(1), 80, kStranger, 1234, kSyn | kAck));
    const Bytes out = bench->host.take(kWire);
    ASSERT_FALSE(out.empty());
    EXPECT_TRUE(has_right_sums(out));
    EXPECT_EQ(load_ip4(&out[12]), kOwn4);
    EXPECT_EQ(load16(&out[20]), 8080);
    EXPECT_EQ(bench->router->denial_count(), 0u);
    expect_refused_inbound(make_tcp(kStranger, 1234, kOwn4, 8081, kSyn), Reason::kRule);
    expect_refused_inbound(make_tcp(kStranger, 1234, kOwn4, 80, kSyn), Reason::kRule);
    expect_refused_inbound(make_udp(kStranger, 1234, kOwn4, 8080), Reason::kRule);
    expect_refused_inbound(make_tcp(ip4(198, 51, 101, 66), 1234, kOwn4, 8080, kSyn), Reason::kRule);
    expect_refused_inbound(make_tcp(kStranger, 1235, kOwn4, 8080, kAck), Reason::kNoConnection);
    expect_refused_inbound(make_tcp(bench->address4(0), 1234, kOwn4, 8080, kSyn), Reason::kSpoofed);
    expect_refused_inbound(make_tcp(kOwn4, 1234, kOwn4, 8080, kSyn), Reason::kSpoofed);
    expect_refused_inbound(make_tcp(kStranger, 1234, bench->address4(1), 80, kSyn), Reason::kDestination);
    // The domain behind it may answer, not begin.
    expect_refused(1, make_tcp(bench->address4(1), 80, kStranger, 1235, kSyn), Reason::kRule);
}

TEST_F(PolicyTest, WhatADomainDoesNotTakeIsCountedAsItsOwn) {
    expect_full(1, make_udp(kStranger, 1234, kOwn4, 5353));
    expect_full(1, make_tcp(kStranger, 1234, kOwn4, 8080, kSyn));
    EXPECT_EQ(bench->router->counters(1).full, 0u);
    EXPECT_EQ(bench->router->counters(kWire).full, 0u);
    // Of its connections the log says nothing: every burst does it.
    EXPECT_TRUE(bench->host.logged.empty());
}

TEST_F(PolicyTest, BetweenDomains) {
    const Ip a = bench->address4(0);
    const Ip b = bench->address4(1);
    bench->link(0, make_tcp(a, 40000, b, 9000, kSyn));
    const Bytes in = bench->host.take(2);
    ASSERT_FALSE(in.empty());
    EXPECT_TRUE(has_right_sums(in));
    EXPECT_EQ(load_ip4(&in[12]), a);
    bench->link(1, make_tcp(b, 9000, a, 40000, kSyn | kAck));
    EXPECT_TRUE(has_right_sums(bench->host.take(1)));
    expect_refused(0, make_tcp(a, 40000, b, 9001, kSyn), Reason::kListen);  // allowed here, not taken there
    expect_refused(0, make_tcp(a, 40000, b, 9002, kSyn), Reason::kRule);
    expect_refused(0, make_tcp(a, 40000, b, 80, kSyn), Reason::kRule);
    expect_refused(1, make_tcp(b, 9000, a, 40001, kSyn), Reason::kRule);
    expect_refused(2, make_tcp(bench->address4(2), 1, b, 9000, kSyn), Reason::kRule);
}

TEST_F(PolicyTest, TheGatewayAnswersEchoAndNamesOnly) {
    const Link& link = bench->policy->links[2];
    bench->link(2, make_echo(link.address4, link.gateway4, 3));
    const Bytes reply = bench->host.take(3);
    ASSERT_FALSE(reply.empty());
    EXPECT_TRUE(has_right_sums(reply));
    EXPECT_EQ(reply[20], 0);
    bench->link(2, make_echo(link.address6, link.gateway6, 3));
    const Bytes reply6 = bench->host.take(3);
    ASSERT_FALSE(reply6.empty());
    EXPECT_TRUE(has_right_sums(reply6));
    expect_refused(2, make_tcp(link.address4, 1, link.gateway4, 54, kSyn), Reason::kRule);
    expect_refused(2, make_udp(link.address4, 1, link.gateway4, 54), Reason::kRule);
    expect_refused(2, make_echo(link.address4, bench->policy->links[0].gateway4, 3), Reason::kDestination);
}

TEST_F(PolicyTest, ListeningForAnyMeansDomainsThatMaySo) {
    M made;
    made.link(5, "a").allow(Protocol::kUdp, M::domain(1), {{7, 7}});
    made.link(6, "b").listen(Protocol::kUdp, 7, 0, {M::any()});
    made.link(7, "c").allow(Protocol::kUdp, M::any());
    Bench other(made.policy);
    other.link(0, make_udp(other.address4(0), 1, other.address4(1), 7));
    EXPECT_FALSE(other.host.take(2).empty());
    other.link(2, make_udp(other.address4(2), 1, other.address4(1), 7));
    other.outside(make_udp(kStranger, 1, kOwn4, 7));
    EXPECT_TRUE(other.host.take(2).empty());
}

TEST_F(PolicyTest, HairpinNeedsBothRules) {
    expect_refused(0, make_tcp(bench->address4(0), 1, kOwn4, 8080, kSyn), Reason::kRule);
    M made;
    made.link(5, "a").allow(Protocol::kTcp, M::domain(1), {{80, 80}});
    made.link(6, "b").listen(Protocol::kTcp, 80, 8080, {M::any(), M::domain(0)});
    Bench other(made.policy);
    other.link(0, make_tcp(other.address4(0), 1, kOwn4, 8080, kSyn));
    const Bytes in = other.host.take(2);
    ASSERT_FALSE(in.empty());
    EXPECT_EQ(load16(&in[22]), 80);
    EXPECT_EQ(load_ip4(&in[12]), other.address4(0));
    other.link(1, make_tcp(other.address4(1), 80, other.address4(0), 1, kSyn | kAck));
    const Bytes back = other.host.take(1);
    ASSERT_FALSE(back.empty());
    EXPECT_TRUE(has_right_sums(back));
    EXPECT_EQ(load_ip4(&back[12]), kOwn4);
    EXPECT_EQ(load16(&back[20]), 8080);
}

TEST_F(PolicyTest, Rates) {
    M made;
    made.link(5, "a").allow(Protocol::kUdp, M::any(), {}).rate = 100;
    Bench limited(made.policy);
    const auto send = [&] { limited.link(0, make_udp(limited.address4(0), 7, kServer, 7)); };
    for (int i = 0; i < 200; ++i) send();
    unsigned passed = 0;
    while (!limited.host.take(kWire).empty()) ++passed;
    EXPECT_EQ(passed, 25u);  // a quarter of a second at once
    EXPECT_EQ(limited.refused(1, Reason::kRate), 175u);
    EXPECT_EQ(limited.router->rules().counters(0).denied, 175u);
    EXPECT_EQ(limited.router->rules().counters(0).packets, 25u);
    EXPECT_EQ(limited.router->rules().counters(0).connections, 1u);
    EXPECT_EQ(limited.router->counters(1).denials, 175u);
    EXPECT_LE(limited.host.logged.size(), 21u);  // the log has some of them
    limited.at(limited.now + kSecond);
    for (int i = 0; i < 200; ++i) send();
    passed = 0;
    while (!limited.host.take(kWire).empty()) ++passed;
    EXPECT_EQ(passed, 25u);
    EXPECT_GT(limited.host.suppressed, 100u);
}

// --- One rule of a kind: what it allows passes, and what differs from it in one bit is refused and recorded.

struct KindOfRule : PolicyTest {
    template <typename Make>
    void with(Make make) {
        M made;
        made.link(5, "a");
        make(made);
        bench = std::make_unique<Bench>(made.policy);
        denials = 0;
    }
    // From link 0 to `to`: whether this passes, and is recorded if not.
    void expect_out(const Ip& to, uint8_t protocol, uint16_t port, bool passes) {
        const Ip from = to.is_v4() ? bench->address4(0) : bench->address6(0);
        const Bytes packet = protocol == kTcp   ? make_tcp(from, next++, to, port, kSyn)
                             : protocol == kUdp ? make_udp(from, next++, to, port)
                                                : make_echo(from, to, next++);
        passes ? expect_passes(0, packet) : expect_refused(0, packet, Reason::kRule);
    }
    // From outside to `port` of the device, for link 0.
    void expect_in(const Ip& from, uint8_t protocol, uint16_t port, bool passes) {
        const Ip own = from.is_v4() ? kOwn4 : kOwn6;
        const Bytes packet =
            protocol == kTcp ? make_tcp(from, next++, own, port, kSyn) : make_udp(from, next++, own, port);
        if (!passes) return expect_refused_inbound(packet, Reason::kRule);
        bench->host.sent.clear();
        bench->outside(packet);
        EXPECT_FALSE(bench->host.take(1).empty());
        EXPECT_EQ(bench->router->denial_count(), denials);
    }
    uint16_t next = 1000;
};

TEST_F(KindOfRule, OneAddress) {
    with([](M& made) { made.allow(Protocol::kTcp, M::network(kServer, 32), {{443, 443}}); });
    expect_out(kServer, kTcp, 443, true);
    for (unsigned bit = 0; bit < 24; ++bit) expect_out(ip4(kServer.v4() ^ 1u << bit), kTcp, 443, false);
    expect_out(kServer6, kTcp, 443, false);
    with([](M& made) { made.allow(Protocol::kTcp, M::network(kServer6, 128), {{443, 443}}); });
    expect_out(kServer6, kTcp, 443, true);
    for (unsigned bit = 0; bit < 64; ++bit)
        expect_out(Ip{kServer6.high, kServer6.low ^ uint64_t{1} << bit}, kTcp, 443, false);
    expect_out(kServer, kTcp, 443, false);
}

TEST_F(KindOfRule, Network) {
    for (const unsigned bits : {8u, 20u, 25u, 31u}) {
        with([&](M& made) {
            made.allow(Protocol::kUdp, M::network(ip4(kServer.v4() >> (32 - bits) << (32 - bits)), bits));
        });
        expect_out(kServer, kUdp, 7, true);
        expect_out(ip4(kServer.v4() ^ 1u), kUdp, 7, true);
        expect_out(ip4(kServer.v4() ^ 1u << (31 - bits)), kUdp, 7, true);
        if (bits > 8) expect_out(ip4(kServer.v4() ^ 1u << (32 - bits)), kUdp, 7, false);
    }
    with([](M& made) { made.allow(Protocol::kUdp, M::network(Ip{kServer6.high, 0}, 64)); });
    expect_out(kServer6, kUdp, 7, true);
    expect_out(Ip{kServer6.high, ~uint64_t{0}}, kUdp, 7, true);
    expect_out(Ip{kServer6.high ^ 1, kServer6.low}, kUdp, 7, false);
}

TEST_F(KindOfRule, AnyProtocolAndAnyAddress) {
    with([](M& made) {
        made.allow(Protocol::kAny, M::network(kServer, 32));
        made.link(6, "b").listen(Protocol::kTcp, 80, 0, {M::any()});
    });
    for (const uint8_t protocol : {uint8_t{kTcp}, uint8_t{kUdp}, uint8_t{kIcmp4}}) {
        expect_out(kServer, protocol, 1, true);
        expect_out(kServer, protocol, 65535, true);
        expect_out(ip4(kServer.v4() ^ 1), protocol, 1, false);
    }
    with([](M& made) {
        made.allow(Protocol::kAny, M::any());
        made.link(6, "b").listen(Protocol::kTcp, 80, 0, {M::any()});
    });
    expect_out(kServer, kTcp, 1, true);
    expect_out(kStranger, kUdp, 65535, true);
    expect_out(kServer6, kTcp, 1, true);
    // Outside of the device only.
    expect_out(bench->address4(1), kTcp, 80, false);
    expect_out(bench->address6(1), kTcp, 80, false);
    expect_out(kOwn4, kTcp, 80, false);
}

TEST_F(KindOfRule, Protocol) {
    const std::pair<Protocol, uint8_t> kinds[] = {
        {Protocol::kTcp, kTcp}, {Protocol::kUdp, kUdp}, {Protocol::kIcmp, kIcmp4}};
    for (const auto& [protocol, number] : kinds) {
        with([&](M& made) { made.allow(protocol, M::any()); });
        for (const auto& other : kinds) expect_out(kServer, other.second, 7, other.second == number);
    }
}

TEST_F(KindOfRule, PortsAndRanges) {
    with([](M& made) { made.allow(Protocol::kTcp, M::any(), {{443, 443}, {8000, 8010}, {65535, 65535}}); });
    for (const uint16_t port : {443, 8000, 8005, 8010, 65535}) expect_out(kServer, kTcp, port, true);
    for (const uint16_t port : {1, 442, 444, 7999, 8011, 65534}) expect_out(kServer, kTcp, port, false);
    for (unsigned bit = 0; bit < 16; ++bit) expect_out(kServer, kTcp, static_cast<uint16_t>(443 ^ 1u << bit), false);
}

TEST_F(KindOfRule, Domain) {
    with([](M& made) {
        made.allow(Protocol::kTcp, M::domain(1), {{9000, 9000}});
        made.link(6, "b").listen(Protocol::kTcp, 9000, 0, {M::domain(0)});
        made.listen(Protocol::kIcmp, 0, 0, {M::domain(0)});
        made.link(7, "c").listen(Protocol::kTcp, 9000, 0, {M::any(), M::domain(0)});
    });
    const Ip from = bench->address4(0);
    bench->link(0, make_tcp(from, 1, bench->address4(1), 9000, kSyn));
    EXPECT_FALSE(bench->host.take(2).empty());
    expect_out(bench->address4(1), kTcp, 9001, false);
    expect_out(bench->address4(1), kUdp, 9000, false);
    expect_out(bench->address4(1), kIcmp4, 0, false);  // taken there, not allowed here
    expect_out(bench->address4(2), kTcp, 9000, false);
    expect_out(kServer, kTcp, 9000, false);
}

TEST_F(KindOfRule, ListenForEcho) {
    with([](M& made) {
        made.allow(Protocol::kIcmp, M::domain(1));
        made.allow(Protocol::kIcmp, M::domain(2));
        made.link(6, "b").listen(Protocol::kIcmp, 0, 0, {M::domain(0)});
        made.link(7, "c").listen(Protocol::kTcp, 80, 0, {M::domain(0)});
    });
    bench->link(0, make_echo(bench->address4(0), bench->address4(1), 1));
    EXPECT_FALSE(bench->host.take(2).empty());
    expect_refused(0, make_echo(bench->address4(0), bench->address4(2), 2), Reason::kListen);
    expect_refused(1, make_echo(bench->address4(1), bench->address4(0), 3), Reason::kRule);
}

TEST_F(KindOfRule, ForwardedPorts) {
    with([](M& made) {
        made.listen(Protocol::kTcp, 80, 8080, {M::any()});
        made.listen(Protocol::kUdp, 53, 8080 ^ 1, {M::any()});
        made.listen(Protocol::kTcp, 81, 0, {M::any()});
    });
    expect_in(kStranger, kTcp, 8080, true);
    expect_in(kServer6, kTcp, 8080, true);
    expect_in(kStranger, kUdp, 8080 ^ 1, true);
    expect_in(kStranger, kUdp, 8080, false);
    expect_in(kStranger, kTcp, 8080 ^ 1, false);
    for (unsigned bit = 1; bit < 16; ++bit) expect_in(kStranger, kTcp, static_cast<uint16_t>(8080 ^ 1u << bit), false);
    for (const uint16_t port : {80, 81, 53}) expect_in(kStranger, kTcp, port, false);
}

TEST_F(KindOfRule, ForwardedForSomeSources) {
    with([](M& made) {
        made.listen(Protocol::kTcp, 80, 80, {M::network(ip4(198, 51, 100, 64), 26), M::network(kServer, 32)});
        made.listen(Protocol::kUdp, 80, 80, {M::network(Ip{kServer6.high, 0}, 64)});
    });
    expect_in(kStranger, kTcp, 80, true);
    expect_in(ip4(198, 51, 100, 127), kTcp, 80, true);
    expect_in(ip4(198, 51, 100, 128), kTcp, 80, false);
    expect_in(ip4(198, 51, 100, 63), kTcp, 80, false);
    expect_in(kServer, kTcp, 80, true);
    for (unsigned bit = 0; bit < 24; ++bit) expect_in(ip4(kServer.v4() ^ 1u << bit), kTcp, 80, false);
    expect_in(kServer6, kTcp, 80, false);
    expect_in(kServer6, kUdp, 80, true);
    expect_in(Ip{kServer6.high ^ 1, kServer6.low}, kUdp, 80, false);
    expect_in(kServer, kUdp, 80, false);
}

TEST_F(KindOfRule, RateOfListening) {
    with([](M& made) { made.listen(Protocol::kUdp, 7, 7, {M::any()}).rate = 40; });
    unsigned passed = 0;
    for (unsigned i = 0; i < 50; ++i) {
        bench->outside(make_udp(kStranger, 1000, kOwn4, 7));
        passed += !bench->host.take(1).empty();
    }
    EXPECT_EQ(passed, 10u);  // a quarter of a second's
    EXPECT_EQ(bench->refused(kWire, Reason::kRate), 40u);
    EXPECT_EQ(bench->router->denial_count(), 40u);
    EXPECT_EQ(bench->router->denial(0)->domain, 5);
    EXPECT_TRUE(bench->router->denial(0)->is_inbound);
    bench->at(bench->now + kSecond / 40);
    bench->outside(make_udp(kStranger, 1000, kOwn4, 7));
    EXPECT_FALSE(bench->host.take(1).empty());
    bench->outside(make_udp(kStranger, 1000, kOwn4, 7));
    EXPECT_TRUE(bench->host.take(1).empty());
}

}  // namespace
}  // namespace kos::netrouter
