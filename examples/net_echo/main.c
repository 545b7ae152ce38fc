// Echo (RFC 862) on TCP and UDP port 7: each connection is read as soon as it has something, and written as soon as it
// can take it. No connection waits for another, and none needs a thread or memory of its own: what has not been echoed
// yet stays in its receive window.
#include <kos/app.h>
#include <kos/net.h>
#include <kos/server.h>

enum { kPort = 7, kWaiting = 255, kConnections = 1024 };

static void tcp_ready(kos_net_socket_t* socket, void* context) {
    (void)context;
    const void* bytes;
    size_t there = 0;
    size_t done = 0;
    for (;;) {
        kos_status_t const received = kos_net_tcp_peek(socket, &bytes, &there);
        if (received == KOS_STATUS_EMPTY) return;
        if (received != KOS_STATUS_OK || there == 0) break;
        kos_status_t const sent = kos_net_tcp_send(socket, bytes, there, &done);
        if (sent == KOS_STATUS_FULL) return;
        if (sent != KOS_STATUS_OK) break;
        kos_net_tcp_consume(socket, done);
    }
    kos_net_close(socket);
}

static void listener_ready(kos_net_socket_t* listener, void* context) {
    kos_net_socket_t* socket;
    while (kos_net_tcp_accept(listener, &socket) == KOS_STATUS_OK) {
        kos_net_tcp_no_delay(socket, 1);  // what comes is to go back at once
        kos_net_watch(socket, tcp_ready, context);
    }
}

static void udp_ready(kos_net_socket_t* socket, void* context) {
    (void)context;
    static char datagram[65536];
    size_t count;
    kos_net_address_t from;
    while (kos_net_udp_receive(socket, datagram, sizeof datagram, &count, &from) == KOS_STATUS_OK) {
        kos_net_udp_send(socket, &from, datagram, count);  // what does not get through is lost, as UDP is
    }
}

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (bits & kos_net_signals()) kos_net_work();
}

int main(void) {
    kos_net_options_t const options = {.connections = kConnections, .sockets = kConnections};
    kos_net_address_t const here = {.port = kPort};
    kos_net_socket_t *tcp, *udp;
    kos_assert_ok(kos_net_open(&options));
    kos_assert_ok(kos_net_tcp_listen(&here, kWaiting, &tcp));
    kos_assert_ok(kos_net_udp_open(&here, &udp));
    kos_net_watch(tcp, listener_ready, NULL);
    kos_net_watch(udp, udp_ready, NULL);
    kos_server_t server = {.signalled = signalled};
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
