/*
 * The Internet checksum (RFC 1071) and what changes it when a few words change (RFC 1624, eqn. 3). Pure.
 *
 * Sums are 64 bits wide and folded at the end; all are over 16-bit words in network byte order.
 */
#ifndef KOS_SERVICES_NETROUTER_CHECKSUM_H_
#define KOS_SERVICES_NETROUTER_CHECKSUM_H_

#include <kos/internet_sum.h>

#include "ip.h"

namespace kos::netrouter {

constexpr uint16_t fold(uint64_t sum) {
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<uint16_t>((sum >> 16) + (sum & 0xffff));
}

// `bytes` as words, an odd last byte filled up with zero. Adds to `sum`, which may be at most 2^48.
inline uint64_t sum_bytes(const uint8_t* at, size_t bytes, uint64_t sum = 0) {
    return sum + __builtin_bswap16(internet_sum(at, bytes));
}

constexpr uint64_t sum_ip(const Ip& ip) {
    if (ip.is_v4()) return ip.v4();
    return (ip.high >> 32) + (ip.high & 0xffffffff) + (ip.low >> 32) + (ip.low & 0xffffffff);
}

// Of the pseudo-header (RFC 9293, 3.1; RFC 8200, 8.1).
constexpr uint64_t sum_pseudo(const Ip& source, const Ip& destination, uint8_t protocol, uint32_t length) {
    return sum_ip(source) + sum_ip(destination) + protocol + length;
}

// What a checksum gains when words that add up to `before` become words that add up to `after`.
constexpr uint16_t difference(uint64_t before, uint64_t after) {
    return fold(uint64_t{static_cast<uint16_t>(~fold(before))} + fold(after));
}

// The checksum after the words under it have changed by `difference`.
constexpr uint16_t adjust(uint16_t checksum, uint16_t change) {
    return static_cast<uint16_t>(~fold(uint64_t{static_cast<uint16_t>(~checksum)} + change));
}

}  // namespace kos::netrouter

#endif
