// See heap.h. Layout of an arena: Arena, then blocks without gaps, then a header of size 0 that is never free.
//
// A block is its header and its payload; sizes count both and are multiples of 16. A free block has its size once more
// in its last 8 bytes, so that its successor finds its beginning; the successor's flag says whether that holds.
#include "heap.h"

#include <kos/app.h>
#include <kos/mem.h>

#include <string.h>

namespace kos::heap {

namespace {

// Header::word: bits 47..4 size; 51..48 slack (unused bytes at the end, 0..15); 0..2 flags; 63..52 zero.
constexpr uint64_t kFlagFree = 1;
constexpr uint64_t kFlagPreviousFree = 2;
constexpr uint64_t kFlagLarge = 4;
constexpr uint64_t kSizeMask = 0x0000fffffffffff0;
constexpr unsigned kSlackShift = 48;
constexpr size_t kMinBlock = sizeof(Free) + 16;  // the links and the size at the end
constexpr unsigned char kFill = 0xa5;
constexpr size_t kArenaOverhead = sizeof(Arena) + sizeof(Header);

static_assert(sizeof(Header) == kAlign && sizeof(Arena) % kAlign == 0);

struct LargeInfo {  // right before the header of a large block
    uint64_t base;
    uint64_t mapped_bytes;
};

[[noreturn]] void broken(const char* what) { kos_stop(what); }

constexpr size_t round_up(size_t value, size_t to) { return (value + to - 1) & ~(to - 1); }

// A mixing step of the SplitMix64 kind: any changed bit changes about half of the result.
uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

uint64_t check_of(const Header* block) { return mix(reinterpret_cast<uintptr_t>(block) ^ mix(block->word)); }
uint64_t check_of(const Arena* arena) { return mix(reinterpret_cast<uintptr_t>(arena) ^ ~arena->bytes); }

void set(Header* block, uint64_t word) {
    block->word = word;
    block->check = check_of(block);
}

// Every header is read through here: size and flags are only used once the check value has confirmed them.
uint64_t checked(const Header* block) {
    uint64_t const word = block->word;
    if (block->check != check_of(block) || (word >> 52) != 0) {
        broken(
            "heap: a block's header is damaged: write past the end of a block, double free, or no pointer of malloc");
    }
    return word;
}

size_t size_of(uint64_t word) { return word & kSizeMask; }
unsigned char* bytes_of(Header* block) { return reinterpret_cast<unsigned char*>(block); }
Header* at(Header* block, size_t offset) { return reinterpret_cast<Header*>(bytes_of(block) + offset); }
void* payload(Header* block) { return block + 1; }

// The header before a pointer that the caller says is a used block.
Header* used_block(void* pointer, uint64_t& word) {
    if (reinterpret_cast<uintptr_t>(pointer) % kAlign != 0) broken("heap: this pointer was not made by malloc");
    Header* const block = static_cast<Header*>(pointer) - 1;
    word = checked(block);
    if (word & kFlagFree) broken("heap: double free");
    return block;
}

// Whether nothing else is in the block's arena. An Arena's check value tells its first block from any other.
bool is_whole_arena(Header* block) {
    size_t const size = size_of(checked(block));
    auto* const arena = reinterpret_cast<Arena*>(block) - 1;
    return reinterpret_cast<uintptr_t>(arena) % KOS_PAGE_BYTES == 0 && size_of(checked(at(block, size))) == 0 &&
           arena->check == check_of(arena) && arena->bytes == size + kArenaOverhead;
}

void fill_slack(Header* block, size_t slack) { memset(bytes_of(block) + size_of(block->word) - slack, kFill, slack); }

void check_slack(Header* block, uint64_t word) {
    size_t const slack = word >> kSlackShift;
    const unsigned char* const end = bytes_of(block) + size_of(word);
    for (const unsigned char* byte = end - slack; byte != end; ++byte) {
        if (*byte != kFill) broken("heap: write past the end of a block");
    }
}

}  // namespace

Heap::Class Heap::class_of(size_t size) {
    if (size < kSecond * kAlign) return {0, static_cast<unsigned>(size / kAlign)};
    unsigned const log = 63 - static_cast<unsigned>(__builtin_clzll(size));
    return {log - 7, static_cast<unsigned>(size >> (log - kSecondBits)) & (kSecond - 1)};
}

// The first class whose blocks are all at least `size`.
Heap::Class Heap::class_for(size_t size) {
    if (size >= kSecond * kAlign) {
        unsigned const log = 63 - static_cast<unsigned>(__builtin_clzll(size));
        size += (size_t{1} << (log - kSecondBits)) - 1;
    }
    return class_of(size);
}

void Heap::insert(Header* block, size_t size, bool previous_free) {
    set(block, size | kFlagFree | (previous_free ? kFlagPreviousFree : 0));
    *reinterpret_cast<uint64_t*>(bytes_of(block) + size - 8) = size;
    Class const where = class_of(size);
    auto* const free = static_cast<Free*>(block);
    free->previous = nullptr;
    free->next = lists_[where.first][where.second];
    if (free->next) free->next->previous = free;
    lists_[where.first][where.second] = free;
    first_map_ |= 1u << where.first;
    second_map_[where.first] |= 1u << where.second;
    Header* const next = at(block, size);
    set(next, checked(next) | kFlagPreviousFree);
}

void Heap::remove(Free* block) {
    uint64_t const word = checked(block);
    Class const where = class_of(size_of(word));
    Free*& head = lists_[where.first][where.second];
    bool const linked = block->previous ? block->previous->next == block : head == block;
    if (!(word & kFlagFree) || !linked || (block->next && block->next->previous != block)) {
        broken("heap: the list of free blocks is damaged: a freed block was written to");
    }
    if (block->next) block->next->previous = block->previous;
    if (block->previous) {
        block->previous->next = block->next;
    } else {
        head = block->next;
        if (!head) second_map_[where.first] &= ~(1u << where.second);
        if (!second_map_[where.first]) first_map_ &= ~(1u << where.first);
    }
    Header* const next = at(block, size_of(word));
    set(next, checked(next) & ~kFlagPreviousFree);
}

Free* Heap::take_fit(size_t size) {
    Class where = class_for(size);
    if (where.first >= kFirst) return nullptr;
    uint32_t map = second_map_[where.first] & (~0u << where.second);
    if (!map) {
        uint32_t const above = first_map_ & (where.first + 1 < 32 ? ~0u << (where.first + 1) : 0);
        if (!above) return nullptr;
        where.first = static_cast<unsigned>(__builtin_ctz(above));
        map = second_map_[where.first];
    }
    Free* const block = lists_[where.first][__builtin_ctz(map)];
    remove(block);
    return block;
}

bool Heap::add_arena(size_t size) {
    // class_for rounds up by at most one sixteenth; a block of the arena's size must pass for what is asked.
    size_t const least = round_up(size + size / kSecond + kAlign + kArenaOverhead, KOS_PAGE_BYTES);
    size_t bytes = least > kArenaBytes ? least : kArenaBytes;
    void* memory = nullptr;
    if (!kos_status_is_ok(kos_mem_map(bytes, KOS_MEM_READ | KOS_MEM_WRITE, &memory))) {
        // A small domain: what is left of its quota may still do.
        bytes = least;
        if (!kos_status_is_ok(kos_mem_map(bytes, KOS_MEM_READ | KOS_MEM_WRITE, &memory))) return false;
    }
    auto* const arena = static_cast<Arena*>(memory);
    arena->next = arenas_;
    arena->previous = nullptr;
    arena->bytes = bytes;
    arena->check = check_of(arena);
    if (arenas_) arenas_->previous = arena;
    arenas_ = arena;
    auto* const first = reinterpret_cast<Header*>(arena + 1);
    set(at(first, bytes - kArenaOverhead), 0);
    insert(first, bytes - kArenaOverhead, false);
    ++empty_arenas_;
    return true;
}

// `block` has just become free: is it its arena's only one? One such arena is kept, the next one goes back.
void Heap::drop_if_empty(Header* block) {
    if (!is_whole_arena(block)) return;
    auto* const arena = reinterpret_cast<Arena*>(block) - 1;
    if (empty_arenas_ == 0) {
        empty_arenas_ = 1;
        return;
    }
    remove(static_cast<Free*>(block));
    if (arena->next) arena->next->previous = arena->previous;
    (arena->previous ? arena->previous->next : arenas_) = arena->next;
    size_t const bytes = arena->bytes;
    if (!kos_status_is_ok(kos_mem_unmap(arena, bytes))) broken("heap: root does not know an arena");
}

// Makes `block` (taken, of `size`) a used one for `bytes` of payload; gives back what is too much.
void* Heap::finish(Header* block, size_t size, size_t bytes) {
    size_t const needed =
        round_up(bytes + sizeof(Header), kAlign) < kMinBlock ? kMinBlock : round_up(bytes + sizeof(Header), kAlign);
    uint64_t const previous = block->word & kFlagPreviousFree;
    size_t const kept = size - needed >= kMinBlock ? needed : size;
    size_t const slack_all = kept - sizeof(Header) - bytes;
    size_t const slack = slack_all < 15 ? slack_all : 15;
    set(block, kept | previous | slack << kSlackShift);
    if (kept != size) {
        Header* const rest = at(block, kept);
        set(rest, (size - kept) | kFlagFree);
        Header* const after = at(block, size);
        size_t rest_size = size - kept;
        if (uint64_t const word = checked(after); word & kFlagFree) {
            remove(static_cast<Free*>(after));
            rest_size += size_of(word);
            after->check = 0;
        }
        insert(rest, rest_size, false);
    }
    fill_slack(block, slack);
    return payload(block);
}

void* Heap::allocate(size_t bytes, size_t align) {
    if (align < kAlign) align = kAlign;
    if (bytes > kMaxBytes || align > kMaxBytes || (align & (align - 1)) != 0) return nullptr;
    if (bytes == 0) bytes = 1;
    // With a larger alignment, the part before it becomes a free block of its own.
    size_t const front = align > kAlign ? align + kMinBlock : 0;
    size_t const needed = round_up(bytes + sizeof(Header), kAlign);
    size_t const size = (needed < kMinBlock ? kMinBlock : needed) + front;
    if (size > kLargeBytes) return allocate_large(bytes, align);
    Header* block = take_fit(size);
    if (!block) {
        if (!add_arena(size)) return nullptr;
        block = take_fit(size);
        if (!block) broken("heap: a new arena has no room");
    }
    uint64_t const word = block->word;
    size_t found = size_of(word);
    if (is_whole_arena(block) && empty_arenas_ > 0) --empty_arenas_;
    set(block, found);
    if (front) {
        uintptr_t const begin = reinterpret_cast<uintptr_t>(payload(block));
        if (begin % align != 0) {
            // Leaves at least kMinBlock before the aligned payload's header.
            size_t const skip = round_up(begin + kMinBlock, align) - begin;
            Header* const aligned = at(block, skip);
            set(aligned, found - skip);
            insert(block, skip, false);
            block = aligned;
            found -= skip;
        }
    }
    return finish(block, found, bytes);
}

void* Heap::allocate_large(size_t bytes, size_t align) {
    size_t const head = round_up(sizeof(LargeInfo) + sizeof(Header), align > kAlign ? align : kAlign);
    size_t const body = round_up(bytes, kAlign);
    // Root's addresses are page-aligned; a larger alignment needs room to move.
    size_t const room = align > KOS_PAGE_BYTES ? align : 0;
    size_t const mapped = round_up(head + body + room, KOS_PAGE_BYTES);
    void* memory = nullptr;
    if (!kos_status_is_ok(kos_mem_map(mapped, KOS_MEM_READ | KOS_MEM_WRITE, &memory))) return nullptr;
    uintptr_t const base = reinterpret_cast<uintptr_t>(memory);
    uintptr_t const start = round_up(base + sizeof(LargeInfo) + sizeof(Header), align);
    auto* const block = reinterpret_cast<Header*>(start) - 1;
    auto* const info = reinterpret_cast<LargeInfo*>(block) - 1;
    *info = {base, mapped};
    set(block, (body + sizeof(Header)) | kFlagLarge | (body - bytes) << kSlackShift);
    fill_slack(block, body - bytes);
    ++large_;
    large_bytes_ += mapped;
    return payload(block);
}

void Heap::release_large(Header* block) {
    LargeInfo const info = reinterpret_cast<LargeInfo*>(block)[-1];
    size_t const size = size_of(block->word);
    uintptr_t const begin = reinterpret_cast<uintptr_t>(block);
    if (info.base % KOS_PAGE_BYTES != 0 || info.base > begin || info.mapped_bytes > kMaxBytes * 2 ||
        begin + size > info.base + info.mapped_bytes || info.mapped_bytes > large_bytes_ || large_ == 0) {
        broken("heap: the header of a large block is damaged");
    }
    --large_;
    large_bytes_ -= info.mapped_bytes;
    if (!kos_status_is_ok(kos_mem_unmap(reinterpret_cast<void*>(info.base), info.mapped_bytes))) {
        broken("heap: root does not know a large block");
    }
}

void Heap::release_block(Header* block) {
    size_t size = size_of(block->word);
    bool const previous_free = block->word & kFlagPreviousFree;
    Header* const next = at(block, size);
    uint64_t const next_word = checked(next);
    if (next_word & kFlagFree) {
        remove(static_cast<Free*>(next));
        size += size_of(next_word);
        next->check = 0;
    }
    if (previous_free) {
        size_t const before = reinterpret_cast<uint64_t*>(block)[-1];
        auto* const previous = reinterpret_cast<Free*>(bytes_of(block) - before);
        if (before < kMinBlock || before > kMaxBytes || before % kAlign != 0 || size_of(checked(previous)) != before) {
            broken("heap: the end of a free block is damaged: a freed block was written to");
        }
        remove(previous);
        block->check = 0;  // a second free of this block is noticed
        size += before;
        block = previous;
    }
    // Two free blocks are never neighbours, so the one before is used.
    insert(block, size, false);
    drop_if_empty(block);
}

void Heap::release(void* pointer) {
    if (!pointer) return;
    uint64_t word = 0;
    Header* const block = used_block(pointer, word);
    check_slack(block, word);
    if (word & kFlagLarge) {
        release_large(block);
    } else {
        release_block(block);
    }
}

void* Heap::allocate_zeroed(size_t bytes) {
    void* const result = allocate(bytes);
    if (!result) return nullptr;
    if (!((static_cast<Header*>(result) - 1)->word & kFlagLarge)) memset(result, 0, bytes);
    return result;
}

size_t Heap::usable_bytes(const void* pointer) {
    if (!pointer) return 0;
    uint64_t word = 0;
    used_block(const_cast<void*>(pointer), word);
    return size_of(word) - sizeof(Header) - (word >> kSlackShift);
}

// Takes a free successor, if that is enough.
bool Heap::grow_in_place(Header* block, size_t bytes) {
    uint64_t const word = block->word;
    size_t size = size_of(word);
    size_t const needed = round_up(bytes + sizeof(Header), kAlign);
    if (needed > size) {
        Header* const next = at(block, size);
        uint64_t const next_word = checked(next);
        if (!(next_word & kFlagFree) || size + size_of(next_word) < needed) return false;
        remove(static_cast<Free*>(next));
        next->check = 0;
        size += size_of(next_word);
    }
    finish(block, size, bytes);
    return true;
}

void* Heap::resize(void* pointer, size_t bytes) {
    if (!pointer) return allocate(bytes);
    if (bytes > kMaxBytes) return nullptr;
    if (bytes == 0) bytes = 1;
    uint64_t word = 0;
    Header* const block = used_block(pointer, word);
    check_slack(block, word);
    size_t const old = size_of(word) - sizeof(Header) - (word >> kSlackShift);
    if (!(word & kFlagLarge)) {
        if (bytes + sizeof(Header) <= kLargeBytes && grow_in_place(block, bytes)) return pointer;
    } else if (bytes > kLargeBytes && bytes + sizeof(Header) <= size_of(word) &&
               size_of(word) - bytes < KOS_PAGE_BYTES) {
        size_t const body = round_up(bytes, kAlign);
        set(block, (body + sizeof(Header)) | kFlagLarge | (body - bytes) << kSlackShift);
        fill_slack(block, body - bytes);
        return pointer;
    }
    void* const fresh = allocate(bytes);
    if (!fresh) return nullptr;
    memcpy(fresh, pointer, old < bytes ? old : bytes);
    release(pointer);
    return fresh;
}

Totals Heap::check_all() const {
    Totals totals{};
    totals.large = large_;
    totals.large_bytes = large_bytes_;
    size_t listed = 0;
    for (const auto& row : lists_) {
        for (const Free* block : row) {
            for (; block; block = block->next) {
                if (!(checked(block) & kFlagFree)) broken("heap: a used block is in the list of free ones");
                ++listed;
            }
        }
    }
    for (Arena* arena = arenas_; arena; arena = arena->next) {
        if (arena->check != check_of(arena)) broken("heap: the header of an arena is damaged");
        ++totals.arenas;
        totals.arena_bytes += arena->bytes;
        bool previous_free = false;
        size_t covered = 0;
        auto* block = reinterpret_cast<Header*>(arena + 1);
        for (uint64_t word = checked(block); size_of(word) != 0;
             block = at(block, size_of(word)), word = checked(block)) {
            bool const is_free = word & kFlagFree;
            if (((word & kFlagPreviousFree) != 0) != previous_free || (is_free && previous_free)) {
                broken("heap: neighbouring blocks disagree");
            }
            if (!is_free) check_slack(block, word);
            ++(is_free ? totals.free_blocks : totals.used_blocks);
            covered += size_of(word);
            previous_free = is_free;
        }
        if (covered + kArenaOverhead != arena->bytes) broken("heap: the blocks of an arena do not fill it");
    }
    if (listed != totals.free_blocks) broken("heap: a free block is in no list");
    return totals;
}

}  // namespace kos::heap
