// Names by TCP: a domain that asks so, and a server whose answer does not fit into a datagram; each also as it should
// not be.
#include <functional>

#include "test_names.h"

namespace kos::netrouter {
namespace {

// The other end of a connection with the router, segment by segment.
struct Peer {
    Bench* bench;
    Interface interface;
    Ip own, router;
    uint16_t own_port, router_port;
    uint32_t next = 5000, expected = 0;
    uint16_t window = 65535;

    struct Got {
        uint8_t flags = 0;
        uint32_t sequence = 0, acknowledged = 0;
        uint16_t window = 0;
        Bytes data;
        bool ok() const { return flags != 0; }
    };

    void send(uint8_t flags, const Bytes& data = {}, bool is_counted = true) {
        Bytes packet = make_tcp(own, own_port, router, router_port, flags, data);
        const size_t header = own.is_v4() ? 20 : 40;
        Bytes tcp(packet.begin() + static_cast<long>(header), packet.end());
        store32(&tcp[4], next);
        store32(&tcp[8], flags & kAck ? expected : 0);
        store16(&tcp[14], window);
        packet = make_ip(own, router, kTcp, tcp, 16);
        if (is_counted) next += static_cast<uint32_t>(data.size()) + ((flags & (kSyn | kFin)) != 0);
        interface == kWire ? bench->outside(packet) : bench->link(interface - 1u, packet);
    }
    // The next segment for this end; what goes to others is lost.
    Got take() {
        const size_t header = own.is_v4() ? 20 : 40;
        Bytes packet = bench->host.take(interface);
        while (!packet.empty() && (packet[header == 20 ? 9 : 6] != kTcp || load16(&packet[header + 2]) != own_port))
            packet = bench->host.take(interface);
        if (packet.empty()) return {};
        EXPECT_TRUE(has_right_sums(packet));
        EXPECT_EQ(load16(&packet[header]), router_port);
        const uint8_t* at = &packet[header];
        Got got{at[13], load32(at + 4), load32(at + 8), load16(at + 14), {}};
        got.data.assign(packet.begin() + static_cast<long>(header) + (at[12] >> 4) * 4, packet.end());
        return got;
    }
    // Takes what comes in order and acknowledges it; returns its bytes.
    Bytes receive(unsigned most = 1000) {
        Bytes all;
        for (Got got = take(); got.ok() && most-- > 0; got = take()) {
            last = got.flags;
            if (got.flags & kRst) return all;
            if (got.sequence != expected || (got.data.empty() && (got.flags & (kSyn | kFin)) == 0)) continue;
            all.insert(all.end(), got.data.begin(), got.data.end());
            expected = got.sequence + static_cast<uint32_t>(got.data.size()) + ((got.flags & (kSyn | kFin)) != 0);
            send(kAck);
        }
        return all;
    }
    uint8_t last = 0;  // flags of the last segment that came
};

Bytes framed(const Bytes& message) {
    Bytes out{static_cast<uint8_t>(message.size() >> 8), static_cast<uint8_t>(message.size())};
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

struct StreamsTest : NamesBench {
    Peer dial(unsigned link, uint16_t from = 3333, bool is_v6 = false) {
        const Link& at = bench.policy->links[link];
        Peer peer{&bench,
                  static_cast<Interface>(link + 1),
                  is_v6 ? at.address6 : at.address4,
                  is_v6 ? at.gateway6 : at.gateway4,
                  from,
                  53};
        peer.send(kSyn);
        const Peer::Got got = peer.take();
        EXPECT_EQ(got.flags, kSyn | kAck);
        EXPECT_EQ(got.acknowledged, peer.next);
        peer.expected = got.sequence + 1;
        peer.send(kAck);
        return peer;
    }
    // The server's end of the connection that the router has begun; its port 0: it has not.
    Peer answer_call() {
        const Bytes packet = bench.host.take(kWire);
        if (packet.empty() || packet[9] != kTcp) return {&bench, kWire, {}, {}, 53, 0};
        Peer peer{&bench, kWire, load_ip4(&packet[16]), kOwn4, 53, load16(&packet[20])};
        EXPECT_EQ(packet[33], kSyn);
        EXPECT_GE(peer.router_port, 49152);
        peer.expected = load32(&packet[24]) + 1;
        return peer;
    }
    // A domain's question by TCP, answered by UDP as cut off: the server's end of what comes then.
    Peer until_server(Peer& near, const std::vector<Ip>& first = {}) {
        near.send(kAck | kPsh, framed(query(77, "api.example.org")));
        Bytes cut = answer_to(upstream(), first);
        cut[2] |= 2;
        respond(cut);
        Peer server = answer_call();
        EXPECT_NE(server.router_port, 0);
        return server;
    }
    // Opened, and the question that came.
    Bytes open(Peer& server) {
        server.send(kSyn | kAck);
        const Bytes got = server.receive();
        if (got.size() < 2 || load16(&got[0]) != got.size() - 2) return {};
        return without_options({got.begin() + 2, got.end()});
    }
    static std::vector<Ip> many(unsigned count) {
        std::vector<Ip> ips;
        for (unsigned i = 0; i < count; ++i) ips.push_back(ip4(203, 0, static_cast<uint8_t>(113 + i / 256), i & 255));
        return ips;
    }
    static uint8_t code_of(const Bytes& stream) { return stream.size() < 14 ? uint8_t{255} : stream[5] & 15; }
};

TEST_F(StreamsTest, AQuestionIsAnsweredByTcp) {
    Peer near = dial(0);
    near.send(kAck | kPsh, framed(query(0x1234, "API.example.org")));
    respond(answer_to(upstream(), many(60)));
    const Bytes got = near.receive();
    ASSERT_EQ(got.size(), 2u + load16(&got[0]));
    EXPECT_EQ(load16(&got[2]), 0x1234);
    EXPECT_EQ(load16(&got[8]), 60);  // whole, whatever fits into a datagram
    EXPECT_EQ(got[4] & 2, 0);
    EXPECT_TRUE(passes(many(60)[59]));
    // Ended by the domain: so does the router, and forgets it.
    near.send(kFin | kAck);
    near.receive();
    EXPECT_EQ(near.last & kFin, kFin);
    bench.at(bench.now + 5 * kSecond);
    near.send(kAck);
    EXPECT_EQ(near.take().flags & kRst, kRst);
}

TEST_F(StreamsTest, ByIpv6) {
    Peer near = dial(0, 3333, true);
    near.send(kAck | kPsh, framed(query(1, "other.internal", kDnsAaaa)));
    const Bytes got = near.receive();
    ASSERT_GT(got.size(), 16u);
    EXPECT_EQ(load_ip6(&got[got.size() - 16]), bench.address6(1));
}

TEST_F(StreamsTest, RulesAreTheSame) {
    Peer near = dial(0);
    near.send(kAck | kPsh, framed(query(1, "evil.example.com")));
    EXPECT_TRUE(upstream().empty());
    EXPECT_EQ(code_of(near.receive()), kDnsRefused);
    ASSERT_EQ(bench.router->denial_count(), 1u);
    EXPECT_EQ(bench.router->denial(0)->reason, Reason::kName);
    EXPECT_STREQ(bench.router->denial(0)->name, "evil.example.com");
    EXPECT_EQ(bench.router->denial(0)->domain, 5);
    EXPECT_EQ(bench.router->denial(0)->protocol, kTcp);
}

// Two at once, as resolvers ask for both kinds of addresses, and in pieces of every size: one answer after the other.
TEST_F(StreamsTest, SeveralQuestions) {
    for (size_t piece : {1, 2, 3, 31, 1000}) {
        Peer near = dial(0, static_cast<uint16_t>(4000 + piece));
        Bytes both = framed(query(1, "api.example.org"));
        const Bytes second = framed(query(2, "other.internal"));
        both.insert(both.end(), second.begin(), second.end());
        for (size_t i = 0; i < both.size(); i += piece) {
            const size_t end = std::min(both.size(), i + piece);
            near.send(kAck, {both.begin() + static_cast<long>(i), both.begin() + static_cast<long>(end)});
        }
        Bytes question;
        for (unsigned i = 0; i < 4 && question.empty(); ++i) question = upstream();
        respond(answer_to(question, {kServer}));
        const Bytes got = near.receive();
        ASSERT_GT(got.size(), 4u);
        const size_t first = 2u + load16(&got[0]);
        ASSERT_GT(got.size(), first + 4) << piece;
        EXPECT_EQ(load16(&got[2]), 1);
        EXPECT_EQ(load16(&got[first + 2]), 2);
        near.send(kRst);
    }
}

TEST_F(StreamsTest, ACutOffAnswerIsAskedForByTcp) {
    Peer near = dial(0);
    Peer server = until_server(near, {kServer});
    EXPECT_TRUE(passes(kServer));  // what came by UDP counts
    const Bytes question = open(server);
    ASSERT_FALSE(question.empty());
    const std::vector<Ip> ips = many(200);
    const Bytes answer = framed(answer_to(question, ips));
    for (size_t i = 0; i < answer.size(); i += 700)
        server.send(kAck, {answer.begin() + static_cast<long>(i),
                           answer.begin() + static_cast<long>(std::min(answer.size(), i + 700))});
    server.receive();
    EXPECT_EQ(server.last & kFin, kFin);  // nothing more is wanted
    server.send(kFin | kAck);
    const Bytes got = near.receive();
    ASSERT_EQ(got.size(), answer.size());
    EXPECT_EQ(load16(&got[2]), 77);
    EXPECT_EQ(load16(&got[8]), 200);
    EXPECT_TRUE(passes(ips[0]));
    EXPECT_TRUE(passes(ips[199]));
    bench.at(bench.now + 60 * kSecond);
    server.send(kAck);
    EXPECT_FALSE(server.take().ok());  // forgotten, and silent outside
}

// What is lost on either side comes again.
TEST_F(StreamsTest, LostSegments) {
    std::mt19937 random(3);
    Peer near = dial(0);
    Peer server = until_server(near);
    const Bytes question = open(server);
    const Bytes answer = framed(answer_to(question, many(300)));
    const uint32_t begin = server.next;
    uint32_t arrived = begin;
    for (unsigned i = 0; i < 4000 && arrived - begin < answer.size(); ++i) {
        const size_t at = arrived - begin + random() % 2 * 500;  // also out of order
        if (at >= answer.size()) continue;
        server.next = begin + static_cast<uint32_t>(at);
        server.send(kAck, {answer.begin() + static_cast<long>(at),
                           answer.begin() + static_cast<long>(std::min(answer.size(), at + 500))});
        for (Peer::Got got = server.take(); got.ok(); got = server.take()) {
            if (random() % 3 != 0) arrived = std::max(arrived, got.acknowledged);
            if (got.flags & kFin) arrived = begin + static_cast<uint32_t>(answer.size());
        }
    }
    Bytes got;
    for (unsigned round = 0; round < 60 && got.size() < answer.size(); ++round) {
        while (bench.host.sent.size() > 1 && random() % 4 == 0) (void)bench.host.take(1);
        const Bytes more = near.receive();
        got.insert(got.end(), more.begin(), more.end());
        bench.at(bench.now + kSecond);
    }
    ASSERT_EQ(got.size(), answer.size());
    EXPECT_TRUE(std::equal(answer.begin() + 40, answer.end(), got.begin() + 40));
}

TEST_F(StreamsTest, HostileServers) {
    const std::vector<std::function<void(Peer&, Bytes)>> lies = {
        [](Peer& server, Bytes question) {  // another number
            question[0] ^= 1;
            server.send(kAck, framed(answer_to(question, {kServer})));
        },
        [](Peer& server, Bytes question) {  // another name
            question[13] ^= 1;
            server.send(kAck, framed(answer_to(question, {kServer})));
        },
        [](Peer& server, const Bytes& question) {  // shorter than it says
            Bytes answer = framed(answer_to(question, {kServer}));
            store16(&answer[0], static_cast<uint16_t>(answer.size() - 3));
            server.send(kAck, answer);
        },
        [](Peer& server, const Bytes& question) {  // longer than it says, and then the end
            Bytes answer = framed(answer_to(question, {kServer}));
            store16(&answer[0], static_cast<uint16_t>(answer.size() + 1));
            server.send(kAck | kFin, answer);
        },
        [](Peer& server, const Bytes&) {
            server.send(kAck, {0, 0, 0, 0});
        },
        [](Peer& server, const Bytes&) {
            server.send(kAck, {0xff, 0xff, 0, 0});
        },
        [](Peer& server, const Bytes&) { server.send(kAck | kFin); },
        [](Peer& server, const Bytes&) { server.send(kRst); },
        [](Peer& server, const Bytes&) {  // it never comes to an end
            server.send(kAck, {0x3f, 0xff});
            for (unsigned i = 0; i < 100; ++i) {
                server.send(kAck, Bytes(7));
                server.bench->at(server.bench->now + kSecond / 10);
            }
        },
        [](Peer& server, const Bytes&) { server.bench->at(server.bench->now + 6 * kSecond); },
    };
    uint16_t from = 4000;
    for (size_t i = 0; i < lies.size(); ++i) {
        for (const bool has_some : {false, true}) {
            Peer near = dial(0, from++);
            Peer server = until_server(near, has_some ? many(3) : std::vector<Ip>{});
            const Bytes question = open(server);
            ASSERT_FALSE(question.empty());
            lies[i](server, question);
            const Bytes got = near.receive();
            // The addresses that came by UDP, or that there are none; never those of the liar.
            EXPECT_EQ(code_of(got), has_some ? 0 : kDnsFailure) << i;
            ASSERT_GT(got.size(), 10u) << i;
            EXPECT_EQ(load16(&got[8]), has_some ? 3 : 0) << i;
            EXPECT_EQ(got[4] & 2, 0) << i;
            EXPECT_FALSE(passes(kServer)) << i;
            near.send(kRst);
            bench.at(bench.now + 12 * kSecond);
            bench.host.sent.clear();
        }
    }
}

// Who does not know the numbers of a connection neither ends it nor puts anything into it.
TEST_F(StreamsTest, StrangersAtTheServersConnection) {
    Peer near = dial(0);
    Peer server = until_server(near);
    Peer stranger = server;
    stranger.expected += 9;
    stranger.send(kSyn | kAck);
    stranger.send(kRst);
    const Bytes question = open(server);
    ASSERT_FALSE(question.empty());
    stranger = server;
    stranger.next += 100000;
    stranger.send(kRst);
    stranger.send(kSyn);
    stranger.send(kAck, framed(answer_to(question, {kStranger})));
    stranger = server;
    stranger.own = kStranger;
    stranger.send(kAck, framed(answer_to(question, {kStranger})));
    bench.host.sent.clear();
    server.send(kAck, framed(answer_to(question, {kServer})));
    EXPECT_EQ(code_of(near.receive()), 0);
    EXPECT_TRUE(passes(kServer));
    EXPECT_FALSE(passes(kStranger));
}

TEST_F(StreamsTest, HostileDomains) {
    Peer near = dial(0, 4000);
    near.send(kAck, {0, 1, 0});  // shorter than any message
    EXPECT_EQ((near.receive(), near.last & kRst), kRst);
    near = dial(0, 4001);
    near.send(kAck, {0xff, 0xff, 0});  // longer than any question
    EXPECT_EQ((near.receive(), near.last & kRst), kRst);
    near = dial(0, 4002);
    near.send(kAck, framed(Bytes(40, 0xc0)));
    EXPECT_EQ((near.receive(), near.last & kRst), kRst);
    // One that says nothing, one that takes nothing, one that never confirms its beginning.
    Peer silent = dial(0, 4003);
    Peer deaf = dial(0, 4004);
    deaf.send(kAck, framed(query(1, "other.internal")));
    Peer half{&bench, 1, bench.address4(0), bench.policy->links[0].gateway4, 4005, 53};
    half.send(kSyn);
    bench.host.sent.clear();
    bench.at(bench.now + 40 * kSecond);
    bench.host.sent.clear();
    for (Peer* peer : {&silent, &deaf, &half}) {
        peer->send(kAck);
        EXPECT_EQ(peer->take().flags & kRst, kRst);
    }
    EXPECT_TRUE(upstream().empty());
}

TEST_F(StreamsTest, ConnectionsAreBounded) {
    // A domain's own oldest idle one makes room; others keep theirs.
    Peer other = dial(1, 9000);
    std::vector<Peer> peers;
    for (uint16_t i = 0; i < 6; ++i) {
        peers.push_back(dial(0, static_cast<uint16_t>(4000 + i)));
        bench.at(bench.now + 1000);
    }
    bench.host.sent.clear();
    unsigned open = 0;
    for (Peer& peer : peers) {
        peer.send(kAck | kPsh, framed(query(1, "other.internal")));
        open += code_of(peer.receive()) == 0;
    }
    EXPECT_EQ(open, Router::kNearOfLink);
    other.send(kAck | kPsh, framed(query(1, "other.internal")));
    EXPECT_EQ(code_of(other.receive()), 0);
    // All that have a question wait for their answers: nobody else gets in.
    for (size_t i = 2; i < peers.size(); ++i) {
        peers[i].send(kAck | kPsh, framed(query(1, "api.example.org")));
        EXPECT_FALSE(upstream().empty());
    }
    Peer more{&bench, 1, bench.address4(0), bench.policy->links[0].gateway4, 5000, 53};
    more.send(kSyn);
    EXPECT_EQ(more.take().flags & kRst, kRst);
    // Who goes takes its question along.
    for (size_t i = 2; i < peers.size(); ++i) peers[i].send(kRst);
    bench.host.sent.clear();
    bench.at(bench.now + 5 * kSecond);
    EXPECT_TRUE(upstream().empty());
    EXPECT_EQ(
        code_of((more = dial(0, 5001), more.send(kAck | kPsh, framed(query(1, "other.internal"))), more.receive())), 0);
}

}  // namespace
}  // namespace kos::netrouter
