// Multicast and broadcast of datagram sockets: options, and messages to the domain's own sockets. What goes out by a
// link is the protocol's (udp.cpp).
#include "net/inet/datagram.h"
#include "net/inet/options.h"

#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <string.h>

namespace kos::lx {

namespace {

// linux/in.h, linux/in6.h.
constexpr int kIP_MULTICAST_IF = 32, kIP_ADD_MEMBERSHIP = 35, kIP_DROP_MEMBERSHIP = 36, kIP_UNBLOCK_SOURCE = 37,
              kIP_BLOCK_SOURCE = 38, kIP_ADD_SOURCE_MEMBERSHIP = 39, kIP_DROP_SOURCE_MEMBERSHIP = 40;
constexpr int kMCAST_JOIN_GROUP = 42, kMCAST_BLOCK_SOURCE = 43, kMCAST_UNBLOCK_SOURCE = 44, kMCAST_LEAVE_GROUP = 45,
              kMCAST_JOIN_SOURCE_GROUP = 46, kMCAST_LEAVE_SOURCE_GROUP = 47;
constexpr int kIPV6_MULTICAST_IF = 17, kIPV6_ADD_MEMBERSHIP = 20, kIPV6_DROP_MEMBERSHIP = 21;

struct Request4 {  // struct ip_mreqn; of struct ip_mreq without the number
    uint32_t group, address;
    int32_t interface;
};
struct SourceRequest4 {  // struct ip_mreq_source
    uint32_t group, address, source;
};
struct Request6 {  // struct ipv6_mreq
    uint32_t group[4];
    int32_t interface;
};
constexpr size_t kStorageBytes = 128;
struct GroupRequest {  // struct group_req; struct group_source_req is one address longer
    uint32_t interface, padding;
    char group[kStorageBytes], source[kStorageBytes];
};

ip_addr_t address4(uint32_t value) {
    ip_addr_t address{};
    ip_addr_set_ip4_u32_val(address, value);
    return address;
}

// As many bytes of the value as are there; the rest is 0.
template <class T>
T prefix_of(std::string_view value) {
    T result{};
    memcpy(&result, value.data(), std::min(value.size(), sizeof result));
    return result;
}

}  // namespace

Result<int> DatagramSocket::group_interface(int index, const ip_addr_t& address, const ip_addr_t& group) {
    if (!is_multicast(group)) return Errno::kEINVAL;
    const netif* const interface = index             ? Network::find(index)
                                   : is_any(address) ? Network::for_groups(is_v6(group))
                                                     : Network::with_address(address);
    if (!interface) return Errno::kENODEV;
    return Network::index_of(*interface);
}

Status DatagramSocket::change_membership(Membership change, const ip_addr_t& group, int interface,
                                         const ip_addr_t& source) {
    switch (change) {
        case Membership::kJoin: return groups_.join(group, interface);
        case Membership::kLeave: return groups_.leave(group, interface);
        case Membership::kBlock: return groups_.block(group, interface, source);
        case Membership::kUnblock: return groups_.unblock(group, interface, source);
        case Membership::kJoinSource: return groups_.join_source(group, interface, source);
        case Membership::kLeaveSource: return groups_.leave_source(group, interface, source);
    }
    return Errno::kENOPROTOOPT;
}

Status DatagramSocket::set_membership4(Membership change, std::string_view value) {
    bool const has_source = change != Membership::kJoin && change != Membership::kLeave;
    ip_addr_t group, address, source{};
    int index = 0;
    if (has_source) {
        if (value.size() < sizeof(SourceRequest4)) return Errno::kEINVAL;
        auto const request = prefix_of<SourceRequest4>(value);
        group = address4(request.group), address = address4(request.address), source = address4(request.source);
    } else {
        constexpr size_t kWithoutNumber = 8;
        if (value.size() < kWithoutNumber) return Errno::kEINVAL;
        auto const request =
            prefix_of<Request4>(value.size() < sizeof(Request4) ? value.substr(0, kWithoutNumber) : value);
        group = address4(request.group), address = address4(request.address), index = request.interface;
    }
    KOS_TRY(int const interface, group_interface(index, address, group));
    return change_membership(change, group, interface, source);
}

Status DatagramSocket::set_membership(Membership change, int level, std::string_view value) {
    bool const has_source = change != Membership::kJoin && change != Membership::kLeave;
    if (value.size() < sizeof(GroupRequest) - (has_source ? 0 : kStorageBytes)) return Errno::kEINVAL;
    auto const request = prefix_of<GroupRequest>(value);
    int const family = level == kIPPROTO_IP ? kAF_INET : kAF_INET6;
    KOS_TRY(Endpoint const group, read_endpoint(SocketAddress(request.group, kStorageBytes), family));
    Endpoint source;
    if (has_source) {
        KOS_TRY(source, read_endpoint(SocketAddress(request.source, kStorageBytes), family));
    }
    KOS_TRY(int const interface,
            group_interface(static_cast<int>(request.interface), any_address(kAF_INET), group.address));
    return change_membership(change, group.address, interface, source.address);
}

Status DatagramSocket::set_group_interface(int level, std::string_view value) {
    if (level == kIPPROTO_IPV6) {
        KOS_TRY(int32_t const index, option_int(value));
        if (index && !Network::find(index)) return Errno::kENODEV;
        group_interface6_ = index;
        return {};
    }
    if (value.size() < sizeof(uint32_t)) return Errno::kEINVAL;
    // An address alone, or a membership request.
    auto request = prefix_of<Request4>(value);
    if (value.size() < offsetof(Request4, interface)) request = {0, request.group, 0};
    if (value.size() < sizeof request) request.interface = 0;
    const netif* interface = nullptr;
    if (request.interface || request.address) {
        interface =
            request.interface ? Network::find(request.interface) : Network::with_address(address4(request.address));
        if (!interface) return Errno::kEADDRNOTAVAIL;
    }
    group_interface_ = interface ? Network::index_of(*interface) : 0;
    group_address_ = request.address;
    return {};
}

Status DatagramSocket::set_special_option(int level, int name, std::string_view value) {
    bool const is_4 = level == kIPPROTO_IP, is_6 = level == kIPPROTO_IPV6;
    if (!is_4 && !is_6) return Errno::kENOPROTOOPT;
    if (name == (is_4 ? kIP_MULTICAST_IF : kIPV6_MULTICAST_IF)) return set_group_interface(level, value);
    switch (name) {
        case kMCAST_JOIN_GROUP: return set_membership(Membership::kJoin, level, value);
        case kMCAST_LEAVE_GROUP: return set_membership(Membership::kLeave, level, value);
        case kMCAST_BLOCK_SOURCE: return set_membership(Membership::kBlock, level, value);
        case kMCAST_UNBLOCK_SOURCE: return set_membership(Membership::kUnblock, level, value);
        case kMCAST_JOIN_SOURCE_GROUP: return set_membership(Membership::kJoinSource, level, value);
        case kMCAST_LEAVE_SOURCE_GROUP: return set_membership(Membership::kLeaveSource, level, value);
        default: break;
    }
    if (is_4) {
        switch (name) {
            case kIP_ADD_MEMBERSHIP: return set_membership4(Membership::kJoin, value);
            case kIP_DROP_MEMBERSHIP: return set_membership4(Membership::kLeave, value);
            case kIP_BLOCK_SOURCE: return set_membership4(Membership::kBlock, value);
            case kIP_UNBLOCK_SOURCE: return set_membership4(Membership::kUnblock, value);
            case kIP_ADD_SOURCE_MEMBERSHIP: return set_membership4(Membership::kJoinSource, value);
            case kIP_DROP_SOURCE_MEMBERSHIP: return set_membership4(Membership::kLeaveSource, value);
            default: return Errno::kENOPROTOOPT;
        }
    }
    if (name != kIPV6_ADD_MEMBERSHIP && name != kIPV6_DROP_MEMBERSHIP) return Errno::kENOPROTOOPT;
    if (value.size() < sizeof(Request6)) return Errno::kEINVAL;
    auto const request = prefix_of<Request6>(value);
    ip_addr_t group = any_address(kAF_INET6);
    memcpy(ip_2_ip6(&group)->addr, request.group, sizeof request.group);
    KOS_TRY(int const interface, group_interface(request.interface, any_address(kAF_INET), group));
    return change_membership(name == kIPV6_ADD_MEMBERSHIP ? Membership::kJoin : Membership::kLeave, group, interface,
                             {});
}

Result<std::string> DatagramSocket::special_option(int level, int name) {
    if (level == kIPPROTO_IP && name == kIP_MULTICAST_IF) return int_option(static_cast<int32_t>(group_address_));
    if (level == kIPPROTO_IPV6 && name == kIPV6_MULTICAST_IF) return int_option(group_interface6_);
    return InetSocket::special_option(level, name);
}

bool DatagramSocket::takes(const Endpoint& from, const Endpoint& to, int interface) const {
    if (local_.port != to.port || (interface_ && interface_ != interface)) return false;
    bool const is_6 = is_v6(to.address);
    if (is_6 ? family_ != kAF_INET6 : !accepts_v4()) return false;
    if (!is_any(local_.address) && !is_same(local_.address, to.address)) return false;
    if (has_remote_ && (remote_.port != from.port || !is_same(remote_.address, from.address))) return false;
    return !is_multicast(to.address) ||
           groups_.admits(to.address, interface, from.address, is_6 || is_on(Option::kMulticastAll));
}

void DatagramSocket::deliver_to_all(pbuf* packet, const Manner& manner, const ip_addr_t& source, int interface) {
    // Groups that nobody is in are not received, but for the one of all.
    constexpr uint32_t kEverybody = PP_HTONL(0xe0000001);
    bool const is_4 = !is_v6(manner.to.address);
    bool is_wanted =
        !is_multicast(manner.to.address) || (is_4 ? ip4_addr_get_u32(ip_2_ip4(&manner.to.address)) == kEverybody
                                                  : ip6_addr_isallnodes_linklocal(ip_2_ip6(&manner.to.address)));
    std::vector<DatagramSocket*> all;
    for (InetSocket* const each : network_.bound) {
        if (each->transport() != protocol_ || each->socket_type() != type_) continue;
        auto* const socket = static_cast<DatagramSocket*>(each);
        is_wanted |= socket->groups_.has(manner.to.address, interface);
        all.push_back(socket);
    }
    if (!is_wanted) return;
    Endpoint const from{source, local_.port};
    // lwIP puts headers into the packet itself when it goes out as well.
    pbuf* const copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);
    if (!copy) return;
    for (DatagramSocket* const socket : all) {
        if (!socket->takes(from, manner.to, interface)) continue;
        pbuf_ref(copy);
        socket->enter(
            {copy, from, manner.to.address, interface, manner.ttl, manner.tos, network_.system().timers.realtime()});
    }
    pbuf_free(copy);
}

}  // namespace kos::lx
