/*
 * Root's records for the log, in memory that root shares with it: fault records, boot lines, starts of domains.
 *
 * One producer (root's service thread), one consumer (the log), who needs read access only. The producer reads nothing
 * that the consumer could write and never waits: it overwrites the oldest entry. Sequence numbers tell the consumer
 * what it has lost, and that an entry changed while it was copied. Root makes the ring once; it outlives every log. No
 * library function is called, so root can include this as it is.
 */
#ifndef KOS_SERVICES_LOG_ROOT_RING_H_
#define KOS_SERVICES_LOG_ROOT_RING_H_

#include <stddef.h>
#include <stdint.h>

namespace kos::log {

constexpr uint64_t kRootRingMagic = 0x31474f4c544f4f52;  // "ROOTLOG1"
constexpr size_t kRootTextBytes = 224;

enum RootRecordKind : uint8_t {
    kRootText = 1,   // a line; `domain` is the one it is about, 0: root
    kRootStart = 2,  // `domain` is being started as `instance`; text: its name
};

struct RootRecord {
    uint64_t sequence;  // number of this record, from 1; 0 while it is written
    uint64_t ticks;     // of the counter
    uint32_t instance;
    uint16_t domain;
    uint8_t kind;   // RootRecordKind
    uint8_t level;  // kos_log_level
    uint8_t bytes;  // of text
    uint8_t reserved[7];
    char text[kRootTextBytes];
};
static_assert(sizeof(RootRecord) == 256);

struct RootRing {
    uint64_t magic;
    uint64_t entries;  // that follow the header
    uint64_t written;  // records ever written
    uint64_t reserved[29];
    RootRecord first;  // and entries - 1 more
};
static_assert(offsetof(RootRing, first) == 256);

// Producer: makes an empty ring of `bytes` (at least 512) bytes of memory.
inline void root_ring_create(RootRing* ring, size_t bytes) {
    ring->entries = bytes / sizeof(RootRecord) - 1;
    for (uint64_t i = 0; i < ring->entries; ++i) (&ring->first)[i].sequence = 0;
    ring->written = 0;
    __atomic_store_n(&ring->magic, kRootRingMagic, __ATOMIC_RELEASE);
}

// Producer: appends a record; what exceeds kRootTextBytes is cut off.
inline void root_ring_append(RootRing* ring, uint64_t ticks, RootRecordKind kind, uint8_t level, uint16_t domain,
                             uint32_t instance, const char* text, size_t text_bytes) {
    const uint64_t sequence = ring->written + 1;
    RootRecord* record = &ring->first + (sequence - 1) % ring->entries;
    if (text_bytes > kRootTextBytes) text_bytes = kRootTextBytes;
    __atomic_store_n(&record->sequence, uint64_t{0}, __ATOMIC_RELAXED);
    // No byte of the new record is seen before the zero; partner: the acquire fence in root_ring_take.
    __atomic_thread_fence(__ATOMIC_RELEASE);
    record->ticks = ticks;
    record->instance = instance;
    record->domain = domain;
    record->kind = kind;
    record->level = level;
    record->bytes = static_cast<uint8_t>(text_bytes);
    for (size_t i = 0; i < text_bytes; ++i) record->text[i] = text[i];
    __atomic_store_n(&record->sequence, sequence, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->written, sequence, __ATOMIC_RELEASE);
}

// Consumer: copies the record number *next, or the oldest one that is still there, adds to *lost how many were skipped,
// and moves *next past it. False if there is none. `bytes`: of the mapping. Whatever the ring contains, at most all of
// its entries are looked at.
inline bool root_ring_take(const RootRing* ring, size_t bytes, uint64_t* next, RootRecord* out, uint64_t* lost) {
    if (bytes < 2 * sizeof(RootRecord)) return false;
    if (__atomic_load_n(&ring->magic, __ATOMIC_ACQUIRE) != kRootRingMagic) return false;
    const uint64_t entries = ring->entries;
    if (entries == 0 || entries > bytes / sizeof(RootRecord) - 1) return false;
    const uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
    // A position that this ring has not reached is from another boot.
    if (*next == 0 || *next > written + 1) *next = 1;
    for (uint64_t looked_at = 0; looked_at < entries && *next <= written; ++looked_at) {
        if (written - *next >= entries) {
            *lost += written - entries + 1 - *next;
            *next = written - entries + 1;
        }
        const uint64_t sequence = *next;
        const RootRecord* record = &ring->first + (sequence - 1) % entries;
        const bool before = __atomic_load_n(&record->sequence, __ATOMIC_ACQUIRE) == sequence;
        if (before) __builtin_memcpy(out, record, sizeof *out);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        ++*next;
        if (before && __atomic_load_n(&record->sequence, __ATOMIC_RELAXED) == sequence) {
            out->sequence = sequence;
            if (out->bytes > kRootTextBytes) out->bytes = kRootTextBytes;
            return true;
        }
        ++*lost;  // overwritten meanwhile
    }
    return false;
}

}  // namespace kos::log

#endif
