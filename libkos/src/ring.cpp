// Rings of the manifest (kos/ring.h): names, statuses and sleeping around lib/ring.
#include "runtime.h"
#include "sync/park.h"

#include <kos/ring.h>
#include <kos/signal.h>
#include <kos/time.h>

using namespace kos::runtime;

namespace {

kos_status_t status_of(const kos_ring_t* ring, kos_ring_result_t result) {
    switch (result) {
        case KOS_RING_OK: return KOS_STATUS_OK;
        case KOS_RING_WAIT: return ring->core.is_producer ? KOS_STATUS_FULL : KOS_STATUS_EMPTY;
        case KOS_RING_GONE: return KOS_STATUS_PEER_GONE;
        case KOS_RING_INVALID: return KOS_STATUS_PEER_INVALID;
        case KOS_RING_TOO_LONG:
        case KOS_RING_MISUSE: return KOS_STATUS_INVALID_ARGUMENT;
    }
    return KOS_STATUS_INTERNAL_ERROR;
}

// Wakes the other side if it sleeps for what has happened. Nothing is lost by doing it after several operations:
// the other side has announced its sleep before it looked at our position for the last time, or it has seen the
// position (kos_ring_core_take_wake); `sleeps` stays what it is until this side has looked at it.
void wake(kos_ring_t* ring) {
    if (kos_ring_core_take_wake(&ring->core) && ring->signal_slot) kos::sel4::signal(ring->signal_slot);
}

// The end of every operation.
kos_status_t finish(kos_ring_t* ring, kos_ring_result_t result) {
    if (!ring->is_held) wake(ring);
    return status_of(ring, result);
}

bool find_memory(const char* name, kos_ring_memory_t* memory, int* is_producer) {
    unsigned index = 0;
    for (const kos_startup_ring_t& entry : entries<kos_startup_ring_t>(startup->rings)) {
        if (same_name(entry.name, name)) {
            *memory = {reinterpret_cast<void*>(entry.address), entry.bytes, entry.physical, entry.signal,
                       1ull << (KOS_SIGNAL_RING_0 + index % KOS_SIGNAL_RING_COUNT)};
            *is_producer = entry.producer != 0;
            return true;
        }
        ++index;
    }
    return false;
}

}  // namespace

kos_status_t kos_ring_open(const char* name, kos_ring_t* ring) {
    int is_producer = 0;
    kos_ring_memory_t memory;
    if (!find_memory(name, &memory, &is_producer)) return KOS_STATUS_NOT_FOUND;
    return kos_ring_open_part(&memory, 0, memory.size_bytes, is_producer, ring);
}

kos_status_t kos_ring_memory(const char* name, kos_ring_memory_t* memory) {
    int is_producer = 0;
    return find_memory(name, memory, &is_producer) ? KOS_STATUS_OK : KOS_STATUS_NOT_FOUND;
}

kos_status_t kos_ring_open_part(const kos_ring_memory_t* memory, size_t offset, size_t size_bytes, int is_producer,
                                kos_ring_t* ring) {
    if (offset > memory->size_bytes || size_bytes > memory->size_bytes - offset) return KOS_STATUS_INVALID_ARGUMENT;
    ring->signal_slot = memory->signal_slot;
    ring->signal = memory->signal;
    ring->memory = static_cast<unsigned char*>(memory->address) + offset;
    ring->memory_bytes = size_bytes;
    ring->is_held = 0;
    kos_ring_result_t const opened = kos_ring_core_open(&ring->core, ring->memory, size_bytes, is_producer);
    return opened == KOS_RING_OK ? finish(ring, opened) : status_of(ring, opened);
}

void kos_ring_reset(kos_ring_t* ring) {
    // It was possible when it was opened, so it is now.
    finish(ring, kos_ring_core_open(&ring->core, ring->memory, ring->memory_bytes, ring->core.is_producer));
}

kos_status_t kos_ring_write(kos_ring_t* ring, const void* bytes, size_t count, size_t* done) {
    return finish(ring, kos_ring_core_write(&ring->core, bytes, count, done));
}

kos_status_t kos_ring_read(kos_ring_t* ring, void* bytes, size_t count, size_t* done) {
    return finish(ring, kos_ring_core_read(&ring->core, bytes, count, done));
}

size_t kos_ring_record_max(const kos_ring_t* ring) { return kos_ring_core_record_max(&ring->core); }
size_t kos_ring_record_needs(const kos_ring_t* ring, size_t count) {
    return kos_ring_core_reserve_needs(&ring->core, count);
}

kos_status_t kos_ring_reserve(kos_ring_t* ring, size_t count, void** payload) {
    return finish(ring, kos_ring_core_reserve(&ring->core, count, payload));
}

kos_status_t kos_ring_commit(kos_ring_t* ring, size_t count, uint32_t tag) {
    return finish(ring, kos_ring_core_commit(&ring->core, count, tag));
}

kos_status_t kos_ring_send(kos_ring_t* ring, uint32_t tag, const void* bytes, size_t count) {
    void* payload = nullptr;
    kos_ring_result_t const reserved = kos_ring_core_reserve(&ring->core, count, &payload);
    if (reserved != KOS_RING_OK) return finish(ring, reserved);
    if (count) __builtin_memcpy(payload, bytes, count);
    return finish(ring, kos_ring_core_commit(&ring->core, count, tag));
}

kos_status_t kos_ring_receive(kos_ring_t* ring, void* bytes, size_t count, size_t* length, uint32_t* tag) {
    return finish(ring, kos_ring_core_receive(&ring->core, bytes, count, length, tag));
}

kos_status_t kos_ring_peek(kos_ring_t* ring, const void** payload, size_t* length, uint32_t* tag) {
    return finish(ring, kos_ring_core_peek(&ring->core, payload, length, tag));
}

kos_status_t kos_ring_release(kos_ring_t* ring) { return finish(ring, kos_ring_core_release(&ring->core)); }

void kos_ring_hold(kos_ring_t* ring) { ring->is_held = 1; }

void kos_ring_wake(kos_ring_t* ring) {
    ring->is_held = 0;
    wake(ring);
}

int kos_ring_prepare_wait(kos_ring_t* ring, size_t wanted) {
    if (ring->is_held) kos_ring_wake(ring);
    return kos_ring_core_prepare_wait(&ring->core, wanted);
}

kos_status_t kos_ring_wait(kos_ring_t* ring, size_t wanted) {
    while (!kos_ring_prepare_wait(ring, wanted)) {
        if (kos_signal_wait(ring->signal) & KOS_SIGNAL_STOP) return KOS_STATUS_UNAVAILABLE;
    }
    return KOS_STATUS_OK;
}

kos_status_t kos_ring_wait_until(kos_ring_t* ring, size_t wanted, uint64_t deadline_ticks) {
    while (!kos_ring_prepare_wait(ring, wanted)) {
        if (kos_app_should_stop()) return KOS_STATUS_UNAVAILABLE;
        if (kos_time_ticks() >= deadline_ticks) return KOS_STATUS_TIMEOUT;
        if (!kos::sync::doze(deadline_ticks)) return KOS_STATUS_UNAUTHORIZED;
    }
    return KOS_STATUS_OK;
}
