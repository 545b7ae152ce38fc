/*
 * See verify.h.
 */
#include "verify.h"

#include <sodium/crypto_hash_sha512.h>
#include <sodium/crypto_sign_ed25519.h>
#include <string.h>

namespace kos::boot {

static_assert(kHashBytes == crypto_hash_sha512_BYTES);
static_assert(kSignatureBytes == crypto_sign_ed25519_BYTES);
static_assert(kPublicKeyBytes == crypto_sign_ed25519_PUBLICKEYBYTES);

void sha512(Bytes data, uint8_t (&hash)[kHashBytes]) {
    crypto_hash_sha512(hash, data.data(), data.size());  // cannot fail: always returns 0
}

bool sha512_matches(Bytes data, const uint8_t (&hash)[kHashBytes]) {
    uint8_t actual[kHashBytes];
    sha512(data, actual);
    return memcmp(actual, hash, sizeof(actual)) == 0;  // nothing secret: need not take constant time
}

bool ed25519_matches(Bytes data, const uint8_t (&signature)[kSignatureBytes],
                     const uint8_t (&public_key)[kPublicKeyBytes]) {
    return crypto_sign_ed25519_verify_detached(signature, data.data(), data.size(), public_key) == 0;
}

}  // namespace kos::boot
