/*
 * What the router knows of a packet: found in a private copy of its first bytes, each length checked once. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_PACKET_H_
#define KOS_SERVICES_NETROUTER_PACKET_H_

#include "event.h"
#include "ip.h"

namespace kos::netrouter {

// So much of a packet is copied and looked at. All headers lie within it (RFC 7112 asks for that), or the packet is
// refused: IPv4 with options 60, IPv6 with extension headers kMostExtensions, TCP with options 60.
constexpr size_t kHeaderBytes = 192;
constexpr size_t kMostExtensionBytes = 88;
constexpr unsigned kMostExtensions = 4;

enum : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };

// Messages of ICMP (RFC 792) and ICMPv6 (RFC 4443, 4861).
enum : uint8_t { kEchoReply4 = 0, kUnreachable4 = 3, kEcho4 = 8, kTimeExceeded4 = 11, kParameter4 = 12 };
enum : uint8_t {
    kUnreachable6 = 1,
    kTooBig6 = 2,
    kTimeExceeded6 = 3,
    kParameter6 = 4,
    kEcho6 = 128,
    kEchoReply6 = 129,
    kRouterSolicit = 133,
    kRouterAdvert = 134,
    kSolicit = 135,
    kAdvert = 136,
    kRedirect6 = 137
};

enum class Kind : uint8_t { kTcp, kUdp, kEcho, kEchoReply, kIcmpError, kIcmpOther, kFragment, kOther };

struct Packet {
    Ip source;
    Ip destination;
    uint32_t length = 0;       // whole packet
    uint16_t transport = 0;    // where the header behind IP's begins
    uint16_t source_port = 0;  // TCP, UDP. Echo: identifier; replies have it as destination_port
    uint16_t destination_port = 0;
    uint8_t protocol = 0;
    uint8_t hops = 0;
    Kind kind = Kind::kOther;
    uint8_t tcp_flags = 0;
    uint8_t icmp_type = 0;
    uint8_t icmp_code = 0;
    bool is_v6 = false;
    bool keeps_whole = false;  // IPv4: "don't fragment"; always with IPv6
    // kFragment only:
    bool has_more = false;
    uint16_t fragment_offset = 0;  // bytes
    uint16_t fragment_header = 0;  // IPv6: where that header begins
    uint16_t fragment_next = 0;    // IPv6: where the number of the header behind it is written
    uint32_t fragment_id = 0;

    size_t transport_bytes() const { return length - transport; }
};

// Reads the packet of `length` bytes whose first `available` (all, or at least kHeaderBytes) are at `bytes`. kNone,
// kMalformed or kOption. Trailing bytes beyond the packet's own length, as Ethernet adds them, are let go; `length` of
// the packet is without them.
Reason parse(const uint8_t* bytes, size_t available, size_t length, Packet& packet);

// The same for the beginning of a packet that an ICMP error quotes: it may end anywhere behind the first 8 bytes of
// its transport header, and its checksums are not looked at.
Reason parse_quoted(const uint8_t* bytes, size_t available, Packet& packet);

// Where the transport checksum lies, counted from the transport header; 0 if there is none.
inline size_t checksum_offset(uint8_t protocol) {
    switch (protocol) {
        case kTcp: return 16;
        case kUdp: return 6;
        case kIcmp4:
        case kIcmp6: return 2;
        default: return 0;
    }
}

// Whether the checksum of a whole packet in private memory is right (a UDP packet over IPv4 may have none).
bool is_checksum_right(const uint8_t* bytes, const Packet& packet);

// The checksum that a whole packet in private memory must have; its field counts as it is.
uint16_t transport_checksum(const uint8_t* bytes, const Packet& packet);

// Where the transport header of a packet of our own begins: it has neither options nor extension headers.
constexpr size_t own_header_bytes(const Ip& destination) { return destination.is_v4() ? 20 : 40; }

// Writes the IP header of a packet of our own at `out`, and the checksum of the `count` bytes that lie behind it
// already. Returns its length. An IPv4 packet may be divided on its way if `may_divide`.
size_t write_ip(const Ip& source, const Ip& destination, uint8_t protocol, uint8_t hops, size_t count, uint8_t* out,
                bool may_divide = true);

}  // namespace kos::netrouter

#endif
