// See gather.h.
#include "gather.h"

#include <kos/internet_sum.h>
#include <lwip/def.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>

namespace kos::net {
namespace {

constexpr uint16_t kRight = 0xffff;  // the sum over everything, its checksum included
constexpr uint32_t kPacketMost = 0xffff;
constexpr size_t kPseudoAddresses4 = 12, kPseudoAddresses6 = 8;  // source and destination, one behind the other

const uint8_t* bytes_of(const pbuf& packet) { return static_cast<const uint8_t*>(packet.payload); }

const tcp_hdr& tcp_of(const pbuf& packet, const Segment& segment) {
    return *reinterpret_cast<const tcp_hdr*>(bytes_of(packet) + segment.transport);
}

uint16_t fold(uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

size_t addresses_at(const Segment& segment) { return segment.is_v6 ? kPseudoAddresses6 : kPseudoAddresses4; }
size_t addresses_bytes(const Segment& segment) { return segment.is_v6 ? 32 : 8; }

// Lengths that the compiler knows: it calls nothing.
bool has_same_addresses(const pbuf& one, const pbuf& other, bool is_v6) {
    if (is_v6) {
        return __builtin_memcmp(bytes_of(one) + kPseudoAddresses6, bytes_of(other) + kPseudoAddresses6, 32) == 0;
    }
    return __builtin_memcmp(bytes_of(one) + kPseudoAddresses4, bytes_of(other) + kPseudoAddresses4, 8) == 0;
}

// Whether its transport begins behind an IP header of the plainest kind, and its lengths agree.
bool read_ip(const pbuf& packet, Segment& segment) {
    if (packet.len < IP_HLEN) return false;
    segment.is_v6 = bytes_of(packet)[0] >> 4 == 6;
    if (segment.is_v6) {
        if (packet.len < IP6_HLEN) return false;
        const auto& header = *static_cast<const ip6_hdr*>(packet.payload);
        segment.transport = IP6_HLEN;
        return IP6H_NEXTH(&header) == IP6_NEXTH_TCP && IP6H_PLEN(&header) + IP6_HLEN == packet.len;
    }
    const auto& header = *static_cast<const ip_hdr*>(packet.payload);
    segment.transport = IP_HLEN;
    return bytes_of(packet)[0] == 0x45 && IPH_PROTO(&header) == IP_PROTO_TCP &&
           (IPH_OFFSET(&header) & PP_HTONS(IP_OFFMASK | IP_MF)) == 0 && lwip_ntohs(IPH_LEN(&header)) == packet.len;
}

bool is_right(const pbuf& packet, const Segment& segment, const PacketSum& known) {
    const uint8_t* const bytes = bytes_of(packet);
    const uint16_t header = internet_sum(bytes, segment.transport);
    if (!segment.is_v6 && header != kRight) return false;
    const auto transport_bytes = static_cast<uint16_t>(packet.len - segment.transport);
    // Subtracting is adding the complement (RFC 1071, 2).
    const uint32_t transport = known.is_known ? uint32_t{known.sum} + static_cast<uint16_t>(~header)
                                              : internet_sum(bytes + segment.transport, transport_bytes);
    const uint32_t sum = transport + internet_sum(bytes + addresses_at(segment), addresses_bytes(segment)) +
                         lwip_htons(transport_bytes) + PP_HTONS(IP_PROTO_TCP);
    return fold(sum) == kRight;
}

}  // namespace

bool read_segment(const pbuf& packet, bool checks, Segment& segment, const PacketSum& sum) {
    if (packet.next != nullptr || !read_ip(packet, segment)) return false;
    segment.data = static_cast<uint16_t>(segment.transport + TCP_HLEN);
    if (packet.len <= segment.data) return false;
    const tcp_hdr& tcp = tcp_of(packet, segment);
    // Flags without the header's length and its reserved bits, which are to be 5 and 0.
    constexpr uint16_t kPlain = TCP_HLEN / 4 << 12 | TCP_ACK;
    if ((lwip_ntohs(tcp._hdrlen_rsvd_flags) & ~TCP_PSH) != kPlain) return false;
    segment.data_bytes = static_cast<uint16_t>(packet.len - segment.data);
    segment.sequence = lwip_ntohl(tcp.seqno);
    return !checks || is_right(packet, segment, sum);
}

bool Gathering::add(pbuf* packet, const Segment& segment) {
    if (first_ == nullptr) {
        first_ = last_ = packet;
        head_ = segment;
        bytes_ = packet->len;
        next_sequence_ = segment.sequence + segment.data_bytes;
        return true;
    }
    const tcp_hdr& there = tcp_of(*first_, head_);
    const tcp_hdr& tcp = tcp_of(*packet, segment);
    if (segment.is_v6 != head_.is_v6 || segment.sequence != next_sequence_ || tcp.src != there.src ||
        tcp.dest != there.dest || tcp.ackno != there.ackno || tcp.wnd != there.wnd ||
        bytes_ + segment.data_bytes > kPacketMost || !has_same_addresses(*packet, *first_, segment.is_v6)) {
        return false;
    }
    // Whoever set PSH last wants it for the whole.
    const_cast<tcp_hdr&>(there)._hdrlen_rsvd_flags |= tcp._hdrlen_rsvd_flags & PP_HTONS(TCP_PSH);
    pbuf_remove_header(packet, segment.data);
    last_->next = packet;
    last_ = packet;
    bytes_ += segment.data_bytes;
    next_sequence_ += segment.data_bytes;
    return true;
}

pbuf* Gathering::take() {
    pbuf* const packet = first_;
    if (packet == nullptr) return nullptr;
    first_ = packet->next;
    packet->next = nullptr;
    // Their headers are still in front of them.
    if (first_ != nullptr) pbuf_add_header(first_, head_.data);
    return packet;
}

bool Gathering::is_next_of_connection() const {
    if (first_ == nullptr || first_->next == nullptr) return false;
    const tcp_hdr& tcp = tcp_of(*first_, head_);
    const uint16_t local_port = lwip_ntohs(tcp.dest), remote_port = lwip_ntohs(tcp.src);
    for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
        // An address is not compared: what belongs to another connection after all is put together no less rightly.
        if (pcb->local_port == local_port && pcb->remote_port == remote_port && pcb->rcv_nxt == head_.sequence) {
            return pcb->ooseq == nullptr;
        }
    }
    return false;
}

pbuf* Gathering::finish() {
    pbuf* const whole = first_;
    first_ = nullptr;
    if (whole == nullptr || whole->next == nullptr) return whole;
    uint32_t left = bytes_;
    for (pbuf* piece = whole; piece != nullptr; piece = piece->next) {
        piece->tot_len = static_cast<u16_t>(left);
        left -= piece->len;
    }
    if (head_.is_v6) {
        IP6H_PLEN_SET(static_cast<ip6_hdr*>(whole->payload), static_cast<u16_t>(bytes_ - IP6_HLEN));
    } else {
        IPH_LEN_SET(static_cast<ip_hdr*>(whole->payload), lwip_htons(static_cast<u16_t>(bytes_)));
    }
    return whole;
}

}  // namespace kos::net
