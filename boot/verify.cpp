/*
 * See verify.h.
 */
#include "verify.h"

#include <sodium/crypto_sign_ed25519.h>
#include <string.h>

#include "sha256.h"

namespace kos::boot {

static_assert(kHashBytes == kSha256Bytes);
static_assert(kSignatureBytes == crypto_sign_ed25519_BYTES);
static_assert(kPublicKeyBytes == crypto_sign_ed25519_PUBLICKEYBYTES);

void hash_part(Bytes data, const Range& left_out, uint8_t (&hash)[kHashBytes]) {
    const uint64_t behind = left_out.offset + left_out.size;
    Sha256 state;
    state.add(data.data(), left_out.offset);
    state.add(data.data() + behind, data.size() - behind);
    state.finish(hash);
}

bool part_matches(Bytes data, const Range& left_out, const uint8_t (&hash)[kHashBytes]) {
    uint8_t actual[kHashBytes];
    hash_part(data, left_out, actual);
    return memcmp(actual, hash, sizeof(actual)) == 0;  // nothing secret: need not take constant time
}

bool ed25519_matches(Bytes data, const uint8_t (&signature)[kSignatureBytes],
                     const uint8_t (&public_key)[kPublicKeyBytes]) {
    return crypto_sign_ed25519_verify_detached(signature, data.data(), data.size(), public_key) == 0;
}

}  // namespace kos::boot
