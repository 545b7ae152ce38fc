/*
 * The sum under the Internet checksum (RFC 1071), of many bytes at once: for the TCP/IP stack and the router.
 *
 * The sum is the same in either byte order, apart from the order of its own bytes (RFC 1071, 2 (B)), so the bytes are
 * added as the machine loads them. Pure.
 */
#ifndef KOS_LIB_CHECKSUM_INTERNET_SUM_H_
#define KOS_LIB_CHECKSUM_INTERNET_SUM_H_

#include <stddef.h>
#include <stdint.h>

namespace kos {

namespace internet_sum_details {

// Compilers have registers of this width for it, or take two.
typedef uint64_t Pair __attribute__((vector_size(16)));

template <typename T>
T load(const unsigned char* at) {
    T value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

}  // namespace internet_sum_details

// The one's complement sum of `bytes` bytes at `data`, any alignment, folded to 16 bits, not inverted; words as a
// little-endian machine loads them, an odd last byte filled up with zero. 0 only if all bytes are 0.
inline uint16_t internet_sum(const void* data, size_t bytes) {
    using namespace internet_sum_details;
    const auto* at = static_cast<const unsigned char*>(data);
    // Halves of 32 bits: 2^32 of them before a sum of 64 bits could overflow.
    constexpr uint64_t kLow = 0xffffffff;
    Pair low = {};
    Pair high = {};
    for (; bytes >= 64; bytes -= 64, at += 64) {
        const auto a = load<Pair>(at), b = load<Pair>(at + 16), c = load<Pair>(at + 32), d = load<Pair>(at + 48);
        low += a & kLow;
        high += a >> 32;
        low += b & kLow;
        high += b >> 32;
        low += c & kLow;
        high += c >> 32;
        low += d & kLow;
        high += d >> 32;
    }
    low += high;
    uint64_t sum = low[0] + low[1];
    for (; bytes >= 4; bytes -= 4, at += 4) sum += load<uint32_t>(at);
    if (bytes >= 2) {
        sum += load<uint16_t>(at);
        at += 2;
        bytes -= 2;
    }
    // The last odd byte is the first of a word whose second is 0.
    if (bytes != 0) sum += *at;
    sum = (sum & kLow) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace kos

#endif
