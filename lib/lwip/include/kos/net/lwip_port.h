/*
 * What lwIP is given by lib/lwip: limits, memory, random numbers, assertions. C, because lwIP's configuration includes
 * it. Users of the stack need kos/net/stack.h only.
 */
#ifndef KOS_LIB_LWIP_LWIP_PORT_H_
#define KOS_LIB_LWIP_LWIP_PORT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest window and send buffer of a connection. */
#define KOS_LWIP_WINDOW_MAX (2u << 20)

/* Packets to itself that an interface takes in one kos::net::Stack::poll; more than the windows of a few connections.
 */
#define KOS_LWIP_LOOPS_AT_ONCE 4096

typedef struct {
    size_t memory_bytes; /* all that lwIP may hold at a time */
    uint32_t tcp_receive_bytes;
    uint32_t tcp_send_bytes;
    uint32_t tcp_connections; /* including those in TIME_WAIT, of which the oldest give way */
    uint32_t tcp_listeners;
    uint32_t udp_ports;
    uint32_t raw_ports;
} kos_lwip_limits_t;

/* Set once, by kos::net::Stack. */
extern kos_lwip_limits_t kos_lwip_limits;

/* Null beyond the limit. */
void* kos_lwip_allocate(size_t bytes);
void* kos_lwip_allocate_zeroed(size_t count, size_t bytes);
void kos_lwip_free(void* memory);

uint32_t kos_lwip_random(void);
void kos_lwip_failed(const char* what, const char* file, int line) __attribute__((noreturn));

/* The Internet checksum's sum over `bytes` bytes, folded to 16 bits, not inverted, as the machine loads words. */
uint16_t kos_lwip_checksum(const void* data, int bytes);

/* Whether TCP options, of which the first `first_bytes` of `bytes` are at `first` and the others at `rest`, have a SACK
 * block (RFC 2018): the peer has data behind a gap. */
int kos_lwip_tells_gap(const uint8_t* first, uint16_t first_bytes, const uint8_t* rest, uint16_t bytes);

/* A connection arrives and `listener` has as many as its backlog (null: the stack has no room). 1: there is room now.
 * Those whose peers have not gone on since they were answered do not count, up to 255 of all; beyond that the oldest
 * gives way, without a word: a flood from made-up addresses pushes out itself. */
struct tcp_pcb_listen;
int kos_lwip_makes_room(const struct tcp_pcb_listen* listener);

/* Whether to answer a segment that lies outside of the window: once in half a second. */
struct tcp_pcb;
int kos_lwip_may_answer(struct tcp_pcb* connection);

struct ip_addr;
uint32_t kos_lwip_initial_sequence(const struct ip_addr* local, uint16_t local_port, const struct ip_addr* remote,
                                   uint16_t remote_port);

#ifdef __cplusplus
}
#endif

#endif
