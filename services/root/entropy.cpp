// Boot entropy (entropy.h).
#include "entropy.h"

#include "chosen.h"

#include <sodium/crypto_hash_sha512.h>

namespace root {

namespace {

struct {
    uint8_t seed[64];
    Word counter;
} pool;
bool has_seed;

}  // namespace

void collect_boot_entropy() {
    size_t length = 0;
    const void* const seed = chosen_property("rng-seed", length);
    if (!seed || length < 32) return;
    crypto_hash_sha512(pool.seed, static_cast<const unsigned char*>(seed), length);
    has_seed = true;
}

kos_status_t boot_entropy(Word instance, Word (&words)[4]) {
    if (!has_seed) return KOS_STATUS_UNAVAILABLE;
    uint8_t hash[64];
    pool.counter += instance + 1;
    crypto_hash_sha512(hash, reinterpret_cast<const uint8_t*>(&pool), sizeof pool);
    __builtin_memcpy(words, hash, sizeof words);
    // The other half becomes the next seed, so that what was given away says nothing about what comes.
    __builtin_memcpy(pool.seed, hash + 32, 32);
    __builtin_memset(hash, 0, sizeof hash);
    return KOS_STATUS_OK;
}

}  // namespace root
