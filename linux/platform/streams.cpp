// Rings of streams (streams.h).
#include "platform/streams.h"

#include <kos/sel4/sel4.h>

#include <stdio.h>
#include <string.h>

namespace kos::lx {

// The compiler of manifests makes the rings stream_OPENER_ACCEPTOR_out and stream_OPENER_ACCEPTOR_in, with the numbers
// of the domains.
NativeStreams::NativeStreams(const kos_startup_t& startup) {
    const auto* const rings =
        reinterpret_cast<const kos_startup_ring_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.rings.offset);
    auto const add = [&](uint32_t index, bool is_out) {
        const kos_startup_ring_t& ring = rings[index];
        Link& link = links_.back();
        (is_out ? link.out : link.in) = reinterpret_cast<void*>(ring.address);
        (is_out ? link.out_bytes : link.in_bytes) = ring.bytes;
        (is_out ? slots_.back().out : slots_.back().in) = ring.signal;
        signals_ |= 1ull << (KOS_SIGNAL_RING_0 + index % KOS_SIGNAL_RING_COUNT);
    };
    for (uint32_t i = 0; i < startup.rings.count; ++i) {
        const kos_startup_ring_t& ring = rings[i];
        if (!ring.is_stream) continue;
        for (bool const may_connect : {true, false}) {
            unsigned const opener = may_connect ? startup.domain : ring.peer;
            unsigned const acceptor = may_connect ? ring.peer : startup.domain;
            char out[KOS_MAX_NAME + 1], in[KOS_MAX_NAME + 1];
            snprintf(out, sizeof out, "stream_%u_%u_out", opener, acceptor);
            snprintf(in, sizeof in, "stream_%u_%u_in", opener, acceptor);
            if (strcmp(ring.name, out) != 0) continue;
            for (uint32_t k = 0; k < startup.rings.count; ++k) {
                if (strcmp(rings[k].name, in) != 0) continue;
                Link link;
                link.peer = ring.peer_name;
                link.may_connect = may_connect;
                links_.push_back(std::move(link));
                slots_.emplace_back();
                add(may_connect ? i : k, true);
                add(may_connect ? k : i, false);
            }
        }
    }
}

void NativeStreams::notify(size_t link, bool is_out) {
    const Slots& slots = slots_[link];
    sel4::signal(is_out ? slots.out : slots.in);
}

}  // namespace kos::lx
