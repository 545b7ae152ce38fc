// What a system is apart from the contents of its programs and images: the hash of its manifest with their hashes taken
// as zeros. Two systems with the same digest have the same domains with the same rights, memory, devices, ports, rules
// and parameters. Used by root and tools/manifest.
#pragma once

#include <kos/manifest/manifest.h>
#include <sodium/crypto_hash_sha256.h>

#include <stddef.h>
#include <stdint.h>

namespace kos::push {

// `tree`: the manifest that `manifest` was read from, `bytes` long.
inline void system_digest(const void* tree, size_t bytes, const manifest::Manifest& manifest, uint8_t (&digest)[32]) {
    constexpr size_t kHashBytes = 32;
    static const uint8_t kZeros[kHashBytes] = {};
    const auto* at = static_cast<const uint8_t*>(tree);
    const uint8_t* const end = at + bytes;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    while (at < end) {
        const uint8_t* next = nullptr;  // the first hash from here on
        const auto look = [&](const uint8_t* hash) {
            if (hash >= at && hash < end && (!next || hash < next)) next = hash;
        };
        for (const manifest::Domain& domain : manifest.domains) {
            if (domain.name) look(domain.program);
        }
        for (uint32_t i = 0; i < manifest.image_count; ++i) look(manifest.images[i].file);
        const uint8_t* const until = next ? next : end;
        crypto_hash_sha256_update(&state, at, static_cast<size_t>(until - at));
        if (next) crypto_hash_sha256_update(&state, kZeros, kHashBytes);
        at = next ? next + kHashBytes : end;
    }
    crypto_hash_sha256_final(&state, digest);
}

}  // namespace kos::push
