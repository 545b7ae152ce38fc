// Addresses of AF_INET and AF_INET6 between programs (struct sockaddr_in, sockaddr_in6) and lwIP.
//
// An IPv4 address of an AF_INET6 socket is IPv4-mapped (::ffff:a.b.c.d) to its program and plain IPv4 inside.
#pragma once

#include "net/socket.h"

#include <lwip/err.h>
#include <lwip/ip_addr.h>

namespace kos::lx {

struct Endpoint {
    ip_addr_t address{};  // type V4 or V6
    uint16_t port = 0;    // in the machine's order
};

// struct sockaddr_in (ip(7)) and sockaddr_in6 (ipv6(7)).
constexpr size_t kAddress4Bytes = 16, kAddress6Bytes = 28, kAddress6Least = 24;

// The family that the bytes name; kAF_UNSPEC if there are too few.
int family_of(const SocketAddress& address);
// kEINVAL: too short; kEAFNOSUPPORT: not `family`.
Result<Endpoint> read_endpoint(const SocketAddress& address, int family);
SocketAddress write_endpoint(const Endpoint& endpoint, int family);
void write_endpoint(const Endpoint& endpoint, int family, SocketAddress& to);

// Of a link-local address, the interface that it is of; 0: none is named.
uint32_t scope_of(const SocketAddress& address);

ip_addr_t any_address(int family);
ip_addr_t loopback_address(bool is_v6);
inline bool is_any(const ip_addr_t& address) { return ip_addr_isany_val(address); }
inline bool is_v6(const ip_addr_t& address) { return IP_IS_V6_VAL(address); }
// 255.255.255.255, and that of the network 127. Links have one peer and no broadcasts of their own.
bool is_broadcast(const ip_addr_t& address);
bool is_link_local(const ip_addr_t& address);
bool is_same(const ip_addr_t& a, const ip_addr_t& b);
// What lwIP says of its `address`, whose type may be "any of the two".
ip_addr_t plain(const ip_addr_t& address);

// 16 bytes as in6_addr has them (IPv4: mapped), and 4.
std::string bytes_of_v6(const ip_addr_t& address);
std::string bytes_of_v4(const ip_addr_t& address);

// Of a connection or a message that lwIP refuses.
Errno errno_of(err_t error);

}  // namespace kos::lx
