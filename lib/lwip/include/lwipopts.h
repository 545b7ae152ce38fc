/*
 * How lwIP is built for KOS: one configuration for native programs, the Linux personality and the host's tests.
 *
 * A domain has one stack, used by one thread, over point-to-point links that carry IP packets (no Ethernet, no ARP).
 * What depends on the domain's memory is decided when the stack starts (kos_lwip_limits); the rest is decided here.
 * Included by lwIP's own sources (C) and, through its headers, by ours.
 */
#ifndef KOS_LIB_LWIP_LWIPOPTS_H_
#define KOS_LIB_LWIP_LWIPOPTS_H_

#include "kos/net/lwip_port.h"

/* --- How it runs: callbacks in one thread, no sequential interface, no locks. The timers are kos::net::Stack's, which
 * runs them only while something waits for them, so that an idle domain sleeps. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0

/* --- Memory: from the domain's heap, counted, up to kos_lwip_limits.memory_bytes (src/memory.cpp, which takes the
 * place of lwIP's memp.c and limits connections and other objects by number as well). */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define mem_clib_malloc kos_lwip_allocate
#define mem_clib_calloc kos_lwip_allocate_zeroed
#define mem_clib_free kos_lwip_free
/* A packet may be referred to by more segments than fit a byte. */
#define LWIP_PBUF_REF_T u16_t
/* The stack itself gives up data out of order when memory runs out. */
#define PBUF_POOL_FREE_OOSEQ 0
/* It is allocated like everything else, and only where lwIP insists. */
#define PBUF_POOL_BUFSIZE 1600

/* --- Links: no header in front of the IP packet. */
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define PBUF_LINK_HLEN 0
#define LWIP_SINGLE_NETIF 0
#define LWIP_HAVE_LOOPIF 1
/* Packets to the own address of a link stay in the domain as well. */
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_LOOPBACK_MAX_PBUFS 1024
/* Each link says which checksums are somebody else's work (Link, kos/net/interface.h). */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
/* 64 bytes at a time; lwIP's own takes two. */
#define LWIP_CHKSUM kos_lwip_checksum

/* --- IP. Domains do not route: netrouter does. */
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define IP_FORWARD 0
#define LWIP_IPV6_FORWARD 0
/* Source routes and the like have no use here. Packets with options are dropped. */
#define IP_OPTIONS_ALLOWED 0
#define IP_REASSEMBLY 1
#define IP_FRAG 1
/* One datagram of 64 KiB is 45 fragments. Beyond it the oldest incomplete datagram is given up. */
#define IP_REASS_MAX_PBUFS 96
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 1
/* A pointer of 8 bytes does not fit into a fragment's header. */
#define IPV6_FRAG_COPYHEADER 1
#define IP_DEFAULT_TTL 64
#define IP_SOF_BROADCAST 1

/* --- IPv6: addresses are given, the link has one peer, so nothing is discovered, announced or learnt. */
#define LWIP_IPV6_SCOPES 0
#define LWIP_IPV6_NUM_ADDRESSES 3
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_ADDRESS_LIFETIMES 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_MLD 0
#define LWIP_ND6_QUEUEING 0
/* For mtu6 alone: no advertisement gets here. */
#define LWIP_ND6_ALLOW_RA_UPDATES 1
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define LWIP_ND6_NUM_NEIGHBORS 1
#define LWIP_ND6_NUM_PREFIXES 1
#define LWIP_ND6_NUM_ROUTERS 1
/* Path MTUs that "packet too big" has told. */
#define LWIP_ND6_NUM_DESTINATIONS 16

/* --- ICMP and raw protocols: echo is answered; errors go to kos::net::Stack by a raw control block. */
#define LWIP_ICMP 1
#define LWIP_ICMP6 1
#define LWIP_BROADCAST_PING 0
#define LWIP_MULTICAST_PING 0
#define LWIP_RAW 1

/* --- UDP */
#define LWIP_UDP 1
#define LWIP_UDPLITE 0

/* --- TCP */
#define LWIP_TCP 1
/* Of IPv4 with an MTU of 1500; smaller links and IPv6 reduce it per connection. */
#define TCP_MSS 1460
/* What a connection may have in flight in either direction, from the limits. init.c checks the largest. */
#ifdef KOS_LWIP_CHECK_LARGEST
#define TCP_WND KOS_LWIP_WINDOW_MAX
#define TCP_SND_BUF KOS_LWIP_WINDOW_MAX
#else
#define TCP_WND (kos_lwip_limits.tcp_receive_bytes)
#define TCP_SND_BUF (kos_lwip_limits.tcp_send_bytes)
#endif
/* Four times as many pieces as full segments, for writes that do not fill one. */
#define TCP_SND_QUEUELEN ((4 * (TCP_SND_BUF) + (TCP_MSS - 1)) / (TCP_MSS))
/* Used by the sequential interface alone, but checked. */
#define TCP_SNDLOWAT (2 * TCP_MSS + 1)
#define TCP_SNDQUEUELOWAT 5
/* Windows up to 4 MiB, in steps of 64 bytes. */
/* Programs read much at a time; each piece need not be told. At most half of the smallest window that a program can ask
 * for (SO_RCVBUF), so that a sender who has filled it learns of room. */
#define TCP_WND_UPDATE_THRESHOLD LWIP_MIN(TCP_WND / 4, 8 * TCP_MSS)
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 6
/* A loss costs the lost segments only: what arrives behind them is kept and told to the sender. What somebody may make
 * us keep so is a window in bytes, and not too many small pieces. */
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define TCP_OOSEQ_BYTES_LIMIT(pcb) (TCP_WND)
#define TCP_OOSEQ_PBUFS_LIMIT(pcb) ((TCP_WND) / 512 + 8)
/* Ten segments at first (RFC 6928): most answers fit. Ours, too. */
#define LWIP_TCP_CALC_INITIAL_CWND(mss) ((tcpwnd_size_t)(10 * (mss)))
/* lwIP would use them for round-trip times but not against old segments, at 12 bytes each. */
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_KEEPALIVE 1
/* Granularity of delayed acknowledgements; retransmission times are multiples of twice as much. lwIP's own 250 ms would
 * make each lost last segment cost more than a second. */
#define TCP_TMR_INTERVAL 50
/* RFC 6298; of ours, where lwIP has a number (CMakeLists.txt). */
#define LWIP_TCP_RTO_TIME 1000
/* Together about 900 times the retransmission time for data, five minutes and more; two minutes for a connection that
 * nobody answers. */
#define TCP_MAXRTX 12
#define TCP_SYNMAXRTX 6
/* Half of the time in TIME_WAIT: one minute, as elsewhere. */
#define TCP_MSL 30000
#define TCP_LISTEN_BACKLOG 1
/* When a connection has last answered what lay outside of its window (src/answers.cpp). */
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1
/* Initial sequence numbers that nobody can foresee (RFC 6528). */
#define LWIP_HOOK_TCP_ISN kos_lwip_initial_sequence

/* --- DNS: of the gateway's relay; query identifiers and ports are random, one answer is waited for at a time per name.
 */
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 16
#define DNS_MAX_SERVERS 2
#define DNS_MAX_NAME_LENGTH 256
/* Also the most that a cache that nobody looked at is late by (Stack). */
#define DNS_MAX_TTL 3600
#define LWIP_DNS_SUPPORT_MDNS_QUERIES 0

/* --- Counters: of protocols, 32 bits each. Interfaces count their own. */
#define LWIP_STATS 1
#define LWIP_STATS_LARGE 1
#define LINK_STATS 0
#define ETHARP_STATS 0
#define MEM_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0
#define ND6_STATS 0
#define IGMP_STATS 0
#define MLD6_STATS 0

#endif
