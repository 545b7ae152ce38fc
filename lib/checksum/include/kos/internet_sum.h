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

template <typename T>
void store(unsigned char* at, const T& value) {
    __builtin_memcpy(at, &value, sizeof value);
}

// Adds what is at `at`, or copies it to `to` and adds the copy, which nobody else changes.
template <bool kCopies>
inline uint16_t sum_of(unsigned char* __restrict to, const unsigned char* __restrict at, size_t bytes) {
    constexpr uint64_t kLow = 0xffffffff;
    uint64_t sum = 0;
    if (bytes >= 64) {
        // Of the words, which may overflow, and of their upper halves, which cannot before 2^32 of them. The sum of the
        // lower halves is the difference: modulo 2^64, but it is less than that as well. So no word is taken apart.
        // Four of each, else compilers make longer chains of them.
        Pair all0 = {}, all1 = {}, all2 = {}, all3 = {}, high0 = {}, high1 = {}, high2 = {}, high3 = {};
        for (; bytes >= 64; bytes -= 64, at += 64, to += kCopies ? 64 : 0) {
            if constexpr (kCopies) __builtin_memcpy(to, at, 64);
            const unsigned char* const words = kCopies ? to : at;
            const auto a = load<Pair>(words), b = load<Pair>(words + 16);
            const auto c = load<Pair>(words + 32), d = load<Pair>(words + 48);
            all0 += a;
            high0 += a >> 32;
            all1 += b;
            high1 += b >> 32;
            all2 += c;
            high2 += c >> 32;
            all3 += d;
            high3 += d >> 32;
        }
        const Pair upper = (high0 + high1) + (high2 + high3);
        const Pair lower = (all0 + all1) + (all2 + all3) - (upper << 32);
        for (int lane = 0; lane < 2; ++lane) {
            sum += (lower[lane] & kLow) + (lower[lane] >> 32) + (upper[lane] & kLow) + (upper[lane] >> 32);
        }
    }
    const auto add = [&]<typename T>(T word) {
        if constexpr (kCopies) {
            store(to, word);
            to += sizeof word;
        }
        sum += word;
        at += sizeof word;
        bytes -= sizeof word;
    };
    while (bytes >= 4) add(load<uint32_t>(at));
    if (bytes >= 2) add(load<uint16_t>(at));
    // The last odd byte is the first of a word whose second is 0.
    if (bytes != 0) add(*at);
    sum = (sum & kLow) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

}  // namespace internet_sum_details

// The one's complement sum of `bytes` bytes at `data`, any alignment, folded to 16 bits, not inverted; words as a
// little-endian machine loads them, an odd last byte filled up with zero. 0 only if all bytes are 0.
inline uint16_t internet_sum(const void* data, size_t bytes) {
    return internet_sum_details::sum_of<false>(nullptr, static_cast<const unsigned char*>(data), bytes);
}

// The same, and copies the bytes to `to`, which does not overlap them: for less than the copy and the sum alone.
inline uint16_t internet_sum_copy(void* to, const void* data, size_t bytes) {
    return internet_sum_details::sum_of<true>(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(data),
                                              bytes);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace kos

#endif
