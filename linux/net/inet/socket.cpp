// Names and errors of Internet sockets; making one.
#include "net/inet/socket.h"

#include "net/inet/groups.h"
#include "net/inet/raw.h"
#include "net/inet/tcp.h"
#include "net/inet/udp.h"
#include "net/netlink.h"
#include "task/process.h"
#include "vfs/anonymous.h"

#include <lwip/ip.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr unsigned kCAP_NET_BIND_SERVICE = 10, kCAP_NET_RAW = 13;
constexpr uint16_t kFirstFreePort = 1024;

Result<Ref<Socket>> make_raw(Network& network, Process& process, int family, int type, int protocol) {
    if (type == kSOCK_RAW && !process.credentials.has_capability(kCAP_NET_RAW)) return Errno::kEPERM;
    return RawSocket::create(network, family, type, protocol);
}

Result<Ref<Socket>> make_inet4(Process& process, int type, int protocol) {
    return make_inet_socket(process, kAF_INET, type, protocol);
}
Result<Ref<Socket>> make_inet6(Process& process, int type, int protocol) {
    return make_inet_socket(process, kAF_INET6, type, protocol);
}

}  // namespace

Result<Ref<Socket>> make_inet_socket(Process& process, int family, int type, int protocol) {
    Network& network = Network::of(process.system);
    int const icmp = family == kAF_INET ? kIPPROTO_ICMP : kIPPROTO_ICMPV6;
    if (protocol < 0 || protocol > 255) return Errno::kEINVAL;
    switch (type) {
        case kSOCK_STREAM:
            if (protocol != 0 && protocol != kIPPROTO_TCP) return Errno::kEPROTONOSUPPORT;
            return TcpSocket::create(network, family);
        case kSOCK_DGRAM:
            if (protocol == icmp) return make_raw(network, process, family, type, protocol);
            if (protocol != 0 && protocol != kIPPROTO_UDP) return Errno::kEPROTONOSUPPORT;
            return UdpSocket::create(network, family);
        case kSOCK_RAW:
            if (protocol == 0) return Errno::kEPROTONOSUPPORT;
            return make_raw(network, process, family, type, protocol);
        default: return Errno::kESOCKTNOSUPPORT;
    }
}

void register_inet_sockets() {
    register_socket_family(kAF_INET, make_inet4);
    register_socket_family(kAF_INET6, make_inet6);
    register_socket_family(kAF_NETLINK, make_netlink_socket);
}

InetSocket::InetSocket(Network& network, int family, int type, int protocol)
    : network_(network),
      family_(family),
      type_(type),
      protocol_(protocol),
      attributes_(anonymous_attributes(kSocketDevice, kS_IFSOCK | 0777)) {
    flags = kO_RDWR;
    local_.address = remote_.address = any_address(family);
    for (size_t i = 0; i < kOptions; ++i) values_[i] = default_value(static_cast<Option>(i));
    network_.sockets.push_back(this);
}

InetSocket::~InetSocket() {
    leave_bound();
    std::erase(network_.sockets, this);
}

std::string InetSocket::anonymous_name() const { return numbered_name("socket", attributes_.inode); }

// --- Names

Result<SocketAddress> InetSocket::local_address() { return write_endpoint(local_, family_); }

Result<SocketAddress> InetSocket::peer_address() {
    if (!has_remote_) return Errno::kENOTCONN;
    return write_endpoint(remote_, family_);
}

u8_t InetSocket::lwip_type() const {
    if (family_ == kAF_INET) return IPADDR_TYPE_V4;
    return is_on(Option::kV6Only) ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}

ip_addr_t InetSocket::lwip_address(const ip_addr_t& address) const {
    ip_addr_t copy = address;
    if (is_any(copy)) IP_SET_TYPE_VAL(copy, lwip_type());
    return copy;
}

Result<Endpoint> InetSocket::read_peer(const SocketAddress& address) const {
    KOS_TRY(Endpoint to, read_endpoint(address, family_));
    KOS_TRY_STATUS(check_destination(to));
    if (is_link_local(to.address) && scope_of(address) == 0 && interface_ == 0) return Errno::kEINVAL;
    return to;
}

Status InetSocket::check_destination(Endpoint& to) const {
    if (family_ == kAF_INET6 && !is_v6(to.address) && is_on(Option::kV6Only)) return Errno::kENETUNREACH;
    if (is_any(to.address)) to.address = loopback_address(is_v6(to.address));
    return {};
}

Result<Endpoint> InetSocket::read_local(const SocketAddress& address, Process& process) {
    Endpoint wanted;
    bool const is_unspecified = family_ == kAF_INET && family_of(address) == kAF_UNSPEC;
    if (is_unspecified && address.size() >= kAddress4Bytes) {
        // Linux takes it for AF_INET if no address is named.
        SocketAddress named = address;
        named[0] = static_cast<char>(kAF_INET);
        KOS_TRY(wanted, read_endpoint(named, family_));
        if (!is_any(wanted.address)) return Errno::kEAFNOSUPPORT;
    } else {
        KOS_TRY(wanted, read_endpoint(address, family_));
    }
    if (family_ == kAF_INET6 && !is_v6(wanted.address) && is_on(Option::kV6Only)) return Errno::kEINVAL;
    if (is_link_local(wanted.address) && scope_of(address) == 0 && interface_ == 0) return Errno::kEINVAL;
    bool const may_be_foreign = is_on(Option::kFreeBind) || is_on(Option::kTransparent) ||
                                is_multicast(wanted.address) || is_broadcast(wanted.address);
    if (!may_be_foreign && !Network::is_local(wanted.address)) return Errno::kEADDRNOTAVAIL;
    if (type_ != kSOCK_RAW && wanted.port != 0 && wanted.port < kFirstFreePort &&
        !process.credentials.has_capability(kCAP_NET_BIND_SERVICE)) {
        return Errno::kEACCES;
    }
    return wanted;
}

bool InetSocket::overlaps(const InetSocket& other, const Endpoint& wanted) const {
    if (other.protocol_ != protocol_ || other.local_.port != wanted.port) return false;
    const ip_addr_t& theirs = other.local_.address;
    bool const is_ours_any = is_any(wanted.address), is_theirs_any = is_any(theirs);
    // An unspecified IPv6 address may stand for IPv4 as well.
    bool const ours4 = !is_v6(wanted.address) || (is_ours_any && accepts_v4());
    bool const theirs4 = !is_v6(theirs) || (is_theirs_any && other.accepts_v4());
    bool const both4 = ours4 && theirs4, both6 = is_v6(wanted.address) && is_v6(theirs);
    if (!both4 && !both6) return false;
    return is_ours_any || is_theirs_any || is_same(wanted.address, theirs);
}

Status InetSocket::check_free(const Endpoint& wanted) const {
    for (const InetSocket* const other : network_.bound) {
        if (other == this || !overlaps(*other, wanted)) continue;
        bool const may_share = reuses_address_ && other->reuses_address_ && !other->is_listening();
        if (!may_share && !(reuses_port_ && other->reuses_port_)) return Errno::kEADDRINUSE;
    }
    return {};
}

void InetSocket::enter_bound(const Endpoint& local) {
    local_ = local;
    // An IPv6 address of its own leaves no room for IPv4.
    if (family_ == kAF_INET6 && is_v6(local.address) && !is_any(local.address)) set(Option::kV6Only, 1);
    if (!std::exchange(is_bound_, true)) network_.bound.push_back(this);
}

void InetSocket::leave_bound() {
    if (std::exchange(is_bound_, false)) std::erase(network_.bound, this);
}

}  // namespace kos::lx
