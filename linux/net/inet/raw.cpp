// Raw and ping sockets over lwIP's raw control blocks.
#include "net/inet/raw.h"

#include "task/process.h"

#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/raw.h>
#include <string.h>

namespace kos::lx {

namespace {

constexpr int kIPPROTO_RAW = 255;
constexpr u8_t kChecksumOffset = 2;
constexpr size_t kHeader4 = 20, kHeader6 = 40;

// Of echo requests and answers of both versions (RFC 792, RFC 4443).
struct Echo {
    uint8_t type, code;
    uint16_t checksum, identifier, sequence;
};
constexpr uint8_t request_of(int family) { return family == kAF_INET ? ICMP_ECHO : ICMP6_TYPE_EREQ; }
constexpr uint8_t answer_of(int family) { return family == kAF_INET ? ICMP_ER : ICMP6_TYPE_EREP; }

}  // namespace

struct RawSocket::Callbacks {
    // A copy: lwIP goes on with the packet.
    static u8_t received(void* argument, raw_pcb*, pbuf* packet, const ip_addr_t* from) {
        if (pbuf* const copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet)) {
            static_cast<RawSocket*>(argument)->arrived(copy, plain(*from));
        }
        return 0;
    }
};

Result<Ref<Socket>> RawSocket::create(Network& network, int family, int type, int protocol) {
    if (protocol == kIPPROTO_RAW) return Errno::kEPROTONOSUPPORT;
    Ref<RawSocket> socket(new RawSocket(network, family, type, protocol));
    u8_t const version = family == kAF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;
    socket->block_ = raw_new_ip_type(version, static_cast<u8_t>(protocol));
    if (!socket->block_) return Errno::kENOBUFS;
    if (family == kAF_INET6 && protocol == kIPPROTO_ICMPV6) {
        socket->block_->chksum_reqd = 1;
        socket->block_->chksum_offset = kChecksumOffset;
    }
    ip_set_option(socket->block_, SOF_BROADCAST);
    raw_recv(socket->block_, Callbacks::received, socket.get());
    return Ref<Socket>(socket);
}

RawSocket::~RawSocket() {
    if (block_) raw_remove(block_);
}

// The port of a ping socket is the identifier of its requests.
Status RawSocket::choose_identifier() {
    if (is_bound_) return {};
    static uint16_t last = 0;
    for (unsigned tries = 0; tries < UINT16_MAX; ++tries) {
        Endpoint const wanted{local_.address, ++last};
        if (last == 0 || !check_free(wanted).ok()) continue;
        enter_bound(wanted);
        return {};
    }
    return Errno::kEADDRINUSE;
}

Status RawSocket::bind(const SocketAddress& address, Process& process) {
    KOS_TRY(Endpoint wanted, read_local(address, process));
    if (is_v6(wanted.address) != (family_ == kAF_INET6)) return Errno::kEINVAL;
    if (is_ping()) {
        if (is_bound_) return Errno::kEINVAL;
        if (wanted.port) KOS_TRY_STATUS(check_free(wanted));
    } else {
        wanted.port = 0;
    }
    if (err_t const error = raw_bind(block_, &wanted.address); error != ERR_OK) return errno_of(error);
    local_ = wanted;
    if (is_ping() && wanted.port) enter_bound(wanted);
    return is_ping() ? choose_identifier() : Status();
}

Status RawSocket::bind_interface(const netif* interface) {
    raw_bind_netif(block_, interface);
    return {};
}

Status RawSocket::connect_block(const Endpoint* to) {
    if (!to) {
        raw_disconnect(block_);
        return {};
    }
    if (is_v6(to->address) != (family_ == kAF_INET6)) return Errno::kEAFNOSUPPORT;
    if (is_ping()) KOS_TRY_STATUS(choose_identifier());
    return errno_of(raw_connect(block_, &to->address));
}

size_t RawSocket::bytes_most(const Endpoint&) const { return kBytesMost - (family_ == kAF_INET ? kHeader4 : kHeader6); }

pbuf* RawSocket::make_packet(size_t bytes) { return pbuf_alloc(PBUF_IP, static_cast<u16_t>(bytes), PBUF_RAM); }

Status RawSocket::transmit(pbuf* packet, const Manner& manner) {
    if (is_v6(manner.to.address) != (family_ == kAF_INET6)) return Errno::kENETUNREACH;
    if (block_->chksum_reqd && packet->len < kChecksumOffset + sizeof(uint16_t)) return Errno::kEINVAL;
    if (is_ping()) {
        Echo echo;
        if (packet->len < sizeof echo) return Errno::kEINVAL;
        memcpy(&echo, packet->payload, sizeof echo);
        if (echo.type != request_of(family_) || echo.code != 0) return Errno::kEINVAL;
        KOS_TRY_STATUS(choose_identifier());
        echo.identifier = lwip_htons(local_.port);
        echo.checksum = 0;
        memcpy(packet->payload, &echo, sizeof echo);
        if (family_ == kAF_INET) {
            echo.checksum = inet_chksum_pbuf(packet);
            memcpy(packet->payload, &echo, sizeof echo);
        }
    }
    netif* interface = Network::find(manner.interface);
    if (!interface) interface = ip_route(&block_->local_ip, &manner.to.address);
    ip_addr_t source = is_any(manner.source) ? local_.address : manner.source;
    if (is_any(source)) source = Network::source_for(manner.to.address);
    if (!interface || is_any(source)) return Errno::kENETUNREACH;
    block_->ttl = manner.ttl;
    block_->tos = manner.tos;
    return errno_of(raw_sendto_if_src(block_, packet, &manner.to.address, interface, &source));
}

void RawSocket::arrived(pbuf* packet, const ip_addr_t& from) {
    // lwIP has checked that there is a whole header.
    bool const keeps_header = family_ == kAF_INET && !is_ping();
    size_t const header = family_ == kAF_INET ? IPH_HL_BYTES(static_cast<const ip_hdr*>(packet->payload)) : kHeader6;
    bool is_ours = keeps_header || pbuf_remove_header(packet, header) == 0;
    if (is_ours && is_ping()) {
        Echo echo;
        is_ours = is_bound_ && pbuf_copy_partial(packet, &echo, sizeof echo, 0) == sizeof echo &&
                  echo.type == answer_of(family_) && echo.identifier == lwip_htons(local_.port);
    }
    if (!is_ours) {
        pbuf_free(packet);
        return;
    }
    received(packet, {from, 0});
}

bool RawSocket::has_sent(const kos::net::Unreachable& what) const {
    return what.protocol == protocol_ && has_remote_ && is_same(remote_.address, what.remote);
}

}  // namespace kos::lx
