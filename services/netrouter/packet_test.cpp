#include "packet.h"

#include <gtest/gtest.h>

#include "checksum.h"
#include "test_network.h"

namespace kos::netrouter {
namespace {

constexpr Ip kA = ip4(192, 0, 2, 1);
constexpr Ip kB = ip4(192, 0, 2, 2);
constexpr Ip kA6{0x20010db800000000, 1};
constexpr Ip kB6{0x20010db800000000, 2};

Reason parse_all(const Bytes& bytes, Packet& packet) {
    const auto copy = std::make_unique<uint8_t[]>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.get());
    return parse(copy.get(), std::min(bytes.size(), kHeaderBytes), bytes.size(), packet);
}
Reason parse_all(const Bytes& bytes) {
    Packet packet;
    return parse_all(bytes, packet);
}
// Makes the IPv4 header's checksum right again after a change.
Bytes mend(Bytes bytes) {
    store16(&bytes[10], 0);
    const size_t header = std::min<size_t>((bytes[0] & 15u) * 4u, bytes.size());
    store16(&bytes[10],
            static_cast<uint16_t>(~plain_sum(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(header)))));
    return bytes;
}

TEST(Packet, ReadsWhatIsThere) {
    Packet packet;
    ASSERT_EQ(parse_all(make_tcp(kA, 1000, kB, 80, kSyn), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kTcp);
    EXPECT_EQ(packet.source, kA);
    EXPECT_EQ(packet.destination, kB);
    EXPECT_EQ(packet.source_port, 1000);
    EXPECT_EQ(packet.destination_port, 80);
    EXPECT_EQ(packet.tcp_flags, kSyn);
    EXPECT_EQ(packet.transport, 20);
    EXPECT_TRUE(packet.keeps_whole);
    ASSERT_EQ(parse_all(make_udp(kA6, 5, kB6, 6), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kUdp);
    EXPECT_TRUE(packet.is_v6);
    EXPECT_EQ(packet.source, kA6);
    EXPECT_EQ(packet.transport, 40);
    ASSERT_EQ(parse_all(make_echo(kA, kB, 77), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kEcho);
    EXPECT_EQ(packet.source_port, 77);
    ASSERT_EQ(parse_all(make_echo(kA6, kB6, 78, true), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kEchoReply);
    EXPECT_EQ(packet.destination_port, 78);
    ASSERT_EQ(parse_all(make_icmp(kA, kB, 3, 1, Bytes(36)), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kIcmpError);
    ASSERT_EQ(parse_all(make_icmp(kA, kB, 5, 1, Bytes(36)), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kIcmpOther);
    ASSERT_EQ(parse_all(make_ip(kA, kB, 47, Bytes(20), 0), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kOther);
}

TEST(Packet, EveryPieceOfAPacketIsRefusedOrWhole) {
    for (const Bytes& whole :
         {make_tcp(kA, 1, kB, 2, kSyn, Bytes(10)), make_udp(kA6, 1, kB6, 2, Bytes(300)), make_echo(kA, kB, 1)}) {
        for (size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(parse_all(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))), Reason::kMalformed)
                << size;
        }
        Bytes longer = whole;
        longer.resize(whole.size() + 9);
        Packet packet;
        EXPECT_EQ(parse_all(longer, packet), Reason::kNone);
        EXPECT_EQ(packet.length, whole.size());
    }
}

TEST(Packet, AnyBitOfTheHeaderCounts) {
    const Bytes good = make_tcp(kA, 1000, kB, 80, kAck);
    for (size_t bit = 0; bit < 20 * 8; ++bit) {
        Bytes bad = good;
        bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ 1u << bit % 8);
        EXPECT_NE(parse_all(bad), Reason::kNone) << bit;
    }
}

TEST(Packet, OptionsOfIp4) {
    const auto with = [](const Bytes& options) {
        IpOptions o;
        o.options = options;
        return parse_all(make_udp(kA, 1, kB, 2, {}, o));
    };
    EXPECT_EQ(with({1, 1, 1, 0}), Reason::kNone);
    EXPECT_EQ(with({148, 4, 0, 0}), Reason::kNone);
    EXPECT_EQ(with({131, 3, 4, 0}), Reason::kOption);  // loose source route
    EXPECT_EQ(with({137, 3, 4, 0}), Reason::kOption);  // strict source route
    EXPECT_EQ(with({7, 3, 4, 0}), Reason::kOption);    // record route
    EXPECT_EQ(with({148, 1, 0, 0}), Reason::kMalformed);
    EXPECT_EQ(with({148, 5, 0, 0}), Reason::kMalformed);
    EXPECT_EQ(with({1, 1, 1, 148}), Reason::kMalformed);
    EXPECT_EQ(with(Bytes(40, 1)), Reason::kNone);
}

TEST(Packet, ExtensionHeadersOfIp6) {
    const auto with = [](uint8_t first, Bytes headers) {
        IpOptions o;
        o.first_next = first;
        o.options = std::move(headers);
        return parse_all(make_udp(kA6, 1, kB6, 2, {}, o));
    };
    EXPECT_EQ(with(kHopByHop, {kUdp, 0, 5, 2, 0, 0, 1, 0}), Reason::kNone);  // router alert
    EXPECT_EQ(with(kOptions, {kUdp, 0, 1, 4, 0, 0, 0, 0}), Reason::kNone);   // padding
    EXPECT_EQ(with(kRouting, {kUdp, 0, 0, 1, 0, 0, 0, 0}), Reason::kOption);
    EXPECT_EQ(with(kHopByHop, {kUdp, 0, 0xc2, 4, 0, 1, 0, 0}), Reason::kOption);  // jumbo
    EXPECT_EQ(with(kOptions, {kUdp, 0, 1, 5, 0, 0, 0, 0}), Reason::kMalformed);
    EXPECT_EQ(with(kOptions, {kHopByHop, 0, 1, 4, 0, 0, 0, 0, kUdp, 0, 1, 4, 0, 0, 0, 0}), Reason::kMalformed);
    Bytes many;
    for (int i = 0; i < 5; ++i) {
        const Bytes header{i == 4 ? uint8_t{kUdp} : uint8_t{kOptions}, 0, 1, 4, 0, 0, 0, 0};
        many.insert(many.end(), header.begin(), header.end());
    }
    EXPECT_EQ(with(kOptions, many), Reason::kOption);
    EXPECT_EQ(with(kOptions, {kUdp, 200, 1, 4, 0, 0, 0, 0}), Reason::kOption);
}

TEST(Packet, TransportHeaders) {
    for (const uint8_t flags :
         {uint8_t{0}, uint8_t{kFin}, uint8_t{kSyn | kFin}, uint8_t{kSyn | kRst}, uint8_t{kFin | kPsh | kUrg}}) {
        EXPECT_EQ(parse_all(make_tcp(kA, 1, kB, 2, flags)), Reason::kMalformed) << int{flags};
    }
    EXPECT_EQ(parse_all(make_tcp(kA, 0, kB, 2, kSyn)), Reason::kMalformed);
    Bytes tcp = make_tcp(kA, 1, kB, 2, kSyn);
    tcp[32] = 4 << 4;
    EXPECT_EQ(parse_all(tcp), Reason::kMalformed);
    tcp[32] = 6 << 4;  // beyond the packet
    EXPECT_EQ(parse_all(tcp), Reason::kMalformed);
    Bytes udp = make_udp(kA, 1, kB, 2);
    store16(&udp[24], 9);
    EXPECT_EQ(parse_all(udp), Reason::kMalformed);
    store16(&udp[24], 7);
    EXPECT_EQ(parse_all(udp), Reason::kMalformed);
    Bytes udp6 = make_udp(kA6, 1, kB6, 2);
    store16(&udp6[46], 0);
    EXPECT_EQ(parse_all(udp6), Reason::kMalformed);
    EXPECT_EQ(parse_all(make_udp(kA6, 1, ip4(1, 2, 3, 4), 2)), Reason::kMalformed);  // a mapped address on the wire
}

TEST(Packet, Fragments) {
    IpOptions o;
    o.fragment = 0x2000;
    Packet packet;
    ASSERT_EQ(parse_all(make_ip(kA, kB, kUdp, Bytes(16), 0, o), packet), Reason::kNone);
    EXPECT_EQ(packet.kind, Kind::kFragment);
    EXPECT_TRUE(packet.has_more);
    EXPECT_EQ(parse_all(make_ip(kA, kB, kUdp, Bytes(15), 0, o)), Reason::kMalformed);  // not a multiple of 8
    EXPECT_EQ(parse_all(make_ip(kA, kB, kUdp, {}, 0, o)), Reason::kMalformed);
    o.fragment = 0x1fff;
    EXPECT_EQ(parse_all(make_ip(kA, kB, kUdp, Bytes(100), 0, o)), Reason::kMalformed);  // "ping of death"
    o.fragment = 0x8000;
    EXPECT_EQ(parse_all(make_ip(kA, kB, kUdp, Bytes(16), 0, o)), Reason::kMalformed);
    EXPECT_EQ(parse_all(mend(make_ip(kA, kB, kUdp, Bytes(8), 0))), Reason::kMalformed);  // length of the datagram is 0
}

TEST(Checksum, IncrementalIsTheSameAsWhole) {
    std::mt19937 random(3);
    for (int i = 0; i < 20000; ++i) {
        Bytes bytes(20);
        for (uint8_t& byte : bytes)
            byte = static_cast<uint8_t>(random() % 4 == 0 ? 0xff : random() % 4 == 0 ? 0 : random());
        const auto before = static_cast<uint16_t>(~plain_sum(bytes));
        const uint64_t was = uint64_t{load16(&bytes[4])} + load16(&bytes[6]);
        store16(&bytes[4], static_cast<uint16_t>(random()));
        store16(&bytes[6], static_cast<uint16_t>(random() % 3 == 0 ? 0xffff : random()));
        const uint64_t is = uint64_t{load16(&bytes[4])} + load16(&bytes[6]);
        const uint16_t after = adjust(before, difference(was, is));
        // Both forms of zero verify.
        ASSERT_EQ(plain_sum(bytes, after), 0xffff);
    }
}

TEST(Checksum, OfPackets) {
    for (const Bytes& bytes : {make_tcp(kA, 1, kB, 2, kSyn, Bytes(33, 7)), make_udp(kA6, 1, kB6, 2, Bytes(300, 9)),
                               make_echo(kA6, kB6, 1), make_echo(kA, kB, 5)}) {
        Packet packet;
        ASSERT_EQ(parse_all(bytes, packet), Reason::kNone);
        EXPECT_TRUE(is_checksum_right(bytes.data(), packet));
        Bytes bad = bytes;
        bad.back() ^= 1;
        EXPECT_FALSE(is_checksum_right(bad.data(), packet));
        const size_t field = packet.transport + checksum_offset(packet.protocol);
        const uint16_t right = load16(&bad[field]);
        bad = bytes;
        store16(&bad[field], 0);
        EXPECT_EQ(transport_checksum(bad.data(), packet), right);
    }
}

TEST(Ip, Prefixes) {
    EXPECT_TRUE(contains(net4(ip4(10, 0, 0, 0), 8), ip4(10, 255, 1, 2)));
    EXPECT_FALSE(contains(net4(ip4(10, 0, 0, 0), 8), ip4(11, 0, 0, 0)));
    EXPECT_TRUE(contains(net4(ip4(0), 0), ip4(1, 2, 3, 4)));
    EXPECT_FALSE(contains(net4(ip4(0), 0), kA6));
    EXPECT_FALSE(contains(net4(kA, 32), kB));
    EXPECT_TRUE(contains(Prefix{kA6, 64}, kB6));
    EXPECT_FALSE(contains(Prefix{kA6, 127}, kB6));
    EXPECT_FALSE(is_host(ip4(127, 0, 0, 1)));
    EXPECT_FALSE(is_host(ip4(255, 255, 255, 255)));
    EXPECT_FALSE(is_host(Ip{0, 1}));
    EXPECT_TRUE(is_host(kA6));
}

}  // namespace
}  // namespace kos::netrouter
