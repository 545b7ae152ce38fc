#include "packet.h"

#include "checksum.h"

namespace kos::netrouter {

namespace {

constexpr size_t kMinimum4 = 20;
constexpr size_t kMinimum6 = 40;

// Options of IPv4 that are let through: end, no operation, router alert (RFC 2113). The others tell the packet's way or
// choose it.
Reason check_options(const uint8_t* at, size_t bytes) {
    size_t i = 0;
    while (i < bytes) {
        const uint8_t kind = at[i];
        if (kind == 0) return Reason::kNone;
        if (kind == 1) {
            ++i;
            continue;
        }
        if (i + 1 >= bytes || at[i + 1] < 2 || at[i + 1] > bytes - i) return Reason::kMalformed;
        if (kind != 148) return Reason::kOption;
        i += at[i + 1];
    }
    return Reason::kNone;
}

Reason parse_tcp(const uint8_t* at, size_t seen, size_t whole, bool is_quoted, Packet& packet) {
    packet.kind = Kind::kTcp;
    packet.source_port = load16(at);
    packet.destination_port = load16(at + 2);
    if (is_quoted) return Reason::kNone;
    if (whole < 20 || seen < 20) return Reason::kMalformed;
    const size_t header = size_t{at[12]} >> 4 << 2;
    if (header < 20 || header > whole || header > seen) return Reason::kMalformed;
    packet.tcp_flags = at[13] & 0x3f;
    // Combinations that no stack sends and that stacks answer differently.
    const uint8_t flags = packet.tcp_flags & (kSyn | kFin | kRst | kAck);
    const bool is_syn = (flags & kSyn) != 0;
    if (flags == 0 || flags == kFin || (is_syn && (flags & (kFin | kRst)) != 0)) return Reason::kMalformed;
    if (packet.source_port == 0 || packet.destination_port == 0) return Reason::kMalformed;
    return Reason::kNone;
}

Reason parse_udp(const uint8_t* at, size_t whole, bool is_quoted, Packet& packet) {
    packet.kind = Kind::kUdp;
    packet.source_port = load16(at);
    packet.destination_port = load16(at + 2);
    if (is_quoted) return Reason::kNone;
    const size_t length = load16(at + 4);
    // Bytes behind the datagram but inside the packet are covered by no checksum.
    if (length != whole || packet.destination_port == 0) return Reason::kMalformed;
    // IPv6 has no packets without checksum (RFC 8200, 8.1).
    if (packet.is_v6 && load16(at + 6) == 0) return Reason::kMalformed;
    return Reason::kNone;
}

Reason parse_icmp(const uint8_t* at, Packet& packet) {
    packet.icmp_type = at[0];
    packet.icmp_code = at[1];
    const uint8_t type = at[0];
    packet.kind = Kind::kIcmpOther;
    const bool is_echo = type == (packet.is_v6 ? uint8_t{kEcho6} : uint8_t{kEcho4});
    const bool is_reply = type == (packet.is_v6 ? uint8_t{kEchoReply6} : uint8_t{kEchoReply4});
    if (is_echo || is_reply) {
        if (packet.icmp_code != 0) return Reason::kMalformed;
        packet.kind = is_echo ? Kind::kEcho : Kind::kEchoReply;
        (is_echo ? packet.source_port : packet.destination_port) = load16(at + 4);
    } else if (packet.is_v6 ? type >= kUnreachable6 && type <= kParameter6
                            : type == kUnreachable4 || type == kTimeExceeded4 || type == kParameter4) {
        packet.kind = Kind::kIcmpError;
    }
    return Reason::kNone;
}

Reason parse_transport(const uint8_t* bytes, size_t available, bool is_quoted, Packet& packet) {
    const uint8_t* at = bytes + packet.transport;
    const size_t whole = packet.transport_bytes();
    const size_t seen = available - packet.transport;
    const bool is_known =
        packet.protocol == kTcp || packet.protocol == kUdp || packet.protocol == (packet.is_v6 ? kIcmp6 : kIcmp4);
    if (!is_known) {
        packet.kind = Kind::kOther;
        return Reason::kNone;
    }
    // Ports, types and identifiers of all of them lie in the first 8 bytes.
    if (whole < 8 || seen < 8) return Reason::kMalformed;
    if (packet.protocol == kTcp) return parse_tcp(at, seen, whole, is_quoted, packet);
    if (packet.protocol == kUdp) return parse_udp(at, whole, is_quoted, packet);
    return parse_icmp(at, packet);
}

Reason parse4(const uint8_t* bytes, size_t available, size_t length, bool is_quoted, Packet& packet) {
    if (available < kMinimum4) return Reason::kMalformed;
    const size_t header = size_t{bytes[0] & 15u} << 2;
    const size_t total = load16(bytes + 2);
    if (header < kMinimum4 || header > available || total < header) return Reason::kMalformed;
    if (!is_quoted) {
        if (total > length) return Reason::kMalformed;
        if (fold(sum_bytes(bytes, header)) != 0xffff) return Reason::kMalformed;
        if (header != kMinimum4) {
            const Reason reason = check_options(bytes + kMinimum4, header - kMinimum4);
            if (reason != Reason::kNone) return reason;
        }
    }
    packet.length = static_cast<uint32_t>(total);
    packet.transport = static_cast<uint16_t>(header);
    packet.hops = bytes[8];
    packet.protocol = bytes[9];
    packet.source = load_ip4(bytes + 12);
    packet.destination = load_ip4(bytes + 16);
    const uint16_t fragment = load16(bytes + 6);
    if (fragment & 0x8000) return Reason::kMalformed;
    packet.keeps_whole = (fragment & 0x4000) != 0;
    packet.has_more = (fragment & 0x2000) != 0;
    packet.fragment_offset = static_cast<uint16_t>((fragment & 0x1fff) << 3);
    if (packet.has_more || packet.fragment_offset != 0) {
        packet.kind = Kind::kFragment;
        packet.fragment_id = load16(bytes + 4);
        if (total == header || packet.fragment_offset + (total - header) > 65535 - header) return Reason::kMalformed;
        if (packet.has_more && (total - header) % 8 != 0) return Reason::kMalformed;
        return Reason::kNone;
    }
    return parse_transport(bytes, available < total ? available : total, is_quoted, packet);
}

// Options in hop-by-hop and destination headers: padding, router alert, jumbo refused. An unknown option whose first
// two bits are 00 may be skipped by who does not know it (RFC 8200, 4.2).
Reason check_options6(const uint8_t* at, size_t bytes) {
    size_t i = 0;
    while (i < bytes) {
        if (at[i] == 0) {
            ++i;
            continue;
        }
        if (i + 1 >= bytes || size_t{at[i + 1]} + 2 > bytes - i) return Reason::kMalformed;
        if (at[i] >> 6 != 0) return Reason::kOption;
        i += size_t{at[i + 1]} + 2;
    }
    return Reason::kNone;
}

Reason parse_fragment6(const uint8_t* at, size_t offset, Packet& packet) {
    const uint16_t word = load16(at + 2);
    packet.fragment_offset = word & 0xfff8;
    packet.has_more = (word & 1) != 0;
    packet.fragment_id = load32(at + 4);
    packet.fragment_header = static_cast<uint16_t>(offset);
    packet.transport = static_cast<uint16_t>(offset + 8);
    packet.protocol = at[0];
    packet.kind = Kind::kFragment;
    const size_t piece = packet.length - packet.transport;
    if (piece == 0 || packet.fragment_offset + piece > 65535 - (offset - kMinimum6)) return Reason::kMalformed;
    if (packet.has_more && piece % 8 != 0) return Reason::kMalformed;
    return Reason::kNone;
}

Reason parse6(const uint8_t* bytes, size_t available, size_t length, bool is_quoted, Packet& packet) {
    if (available < kMinimum6) return Reason::kMalformed;
    const size_t total = kMinimum6 + load16(bytes + 4);
    if (!is_quoted && total > length) return Reason::kMalformed;
    packet.is_v6 = true;
    packet.keeps_whole = true;
    packet.length = static_cast<uint32_t>(total);
    packet.hops = bytes[7];
    packet.source = load_ip6(bytes + 8);
    packet.destination = load_ip6(bytes + 24);
    // The mapped form stands for IPv4 here; on the wire it is a way around rules.
    if (packet.source.is_v4() || packet.destination.is_v4()) return Reason::kMalformed;
    const size_t end = available < total ? available : total;
    uint8_t next = bytes[6];
    size_t next_at = 6;
    size_t at = kMinimum6;
    for (unsigned count = 0;; ++count) {
        if (next != kHopByHop && next != kRouting && next != kOptions && next != kFragment) break;
        if (count == kMostExtensions || at + 8 > end || at + 8 > kMinimum6 + kMostExtensionBytes)
            return Reason::kOption;
        if (next == kFragment) {
            packet.fragment_next = static_cast<uint16_t>(next_at);
            if (is_quoted) {  // only a first fragment says which connection it belongs to
                if ((load16(bytes + at + 2) & 0xfff8) != 0) return Reason::kMalformed;
                next_at = at;
                next = bytes[at];
                at += 8;
                continue;
            }
            return parse_fragment6(bytes + at, at, packet);
        }
        const size_t size = (size_t{bytes[at + 1]} + 1) * 8;
        if (at + size > end || at + size > kMinimum6 + kMostExtensionBytes) return Reason::kOption;
        if (next == kHopByHop && count != 0) return Reason::kMalformed;  // RFC 8200, 4.1: first only
        if (next == kRouting) return Reason::kOption;                    // the sender chooses the way
        const Reason reason = check_options6(bytes + at + 2, size - 2);
        if (reason != Reason::kNone) return reason;
        next_at = at;
        next = bytes[at];
        at += size;
    }
    packet.protocol = next;
    packet.transport = static_cast<uint16_t>(at);
    return parse_transport(bytes, end, is_quoted, packet);
}

Reason parse_any(const uint8_t* bytes, size_t available, size_t length, bool is_quoted, Packet& packet) {
    packet = {};
    if (available == 0) return Reason::kMalformed;
    const uint8_t version = bytes[0] >> 4;
    if (version == 4) return parse4(bytes, available, length, is_quoted, packet);
    if (version == 6) return parse6(bytes, available, length, is_quoted, packet);
    return Reason::kMalformed;
}

}  // namespace

Reason parse(const uint8_t* bytes, size_t available, size_t length, Packet& packet) {
    return parse_any(bytes, available, length, false, packet);
}

Reason parse_quoted(const uint8_t* bytes, size_t available, Packet& packet) {
    const Reason reason = parse_any(bytes, available, available, true, packet);
    if (reason == Reason::kNone && packet.kind == Kind::kFragment) return Reason::kMalformed;
    return reason;
}

uint16_t transport_checksum(const uint8_t* bytes, const Packet& packet) {
    uint64_t sum = sum_bytes(bytes + packet.transport, packet.transport_bytes());
    if (packet.protocol != kIcmp4) {
        sum += sum_pseudo(packet.source, packet.destination, packet.protocol,
                          static_cast<uint32_t>(packet.transport_bytes()));
    }
    const auto checksum = static_cast<uint16_t>(~fold(sum));
    return checksum == 0 && packet.protocol == kUdp ? uint16_t{0xffff} : checksum;
}

bool is_checksum_right(const uint8_t* bytes, const Packet& packet) {
    const size_t offset = checksum_offset(packet.protocol);
    if (offset == 0) return true;
    if (packet.protocol == kUdp && load16(bytes + packet.transport + offset) == 0) return true;
    uint64_t sum = sum_bytes(bytes + packet.transport, packet.transport_bytes());
    if (packet.protocol != kIcmp4) {
        sum += sum_pseudo(packet.source, packet.destination, packet.protocol,
                          static_cast<uint32_t>(packet.transport_bytes()));
    }
    return fold(sum) == 0xffff;
}

size_t write_ip(const Ip& source, const Ip& destination, uint8_t protocol, uint8_t hops, size_t count, uint8_t* out,
                bool may_divide) {
    Packet packet;
    packet.source = source;
    packet.destination = destination;
    packet.is_v6 = !destination.is_v4();
    packet.protocol = protocol;
    packet.transport = static_cast<uint16_t>(own_header_bytes(destination));
    packet.length = static_cast<uint32_t>(packet.transport + count);
    __builtin_memset(out, 0, packet.transport);
    if (packet.is_v6) {
        out[0] = 0x60;
        store16(out + 4, static_cast<uint16_t>(count));
        out[6] = protocol;
        out[7] = hops;
        store_ip6(out + 8, source);
        store_ip6(out + 24, destination);
    } else {
        out[0] = 0x45;
        store16(out + 2, static_cast<uint16_t>(packet.length));
        store16(out + 6, may_divide ? 0 : 0x4000);
        out[8] = hops;
        out[9] = protocol;
        store32(out + 12, source.v4());
        store32(out + 16, destination.v4());
        store16(out + 10, static_cast<uint16_t>(~fold(sum_bytes(out, 20))));
    }
    uint8_t* checksum = out + packet.transport + checksum_offset(protocol);
    store16(checksum, 0);
    store16(checksum, transport_checksum(out, packet));
    return packet.length;
}

const char* name_of(Reason reason) {
    static constexpr const char* kNames[kReasons] = {
        "none",    "malformed", "option",      "spoofed", "neighbour",     "destination", "protocol",
        "rule",    "listen",    "name",        "rate",    "no_connection", "table",       "fragments",
        "too_big", "expired",   "unreachable", "full",    "ignored",
    };
    const auto number = static_cast<unsigned>(reason);
    return number < kReasons ? kNames[number] : "?";
}

}  // namespace kos::netrouter
