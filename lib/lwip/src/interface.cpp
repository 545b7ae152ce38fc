/*
 * A link as lwIP's network interface: packets in, checked for what lwIP does not check; packets out; counting.
 */
#include <algorithm>

#include <kos/net/interface.h>
#include <kos/net/stack.h>
#include <lwip/ip.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "gather.h"
#include "memory.h"

namespace kos::net {
namespace {

constexpr uint16_t kChecksTransport = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
constexpr uint16_t kChecksGathered = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_IP;

bool is_discovery(uint8_t icmp6_type) { return icmp6_type >= ICMP6_TYPE_RS && icmp6_type <= ICMP6_TYPE_RD; }

// Whether a checksum that the other side has verified is that of the whole transport packet.
bool is_whole(const pbuf& packet) {
    if (IP_HDR_GET_VERSION(packet.payload) == 4) {
        const auto& header = *static_cast<const ip_hdr*>(packet.payload);
        return (IPH_OFFSET(&header) & PP_HTONS(IP_OFFMASK | IP_MF)) == 0;
    }
    const auto& header = *static_cast<const ip6_hdr*>(packet.payload);
    return IP6H_NEXTH(&header) == IP6_NEXTH_TCP || IP6H_NEXTH(&header) == IP6_NEXTH_UDP;
}

// Who does not follow messages about the way's size sends no more with IPv6, which no router divides (RFC 8201, 4).
constexpr uint16_t kMtu6 = 1280;

// The transport protocol of what lwIP sends; it puts no extension headers in front but that of fragments.
bool is_tcp(const pbuf& packet, unsigned version) {
    if (version == 4) return IPH_PROTO(static_cast<const ip_hdr*>(packet.payload)) == IP_PROTO_TCP;
    return IP6H_NEXTH(static_cast<const ip6_hdr*>(packet.payload)) == IP6_NEXTH_TCP;
}

}  // namespace

LinkInterface::LinkInterface(Stack& stack, Link& link, const InterfaceConfig& config)
    : stack_(stack), link_(link), leaves_checksum_(config.leaves_checksum) {
    ip4_addr_t mask;
    ip4_addr_set_u32(&mask, config.prefix4 == 0 ? 0 : lwip_htonl(0xffffffffu << (32 - config.prefix4)));
    netif_add(&netif_, &config.address4, &mask, &config.gateway4, this, init, ip_input);
    netif_.mtu = config.mtu;
    if (!ip6_addr_isany_val(config.address6)) {
        netif_ip6_addr_set(&netif_, 0, &config.address6);
        netif_ip6_addr_set_state(&netif_, 0, IP6_ADDR_PREFERRED);
    }
    stack.attach(*this);
    netif_set_up(&netif_);
    set_up(true);
}

LinkInterface::~LinkInterface() { stack_.detach(*this); }

void LinkInterface::set_up(bool is_up) {
    if (is_up) {
        netif_.mtu6 = std::min(netif_.mtu, kMtu6);  // a link that goes down forgets it
        netif_set_link_up(&netif_);
    } else {
        netif_set_link_down(&netif_);
    }
}

err_t LinkInterface::init(netif* self) {
    const auto& interface = *static_cast<LinkInterface*>(self->state);
    self->name[0] = 'k';
    self->name[1] = 'l';
    self->output = output4;
    self->output_ip6 = output6;
    // UDP's checksum is always made here: a datagram in fragments has it in the first one only, where nobody behind us
    // can know it.
    if (interface.leaves_checksum_) {
        NETIF_SET_CHECKSUM_CTRL(self, NETIF_CHECKSUM_ENABLE_ALL & ~NETIF_CHECKSUM_GEN_TCP);
    }
    return ERR_OK;
}

err_t LinkInterface::output4(netif* self, pbuf* packet, const ip4_addr_t*) {
    return static_cast<LinkInterface*>(self->state)->output(*packet, 4);
}

err_t LinkInterface::output6(netif* self, pbuf* packet, const ip6_addr_t*) {
    return static_cast<LinkInterface*>(self->state)->output(*packet, 6);
}

err_t LinkInterface::output(const pbuf& packet, unsigned version) {
    switch (link_.send(packet, leaves_checksum_ && is_tcp(packet, version))) {
        case Link::Sent::kYes:
            ++counters_.sent_packets;
            counters_.sent_bytes += packet.tot_len;
            return ERR_OK;
        case Link::Sent::kFull:
            ++counters_.full;
            blocked_ = true;
            return ERR_MEM;
        case Link::Sent::kLost: break;
    }
    ++counters_.lost;
    return ERR_IF;
}

unsigned LinkInterface::receive(unsigned most) {
    unsigned count = 0;
    Gathering gathering;
    while (count < most && stack_.is_taking_) {
        const size_t bytes = link_.next_bytes();
        if (bytes == 0) break;
        ++count;
        if (!receive_one(bytes, gathering)) link_.drop();
    }
    deliver(gathering);
    return count;
}

// False: it is still there.
bool LinkInterface::receive_one(size_t bytes, Gathering& gathering) {
    if (bytes < IP_HLEN || bytes > UINT16_MAX) {
        ++counters_.refused;
        return false;
    }
    // An eighth is kept for what frees memory: acknowledgements that go out, and data that connections have already.
    if (stack_.memory_free() < kos_lwip_limits.memory_bytes / 8 + bytes) {
        ++counters_.no_memory;
        return false;
    }
    pbuf* const packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(bytes), PBUF_RAM);
    if (packet == nullptr) {
        ++counters_.no_memory;
        return false;
    }
    bool verified = false;
    PacketSum sum;
    if (link_.take_and_add(packet->payload, bytes, &verified, &sum) != bytes || !is_acceptable(*packet)) {
        ++counters_.refused;
        pbuf_free(packet);
        return true;
    }
    ++counters_.received_packets;
    counters_.received_bytes += bytes;
    const bool is_vouched_for = verified && is_whole(*packet);
    Segment segment;
    if (!read_segment(*packet, !is_vouched_for, segment, sum)) {
        deliver(gathering);  // the order of what arrives is kept
        deliver(packet, is_vouched_for ? kChecksTransport : 0);
        return true;
    }
    if (!gathering.add(packet, segment)) {
        deliver(gathering);
        gathering.add(packet, segment);
    }
    return true;
}

// `unchecked`: flags of what need not be checked any more.
void LinkInterface::deliver(pbuf* packet, uint16_t unchecked) {
    const uint16_t flags = netif_.chksum_flags;
    NETIF_SET_CHECKSUM_CTRL(&netif_, flags & ~unchecked);
    if (netif_.input(packet, &netif_) != ERR_OK) pbuf_free(packet);
    NETIF_SET_CHECKSUM_CTRL(&netif_, flags);
}

void LinkInterface::deliver(Gathering& gathering) {
    if (gathering.is_next_of_connection()) deliver(gathering.finish(), kChecksGathered);
    while (pbuf* const packet = gathering.take()) deliver(packet, kChecksGathered);
}

// What lwIP would believe: sources that can only be this domain itself or nobody, and neighbour discovery, for which
// there is no use on a link with one peer.
bool LinkInterface::is_acceptable(const pbuf& packet) const {
    if (IP_HDR_GET_VERSION(packet.payload) == 4) {
        ip4_addr_t source;
        ip4_addr_copy(source, static_cast<const ip_hdr*>(packet.payload)->src);
        return !ip4_addr_isloopback(&source) && !ip4_addr_ismulticast(&source) && !ip4_addr_isany_val(source) &&
               source.addr != IPADDR_BROADCAST && !ip4_addr_cmp(&source, netif_ip4_addr(&netif_));
    }
    if (IP_HDR_GET_VERSION(packet.payload) != 6 || packet.tot_len < IP6_HLEN) return false;
    const auto& header = *static_cast<const ip6_hdr*>(packet.payload);
    ip6_addr_t source;
    ip6_addr_copy_from_packed(source, header.src);
    if (ip6_addr_isloopback(&source) || ip6_addr_ismulticast(&source) || ip6_addr_isany_val(source) ||
        ip6_addr_cmp_zoneless(&source, netif_ip6_addr(&netif_, 0))) {
        return false;
    }
    if (IP6H_NEXTH(&header) != IP6_NEXTH_ICMP6) return true;
    return packet.tot_len > IP6_HLEN && !is_discovery(static_cast<const uint8_t*>(packet.payload)[IP6_HLEN]);
}

}  // namespace kos::net
