// Translation both ways, the table's limits, restarts, ICMP errors, fragments.
#include "connections.h"

#include <gtest/gtest.h>

#include <tuple>

#include <set>

#include "test_network.h"

namespace kos::netrouter {
namespace {

using M = PolicyMaker;

Policy open_policy(unsigned links = 1) {
    M made;
    for (unsigned i = 0; i < links; ++i) {
        made.link(static_cast<uint8_t>(5 + i), i == 0 ? "a" : "b").allow(Protocol::kAny, M::any());
        if (i == 1) made.listen(Protocol::kTcp, 80, 8080, {M::any()});
    }
    return made.policy;
}

struct ConnectionsTest : testing::Test {
    explicit ConnectionsTest(unsigned links = 2) : bench(open_policy(links)) {}

    // A packet of link 0 as it appears on the wire.
    Bytes out(const Bytes& packet, unsigned link = 0) {
        bench.link(link, packet);
        return bench.host.take(kWire);
    }
    Bytes in(const Bytes& packet, Interface to = 1) {
        bench.outside(packet);
        return bench.host.take(to);
    }
    // Opens a TCP connection from link 0 and tells the port on the wire.
    uint16_t open_tcp(uint16_t port) {
        const Bytes syn = out(make_tcp(a, port, kServer, 80, kSyn));
        if (syn.empty()) return 0;
        const uint16_t mapped = load16(&syn[20]);
        EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kSyn | kAck)).empty());
        EXPECT_FALSE(out(make_tcp(a, port, kServer, 80, kAck)).empty());
        return mapped;
    }
    State state() const {
        for (uint16_t i = 0; i < Connections::kMost; ++i) {
            if (bench.router->connections()[i].state != State::kFree) return bench.router->connections()[i].state;
        }
        return State::kFree;
    }

    Bench bench;
    Ip a = bench.address4(0);
};

TEST_F(ConnectionsTest, TranslatesThereAndBack) {
    const Bytes syn = out(make_tcp(a, 40000, kServer, 80, kSyn, {1, 2, 3}));
    ASSERT_FALSE(syn.empty());
    EXPECT_TRUE(has_right_sums(syn));
    EXPECT_EQ(load_ip4(&syn[12]), kOwn4);
    EXPECT_EQ(load_ip4(&syn[16]), kServer);
    EXPECT_EQ(syn[8], 63);
    EXPECT_EQ(syn.back(), 3);
    const uint16_t mapped = load16(&syn[20]);
    EXPECT_GE(mapped, 16384);
    EXPECT_LT(mapped, 49152);
    const Bytes answer = in(make_tcp(kServer, 80, kOwn4, mapped, kSyn | kAck));
    ASSERT_FALSE(answer.empty());
    EXPECT_TRUE(has_right_sums(answer));
    EXPECT_EQ(load_ip4(&answer[16]), a);
    EXPECT_EQ(load16(&answer[22]), 40000);
    // One bit off, and it belongs to nobody.
    EXPECT_TRUE(in(make_tcp(kServer, 80, kOwn4, mapped ^ 1, kAck)).empty());
    EXPECT_TRUE(in(make_tcp(kServer, 81, kOwn4, mapped, kAck)).empty());
    EXPECT_TRUE(in(make_tcp(ip4(kServer.v4() ^ 1), 80, kOwn4, mapped, kAck)).empty());
    EXPECT_TRUE(in(make_udp(kServer, 80, kOwn4, mapped)).empty());
}

TEST_F(ConnectionsTest, EveryProtocolAndVersionHasRightSums) {
    std::mt19937 random(5);
    const Ip a6 = bench.address6(0);
    for (int i = 0; i < 300; ++i) {
        Bytes payload(random() % 1200);
        for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random());
        const bool is_v6 = random() % 2 != 0;
        const Ip from = is_v6 ? a6 : a;
        const Ip to = is_v6 ? kServer6 : kServer;
        const Ip own = is_v6 ? kOwn6 : kOwn4;
        const auto port = static_cast<uint16_t>(1024 + random() % 60000);
        const size_t at = is_v6 ? 40 : 20;
        Bytes sent;
        Bytes answer;
        if (random() % 3 == 0) {
            sent = out(make_udp(from, port, to, 9, payload));
            ASSERT_FALSE(sent.empty());
            answer = in(make_udp(to, 9, own, load16(&sent[at]), payload));
        } else if (random() % 2 == 0) {
            sent = out(make_tcp(from, port, to, 9, kSyn, payload));
            ASSERT_FALSE(sent.empty());
            answer = in(make_tcp(to, 9, own, load16(&sent[at]), kSyn | kAck, payload));
        } else {
            sent = out(make_echo(from, to, port, false, payload.size()));
            ASSERT_FALSE(sent.empty());
            answer = in(make_echo(to, own, load16(&sent[at + 4]), true, payload.size()));
            ASSERT_FALSE(answer.empty());
            EXPECT_EQ(load16(&answer[at + 4]), port);
        }
        ASSERT_FALSE(answer.empty());
        EXPECT_TRUE(has_right_sums(sent));
        EXPECT_TRUE(has_right_sums(answer));
    }
}

TEST_F(ConnectionsTest, UdpWithoutChecksumStaysSo) {
    Bytes udp = make_udp(a, 7, kServer, 7);
    store16(&udp[26], 0);
    const Bytes sent = out(udp);
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(load16(&sent[26]), 0);
}

TEST_F(ConnectionsTest, ChecksumsThatAreLeftToUs) {
    for (const size_t size : {0u, 1u, 100u, 151u, 152u, 1001u, 1400u}) {
        Bytes packet = make_tcp(a, 40000, kServer, 80, kSyn, Bytes(size, 0x5a));
        store16(&packet[36], 0x1234);  // whatever
        bench.link(0, packet, true);
        const Bytes sent = bench.host.take(kWire);
        ASSERT_FALSE(sent.empty());
        EXPECT_TRUE(has_right_sums(sent)) << size;
        EXPECT_FALSE(bench.host.last_offload.is_partial);
        bench.host.takes_partial = true;
        bench.link(0, packet, true);
        Bytes partial = bench.host.take(kWire);
        ASSERT_FALSE(partial.empty());
        ASSERT_TRUE(bench.host.last_offload.is_partial);
        EXPECT_EQ(bench.host.last_offload.start, 14 + 20);
        EXPECT_EQ(bench.host.last_offload.offset, 16);
        // As the device does it: the sum from there to the end, over the pseudo-header's in its place.
        store16(&partial[36], static_cast<uint16_t>(~plain_sum(Bytes(partial.begin() + 20, partial.end()))));
        EXPECT_TRUE(has_right_sums(partial)) << size;
        bench.host.takes_partial = false;
    }
}

TEST_F(ConnectionsTest, HopsRunOut) {
    IpOptions o;
    o.hops = 1;
    EXPECT_TRUE(out(make_udp(a, 7, kServer, 7, {}, o)).empty());
    const Bytes error = bench.host.take(1);
    ASSERT_FALSE(error.empty());
    EXPECT_EQ(error[20], kTimeExceeded4);
    EXPECT_TRUE(has_right_sums(error));
    EXPECT_EQ(load_ip4(&error[12]), bench.policy->links[0].gateway4);
    EXPECT_EQ(bench.refused(1, Reason::kExpired), 1u);
}

TEST_F(ConnectionsTest, TcpStates) {
    const uint16_t mapped = open_tcp(40000);
    EXPECT_EQ(state(), State::kTcpOpen);
    bench.at(bench.now + 7000 * kSecond);
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kAck)).empty());
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kFin | kAck)).empty());
    EXPECT_EQ(state(), State::kTcpHalf);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck, Bytes(100))).empty());  // half closed
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kFin | kAck)).empty());
    EXPECT_EQ(state(), State::kTcpClosed);
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kAck)).empty());
    // The same port again begins a new connection, with another port outside.
    const Bytes again = out(make_tcp(a, 40000, kServer, 80, kSyn));
    ASSERT_FALSE(again.empty());
    EXPECT_NE(load16(&again[20]), mapped);
    EXPECT_EQ(bench.router->connections().count(), 1u);
    bench.at(bench.now + 31 * kSecond);
    EXPECT_EQ(bench.router->connections().count(), 0u);
}

// Both have ended, but what came before the end was lost on the wire: it is sent again, for as long as that takes.
TEST_F(ConnectionsTest, WhatWasLostBeforeTheEndStillArrives) {
    const uint16_t mapped = open_tcp(40000);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kFin | kAck)).empty());
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kFin | kAck)).empty());
    EXPECT_EQ(state(), State::kTcpClosed);
    for (unsigned i = 0; i < 10; ++i) {
        bench.at(bench.now + 24 * kSecond);
        ASSERT_FALSE(out(make_tcp(a, 40000, kServer, 80, kAck, Bytes(100))).empty()) << i;
        ASSERT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck)).empty()) << i;
    }
    EXPECT_EQ(state(), State::kTcpClosed);
    bench.at(bench.now + 31 * kSecond);
    EXPECT_EQ(state(), State::kFree);
}

TEST_F(ConnectionsTest, AForgedResetDoesNotEndAConnection) {
    const uint16_t mapped = open_tcp(40000);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kRst)).empty());  // the stack will judge it by its numbers
    EXPECT_EQ(state(), State::kTcpClosed);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck)).empty());
    EXPECT_EQ(state(), State::kTcpClosed);
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kAck)).empty());  // it goes on
    EXPECT_EQ(state(), State::kTcpOpen);
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kRst)).empty());
    EXPECT_FALSE(out(make_tcp(a, 40000, kServer, 80, kAck)).empty());
    EXPECT_EQ(state(), State::kTcpClosed);  // its own reset was meant
    bench.at(bench.now + 31 * kSecond);
    EXPECT_EQ(state(), State::kFree);
}

TEST_F(ConnectionsTest, UdpTimes) {
    const Bytes sent = out(make_udp(a, 7, kServer, 7));
    const uint16_t mapped = load16(&sent[20]);
    bench.at(bench.now + 29 * kSecond);
    EXPECT_FALSE(in(make_udp(kServer, 7, kOwn4, mapped)).empty());
    bench.at(bench.now + 178 * kSecond);
    EXPECT_FALSE(in(make_udp(kServer, 7, kOwn4, mapped)).empty());
    bench.at(bench.now + 182 * kSecond);
    EXPECT_TRUE(in(make_udp(kServer, 7, kOwn4, mapped)).empty());
}

TEST_F(ConnectionsTest, ALinkCannotTakeTheOthersShare) {
    // Two links: each has a quarter for itself, half is anybody's. UDP without answers makes way for newer ones.
    unsigned port = 1;
    for (; port <= 5000; ++port)
        ASSERT_FALSE(out(make_udp(a, static_cast<uint16_t>(port), kServer, 7)).empty()) << port;
    EXPECT_EQ(bench.router->connections().count(0), 3072u);
    EXPECT_EQ(bench.router->connections().evicted(0), 5000u - 3072u);
    for (unsigned i = 1; i <= 1024; ++i)
        ASSERT_FALSE(out(make_udp(bench.address4(1), static_cast<uint16_t>(i), kServer, 7), 1).empty());
    EXPECT_EQ(bench.router->connections().count(1), 1024u);
    EXPECT_EQ(bench.router->connections().count(0), 3072u);
    EXPECT_EQ(bench.router->connections().count(), Connections::kMost);
}

TEST_F(ConnectionsTest, OpenConnectionsAreNotPushedOut) {
    const auto open = [&](uint16_t port) {
        const Bytes sent = out(make_udp(a, port, kServer, 7));
        if (sent.empty()) return false;
        return !in(make_udp(kServer, 7, kOwn4, load16(&sent[20]))).empty();
    };
    for (unsigned port = 1; port <= 3072; ++port) ASSERT_TRUE(open(static_cast<uint16_t>(port)));
    EXPECT_FALSE(open(4000));
    EXPECT_EQ(bench.refused(1, Reason::kTable), 1u);
    EXPECT_EQ(bench.router->connections().count(0), 3072u);
    EXPECT_EQ(bench.router->denial(bench.router->denial_count() - 1)->reason, Reason::kTable);
    bench.at(bench.now + 181 * kSecond);
    EXPECT_TRUE(open(4000));
    EXPECT_EQ(bench.router->connections().count(), 1u);
}

TEST_F(ConnectionsTest, AFloodFromOutsidePushesOutItself) {
    const uint16_t mapped = open_tcp(40000);
    ASSERT_NE(mapped, 0);
    ASSERT_FALSE(out(make_tcp(bench.address4(1), 1, kServer, 80, kSyn), 1).empty());
    for (unsigned i = 0; i < 20000; ++i) {
        bench.outside(make_tcp(ip4(0x0b000000 + i), 1234, kOwn4, 8080, kSyn));
        bench.host.sent.clear();
    }
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpNewIn), 512u);
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpNew), 1u);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck)).empty());
}

// The domain answers each of them, as a server does; the answers go to nobody.
TEST_F(ConnectionsTest, AFloodThatIsAnsweredPushesOutItself) {
    const uint16_t mapped = open_tcp(40000);
    const Ip b = bench.address4(1);
    ASSERT_NE(mapped, 0);
    // Two visitors, who have gone on.
    ASSERT_FALSE(in(make_tcp(kStranger, 1000, kOwn4, 8080, kSyn), 2).empty());
    ASSERT_FALSE(out(make_tcp(b, 80, kStranger, 1000, kSyn | kAck), 1).empty());
    ASSERT_FALSE(in(make_tcp(kStranger, 1000, kOwn4, 8080, kAck), 2).empty());
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpOpen), 1u);
    for (unsigned i = 0; i < 20000; ++i) {
        const Ip nobody = ip4(0x0b000000 + i);
        bench.outside(make_tcp(nobody, 1234, kOwn4, 8080, kSyn));
        bench.link(1, make_tcp(b, 80, nobody, 1234, kSyn | kAck));
        bench.host.sent.clear();
    }
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpNewIn), 512u);
    EXPECT_EQ(bench.router->connections().count(1), 513u);
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck)).empty());
    EXPECT_FALSE(in(make_tcp(kStranger, 1000, kOwn4, 8080, kAck, {1}), 2).empty());
    // A new visitor gets through between them.
    ASSERT_FALSE(in(make_tcp(kStranger, 1001, kOwn4, 8080, kSyn), 2).empty());
    ASSERT_FALSE(out(make_tcp(b, 80, kStranger, 1001, kSyn | kAck), 1).empty());
    ASSERT_FALSE(in(make_tcp(kStranger, 1001, kOwn4, 8080, kAck), 2).empty());
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpOpen), 2u);
    // An acknowledgement of nothing does not open anything.
    ASSERT_FALSE(in(make_tcp(kStranger, 1002, kOwn4, 8080, kSyn), 2).empty());
    (void)in(make_tcp(kStranger, 1002, kOwn4, 8080, kAck), 2);
    EXPECT_EQ(bench.router->connections().count(1, State::kTcpOpen), 2u);
}

TEST_F(ConnectionsTest, AFloodOfAnsweredDatagramsPushesOutItself) {
    PolicyMaker made;
    made.link(5, "a").listen(Protocol::kUdp, 7, 7, {PolicyMaker::any()});
    made.link(6, "b").allow(Protocol::kUdp, PolicyMaker::any());
    Bench other(made.policy);
    const auto talk = [&](const Ip& who, uint16_t port) {
        other.outside(make_udp(who, port, kOwn4, 7));
        other.link(0, make_udp(other.address4(0), 7, who, port));
        const bool is_answered = !other.host.take(1).empty() && !other.host.take(kWire).empty();
        other.host.sent.clear();
        return is_answered;
    };
    ASSERT_TRUE(talk(kStranger, 1000));
    EXPECT_EQ(other.router->connections().count(0, State::kUdpNewIn), 1u);
    ASSERT_TRUE(talk(kStranger, 1000));
    EXPECT_EQ(other.router->connections().count(0, State::kUdpOpen), 1u);
    for (unsigned i = 0; i < 20000; ++i) ASSERT_TRUE(talk(ip4(0x0b000000 + i), 1234)) << i;
    EXPECT_EQ(other.router->connections().count(0, State::kUdpNewIn), 512u);
    EXPECT_EQ(other.router->connections().count(0), 513u);
}

TEST_F(ConnectionsTest, TenThousandConnectionsLeaveNothing) {
    for (unsigned i = 0; i < 10000; ++i) {
        const auto port = static_cast<uint16_t>(1024 + i);
        const uint16_t mapped = open_tcp(port);
        ASSERT_NE(mapped, 0) << i;
        ASSERT_FALSE(out(make_tcp(a, port, kServer, 80, kFin | kAck)).empty());
        ASSERT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kFin | kAck)).empty());
        bench.host.sent.clear();
    }
    bench.at(bench.now + 31 * kSecond);
    EXPECT_EQ(bench.router->connections().count(), 0u);
}

TEST_F(ConnectionsTest, RestartKeepsConnections) {
    const uint16_t mapped = open_tcp(40000);
    bench.outside(make_tcp(kStranger, 99, kOwn4, 8080, kSyn));
    ASSERT_FALSE(bench.host.take(2).empty());
    bench.restart();
    ASSERT_TRUE(bench.opened);
    EXPECT_EQ(bench.restored, 2u);
    bench.make_ready();
    EXPECT_FALSE(in(make_tcp(kServer, 80, kOwn4, mapped, kAck)).empty());
    const Bytes sent = out(make_tcp(a, 40000, kServer, 80, kAck));
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(load16(&sent[20]), mapped);
    EXPECT_TRUE(has_right_sums(sent));
    EXPECT_FALSE(out(make_tcp(bench.address4(1), 80, kStranger, 99, kSyn | kAck), 1).empty());
}

TEST_F(ConnectionsTest, RestartWithAnotherPolicyEndsWhatItForbids) {
    open_tcp(40000);
    bench.policy->ports[bench.policy->port_count] = {443, 443};
    bench.policy->rules[0].ports = {static_cast<uint16_t>(bench.policy->port_count++), 1};
    bench.restart();
    EXPECT_EQ(bench.restored, 0u);
    EXPECT_EQ(bench.router->connections().count(), 0u);
}

// Whatever lies in the memory: the router starts, and nothing passes that the policy does not allow.
TEST_F(ConnectionsTest, KeptMemoryIsNotBelieved) {
    for (unsigned i = 0; i < 50; ++i) open_tcp(static_cast<uint16_t>(40000 + i));
    const std::vector<uint64_t> good = bench.memory;
    std::mt19937_64 random(11);
    for (int round = 0; round < 60; ++round) {
        bench.memory = good;
        if (round == 0) {
            for (uint64_t& word : bench.memory) word = random();
        } else if (round == 1) {
            for (uint64_t& word : bench.memory) word = ~uint64_t{0};
        } else {
            const size_t connections = (Router::kKeptBytes + Names::kBytes) / 8;
            for (int i = 0; i < 20; ++i)
                bench.memory[connections + random() % (60 * sizeof(Record) / 8)] ^= uint64_t{1} << random() % 64;
        }
        bench.restart();
        ASSERT_TRUE(bench.opened);
        ASSERT_LE(bench.restored, 50u);
        if (round < 2) {
            EXPECT_EQ(bench.restored, 0u);
        }
        for (uint16_t i = 0; i < Connections::kMost; ++i) {
            const Record& record = bench.router->connections()[i];
            if (record.state == State::kFree) continue;
            EXPECT_EQ(record.way[0].source, a);
            EXPECT_EQ(record.way[1].destination, kOwn4);
        }
        bench.make_ready();
        bench.at(bench.now + 8000 * kSecond);
        EXPECT_EQ(bench.router->connections().count(), 0u);
    }
}

TEST_F(ConnectionsTest, ARecordWrittenTwiceCountsOnce) {
    open_tcp(40000);
    auto* records =
        reinterpret_cast<Record*>(reinterpret_cast<uint8_t*>(bench.memory.data()) + Router::kKeptBytes + Names::kBytes);
    records[7] = records[0];
    bench.restart();
    EXPECT_EQ(bench.restored, 1u);
}

TEST_F(ConnectionsTest, ErrorsAreTranslated) {
    const Bytes sent = out(make_udp(a, 7777, kServer, 7, Bytes(50)));
    const uint16_t mapped = load16(&sent[20]);
    Bytes body{0, 0, 0, 0};
    body.insert(body.end(), sent.begin(), sent.begin() + 28);
    const Ip hop = ip4(192, 0, 2, 77);
    const Bytes error = in(make_icmp(hop, kOwn4, kUnreachable4, 3, body));
    ASSERT_EQ(error.size(), 56u);
    EXPECT_TRUE(has_right_sums(error));
    EXPECT_EQ(load_ip4(&error[12]), hop);
    EXPECT_EQ(load_ip4(&error[16]), a);
    EXPECT_EQ(load_ip4(&error[40]), a);
    EXPECT_EQ(load_ip4(&error[44]), kServer);
    EXPECT_EQ(load16(&error[48]), 7777);
    EXPECT_EQ(plain_sum(Bytes(error.begin() + 28, error.begin() + 48)), 0xffff);
    // About a connection that is not: one bit off.
    store16(&body[4 + 20], static_cast<uint16_t>(mapped ^ 1));
    EXPECT_TRUE(in(make_icmp(hop, kOwn4, kUnreachable4, 3, body)).empty());
    EXPECT_EQ(bench.refused(kWire, Reason::kNoConnection), 1u);
    // A redirect is nobody's business here.
    EXPECT_TRUE(in(make_icmp(hop, kOwn4, 5, 1, body)).empty());
    EXPECT_EQ(bench.refused(kWire, Reason::kProtocol), 1u);
}

// Who may not be divided hears how narrow the way is, if what is told is about what he sent (RFC 1191, RFC 5927).
TEST_F(ConnectionsTest, ANarrowWayIsTold) {
    constexpr uint16_t kNarrow = 1300;
    const uint16_t mapped = open_tcp(40000);
    const Bytes sent = out(make_tcp(a, 40000, kServer, 80, kAck, Bytes(1460)));
    ASSERT_EQ(sent.size(), kMtu);
    EXPECT_EQ(load16(&sent[6]), 0x4000);  // as the domain has said
    const Ip hop = ip4(192, 0, 2, 77);
    Bytes body(4);
    store16(&body[2], kNarrow);
    body.insert(body.end(), sent.begin(), sent.begin() + 28);
    const Bytes told = in(make_icmp(hop, kOwn4, kUnreachable4, 4, body));
    ASSERT_EQ(told.size(), 56u);
    EXPECT_TRUE(has_right_sums(told));
    EXPECT_EQ(told[20], kUnreachable4);
    EXPECT_EQ(told[21], 4);
    EXPECT_EQ(load16(&told[26]), kNarrow);
    EXPECT_EQ(load_ip4(&told[40]), a);
    EXPECT_EQ(load16(&told[48]), 40000);
    EXPECT_EQ(load16(&told[50]), 80);
    EXPECT_EQ(load32(&told[52]), load32(&sent[24]));  // the sequence number, by which the domain knows it

    // Forged: one bit off in either port, either address, the protocol, or the sum.
    for (const size_t at : {4 + 12u, 4 + 16u, 4 + 9u, 4 + 20u, 4 + 22u}) {
        Bytes forged = body;
        forged[at] ^= 1;
        EXPECT_TRUE(in(make_icmp(hop, kOwn4, kUnreachable4, 4, forged)).empty()) << at;
    }
    Bytes wrong = make_icmp(hop, kOwn4, kUnreachable4, 4, body);
    wrong[27] ^= 1;
    EXPECT_TRUE(in(wrong).empty());
    // What the peer sent to the device is nothing that went out there.
    Bytes other = make_tcp(kServer, 80, kOwn4, mapped, kAck, Bytes(1460));
    Bytes reverse(body.begin(), body.begin() + 4);
    reverse.insert(reverse.end(), other.begin(), other.begin() + 28);
    EXPECT_TRUE(in(make_icmp(hop, kOwn4, kUnreachable4, 4, reverse)).empty());
    // None of it has ended the connection, or changed what it may send.
    EXPECT_EQ(state(), State::kTcpOpen);
    EXPECT_EQ(out(make_tcp(a, 40000, kServer, 80, kAck, Bytes(1460))).size(), kMtu);
}

TEST_F(ConnectionsTest, ErrorsOfADomainAreTranslated) {
    bench.outside(make_tcp(kStranger, 99, kOwn4, 8080, kSyn));
    const Bytes got = bench.host.take(2);
    ASSERT_FALSE(got.empty());
    Bytes body{0, 0, 0, 0};
    body.insert(body.end(), got.begin(), got.end());
    const Bytes error = out(make_icmp(bench.address4(1), kStranger, kUnreachable4, 3, body), 1);
    ASSERT_FALSE(error.empty());
    EXPECT_TRUE(has_right_sums(error));
    EXPECT_EQ(load_ip4(&error[12]), kOwn4);
    EXPECT_EQ(load_ip4(&error[16]), kStranger);
    EXPECT_EQ(load_ip4(&error[44]), kOwn4);
    EXPECT_EQ(load16(&error[50]), 8080);
}

TEST_F(ConnectionsTest, Errors6) {
    const Ip a6 = bench.address6(0);
    const Bytes sent = out(make_echo(a6, kServer6, 5));
    ASSERT_FALSE(sent.empty());
    Bytes body{0, 0, 5, 0};
    body.insert(body.end(), sent.begin(), sent.end());
    const Bytes error = in(make_icmp(kServer6, kOwn6, kTooBig6, 0, body));
    ASSERT_FALSE(error.empty());
    EXPECT_TRUE(has_right_sums(error));
    EXPECT_EQ(load_ip6(&error[48 + 8]), a6);
    EXPECT_EQ(load16(&error[48 + 44]), 5);
}

// --- Fragments

std::vector<Bytes> cut(const Bytes& packet, size_t piece, uint16_t id = 9) {
    std::vector<Bytes> pieces;
    const Bytes payload(packet.begin() + 20, packet.end());
    for (size_t at = 0; at < payload.size(); at += piece) {
        const size_t count = std::min(piece, payload.size() - at);
        IpOptions o;
        o.id = id;
        o.fragment = static_cast<uint16_t>(at / 8 | (at + count < payload.size() ? 0x2000 : 0));
        pieces.push_back(make_ip(
            load_ip4(&packet[12]), load_ip4(&packet[16]), packet[9],
            Bytes(payload.begin() + static_cast<long>(at), payload.begin() + static_cast<long>(at + count)), 0, o));
    }
    return pieces;
}

struct FragmentsTest : ConnectionsTest {
    // All that went to the wire, put together again.
    Bytes collect(Interface from = kWire) {
        Bytes whole;
        for (Bytes piece = bench.host.take(from); !piece.empty(); piece = bench.host.take(from)) {
            EXPECT_LE(piece.size(), kMtu);
            const size_t at = (load16(&piece[6]) & 0x1fffu) * 8u;
            if (whole.size() < 20 + at + piece.size() - 20) whole.resize(at + piece.size());
            if (at == 0) std::copy(piece.begin(), piece.begin() + 20, whole.begin());
            std::copy(piece.begin() + 20, piece.end(), whole.begin() + 20 + static_cast<long>(at));
        }
        if (whole.empty()) return whole;
        store16(&whole[2], static_cast<uint16_t>(whole.size()));
        store16(&whole[6], 0);
        store16(&whole[10], 0);
        store16(&whole[10], static_cast<uint16_t>(~plain_sum(Bytes(whole.begin(), whole.begin() + 20))));
        return whole;
    }
};

TEST_F(FragmentsTest, InAnyOrder) {
    Bytes payload(9000);
    for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(i * 7 >> 3);
    const Bytes packet = make_udp(a, 7, kServer, 7, payload);
    std::mt19937 random(2);
    for (uint16_t round = 0; round < 20; ++round) {
        auto pieces = cut(packet, 1480, round);
        std::shuffle(pieces.begin(), pieces.end(), random);
        for (size_t i = 0; i + 1 < pieces.size(); ++i) {
            bench.link(0, pieces[i]);
            ASSERT_TRUE(bench.host.take(kWire).empty());
        }
        bench.link(0, pieces.back());
        const Bytes whole = collect();
        ASSERT_EQ(whole.size(), packet.size());
        EXPECT_TRUE(has_right_sums(whole));
        EXPECT_TRUE(std::equal(payload.begin(), payload.end(), whole.begin() + 28));
    }
}

TEST_F(FragmentsTest, RulesSeeTheWhole) {
    // A tiny first fragment that hides the port: nothing passes before all is there.
    M made;
    made.link(5, "a").allow(Protocol::kTcp, M::any(), {{80, 80}});
    Bench strict(made.policy);
    for (const uint16_t port : {uint16_t{80}, uint16_t{81}}) {
        for (const Bytes& piece : cut(make_tcp(strict.address4(0), 1, kServer, port, kSyn, Bytes(40)), 8, port))
            strict.link(0, piece);
        EXPECT_EQ(!strict.host.take(kWire).empty(), port == 80);
    }
    EXPECT_EQ(strict.refused(1, Reason::kRule), 1u);
}

TEST_F(FragmentsTest, OverlapsEndThePacket) {
    const Bytes packet = make_udp(a, 7, kServer, 7, Bytes(3000));
    auto pieces = cut(packet, 1480);
    bench.link(0, pieces[0]);
    bench.link(0, pieces[0]);  // twice the same is an overlap as well
    bench.link(0, pieces[1]);
    bench.link(0, pieces[2]);
    EXPECT_TRUE(collect().empty());
    EXPECT_EQ(bench.refused(1, Reason::kFragments), 3u);
    // A last piece that lies before what is there already.
    pieces = cut(packet, 1480, 10);
    bench.link(0, pieces[1]);
    IpOptions o;
    o.id = 10;
    o.fragment = 1;
    bench.link(0, make_ip(a, kServer, kUdp, Bytes(8), 0, o));
    bench.link(0, pieces[0]);
    EXPECT_TRUE(collect().empty());
    // Two ends.
    pieces = cut(packet, 1480, 11);
    bench.link(0, pieces[2]);
    o.id = 11;
    o.fragment = 600;
    bench.link(0, make_ip(a, kServer, kUdp, Bytes(8), 0, o));
    bench.link(0, pieces[0]);
    bench.link(0, pieces[1]);
    EXPECT_TRUE(collect().empty());
}

TEST_F(FragmentsTest, TooManyPieces) {
    for (const Bytes& piece : cut(make_udp(a, 7, kServer, 7, Bytes(1000)), 8)) bench.link(0, piece);
    EXPECT_TRUE(collect().empty());
    EXPECT_GT(bench.refused(1, Reason::kFragments), 0u);
}

TEST_F(FragmentsTest, IncompleteOnesDoNotFillTheTable) {
    // From outside: more than there is room for; then a good one still gets through, and so does the link's.
    const Bytes sent = out(make_udp(a, 7, kServer, 7));
    const uint16_t mapped = load16(&sent[20]);
    for (unsigned i = 0; i < 100; ++i)
        bench.outside(cut(make_udp(ip4(0x0b000000 + i), 7, kOwn4, mapped, Bytes(2000)), 1480)[0]);
    for (const Bytes& piece : cut(make_udp(a, 7, kServer, 7, Bytes(2000)), 1480)) bench.link(0, piece);
    EXPECT_FALSE(collect().empty());
    for (const Bytes& piece : cut(make_udp(kServer, 7, kOwn4, mapped, Bytes(2000)), 1480)) bench.outside(piece);
    EXPECT_TRUE(has_right_sums(collect(1)));
    bench.outside(cut(make_udp(kServer, 7, kOwn4, mapped, Bytes(2000)), 1480, 77)[0]);
    bench.at(bench.now + 31 * kSecond);
    bench.outside(cut(make_udp(kServer, 7, kOwn4, mapped, Bytes(2000)), 1480, 77)[1]);
    EXPECT_TRUE(collect(1).empty());
}

// Whole again, and on in pieces: no larger than they came, as who divided them may know of a narrow way.
TEST_F(FragmentsTest, OfIp6) {
    const Ip a6 = bench.address6(0);
    for (const auto& [size, piece_bytes, most] :
         {std::tuple{2500u, 1400u, 1448u}, {1440u, 1232u, 1280u}, {1400u, 8u * 16, 1280u}}) {
        const Bytes packet = make_udp(a6, 7, kServer6, 7, Bytes(size, 0x33));
        for (size_t at = 0; at < packet.size() - 40; at += piece_bytes) {
            const size_t count = std::min<size_t>(piece_bytes, packet.size() - 40 - at);
            IpOptions o;
            o.first_next = kFragment;
            o.options = {kUdp, 0, 0, 0, 0, 0, 0, 9};
            store16(&o.options[2], static_cast<uint16_t>(at | (at + count < packet.size() - 40 ? 1 : 0)));
            bench.link(0, make_ip(a6, kServer6, kUdp,
                                  Bytes(packet.begin() + 40 + static_cast<long>(at),
                                        packet.begin() + 40 + static_cast<long>(at + count)),
                                  0, o));
        }
        Bytes whole;
        for (Bytes piece = bench.host.take(kWire); !piece.empty(); piece = bench.host.take(kWire)) {
            ASSERT_EQ(piece[6], kFragment);
            EXPECT_LE(piece.size(), most);
            if (whole.empty()) whole.assign(piece.begin(), piece.begin() + 40);
            whole.insert(whole.end(), piece.begin() + 48, piece.end());
        }
        ASSERT_EQ(whole.size(), packet.size());
        whole[6] = kUdp;
        store16(&whole[4], static_cast<uint16_t>(whole.size() - 40));
        EXPECT_TRUE(has_right_sums(whole));
        EXPECT_EQ(load_ip6(&whole[8]), kOwn6);
    }
}

TEST_F(FragmentsTest, StayAsSmall) {
    for (const auto& [size, piece_bytes, most] :
         {std::tuple{1400u, 552u, 572u}, {1400u, 32u, 576u}, {400u, 200u, 428u}}) {
        for (const Bytes& piece : cut(make_udp(a, 7, kServer, 7, Bytes(size)), piece_bytes)) bench.link(0, piece);
        size_t largest = 0;
        for (const FakeHost::Sent& sent : bench.host.sent) largest = std::max(largest, sent.bytes.size() - 14);
        EXPECT_LE(largest, most);
        EXPECT_TRUE(has_right_sums(collect()));
    }
}

}  // namespace
}  // namespace kos::netrouter
