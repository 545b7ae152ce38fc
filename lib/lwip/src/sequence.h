// Initial sequence numbers of TCP (RFC 6528).
#ifndef KOS_LIB_LWIP_SEQUENCE_H_
#define KOS_LIB_LWIP_SEQUENCE_H_

#include <cstddef>
#include <cstdint>

namespace kos::net {

// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) of `count` bytes.
uint64_t siphash(const uint64_t (&key)[2], const void* bytes, size_t count);

}  // namespace kos::net

#endif
