// Rings of streams when a domain ends (shared.cpp), and by which bit a ring wakes a domain (startup.cpp): what of it is
// independent of the kernel.
#pragma once

#include <kos/abi.h>
#include <kos/manifest/manifest.h>
#include <kos/ring_core.h>

namespace root {

// The signal with which the ring of index `ring` wakes the domain, one of its two ends: the bits are dealt out in the
// manifest's order (kos/abi.h: KOS_SIGNAL_RING_0).
inline uint64_t ring_signal(const kos::manifest::Manifest& manifest, uint32_t domain, uint32_t ring) {
    unsigned before = 0;
    for (uint32_t i = 0; i < ring; ++i) {
        if (manifest.rings[i].producer == domain || manifest.rings[i].consumer == domain) ++before;
    }
    return uint64_t{1} << (KOS_SIGNAL_RING_0 + before % KOS_SIGNAL_RING_COUNT);
}

// Marks the domain's side of all its rings of streams and then tells all others: who is told finds all of them marked.
// shared(ring): its memory. tell(ring, is_producer): wakes the end that is named.
template <class Shared, class Tell>
void leave_stream_rings(const kos::manifest::Manifest& manifest, uint32_t domain, Shared&& shared, Tell&& tell) {
    auto const each = [&](auto&& act) {
        for (uint32_t i = 0; i < manifest.ring_count; ++i) {
            if (!manifest.rings[i].stream) continue;
            if (manifest.rings[i].producer == domain) act(i, true);
            if (manifest.rings[i].consumer == domain) act(i, false);
        }
    };
    each([&](uint32_t ring, bool produces) { kos_ring_core_leave(shared(ring), produces); });
    each([&](uint32_t ring, bool produces) { tell(ring, !produces); });
}

}  // namespace root
