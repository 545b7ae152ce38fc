// Memory and interrupts that outlive the domains that use them (domain.h): message windows, queues, rings, life pages,
// persistent memory, DMA memory, device registers. All made once at boot out of root's memory.
//
// DMA memory is never given to anybody else, so that a device that was not reset cannot write into what is not its own.
#include <board.h>

#include "domain.h"

#include "console.h"
#include "stream_rings.h"

namespace root {

using namespace kos::sel4;

extern CPtr uart_frame;

namespace {

SharedPages windows[KOS_MAX_CONNECTIONS];
SharedPages queues[KOS_MAX_CONNECTIONS];
SharedPages rings[kos::manifest::kMaxRings];
SharedPages dmas[kos::manifest::kMaxDma];
SharedPages devices[kos::manifest::kMaxDevices];
SharedPages persistent[KOS_MAX_DOMAINS];
SharedPages lives[KOS_MAX_DOMAINS];
CPtr handlers[kos::manifest::kMaxInterrupts];
kos_life_t* life_mappings[KOS_MAX_DOMAINS];
SharedPages root_log;

// Of a ring of a stream: what root needs to tell that a side has ended.
struct StreamRing {
    kos_ring_shared_t* shared = nullptr;
    CPtr to_producer = kNullCap, to_consumer = kNullCap;
};
StreamRing stream_rings[kos::manifest::kMaxRings];

SharedPages make_pages(Word bytes) {
    Word const count = round_up(bytes) / kPageBytes;
    if (count == 0) return {};
    CPtr const first = new_frames(count);
    return {first, count, page_get_address(first).word(0)};
}

// The signal of a ring as the domain has it in its startup block, too.
CPtr make_ring_signal(uint32_t number, uint32_t ring) {
    CPtr const slot = new_slot();
    Word const badge = KOS_BADGE_NOTIFICATION | ring_signal(the_system.manifest, number, ring);
    if (!cnode_mint(path(slot), path(the_system.domains[number].notification), seL4_CanWrite, badge).ok()) {
        panic("no signal of a ring");
    }
    return slot;
}

void make_stream_rings() {
    const Manifest& manifest = the_system.manifest;
    for (uint32_t i = 0; i < manifest.ring_count; ++i) {
        if (!manifest.rings[i].stream) continue;
        stream_rings[i] = {static_cast<kos_ring_shared_t*>(map_own_page(rings[i].first)),
                           make_ring_signal(manifest.rings[i].producer, i),
                           make_ring_signal(manifest.rings[i].consumer, i)};
    }
}

// Device pages by ascending address, each made once; shared ones are found again.
void make_devices() {
    const Manifest& manifest = the_system.manifest;
    Word done = 0;
    for (;;) {
        Word next = ~Word{0};
        for (uint32_t i = 0; i < manifest.device_count; ++i) {
            for (Word page = 0; page < manifest.devices[i].bytes; page += kPageBytes) {
                Word const address = manifest.devices[i].address + page;
                if (address >= done && address < next) next = address;
            }
        }
        if (next == ~Word{0}) return;
        done = next + kPageBytes;
        CPtr const frame = next == KOS_BOARD_UART_BASE && uart_frame ? uart_frame : new_device_frame(next);
        if (!frame) panic("the machine has no device memory where the manifest has a device");
        for (uint32_t i = 0; i < manifest.device_count; ++i) {
            Word const start = manifest.devices[i].address;
            if (next < start || next - start >= manifest.devices[i].bytes) continue;
            // Consecutive slots, so that a device is one range: copies of the page's capability.
            if (next == start) devices[i] = {new_slot(manifest.devices[i].bytes / kPageBytes), 0, start};
            if (!cnode_copy(path(devices[i].first + devices[i].count++), path(frame)).ok())
                panic("no device capability");
        }
    }
}

Word core_of(uint32_t interrupt) {
    for (const DomainSpec& spec : the_system.manifest.domains) {
        bool const has = spec.name && interrupt >= spec.interrupts.first &&
                         interrupt < spec.interrupts.first + unsigned{spec.interrupts.count};
        if (has) return spec.core;
    }
    return 0;
}

void make_interrupts() {
    const Manifest& manifest = the_system.manifest;
    for (uint32_t i = 0; i < manifest.interrupt_count; ++i) {
        handlers[i] = new_slot();
        Trigger const trigger = manifest.interrupts[i].edge ? Trigger::kEdge : Trigger::kLevel;
        Word const number = manifest.interrupts[i].number;
        // With several cores an interrupt goes to one of them, and those of a core itself (timers) exist once per core.
        Result const result =
            boot_info->numNodes > 1
                ? irq_control_get_trigger_core(seL4_CapIRQControl, number, trigger, path(handlers[i]), core_of(i))
                : irq_control_get_trigger(seL4_CapIRQControl, number, trigger, path(handlers[i]));
        if (!result.ok()) panic("the kernel refuses an interrupt of the manifest");
    }
}

}  // namespace

void prepare_shared() {
    const Manifest& manifest = the_system.manifest;
    for (uint32_t i = 0; i < manifest.connection_count; ++i) {
        const auto& port = manifest.ports[manifest.connections[i].port];
        if (port.payload) windows[i] = make_pages(kPageBytes);
        if (port.queue) queues[i] = make_pages(sizeof(kos_queue_t));
    }
    for (uint32_t i = 0; i < manifest.ring_count; ++i) rings[i] = make_pages(manifest.rings[i].bytes);
    make_stream_rings();
    for (uint32_t i = 0; i < manifest.dma_count; ++i) dmas[i] = make_pages(manifest.dma[i].bytes);
    for (const DomainSpec& spec : manifest.domains) {
        if (!spec.name) continue;
        persistent[spec.number] = make_pages(spec.persistent_bytes);
        lives[spec.number] = make_pages(kPageBytes);
        life_mappings[spec.number] = static_cast<kos_life_t*>(map_own_page(lives[spec.number].first));
    }
    make_devices();
    make_interrupts();
    root_log = make_pages(4 * kPageBytes);
    start_log_ring(map_own_pages(root_log.first, root_log.count), root_log.count * kPageBytes);
}

SharedPages window_of(unsigned connection) { return windows[connection]; }
SharedPages queue_of(unsigned connection) { return queues[connection]; }
SharedPages ring_pages(unsigned ring) { return rings[ring]; }

void leave_streams(const Domain& domain) {
    leave_stream_rings(
        the_system.manifest, domain.number, [](uint32_t ring) { return stream_rings[ring].shared; },
        [](uint32_t ring, bool is_producer) {
            signal(is_producer ? stream_rings[ring].to_producer : stream_rings[ring].to_consumer);
        });
}
SharedPages dma_pages(unsigned dma) { return dmas[dma]; }
SharedPages device_pages(unsigned device) { return devices[device]; }
SharedPages persistent_pages(const Domain& domain) { return persistent[domain.number]; }
SharedPages life_page(const Domain& domain) { return lives[domain.number]; }
SharedPages root_log_pages() { return root_log; }
CPtr interrupt_handler(unsigned interrupt) { return handlers[interrupt]; }

kos_life_t& life_of(const Domain& domain) { return *life_mappings[domain.number]; }

void clear_life_page(const Domain& domain) {
    kos_life_t* const life = life_mappings[domain.number];
    __atomic_store_n(&life->state, KOS_LIFE_STARTING, __ATOMIC_RELAXED);
    __atomic_store_n(&life->question, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&life->answer, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&life->loans, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&life->alive, 0u, __ATOMIC_RELEASE);
}

void tell_loan(const Domain& domain, Word thread, bool is_out) {
    uint32_t* const loans = &life_mappings[domain.number]->loans;
    uint32_t const bit = 1u << thread;
    is_out ? __atomic_fetch_or(loans, bit, __ATOMIC_RELEASE) : __atomic_fetch_and(loans, ~bit, __ATOMIC_RELEASE);
}

}  // namespace root
