/*
 * The two cryptographic checks of the loader, over libsodium: SHA-512 (FIPS 180-4) and Ed25519 (RFC 8032).
 * The names of libsodium stop here. Called by image.cpp and mkimage.
 */
#ifndef KOS_BOOT_VERIFY_H_
#define KOS_BOOT_VERIFY_H_

#include <span>

#include "image_format.h"

namespace kos::boot {

using Bytes = std::span<const uint8_t>;

// Hash of `data`.
void sha512(Bytes data, uint8_t (&hash)[kHashBytes]);

// Whether `data` has this hash.
bool sha512_matches(Bytes data, const uint8_t (&hash)[kHashBytes]);

// Whether `signature` over `data` was made with the private half of `public_key`. Refuses non-canonical signatures and
// keys of small order.
bool ed25519_matches(Bytes data, const uint8_t (&signature)[kSignatureBytes],
                     const uint8_t (&public_key)[kPublicKeyBytes]);

}  // namespace kos::boot

#endif
