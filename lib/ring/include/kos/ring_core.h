// A ring in memory that two domains share: one writes, one reads, and neither trusts the other. C11 and C++.
//
// Bytes or records go from the producer to the consumer without a system call; who sleeps is woken by a notification,
// which this file only says when to send. libkos's kos/ring.h adds the manifest's names and the sleeping.
//
// The other side may write anything into the shared memory at any time. Therefore each side keeps its own position, the
// size and everything else that it relies on in private memory (kos_ring_core_t); what it reads from the other side is
// loaded once, compared with what is possible, and only then used. The worst that a peer can do is to send wrong
// data, to send nothing, or to be found out (KOS_RING_INVALID). No function loops on what the peer does.
//
// Layout: kos_ring_shared_t, then the data: all the rest, rounded down to 8 bytes. Positions count bytes since both
// sides met; the offset in the data is the position modulo its size.
//
// Meeting (and meeting again after a restart): each side has an epoch, which it changes when it opens the ring, and
// says in `seen` which epoch of the other side it has adapted to. Whoever finds a new epoch of the other side sets its
// own position to 0, then `seen`. Data flow only while both have seen each other's present epoch, so nobody reads what
// was meant for, or written by, an earlier instance. What was in the ring is lost, and the survivor is told
// (KOS_RING_GONE).
//
// Memory order: `written` is stored with release after the data and loaded with acquire before them; `read` is stored
// with release after the data were copied out and loaded with acquire before they are overwritten. An epoch is stored
// with release after the position it belongs to. Sleeping is Dekker's pattern: the sleeper stores `sleeps`, fence,
// looks at the position; the other stores the position, fence, looks at `sleeps`. Both fences are sequentially
// consistent, so at least one of the two sees the other.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KOS_RING_OK = 0,
    KOS_RING_WAIT = 1,      // consumer: nothing there; producer: no room; either: the other side has not opened it yet
    KOS_RING_GONE = 2,      // the other side was restarted; said once, the ring is empty and usable again
    KOS_RING_INVALID = 3,   // the other side broke the rules; until it restarts or kos_ring_core_open
    KOS_RING_TOO_LONG = 4,  // record longer than kos_ring_core_record_max, or than the reader's buffer
    KOS_RING_MISUSE = 5,    // wrong side, commit without reserve, bytes mixed with records
} kos_ring_result_t;

// What one side writes and the other reads.
typedef struct {
    uint32_t epoch;     // bit 31: this side is just opening; 0: it never has
    uint32_t seen;      // the other side's epoch that this side works with
    uint64_t position;  // bytes ever written, or read
    uint64_t sleeps;    // 0, or wake this side when so many bytes are there, or free
    uint64_t reserved[13];
} kos_ring_side_t;

typedef struct {
    kos_ring_side_t producer;
    kos_ring_side_t consumer;
} kos_ring_shared_t;

#define KOS_RING_OPENING 0x80000000u
#define KOS_RING_MIN_BYTES (sizeof(kos_ring_shared_t) + 64)
#define KOS_RING_PAD 0xffffffffu  // length of a record that only fills the data up to its end

typedef struct {
    uint32_t length;  // of the payload, which follows; the next record begins at a multiple of 8
    uint32_t tag;     // the application's
} kos_ring_record_t;

// One side's own state. Private: nothing in it is ever loaded from shared memory unchecked.
typedef struct {
    kos_ring_side_t* own;
    kos_ring_side_t* peer;
    unsigned char* data;
    uint64_t size;            // of the data
    uint64_t position;        // own
    uint64_t offset;          // position modulo size
    uint64_t peer_position;   // the last one that was possible
    uint64_t reserved_bytes;  // producer: a reservation, with the filling before it; consumer: a record that is peeked
                              // at; 0: none
    uint64_t reserved_room;   // and the payload bytes it was made for
    uint32_t epoch;
    uint32_t peer_epoch;
    uint8_t is_producer;
    uint8_t is_met;  // both have seen each other's present epoch
    uint8_t is_broken;
    uint8_t must_wake;  // something that the other side may sleep for
} kos_ring_core_t;

// --- Private helpers

static inline uint64_t kos_ring_min_(uint64_t a, uint64_t b) { return a < b ? a : b; }

// Keeps the compiler from loading the source of a copy once more.
static inline void kos_ring_compiler_barrier_(void) { __asm__ volatile("" ::: "memory"); }

static inline void kos_ring_restart_(kos_ring_core_t* ring) {
    ring->position = 0;
    ring->offset = 0;
    ring->peer_position = 0;
    ring->reserved_bytes = 0;
    ring->is_broken = 0;
}

// Adapts to the other side's epoch. OK: both work with each other.
static inline kos_ring_result_t kos_ring_attend_(kos_ring_core_t* ring) {
    uint32_t const epoch = __atomic_load_n(&ring->peer->epoch, __ATOMIC_ACQUIRE);
    if (epoch != ring->peer_epoch) {
        uint8_t const was_met = ring->is_met;
        ring->is_met = 0;
        if (!(epoch & KOS_RING_OPENING) && epoch != 0) {
            kos_ring_restart_(ring);
            // The order matters: who sees that we have seen it must see that we begin at 0.
            __atomic_store_n(&ring->own->position, 0, __ATOMIC_RELEASE);
            __atomic_store_n(&ring->own->seen, epoch, __ATOMIC_RELEASE);
            ring->peer_epoch = epoch;
            ring->must_wake = 1;
        }
        if (was_met) return KOS_RING_GONE;
        if (ring->peer_epoch != epoch) return KOS_RING_WAIT;
    }
    if (ring->is_broken) return KOS_RING_INVALID;
    if (!ring->is_met) {
        if (__atomic_load_n(&ring->peer->seen, __ATOMIC_ACQUIRE) != ring->epoch) return KOS_RING_WAIT;
        ring->is_met = 1;
    }
    return KOS_RING_OK;
}

// Loads the other side's position. *amount: bytes that are there (consumer) or free (producer).
static inline kos_ring_result_t kos_ring_amount_(kos_ring_core_t* ring, uint64_t* amount) {
    kos_ring_result_t const attended = kos_ring_attend_(ring);
    if (attended != KOS_RING_OK) return attended;
    uint64_t const peer = __atomic_load_n(&ring->peer->position, __ATOMIC_ACQUIRE);
    uint64_t const used = ring->is_producer ? ring->position - peer : peer - ring->position;
    if (peer < ring->peer_position || used > ring->size) {
        // Impossible, unless it is just restarting: then its epoch changed before its position.
        if (__atomic_load_n(&ring->peer->epoch, __ATOMIC_ACQUIRE) != ring->peer_epoch) {
            kos_ring_result_t const again = kos_ring_attend_(ring);
            return again == KOS_RING_OK ? KOS_RING_WAIT : again;
        }
        ring->is_broken = 1;
        return KOS_RING_INVALID;
    }
    ring->peer_position = peer;
    *amount = ring->is_producer ? ring->size - used : used;
    return KOS_RING_OK;
}

// Moves the own position on and lets the other side see it.
static inline void kos_ring_advance_(kos_ring_core_t* ring, uint64_t bytes) {
    ring->position += bytes;
    ring->offset += bytes;
    if (ring->offset >= ring->size) ring->offset -= ring->size;
    __atomic_store_n(&ring->own->position, ring->position, __ATOMIC_RELEASE);
}

static inline uint64_t kos_ring_record_bytes_(uint64_t payload) {
    return sizeof(kos_ring_record_t) + ((payload + 7) & ~(uint64_t)7);
}

static inline void kos_ring_put_header_(kos_ring_core_t* ring, uint64_t offset, uint32_t length, uint32_t tag) {
    uint64_t const word = (uint64_t)length | (uint64_t)tag << 32;
    __atomic_store_n((uint64_t*)(void*)(ring->data + offset), word, __ATOMIC_RELAXED);
}

// --- Opening

// Opens one's side of the ring in `memory` (8-byte aligned). Also after KOS_RING_INVALID, and again by a restarted
// domain. MISUSE: too small or not aligned. Send a notification to the other side afterwards (kos_ring_core_take_wake).
static inline kos_ring_result_t kos_ring_core_open(kos_ring_core_t* ring, void* memory, size_t bytes, int is_producer) {
    kos_ring_shared_t* const shared = (kos_ring_shared_t*)memory;
    if (bytes < KOS_RING_MIN_BYTES || (uintptr_t)memory % 8 != 0) return KOS_RING_MISUSE;
    ring->own = is_producer ? &shared->producer : &shared->consumer;
    ring->peer = is_producer ? &shared->consumer : &shared->producer;
    ring->data = (unsigned char*)(shared + 1);
    ring->size = (bytes - sizeof *shared) & ~(uint64_t)7;
    ring->is_producer = is_producer != 0;
    ring->is_met = 0;
    ring->must_wake = 1;
    ring->reserved_room = 0;
    kos_ring_restart_(ring);
    // From the last instance, by way of shared memory. If the other side has changed it, it fools itself only.
    uint32_t const last = __atomic_load_n(&ring->own->epoch, __ATOMIC_RELAXED) & ~KOS_RING_OPENING;
    ring->epoch = last + 1 < KOS_RING_OPENING ? last + 1 : 1;
    // Opening is seen before the position jumps (partner: kos_ring_amount_), the new epoch after everything else.
    __atomic_store_n(&ring->own->epoch, last | KOS_RING_OPENING, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->own->position, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->own->sleeps, 0, __ATOMIC_RELAXED);
    uint32_t const peer_epoch = __atomic_load_n(&ring->peer->epoch, __ATOMIC_ACQUIRE);
    ring->peer_epoch = peer_epoch & KOS_RING_OPENING ? 0 : peer_epoch;
    __atomic_store_n(&ring->own->seen, ring->peer_epoch, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->own->epoch, ring->epoch, __ATOMIC_RELEASE);
    return KOS_RING_OK;
}

// Marks a side as left, for who knows that its domain has ended: the other side is told (KOS_RING_GONE), once, as soon
// as it looks, and nothing flows until the side is opened again. Nothing in the memory is relied on. Call it for one
// who can touch the ring no more, and then send the other side a notification.
static inline void kos_ring_core_leave(kos_ring_shared_t* shared, int is_producer) {
    kos_ring_side_t* const side = is_producer ? &shared->producer : &shared->consumer;
    __atomic_fetch_or(&side->epoch, KOS_RING_OPENING, __ATOMIC_RELEASE);
}

// --- Bytes

// Writes as many of `count` bytes as there is room for. *done is set only with OK, and is at least 1 then (unless count
// is 0).
static inline kos_ring_result_t kos_ring_core_write(kos_ring_core_t* ring, const void* bytes, size_t count,
                                                    size_t* done) {
    uint64_t room = 0;
    if (!ring->is_producer || ring->reserved_bytes) return KOS_RING_MISUSE;
    kos_ring_result_t const result = kos_ring_amount_(ring, &room);
    if (result != KOS_RING_OK) return result;
    if (room == 0 && count != 0) return KOS_RING_WAIT;
    uint64_t const now = kos_ring_min_(room, count);
    uint64_t const first = kos_ring_min_(now, ring->size - ring->offset);
    if (first) __builtin_memcpy(ring->data + ring->offset, bytes, first);
    if (now != first) __builtin_memcpy(ring->data, (const unsigned char*)bytes + first, now - first);
    kos_ring_advance_(ring, now);
    *done = now;
    return KOS_RING_OK;
}

// Reads as many bytes as there are, at most `count`. *done as above.
static inline kos_ring_result_t kos_ring_core_read(kos_ring_core_t* ring, void* bytes, size_t count, size_t* done) {
    uint64_t there = 0;
    if (ring->is_producer) return KOS_RING_MISUSE;
    kos_ring_result_t const result = kos_ring_amount_(ring, &there);
    if (result != KOS_RING_OK) return result;
    if (there == 0 && count != 0) return KOS_RING_WAIT;
    uint64_t const now = kos_ring_min_(there, count);
    uint64_t const first = kos_ring_min_(now, ring->size - ring->offset);
    if (first) __builtin_memcpy(bytes, ring->data + ring->offset, first);
    if (now != first) __builtin_memcpy((unsigned char*)bytes + first, ring->data, now - first);
    kos_ring_compiler_barrier_();
    kos_ring_advance_(ring, now);
    *done = now;
    return KOS_RING_OK;
}

// --- Records

// The longest payload: any record fits as soon as the ring is empty, wherever its offset is.
static inline size_t kos_ring_core_record_max(const kos_ring_core_t* ring) {
    uint64_t const max = ((ring->size / 2) & ~(uint64_t)7) - sizeof(kos_ring_record_t);
    return max < KOS_RING_PAD - 8 ? max : KOS_RING_PAD - 8;
}

// Room for a record of up to `count` bytes, in the ring itself: write the payload there, then commit. The other side
// may read and change these bytes meanwhile: never read them back. A reservation that is not committed is simply
// replaced.
static inline kos_ring_result_t kos_ring_core_reserve(kos_ring_core_t* ring, size_t count, void** payload) {
    uint64_t room = 0;
    if (!ring->is_producer || ring->offset % 8 != 0) return KOS_RING_MISUSE;
    if (count > kos_ring_core_record_max(ring)) return KOS_RING_TOO_LONG;
    ring->reserved_bytes = 0;
    kos_ring_result_t const result = kos_ring_amount_(ring, &room);
    if (result != KOS_RING_OK) return result;
    uint64_t const needed = kos_ring_record_bytes_(count);
    uint64_t const tail = ring->size - ring->offset;
    uint64_t const fill = tail < needed ? tail : 0;
    if (room < fill + needed) return KOS_RING_WAIT;
    ring->reserved_bytes = fill + needed;
    ring->reserved_room = count;
    *payload = ring->data + (fill ? 0 : ring->offset) + sizeof(kos_ring_record_t);
    return KOS_RING_OK;
}

// Bytes to wait for (kos_ring_core_prepare_wait) after reserve said WAIT.
static inline uint64_t kos_ring_core_reserve_needs(const kos_ring_core_t* ring, size_t count) {
    uint64_t const needed = kos_ring_record_bytes_(count);
    uint64_t const tail = ring->size - ring->offset;
    return tail < needed ? tail + needed : needed;
}

// Sends the reserved record with its first `count` bytes.
static inline kos_ring_result_t kos_ring_core_commit(kos_ring_core_t* ring, size_t count, uint32_t tag) {
    if (!ring->is_producer || !ring->reserved_bytes || count > ring->reserved_room) return KOS_RING_MISUSE;
    // A restart of the other side takes the reservation away.
    kos_ring_result_t const result = kos_ring_attend_(ring);
    if (result != KOS_RING_OK) return result;
    uint64_t const whole = kos_ring_record_bytes_(ring->reserved_room);
    uint64_t const fill = ring->reserved_bytes - whole;
    if (fill) kos_ring_put_header_(ring, ring->offset, KOS_RING_PAD, 0);
    kos_ring_put_header_(ring, fill ? 0 : ring->offset, (uint32_t)count, tag);
    ring->reserved_bytes = 0;
    kos_ring_advance_(ring, fill + kos_ring_record_bytes_(count));
    return KOS_RING_OK;
}

// The next record where it lies: the other side may change it meanwhile, so what is checked must be a copy. It stays
// until kos_ring_core_release; peeking again gives the same one.
static inline kos_ring_result_t kos_ring_core_peek(kos_ring_core_t* ring, const void** payload, size_t* length,
                                                   uint32_t* tag) {
    uint64_t there = 0;
    if (ring->is_producer) return KOS_RING_MISUSE;
    ring->reserved_bytes = 0;
    kos_ring_result_t const result = kos_ring_amount_(ring, &there);
    if (result != KOS_RING_OK) return result;
    uint64_t skipped = 0;
    uint64_t offset = ring->offset;
    // At most one filling, because it ends at the end of the data and none begins at offset 0.
    for (;;) {
        if (there == 0) return KOS_RING_WAIT;
        uint64_t const tail = ring->size - offset;
        uint64_t word = 0;
        uint64_t needed = 0;
        if (there >= sizeof word && offset % 8 == 0) {
            word = __atomic_load_n((uint64_t*)(void*)(ring->data + offset), __ATOMIC_RELAXED);
            needed = kos_ring_record_bytes_((uint32_t)word);
        }
        if ((uint32_t)word == KOS_RING_PAD && needed && offset != 0 && there > tail) {
            skipped = tail;
            there -= tail;
            offset = 0;
            continue;
        }
        if (needed == 0 || (uint32_t)word > kos_ring_core_record_max(ring) || needed > there || needed > tail) {
            ring->is_broken = 1;
            return KOS_RING_INVALID;
        }
        *length = (uint32_t)word;
        *tag = (uint32_t)(word >> 32);
        *payload = ring->data + offset + sizeof(kos_ring_record_t);
        ring->reserved_bytes = skipped + needed;
        return KOS_RING_OK;
    }
}

// Lets the record go that peek gave. MISUSE: there is none, or a restart of the other side has taken it away.
static inline kos_ring_result_t kos_ring_core_release(kos_ring_core_t* ring) {
    if (ring->is_producer || !ring->reserved_bytes) return KOS_RING_MISUSE;
    uint64_t const bytes = ring->reserved_bytes;
    ring->reserved_bytes = 0;
    kos_ring_compiler_barrier_();
    kos_ring_advance_(ring, bytes);
    return KOS_RING_OK;
}

// Copies the next record out. TOO_LONG: it has *length bytes, more than `count`, and stays.
static inline kos_ring_result_t kos_ring_core_receive(kos_ring_core_t* ring, void* bytes, size_t count, size_t* length,
                                                      uint32_t* tag) {
    const void* payload = 0;
    uint32_t found = 0;
    kos_ring_result_t const result = kos_ring_core_peek(ring, &payload, length, &found);
    if (result != KOS_RING_OK) return result;
    if (*length > count) return KOS_RING_TOO_LONG;
    if (*length) __builtin_memcpy(bytes, payload, *length);
    *tag = found;
    return kos_ring_core_release(ring);
}

// --- Sleeping and waking

// Call after every operation: 1 means that the other side sleeps for what has just happened and must be notified now.
static inline int kos_ring_core_take_wake(kos_ring_core_t* ring) {
    // Partner: the fence in kos_ring_core_prepare_wait.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t const wanted = __atomic_load_n(&ring->peer->sleeps, __ATOMIC_RELAXED);
    int wake = ring->must_wake;
    ring->must_wake = 0;
    if (wanted) {
        uint64_t const used =
            ring->is_producer ? ring->position - ring->peer_position : ring->peer_position - ring->position;
        // For the producer, `used` is at most too large: the consumer may have read on, then it is awake.
        uint64_t const amount = ring->is_producer ? used : ring->size - used;
        if (amount >= kos_ring_min_(wanted, ring->size)) wake = 1;
    }
    // Storing 0 before the notification: if the other side sleeps again in between, it gets the notification as well.
    if (wake) __atomic_store_n(&ring->peer->sleeps, 0, __ATOMIC_SEQ_CST);
    return wake;
}

// Before sleeping until `wanted` bytes are there (consumer; 1 for records) or free (producer). 0: now sleep until
// notified. 1: do not, there is something to do. `wanted` beyond the size counts as the size.
static inline int kos_ring_core_prepare_wait(kos_ring_core_t* ring, uint64_t wanted) {
    wanted = kos_ring_min_(wanted ? wanted : 1, ring->size);
    __atomic_store_n(&ring->own->sleeps, wanted, __ATOMIC_RELAXED);
    // Partner: the fence in kos_ring_core_take_wake.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t const epoch = __atomic_load_n(&ring->peer->epoch, __ATOMIC_ACQUIRE);
    int ready = 0;
    if (epoch != ring->peer_epoch) {
        ready = ring->is_met || (!(epoch & KOS_RING_OPENING) && epoch != 0);
    } else if (ring->is_broken) {
        ready = 1;
    } else if (!ring->is_met) {
        ready = __atomic_load_n(&ring->peer->seen, __ATOMIC_ACQUIRE) == ring->epoch;
    } else {
        uint64_t const peer = __atomic_load_n(&ring->peer->position, __ATOMIC_ACQUIRE);
        uint64_t const used = ring->is_producer ? ring->position - peer : peer - ring->position;
        // An impossible value is something to do: the next operation says so.
        ready = used > ring->size || (ring->is_producer ? ring->size - used : used) >= wanted;
    }
    if (ready) __atomic_store_n(&ring->own->sleeps, 0, __ATOMIC_RELAXED);
    return ready;
}

#ifdef __cplusplus
}
#endif
