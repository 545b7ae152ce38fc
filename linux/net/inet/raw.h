// Raw sockets (raw(7)) and ping sockets (icmp(7): SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6).
//
// Raw sockets see every packet of their protocol that arrives, IPv4 with its header; they send what follows the header.
// A ping socket sends echo requests and sees the answers to them. Without IP_HDRINCL and IPPROTO_RAW.
#pragma once

#include "net/inet/datagram.h"

struct raw_pcb;

namespace kos::lx {

class RawSocket final : public DatagramSocket {
public:
    // `type`: kSOCK_RAW, or kSOCK_DGRAM with ICMP. kENOBUFS, kEPROTONOSUPPORT.
    static Result<Ref<Socket>> create(Network& network, int family, int type, int protocol);
    ~RawSocket() override;
    Status bind(const SocketAddress& address, Process& process) override;

private:
    struct Callbacks;
    using DatagramSocket::DatagramSocket;

    bool is_ping() const { return type_ == kSOCK_DGRAM; }
    void arrived(pbuf* packet, const ip_addr_t& from);
    Status choose_identifier();
    size_t bytes_most(const Endpoint& to) const override;
    pbuf* make_packet(size_t bytes) override;
    Status transmit(pbuf* packet, const Manner& manner) override;
    Status connect_block(const Endpoint* to) override;
    bool has_sent(const kos::net::Unreachable& what) const override;
    Status bind_interface(const netif* interface) override;

    raw_pcb* block_ = nullptr;
};

}  // namespace kos::lx
