/*
 * TCP sockets over lwIP's raw interface.
 *
 * lwIP frees a control block by itself when a connection is over: in its error call-back, which is the last one, or in
 * TIME_WAIT, without a word. So a socket lets go of its control block as soon as both directions have ended.
 */
#include <lwip/priv/tcp_priv.h>
#include <string.h>

#include "network.h"

namespace kos::net {
namespace {

// Segments below this size are collected into pieces of kCollectorBytes, so that a peer who sends single bytes does not
// fill the memory with their packets.
constexpr size_t kSmallSegment = 512;
constexpr size_t kCollectorBytes = 2048;
constexpr size_t kWriteMost = 0xf000;  // lwIP counts in 16 bits

size_t low_water() {
    const size_t half = kos_lwip_limits.tcp_send_bytes / 2;
    return half < 2 * TCP_MSS ? half : 2 * TCP_MSS;
}

bool has_room(const kos_net_socket& socket) {
    return socket.tcp != nullptr && socket.status == KOS_STATUS_OK && !socket.finished &&
           tcp_sndbuf(socket.tcp) >= low_water() && tcp_sndqueuelen(socket.tcp) < TCP_SND_QUEUELEN / 2;
}

void forget(tcp_pcb* pcb) {
    tcp_arg(pcb, nullptr);
    if (pcb->state == LISTEN) return;
    tcp_recv(pcb, nullptr);
    tcp_sent(pcb, nullptr);
    tcp_err(pcb, nullptr);
    tcp_poll(pcb, nullptr, 0);
}

// Both directions have ended: the rest is lwIP's.
void let_go(kos_net_socket* socket) {
    tcp_pcb* const pcb = socket->tcp;
    socket->tcp = nullptr;
    forget(pcb);
    tcp_close(pcb);
}

void drop_pieces(kos_net_socket* socket) {
    while (pbuf* const piece = socket->first_piece) {
        socket->first_piece = piece->next;
        piece->next = nullptr;
        pbuf_free(piece);
    }
    socket->last_piece = nullptr;
    socket->collector_room = 0;
}

bool collect(kos_net_socket* socket, const pbuf& data) {
    if (data.tot_len >= kSmallSegment || socket->last_piece == nullptr) return false;
    if (socket->collector_room < data.tot_len) {
        pbuf* const piece = pbuf_alloc(PBUF_RAW, kCollectorBytes, PBUF_RAM);
        if (piece == nullptr) return false;
        piece->len = 0;
        socket->last_piece->next = piece;
        socket->last_piece = piece;
        socket->collector_room = kCollectorBytes;
    }
    pbuf* const piece = socket->last_piece;
    pbuf_copy_partial(&data, static_cast<uint8_t*>(piece->payload) + piece->len, data.tot_len, 0);
    piece->len = static_cast<u16_t>(piece->len + data.tot_len);
    socket->collector_room -= data.tot_len;
    return true;
}

void append(kos_net_socket* socket, pbuf* data) {
    if (collect(socket, *data)) {
        pbuf_free(data);
        return;
    }
    while (data != nullptr) {
        pbuf* const piece = data;
        data = piece->next;
        piece->next = nullptr;
        // What is left where lwIP has cut something off.
        if (piece->len == 0) {
            pbuf_free(piece);
            continue;
        }
        (socket->last_piece != nullptr ? socket->last_piece->next : socket->first_piece) = piece;
        socket->last_piece = piece;
    }
    socket->collector_room = 0;
}

err_t on_receive(void* argument, tcp_pcb*, pbuf* data, err_t) {
    auto* const socket = static_cast<kos_net_socket*>(argument);
    if (data != nullptr) {
        append(socket, data);
    } else {
        socket->peer_finished = true;
        if (socket->finished) let_go(socket);
    }
    network->mark(socket);
    return ERR_OK;
}

err_t on_sent(void* argument, tcp_pcb*, u16_t) {
    auto* const socket = static_cast<kos_net_socket*>(argument);
    if (socket->wants_room && has_room(*socket)) {
        socket->wants_room = false;
        network->mark(socket);
    }
    return ERR_OK;
}

// Memory has run out, not the connection's own room: nobody says when there is some again.
err_t on_poll(void* argument, tcp_pcb* pcb) { return on_sent(argument, pcb, 0); }

void on_error(void* argument, err_t error) {
    auto* const socket = static_cast<kos_net_socket*>(argument);
    const bool was_connected = socket->status == KOS_STATUS_OK;
    socket->tcp = nullptr;
    if (error == ERR_CLSD || (socket->finished && socket->peer_finished)) {
        socket->peer_finished = true;  // an end in good order
    } else {
        switch (error) {
            case ERR_RST:
            case ERR_CONN: socket->status = was_connected ? KOS_STATUS_PEER_GONE : KOS_STATUS_UNAVAILABLE; break;
            case ERR_RTE: socket->status = KOS_STATUS_NOT_FOUND; break;
            case ERR_MEM:
            case ERR_BUF: socket->status = KOS_STATUS_NOT_ENOUGH_MEMORY; break;
            default: socket->status = KOS_STATUS_TIMEOUT; break;
        }
    }
    if (socket->listener != nullptr) {
        // Nobody has accepted it yet, and nobody will.
        socket->listener->accepts.remove(socket);
        drop_pieces(socket);
        network->destroy_socket(socket);
        return;
    }
    network->mark(socket);
}

void listen_to(kos_net_socket* socket, tcp_pcb* pcb) {
    socket->tcp = pcb;
    tcp_arg(pcb, socket);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_poll, 2);
}

err_t on_connected(void* argument, tcp_pcb*, err_t) {
    auto* const socket = static_cast<kos_net_socket*>(argument);
    socket->status = KOS_STATUS_OK;
    network->mark(socket);
    return ERR_OK;
}

err_t on_accept(void* argument, tcp_pcb* pcb, err_t error) {
    auto* const listener = static_cast<kos_net_socket*>(argument);
    if (listener == nullptr || pcb == nullptr || error != ERR_OK) return ERR_VAL;
    kos_net_socket* const socket = network->make_socket(SocketKind::kConnection);
    if (socket == nullptr) return ERR_MEM;  // lwIP resets it
    listen_to(socket, pcb);
    socket->listener = listener;
    tcp_backlog_delayed(pcb);
    listener->accepts.add(socket);
    network->mark(listener);
    return ERR_OK;
}

kos_status_t status_of(err_t error) {
    switch (error) {
        case ERR_OK: return KOS_STATUS_OK;
        case ERR_RTE: return KOS_STATUS_NOT_FOUND;
        case ERR_USE: return KOS_STATUS_CONFLICT;
        case ERR_MEM:
        case ERR_BUF: return KOS_STATUS_FULL;
        case ERR_VAL:
        case ERR_ARG: return KOS_STATUS_INVALID_ARGUMENT;
        default: return KOS_STATUS_INTERNAL_ERROR;
    }
}

bool is_connection(const kos_net_socket* socket) { return socket->kind == SocketKind::kConnection; }

// What a call on a connection answers that can do nothing any more.
kos_status_t end_of(const kos_net_socket& socket) {
    return socket.status == KOS_STATUS_OK ? KOS_STATUS_PEER_GONE : socket.status;
}

}  // namespace

uint32_t tcp_ready(const kos_net_socket& socket) {
    const bool has_failed = socket.status != KOS_STATUS_OK && socket.status != KOS_STATUS_EMPTY;
    uint32_t ready = has_failed ? KOS_NET_FAILED : 0;
    if (socket.first_piece != nullptr || socket.peer_finished || has_failed) ready |= KOS_NET_READABLE;
    if (has_room(socket)) ready |= KOS_NET_WRITABLE;
    return ready;
}

void tcp_destroy(kos_net_socket* socket, bool aborts) {
    if (socket->kind == SocketKind::kListener) {
        while (kos_net_socket* const waiting = socket->accepts.take_first()) {
            waiting->listener = nullptr;
            tcp_destroy(waiting, true);
            network->destroy_socket(waiting);
        }
        forget(socket->tcp);
        tcp_close(socket->tcp);
        return;
    }
    if (tcp_pcb* const pcb = socket->tcp; pcb != nullptr) {
        socket->tcp = nullptr;
        forget(pcb);
        // lwIP resets the peer by itself if there is something that was not received.
        if (aborts || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
    }
    drop_pieces(socket);
}

}  // namespace kos::net

using namespace kos::net;

kos_status_t kos_net_tcp_connect(const kos_net_address_t* to, kos_net_socket_t** socket) {
    if (!is_valid(*to, false) || to->port == 0) return KOS_STATUS_INVALID_ARGUMENT;
    kos_net_socket* const made = network->make_socket(SocketKind::kConnection);
    if (made == nullptr) return KOS_STATUS_FULL;
    const ip_addr_t address = to_lwip(*to);
    tcp_pcb* const pcb = tcp_new_ip_type(IP_GET_TYPE(&address));
    if (pcb == nullptr) {
        network->destroy_socket(made);
        return KOS_STATUS_FULL;
    }
    made->status = KOS_STATUS_EMPTY;
    listen_to(made, pcb);
    const err_t error = tcp_connect(pcb, &address, to->port, on_connected);
    if (error != ERR_OK) {
        kos_net_abort(made);
        return status_of(error);
    }
    network->touched();
    *socket = made;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_listen(const kos_net_address_t* at, unsigned backlog, kos_net_socket_t** socket) {
    if (!is_valid(*at, true) || backlog < 1 || backlog > 255) return KOS_STATUS_INVALID_ARGUMENT;
    kos_net_socket* const made = network->make_socket(SocketKind::kListener);
    if (made == nullptr) return KOS_STATUS_FULL;
    const ip_addr_t address = to_lwip(*at);
    tcp_pcb* const pcb = tcp_new_ip_type(IP_GET_TYPE(&address));
    err_t error = ERR_MEM;
    if (pcb != nullptr) error = tcp_bind(pcb, &address, at->port);
    if (error == ERR_OK) made->tcp = tcp_listen_with_backlog_and_err(pcb, static_cast<u8_t>(backlog), &error);
    if (made->tcp == nullptr) {
        if (pcb != nullptr) tcp_abort(pcb);
        network->destroy_socket(made);
        return status_of(error);
    }
    tcp_arg(made->tcp, made);
    tcp_accept(made->tcp, on_accept);
    *socket = made;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_accept(kos_net_socket_t* listener, kos_net_socket_t** socket) {
    if (listener->kind != SocketKind::kListener) return KOS_STATUS_INVALID_ARGUMENT;
    kos_net_socket* const accepted = listener->accepts.take_first();
    if (accepted == nullptr) return KOS_STATUS_EMPTY;
    accepted->listener = nullptr;
    if (accepted->tcp != nullptr) tcp_backlog_accepted(accepted->tcp);
    *socket = accepted;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_send(kos_net_socket_t* socket, const void* bytes, size_t count, size_t* done) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    if (socket->finished) return KOS_STATUS_CONFLICT;
    if (socket->tcp == nullptr || socket->status != KOS_STATUS_OK) return end_of(*socket);
    size_t sent = 0;
    while (sent < count) {
        size_t part = count - sent;
        if (part > tcp_sndbuf(socket->tcp)) part = tcp_sndbuf(socket->tcp);
        if (part > kWriteMost) part = kWriteMost;
        if (part == 0) break;
        const bool is_last = sent + part == count;
        const u8_t flags = TCP_WRITE_FLAG_COPY | (is_last ? 0 : TCP_WRITE_FLAG_MORE);
        err_t error = tcp_write(socket->tcp, static_cast<const char*>(bytes) + sent, static_cast<u16_t>(part), flags);
        // Memory for all of it there is not, but perhaps for a segment.
        if (error == ERR_MEM && part > TCP_MSS) {
            part = TCP_MSS;
            error = tcp_write(socket->tcp, static_cast<const char*>(bytes) + sent, static_cast<u16_t>(part),
                              TCP_WRITE_FLAG_COPY);
        }
        if (error != ERR_OK) break;
        sent += part;
    }
    // What it cannot send now it keeps, and tries again by itself.
    if (sent > 0) network->output(socket->tcp);
    network->touched();
    if (sent < count) socket->wants_room = true;
    if (sent == 0 && count > 0) return KOS_STATUS_FULL;
    *done = sent;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_peek(kos_net_socket_t* socket, const void** bytes, size_t* count) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    if (const pbuf* const piece = socket->first_piece; piece != nullptr) {
        *bytes = piece->payload;
        *count = piece->len;
        return KOS_STATUS_OK;
    }
    if (socket->status != KOS_STATUS_OK) return socket->status;
    if (!socket->peer_finished) return KOS_STATUS_EMPTY;
    *bytes = nullptr;
    *count = 0;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_consume(kos_net_socket_t* socket, size_t count) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    pbuf* const piece = socket->first_piece;
    if (count > (piece != nullptr ? piece->len : 0u)) return KOS_STATUS_INVALID_ARGUMENT;
    if (count == 0) return KOS_STATUS_OK;
    piece->payload = static_cast<char*>(piece->payload) + count;
    piece->len = static_cast<u16_t>(piece->len - count);
    // The last one may be a collector that goes on to be filled.
    if (piece->len == 0) {
        socket->first_piece = piece->next;
        if (socket->first_piece == nullptr) {
            socket->last_piece = nullptr;
            socket->collector_room = 0;
        }
        piece->next = nullptr;
        pbuf_free(piece);
    }
    if (socket->tcp != nullptr) {
        tcp_recved(socket->tcp, static_cast<u16_t>(count));
        network->touched();
    }
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_receive(kos_net_socket_t* socket, void* bytes, size_t count, size_t* done) {
    if (count == 0) return KOS_STATUS_INVALID_ARGUMENT;
    size_t received = 0;
    while (received < count) {
        const void* piece = nullptr;
        size_t length = 0;
        const kos_status_t status = kos_net_tcp_peek(socket, &piece, &length);
        if (status != KOS_STATUS_OK && received == 0) return status;
        if (status != KOS_STATUS_OK || length == 0) break;
        if (length > count - received) length = count - received;
        memcpy(static_cast<char*>(bytes) + received, piece, length);
        received += length;
        kos_net_tcp_consume(socket, length);  // cannot fail: it was there
    }
    *done = received;
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_finish(kos_net_socket_t* socket) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    if (socket->finished) return KOS_STATUS_CONFLICT;
    if (socket->tcp == nullptr || socket->status != KOS_STATUS_OK) return end_of(*socket);
    if (tcp_shutdown(socket->tcp, 0, 1) != ERR_OK) return KOS_STATUS_FULL;
    socket->finished = true;
    network->touched();
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_no_delay(kos_net_socket_t* socket, int enable) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    if (socket->tcp == nullptr) return end_of(*socket);
    if (enable) {
        tcp_nagle_disable(socket->tcp);
    } else {
        tcp_nagle_enable(socket->tcp);
    }
    return KOS_STATUS_OK;
}

kos_status_t kos_net_tcp_keep_alive(kos_net_socket_t* socket, unsigned idle_s, unsigned interval_s, unsigned count) {
    constexpr unsigned kMost = 32767;
    if (!is_connection(socket) || idle_s > kMost || interval_s > kMost || count > kMost ||
        (idle_s != 0 && (interval_s == 0 || count == 0))) {
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    if (socket->tcp == nullptr) return end_of(*socket);
    if (idle_s == 0) {
        ip_reset_option(socket->tcp, SOF_KEEPALIVE);
        return KOS_STATUS_OK;
    }
    socket->tcp->keep_idle = idle_s * 1000;
    socket->tcp->keep_intvl = interval_s * 1000;
    socket->tcp->keep_cnt = count;
    ip_set_option(socket->tcp, SOF_KEEPALIVE);
    return KOS_STATUS_OK;
}

kos_status_t kos_net_local(const kos_net_socket_t* socket, kos_net_address_t* address) {
    if (socket->kind == SocketKind::kUdp) {
        *address = from_lwip(socket->udp->local_ip, socket->udp->local_port);
        return KOS_STATUS_OK;
    }
    if (socket->tcp == nullptr) return end_of(*socket);
    *address = from_lwip(socket->tcp->local_ip, socket->tcp->local_port);
    return KOS_STATUS_OK;
}

kos_status_t kos_net_peer(const kos_net_socket_t* socket, kos_net_address_t* address) {
    if (!is_connection(socket)) return KOS_STATUS_INVALID_ARGUMENT;
    if (socket->tcp == nullptr) return end_of(*socket);
    *address = from_lwip(socket->tcp->remote_ip, socket->tcp->remote_port);
    return KOS_STATUS_OK;
}
