/*
 * The two cryptographic checks of the loader: SHA-256 (FIPS 180-4, lib/sha256) and Ed25519 (RFC 8032, libsodium).
 * The names of libsodium stop here. Called by image.cpp and mkimage.
 */
#ifndef KOS_BOOT_VERIFY_H_
#define KOS_BOOT_VERIFY_H_

#include <span>

#include "image_format.h"

namespace kos::boot {

using Bytes = std::span<const uint8_t>;

// A piece of a part.
struct Range {
    uint64_t offset = 0;
    uint64_t size = 0;

    friend constexpr bool operator==(const Range&, const Range&) = default;
};

// Hash of `data` without `left_out`, which lies inside it.
void hash_part(Bytes data, const Range& left_out, uint8_t (&hash)[kHashBytes]);

// Whether the rest of `data` has this hash.
bool part_matches(Bytes data, const Range& left_out, const uint8_t (&hash)[kHashBytes]);

// Whether `signature` over `data` was made with the private half of `public_key`. Refuses non-canonical signatures and
// keys of small order.
bool ed25519_matches(Bytes data, const uint8_t (&signature)[kSignatureBytes],
                     const uint8_t (&public_key)[kPublicKeyBytes]);

}  // namespace kos::boot

#endif
