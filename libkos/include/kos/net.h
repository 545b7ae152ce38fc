// TCP, UDP and names for native programs: the domain's own TCP/IP stack on its link to the router.
//
// For domains with [network] in app.toml, which also need the ports "timer" and "entropy"; programs link the library
// kos_net (target_link_libraries(app_NAME PRIVATE kos_net)), others do not grow by it. Whom the domain may talk to is
// the manifest's decision and the router's work: what is refused there looks like a host that cannot be reached.
//
// Nothing here waits, except the functions that say so, and those have deadlines. One thread uses it all, usually the
// main thread, in one of two ways:
//   server loop     signalled(bits): if (bits & kos_net_signals()) kos_net_work(); sockets call back (kos_net_watch)
//   straight line   kos_net_wait(socket, events, deadline), which does the work meanwhile. Main thread only
// Packets move in kos_net_work and in calls that send. Call-backs come out of kos_net_work and kos_net_wait alone, so
// they may use and close any socket.
//
// The router or the whole path may die and come back: connections go on if it was short enough, else they end with
// TIMEOUT. PEER_GONE is said of a connection that the peer has reset. Nobody needs to do anything for a link that comes
// back.
//
// Memory is the domain's heap, up to kos_net_options_t::memory_bytes for all packets. Who sends more than there is room
// for gets FULL; who receives too slowly slows its peer down (TCP) or loses datagrams (UDP).
#pragma once

#include <kos/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Starting

typedef struct {
    uint32_t memory_bytes;   // 0: a quarter of the domain's quota, at most 16 MiB
    uint32_t receive_bytes;  // window of a TCP connection, 4 KiB to 2 MiB; 0: an eighth of the memory, at most 256 KiB
    uint32_t send_bytes;     // what a TCP connection buffers, as above
    uint32_t connections;    // TCP, with those that have ended in the last minute, whose oldest give way; 0: 256
    uint32_t sockets;        // all that the program has open; 0: 1024
    uint32_t alarm_bit;      // of kos_time_alarm, for retransmissions and the like; 0: bit 15
    const char* ring_out;    // rings of the link; null or "": net_DOMAIN_out and net_DOMAIN_in
    const char* ring_in;
} kos_net_options_t;

// Starts the stack, once, with the addresses of the manifest's parameters (net_address4, ...). Null: the defaults.
// NOT_FOUND: the manifest gives this domain no network. CONFLICT: it is open. UNAUTHORIZED: no port "timer" or
// "entropy". NOT_ENOUGH_MEMORY. A parameter that is no address is a mistake in the manifest: ends the domain.
kos_status_t kos_net_open(const kos_net_options_t* options);

// The bits of the domain's notification that belong to the network.
uint64_t kos_net_signals(void);

// Moves packets, runs timers, calls back; then sets the alarm for the next time. Bounded: what would take too long goes
// on at the next signal, which it gives itself.
void kos_net_work(void);

typedef struct {
    uint64_t sent_packets, sent_bytes, received_packets, received_bytes;
    uint64_t link_full;    // packets for which the link had no room
    uint64_t refused;      // packets that no router should have let through
    uint64_t no_memory;    // packets that arrived when memory was used up
    uint64_t link_resets;  // times that the other side of the link began anew
    uint64_t memory_used;  // bytes now
    uint32_t connections;  // TCP, now, with those that have ended in the last minute
    uint32_t sockets;      // open now
} kos_net_counters_t;
void kos_net_counters(kos_net_counters_t* counters);

// --- Addresses

typedef struct {
    uint8_t bytes[16];  // as on the wire; IPv4: the first four
    uint16_t port;      // in the machine's order; 0 where there is none
    uint8_t version;    // 4, 6; 0: any (to listen on, both versions)
    uint8_t reserved;   // 0
} kos_net_address_t;

enum { KOS_NET_TEXT_BYTES = 56 };  // enough for every address as text

// "192.0.2.1" or "2001:db8::1", without brackets. INVALID_ARGUMENT.
kos_status_t kos_net_address_parse(const char* text, uint16_t port, kos_net_address_t* address);
// "192.0.2.1:80" or "[2001:db8::1]:80"; without the port if that is 0. Zero-terminated, whatever `room` is (but not 0).
void kos_net_address_format(const kos_net_address_t* address, char* text, size_t room);

// Of the domain, its gateway; NOT_FOUND: there is none of this version (4 or 6).
kos_status_t kos_net_own_address(unsigned version, kos_net_address_t* address);
kos_status_t kos_net_gateway(unsigned version, kos_net_address_t* address);

// --- Sockets

typedef struct kos_net_socket kos_net_socket_t;
typedef void (*kos_net_ready_fn_t)(kos_net_socket_t* socket, void* context);

enum {
    KOS_NET_READABLE = 1,  // data, the end of the data, a connection to accept, a datagram
    KOS_NET_WRITABLE = 2,  // connected, and there is room
    KOS_NET_FAILED = 4,    // the connection is over (kos_net_status); READABLE too, for what had arrived before
};

// What there is to do, now.
uint32_t kos_net_ready(const kos_net_socket_t* socket);
// `ready` is called when something has been added to kos_net_ready, and at least once if there is something now. It
// must use up what there is (until EMPTY or FULL). Null: no more calls.
void kos_net_watch(kos_net_socket_t* socket, kos_net_ready_fn_t ready, void* context);
// Works until one of `events` is ready: OK. FAILED counts as all of them. TIMEOUT: the counter has reached
// `deadline_ticks`. UNAVAILABLE: the domain shall stop. Main thread, outside of call-backs.
kos_status_t kos_net_wait(kos_net_socket_t* socket, uint32_t events, uint64_t deadline_ticks);

// OK while it lives. Of a TCP connection that is over: TIMEOUT (nobody answers), PEER_GONE (the peer has reset it),
// UNAVAILABLE (nobody listens there), NOT_FOUND (no way to there, or the router does not allow it), NOT_ENOUGH_MEMORY.
// EMPTY: it is not connected yet.
kos_status_t kos_net_status(const kos_net_socket_t* socket);

// Gives the socket back, in any state; it must not be used afterwards. What a TCP connection has not sent yet is still
// sent, but if something has arrived that nobody has received, the peer gets a reset.
void kos_net_close(kos_net_socket_t* socket);
// As kos_net_close, but TCP drops everything and resets the peer.
void kos_net_abort(kos_net_socket_t* socket);

kos_status_t kos_net_local(const kos_net_socket_t* socket, kos_net_address_t* address);
// TCP connections; others: INVALID_ARGUMENT.
kos_status_t kos_net_peer(const kos_net_socket_t* socket, kos_net_address_t* address);

// --- TCP. Functions of a connection answer with kos_net_status once it is over (and what had arrived is received).

// Begins to connect: WRITABLE when it is, FAILED when not; the stack itself gives up after about two minutes.
// INVALID_ARGUMENT: no such address. FULL: too many sockets or connections. NOT_FOUND: no way to there.
kos_status_t kos_net_tcp_connect(const kos_net_address_t* to, kos_net_socket_t** socket);
// READABLE when there is something to accept. `backlog`: 1 to 255 connections that wait for that. CONFLICT: the port is
// taken.
kos_status_t kos_net_tcp_listen(const kos_net_address_t* at, unsigned backlog, kos_net_socket_t** socket);
// EMPTY. FULL: too many sockets; the connection waits.
kos_status_t kos_net_tcp_accept(kos_net_socket_t* listener, kos_net_socket_t** socket);

// Copies what there is room for; *done (at least 1, unless count is 0) is set with OK only. FULL: WRITABLE comes later.
// EMPTY: not connected yet. CONFLICT: after kos_net_tcp_finish.
kos_status_t kos_net_tcp_send(kos_net_socket_t* socket, const void* bytes, size_t count, size_t* done);
// Copies what has arrived, at most `count` bytes (not 0). *done is set with OK only; 0: the peer has finished sending.
kos_status_t kos_net_tcp_receive(kos_net_socket_t* socket, void* bytes, size_t count, size_t* done);
// The same without a copy: the next piece of what has arrived, valid until kos_net_tcp_consume, which says how much of
// it is done with, or kos_net_close.
kos_status_t kos_net_tcp_peek(kos_net_socket_t* socket, const void** bytes, size_t* count);
kos_status_t kos_net_tcp_consume(kos_net_socket_t* socket, size_t count);
// No more will be sent; receiving goes on (half close). What has been sent before arrives before.
kos_status_t kos_net_tcp_finish(kos_net_socket_t* socket);

// Small pieces are sent at once instead of waiting for the acknowledgement of earlier ones.
kos_status_t kos_net_tcp_no_delay(kos_net_socket_t* socket, int enable);
// After `idle_s` without a word from the peer it is asked, every `interval_s`; `count` questions without an answer end
// the connection with TIMEOUT. idle_s = 0: never, as at first. Each at most 32767.
kos_status_t kos_net_tcp_keep_alive(kos_net_socket_t* socket, unsigned idle_s, unsigned interval_s, unsigned count);

// --- UDP

// Port 0: any. CONFLICT: the port is taken. FULL: too many sockets.
kos_status_t kos_net_udp_open(const kos_net_address_t* at, kos_net_socket_t** socket);
// One datagram of up to 65507 bytes (IPv6: 65487), in fragments beyond the link's MTU. FULL: no room in the link;
// nothing was sent. NOT_FOUND: no way to there. What becomes of it afterwards nobody says.
kos_status_t kos_net_udp_send(kos_net_socket_t* socket, const kos_net_address_t* to, const void* bytes, size_t count);
// The next datagram. EMPTY. INVALID_ARGUMENT: it is longer than `room`; *count says how long, and it stays. At most 64
// KiB wait, or a quarter of the stack's memory if that is less; what arrives then is lost.
kos_status_t kos_net_udp_receive(kos_net_socket_t* socket, void* bytes, size_t room, size_t* count,
                                 kos_net_address_t* from);

// --- Names, from the gateway's relay, which knows what the manifest allows

typedef void (*kos_net_resolved_fn_t)(void* context, kos_status_t status, const kos_net_address_t* address);

// Looks `name` up (an address as text works, too), `version` 4, 6, or 0 for either, IPv4 first. `done` is called once,
// from kos_net_work: OK and the address (port 0), NOT_FOUND, TIMEOUT. FULL: too many lookups, `done` is not called. A
// name of more than 253 bytes is INVALID_ARGUMENT.
kos_status_t kos_net_resolve(const char* name, unsigned version, kos_net_resolved_fn_t done, void* context);
// The same, waiting (kos_net_wait): OK, NOT_FOUND, TIMEOUT, UNAVAILABLE.
kos_status_t kos_net_resolve_wait(const char* name, unsigned version, uint64_t deadline_ticks,
                                  kos_net_address_t* address);

#ifdef __cplusplus
}
#endif
