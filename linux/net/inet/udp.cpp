// UDP over lwIP's control blocks.
#include "net/inet/udp.h"

#include "task/process.h"

#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/udp.h>

namespace kos::lx {

namespace {

constexpr size_t kHeader4 = 20, kHeader6 = 40, kUdpHeader = 8;

}  // namespace

struct UdpSocket::Callbacks {
    static void received(void* argument, udp_pcb*, pbuf* packet, const ip_addr_t* from, u16_t port) {
        static_cast<UdpSocket*>(argument)->DatagramSocket::received(packet, {plain(*from), port});
    }
};

Result<Ref<Socket>> UdpSocket::create(Network& network, int family) {
    Ref<UdpSocket> socket(new UdpSocket(network, family));
    KOS_TRY_STATUS(socket->make_block());
    return Ref<Socket>(socket);
}

UdpSocket::~UdpSocket() {
    if (block_) udp_remove(block_);
}

Status UdpSocket::make_block() {
    if (block_) return {};
    block_ = udp_new_ip_type(lwip_type());
    if (!block_) return Errno::kENOBUFS;
    // Who may share a port is decided in check_free; broadcasts in check_send.
    ip_set_option(block_, SOF_REUSEADDR);
    ip_set_option(block_, SOF_BROADCAST);
    udp_recv(block_, Callbacks::received, this);
    return {};
}

Status UdpSocket::bind_block(const Endpoint& local) {
    ip_addr_t const address = lwip_address(local.address);
    // IPV6_V6ONLY may have been set since.
    IP_SET_TYPE_VAL(block_->local_ip, IP_GET_TYPE(&address));
    IP_SET_TYPE_VAL(block_->remote_ip, IP_GET_TYPE(&address));
    if (err_t const error = udp_bind(block_, &address, local.port); error != ERR_OK) return Errno::kEADDRINUSE;
    enter_bound({local.address, block_->local_port});
    return {};
}

Status UdpSocket::bind(const SocketAddress& address, Process& process) {
    KOS_TRY(Endpoint const wanted, read_local(address, process));
    if (is_bound_) return Errno::kEINVAL;
    if (wanted.port) KOS_TRY_STATUS(check_free(wanted));
    return bind_block(wanted);
}

Status UdpSocket::bind_interface(const netif* interface) {
    udp_bind_netif(block_, interface);
    return {};
}

Status UdpSocket::connect_block(const Endpoint* to) {
    if (!to) {
        udp_disconnect(block_);
        return {};
    }
    if (to->port == 0) return Errno::kEINVAL;
    if (!is_bound_) KOS_TRY_STATUS(bind_block({any_address(family_), 0}));
    return errno_of(udp_connect(block_, &to->address, to->port));
}

size_t UdpSocket::bytes_most(const Endpoint& to) const {
    // Of IPv6 the length does not count the header, but lwIP's does.
    return kBytesMost - kUdpHeader - (is_v6(to.address) ? kHeader6 : kHeader4);
}

Status UdpSocket::check_send(const Endpoint& to) const {
    if (to.port == 0) return Errno::kEINVAL;
    if (!is_broadcast(to.address)) return {};
    if (!interface_to(to.address, 0)) return Errno::kENETUNREACH;
    return may_broadcast_ ? Errno::kOK : Errno::kEACCES;
}

pbuf* UdpSocket::make_packet(size_t bytes) { return pbuf_alloc(PBUF_TRANSPORT, static_cast<u16_t>(bytes), PBUF_RAM); }

Status UdpSocket::transmit(pbuf* packet, const Manner& manner) {
    if (!is_bound_) KOS_TRY_STATUS(bind_block({any_address(family_), 0}));
    netif* interface = Network::find(manner.interface);
    if (!interface) interface = interface_to(manner.to.address, 0);
    if (!interface) return Errno::kENETUNREACH;
    block_->ttl = manner.ttl;
    block_->tos = manner.tos;
    bool const is_six = is_v6(manner.to.address), is_group = is_multicast(manner.to.address);
    bool const has_own = !is_any(local_.address) && is_v6(local_.address) == is_six && !is_multicast(local_.address) &&
                         !is_broadcast(local_.address);
    ip_addr_t source = manner.source;
    if (is_any(source) && has_own) source = local_.address;
    if (is_group || is_broadcast(manner.to.address)) {
        if (is_any(source)) source = Network::source_on(*interface, is_six);
        bool const is_own = Network::is_loopback(*interface);
        if (is_own && is_six) return Errno::kENETUNREACH;  // as on Linux, whose own has no way to groups
        bool const comes_back = is_own || !is_group || is_on(is_six ? Option::kMulticastLoop6 : Option::kMulticastLoop);
        if (comes_back) deliver_to_all(packet, manner, source, Network::index_of(*interface));
        if (is_own || manner.ttl == 0) return {};
    }
    if (is_any(source)) source = Network::source_for(manner.to.address);
    if (is_any(source)) return Errno::kENETUNREACH;
    return errno_of(udp_sendto_if_src(block_, packet, &manner.to.address, manner.to.port, interface, &source));
}

bool UdpSocket::has_sent(const kos::net::Unreachable& what) const {
    if (what.protocol != kIPPROTO_UDP || what.local_port != local_.port) return false;
    if (!is_any(local_.address) && !is_same(local_.address, what.local)) return false;
    return !has_remote_ || (what.remote_port == remote_.port && is_same(remote_.address, what.remote));
}

}  // namespace kos::lx
