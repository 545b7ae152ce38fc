// Rings in memory shared with another domain, declared by the manifest's [[ring]]: bulk data without a call per
// transfer.
//
// One domain produces, the other consumes; a ring carries either bytes or records, as its two users agree. The other
// side is not trusted: see lib/ring. Each side may be restarted at any time; the other one is told once (PEER_GONE),
// and the ring is empty then. Not thread-safe: one thread uses one side.
//
// All functions answer with one of
//   OK
//   EMPTY (consumer), FULL (producer)   nothing there, no room, or the other side has not opened the ring yet
//   PEER_GONE                           the other side was restarted; what was in the ring is lost, it can be used on
//   PEER_INVALID                        the other side broke the rules; until it is restarted, or kos_ring_reset
//   INVALID_ARGUMENT                    wrong side; record too long for the ring or for the buffer; commit without
//   reserve
// and none blocks, except kos_ring_wait and kos_ring_wait_until.
#pragma once

#include <kos/ring_core.h>
#include <kos/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    kos_ring_core_t core;
    uint64_t signal_slot;  // notifies the other side
    uint64_t signal;       // the bit of this domain's notification with which the other side wakes us; other rings may
                           // have the same (abi.h), and waiting for one of them takes the signal of all
    void* memory;
    uint64_t memory_bytes;
    uint64_t is_held;  // kos_ring_hold
} kos_ring_t;

// The ring `name` of the manifest. NOT_FOUND.
kos_status_t kos_ring_open(const char* name, kos_ring_t* ring);

// The memory of a ring of the manifest, for two domains that agree on a layout of their own: several rings in one area,
// buffers beside them. Both sides may write all of it at any time, so each copies what it checks.
typedef struct {
    void* address;
    uint64_t size_bytes;
    uint64_t physical;  // contiguous; 0 unless this side produces and the manifest says dma = true
    uint64_t signal_slot;
    uint64_t signal;
} kos_ring_memory_t;

// The memory of the ring `name`. NOT_FOUND.
kos_status_t kos_ring_memory(const char* name, kos_ring_memory_t* memory);
// A ring in bytes `offset` .. `offset` + `size_bytes` - 1 of it, with its signals. INVALID_ARGUMENT: not within the
// memory, not aligned to 8 bytes, or smaller than KOS_RING_MIN_BYTES.
kos_status_t kos_ring_open_part(const kos_ring_memory_t* memory, size_t offset, size_t size_bytes, int is_producer,
                                kos_ring_t* ring);
// Begins again after PEER_INVALID. The other side gets PEER_GONE.
void kos_ring_reset(kos_ring_t* ring);

// Bytes: as many as there is room for, or as there are; *done (at least 1) is set with OK only.
kos_status_t kos_ring_write(kos_ring_t* ring, const void* bytes, size_t count, size_t* done);
kos_status_t kos_ring_read(kos_ring_t* ring, void* bytes, size_t count, size_t* done);

// Records, each with a tag of the application's. The longest: kos_ring_record_max, about half of the ring.
size_t kos_ring_record_max(const kos_ring_t* ring);
kos_status_t kos_ring_send(kos_ring_t* ring, uint32_t tag, const void* bytes, size_t count);
// The next record, copied. INVALID_ARGUMENT: it is longer than `count`, *length says how long, and stays.
kos_status_t kos_ring_receive(kos_ring_t* ring, void* bytes, size_t count, size_t* length, uint32_t* tag);

// The next record where it lies, in memory that the other side can still change: copy what is checked. It stays until
// kos_ring_release, which answers INVALID_ARGUMENT if nothing is peeked at.
kos_status_t kos_ring_peek(kos_ring_t* ring, const void** payload, size_t* length, uint32_t* tag);
kos_status_t kos_ring_release(kos_ring_t* ring);

// A record without a copy of one's own: write up to `count` bytes to *payload, never read them back, then commit.
kos_status_t kos_ring_reserve(kos_ring_t* ring, size_t count, void** payload);
kos_status_t kos_ring_commit(kos_ring_t* ring, size_t count, uint32_t tag);

// Sleeps until an operation makes sense again: until `wanted` bytes are there (consumer; 1 for records) or free
// (producer; for a record kos_ring_record_needs), or the other side was restarted. UNAVAILABLE: the domain shall stop.
// Main thread only; inside a server loop use kos_ring_prepare_wait.
kos_status_t kos_ring_wait(kos_ring_t* ring, size_t wanted);
// At most until the counter reaches `deadline_ticks`: TIMEOUT. Any thread; needs the port "timer"; notices up to a
// millisecond late.
kos_status_t kos_ring_wait_until(kos_ring_t* ring, size_t wanted, uint64_t deadline_ticks);
size_t kos_ring_record_needs(const kos_ring_t* ring, size_t count);

// Several operations, one wake-up: between kos_ring_hold and kos_ring_wake operations on the ring do not wake the other
// side, which would else take what there is piece by piece. It sees everything at once all the same, if it is awake.
// kos_ring_wake ends it, and wakes the other side if it sleeps for what has happened meanwhile. Whoever holds a ring
// must come to kos_ring_wake whatever the other side does, before it sleeps itself; sleeping for this very ring
// (kos_ring_prepare_wait, kos_ring_wait, kos_ring_wait_until) includes it.
void kos_ring_hold(kos_ring_t* ring);
void kos_ring_wake(kos_ring_t* ring);

// For servers, whose loop does the waiting: 0 means that `signalled` will be called with kos_ring_t::signal as soon as
// there is something to do; 1 that there is something already. Call it after an operation said EMPTY or FULL, and go on
// while it returns 1.
int kos_ring_prepare_wait(kos_ring_t* ring, size_t wanted);

#ifdef __cplusplus
}
#endif
