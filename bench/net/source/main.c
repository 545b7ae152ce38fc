// What the client on the host measures beside examples/net_echo: discard (TCP port 9, RFC 863), and as much as the peer
// takes (port 19). program/server.c is the same for Linux.
#include <kos/app.h>
#include <kos/net.h>
#include <kos/server.h>

enum { kDiscard = 9, kSource = 19, kWaiting = 64 };

static char source[65536];

static void discard_ready(kos_net_socket_t* socket, void* context) {
    (void)context;
    const void* bytes;
    size_t there = 0;
    for (;;) {
        kos_status_t const received = kos_net_tcp_peek(socket, &bytes, &there);
        if (received == KOS_STATUS_EMPTY) return;
        if (received != KOS_STATUS_OK || there == 0) break;
        kos_net_tcp_consume(socket, there);
    }
    kos_net_close(socket);
}

static void source_ready(kos_net_socket_t* socket, void* context) {
    (void)context;
    size_t done;
    kos_status_t sent;
    do sent = kos_net_tcp_send(socket, source, sizeof source, &done);
    while (sent == KOS_STATUS_OK);
    // The peer says that it has enough by closing.
    if (sent != KOS_STATUS_FULL || kos_net_ready(socket) & KOS_NET_READABLE) kos_net_abort(socket);
}

static void accept_all(kos_net_socket_t* listener, void* context) {
    kos_net_socket_t* socket;
    while (kos_net_tcp_accept(listener, &socket) == KOS_STATUS_OK) {
        kos_net_watch(socket, (kos_net_ready_fn_t)context, NULL);
    }
}

static void serve(uint16_t port, kos_net_ready_fn_t ready) {
    kos_net_address_t const here = {.port = port};
    kos_net_socket_t* listener;
    kos_assert_ok(kos_net_tcp_listen(&here, kWaiting, &listener));
    kos_net_watch(listener, accept_all, (void*)ready);
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (bits & kos_net_signals()) kos_net_work();
}

int main(void) {
    kos_assert_ok(kos_net_open(NULL));
    serve(kDiscard, discard_ready);
    serve(kSource, source_ready);
    kos_server_t server = {.signalled = signalled};
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
