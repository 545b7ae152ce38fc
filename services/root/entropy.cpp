// Boot entropy (entropy.h).
#include "entropy.h"

#include <libfdt.h>
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
    size_t bytes = 0;
    const void* const tree = device_tree(bytes);
    // fdt_check_full() of libfdt 1.6.1 follows a null pointer in trees of versions before 16.
    constexpr uint32_t kOldestVersion = 16;
    if (!tree || bytes < sizeof(fdt_header) || fdt_version(tree) < kOldestVersion) return;
    if (fdt_check_full(tree, bytes) != 0) return;
    int const chosen = fdt_path_offset(tree, "/chosen");
    int length = 0;
    const void* const seed = chosen < 0 ? nullptr : fdt_getprop(tree, chosen, "rng-seed", &length);
    if (!seed || length < 32) return;
    crypto_hash_sha512(pool.seed, static_cast<const unsigned char*>(seed), static_cast<unsigned long long>(length));
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
