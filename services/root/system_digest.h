// What a system is apart from the contents of its programs and images: the hash of its manifest with their hashes taken
// as zeros. Two systems with the same digest have the same domains with the same rights, memory, devices, ports, rules
// and parameters. Used by root and tools/manifest.
#pragma once

#include <kos/manifest/manifest.h>
#include <sha256.h>

#include <stddef.h>
#include <stdint.h>

namespace kos::push {

// `tree`: the manifest that `manifest` was read from, `bytes` long.
inline void system_digest(const void* tree, size_t bytes, const manifest::Manifest& manifest, uint8_t (&digest)[32]) {
    constexpr size_t kHashBytes = 32;
    static const uint8_t kZeros[kHashBytes] = {};
    const auto* at = static_cast<const uint8_t*>(tree);
    const uint8_t* const end = at + bytes;
    Sha256 hash;
    while (at < end) {
        const uint8_t* next = nullptr;  // the first hash from here on
        const auto look = [&](const uint8_t* found) {
            if (found >= at && found < end && (!next || found < next)) next = found;
        };
        for (const manifest::Domain& domain : manifest.domains) {
            if (domain.name) look(domain.program);
        }
        for (uint32_t i = 0; i < manifest.image_count; ++i) look(manifest.images[i].file);
        const uint8_t* const until = next ? next : end;
        hash.add(at, static_cast<size_t>(until - at));
        if (next) hash.add(kZeros, kHashBytes);
        at = next ? next + kHashBytes : end;
    }
    hash.finish(digest);
}

}  // namespace kos::push
