// Datagram sockets of AF_INET and AF_INET6: udp(7).
#pragma once

#include "net/inet/datagram.h"

struct udp_pcb;

namespace kos::lx {

class UdpSocket final : public DatagramSocket {
public:
    static Result<Ref<Socket>> create(Network& network, int family);
    ~UdpSocket() override;
    Status bind(const SocketAddress& address, Process& process) override;

private:
    struct Callbacks;
    UdpSocket(Network& network, int family) : DatagramSocket(network, family, kSOCK_DGRAM, kIPPROTO_UDP) {}

    Status make_block();
    Status bind_block(const Endpoint& local);
    size_t bytes_most(const Endpoint& to) const override;
    pbuf* make_packet(size_t bytes) override;
    Status transmit(pbuf* packet, const Manner& manner) override;
    Status connect_block(const Endpoint* to) override;
    bool has_sent(const kos::net::Unreachable& what) const override;
    Status check_send(const Endpoint& to) const override;
    Status bind_interface(const netif* interface) override;

    udp_pcb* block_ = nullptr;
};

}  // namespace kos::lx
