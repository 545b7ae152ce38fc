// UDP sockets over lwIP's raw interface.
#include <lwip/udp.h>
#include <string.h>

#include "network.h"

namespace kos::net {
namespace {

constexpr size_t kWaitingMost = 65536;
constexpr size_t kLargest4 = 65507;
constexpr size_t kLargest6 = 65487;

size_t waiting_most() {
    const size_t quarter = kos_lwip_limits.memory_bytes / 4;
    return quarter < kWaitingMost ? quarter : kWaitingMost;
}

// Of a datagram that waits: its packet as it came, headers included, whose memory is kept as well.
size_t cost_of(const pbuf& packet) { return packet.tot_len + sizeof(Datagram) + 128; }

void on_datagram(void* argument, udp_pcb*, pbuf* packet, const ip_addr_t* from, u16_t port) {
    auto* const socket = static_cast<kos_net_socket*>(argument);
    const bool fits = socket->first_datagram == nullptr || socket->waiting_bytes + cost_of(*packet) <= waiting_most();
    auto* const datagram = fits ? static_cast<Datagram*>(kos_lwip_allocate(sizeof(Datagram))) : nullptr;
    if (datagram == nullptr) {
        pbuf_free(packet);
        return;
    }
    *datagram = {.next = nullptr, .packet = packet, .from = from_lwip(*from, port)};
    (socket->last_datagram != nullptr ? socket->last_datagram->next : socket->first_datagram) = datagram;
    socket->last_datagram = datagram;
    socket->waiting_bytes += cost_of(*packet);
    network->mark(socket);
}

void drop_first(kos_net_socket* socket) {
    Datagram* const datagram = socket->first_datagram;
    socket->first_datagram = datagram->next;
    if (socket->first_datagram == nullptr) socket->last_datagram = nullptr;
    socket->waiting_bytes -= cost_of(*datagram->packet);
    pbuf_free(datagram->packet);
    kos_lwip_free(datagram);
}

}  // namespace

void udp_destroy(kos_net_socket* socket) {
    udp_remove(socket->udp);
    while (socket->first_datagram != nullptr) drop_first(socket);
}

}  // namespace kos::net

using namespace kos::net;

kos_status_t kos_net_udp_open(const kos_net_address_t* at, kos_net_socket_t** socket) {
    if (!is_valid(*at, true)) return KOS_STATUS_INVALID_ARGUMENT;
    kos_net_socket* const made = network->make_socket(SocketKind::kUdp);
    if (made == nullptr) return KOS_STATUS_FULL;
    const ip_addr_t address = to_lwip(*at);
    made->udp = udp_new_ip_type(IP_GET_TYPE(&address));
    if (made->udp == nullptr) {
        network->destroy_socket(made);
        return KOS_STATUS_FULL;
    }
    if (udp_bind(made->udp, &address, at->port) != ERR_OK) {
        kos_net_close(made);
        return KOS_STATUS_CONFLICT;
    }
    udp_recv(made->udp, on_datagram, made);
    *socket = made;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_udp_send(kos_net_socket_t* socket, const kos_net_address_t* to, const void* bytes, size_t count) {
    if (socket->kind != SocketKind::kUdp || !is_valid(*to, false) || to->port == 0 ||
        count > (to->version == 4 ? kLargest4 : kLargest6)) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    // It is copied into the link before udp_sendto returns, so that the caller's bytes may be referred to.
    pbuf* const packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(count), PBUF_REF);
    if (packet == nullptr) return KOS_STATUS_FULL;
    packet->payload = const_cast<void*>(bytes);
    const ip_addr_t address = to_lwip(*to);
    const err_t error = udp_sendto(socket->udp, packet, &address, to->port);
    pbuf_free(packet);
    network->touched();
    switch (error) {
        case ERR_OK:
        case ERR_IF: return KOS_STATUS_OK;  // lost, as on any way
        case ERR_RTE: return KOS_STATUS_NOT_FOUND;
        case ERR_MEM:
        case ERR_BUF: socket->wants_room = true; return KOS_STATUS_FULL;
        default: return KOS_STATUS_INVALID_ARGUMENT;
    }
}

kos_status_t kos_net_udp_receive(kos_net_socket_t* socket, void* bytes, size_t room, size_t* count,
                                 kos_net_address_t* from) {
    if (socket->kind != SocketKind::kUdp) return KOS_STATUS_INVALID_ARGUMENT;
    const Datagram* const datagram = socket->first_datagram;
    if (datagram == nullptr) return KOS_STATUS_EMPTY;
    *count = datagram->packet->tot_len;
    if (*count > room) return KOS_STATUS_INVALID_ARGUMENT;
    pbuf_copy_partial(datagram->packet, bytes, static_cast<u16_t>(*count), 0);
    *from = datagram->from;
    drop_first(socket);
    return KOS_STATUS_OK;
}
