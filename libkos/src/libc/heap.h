// The allocator behind malloc: two-level segregated fit (bounded time, good fit) over mappings from root.
//
// Blocks up to kLargeBytes live in arenas of kArenaBytes; larger ones have a mapping of their own, which goes back to
// root when they are freed. One empty arena is kept, others go back as well. Every block has a header with a check
// value, and the bytes between what was asked for and the block's end are filled: free() notices a double free, a
// foreign pointer and a write past the end, and ends the domain (kos_stop). The checks find mistakes; they are no
// secret that an attacker inside the domain could not learn. Not thread-safe: malloc.cpp locks.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kos::heap {

inline constexpr size_t kAlign = 16;
inline constexpr size_t kArenaBytes = 64 * 1024;
inline constexpr size_t kLargeBytes = 32 * 1024;
// More than any domain has; keeps all additions below from overflowing.
inline constexpr size_t kMaxBytes = size_t{1} << 40;

// Sits right before the bytes that the caller gets.
struct Header {
    uint64_t word;   // size | slack << 48 | flags; see heap.cpp
    uint64_t check;  // of the address and the word
};

struct Free : Header {
    Free* next;
    Free* previous;
};

struct Arena {
    Arena* next;
    Arena* previous;
    uint64_t bytes;  // of the mapping
    uint64_t check;
};

struct Totals {
    size_t arenas, arena_bytes, large, large_bytes, used_blocks, free_blocks;
};

class Heap {
public:
    // Null if root gives no more memory.
    void* allocate(size_t bytes, size_t align = kAlign);
    // As allocate; fresh pages from root are zero already.
    void* allocate_zeroed(size_t bytes);
    void release(void* pointer);
    // Null if there is no memory; the old block is unchanged then.
    void* resize(void* pointer, size_t bytes);
    static size_t usable_bytes(const void* pointer);

    // Walks everything and checks it; a mistake ends the domain. Takes as long as there are blocks.
    Totals check_all() const;

private:
    static constexpr unsigned kSecondBits = 4;
    static constexpr unsigned kSecond = 1u << kSecondBits;
    static constexpr unsigned kFirst = 13;  // blocks of 16 bytes to just below kArenaBytes

    struct Class {
        unsigned first, second;
    };
    static Class class_of(size_t size);
    static Class class_for(size_t size);

    Free* take_fit(size_t size);
    bool add_arena(size_t size);
    void insert(Header* block, size_t size, bool previous_free);
    void remove(Free* block);
    void drop_if_empty(Header* block);
    void* finish(Header* block, size_t size, size_t bytes);
    void trim(Header* block, size_t size);
    void release_block(Header* block);
    void* allocate_large(size_t bytes, size_t align);
    void release_large(Header* block);
    bool grow_in_place(Header* block, size_t bytes);

    uint32_t first_map_ = 0;
    uint32_t second_map_[kFirst] = {};
    Free* lists_[kFirst][kSecond] = {};
    Arena* arenas_ = nullptr;
    size_t empty_arenas_ = 0;
    size_t large_ = 0, large_bytes_ = 0;
};

}  // namespace kos::heap
