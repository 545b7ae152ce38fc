// Zeroing memory and moving it out of the data cache; the C library functions that the compiler calls.
#include "arch/memory.h"

#include "arch/cache.h"

namespace keel {

void clear_memory(void* start, Word size) {
    Word address = reinterpret_cast<Word>(start);
    Word const end = address + size;
    // DC ZVA zeroes one aligned block (DCZID_EL0) without reading it first; the loader and the kernel leave it enabled
    // for EL1. Blocks of 64 bytes on all cores in question; any other size falls back to stores.
    if (is_aligned(address | size, 8) && zero_block_size() == 64) {
        for (; address < end; address += 256) {
            asm volatile(
                "dc zva, %0\n"
                "dc zva, %1\n"
                "dc zva, %2\n"
                "dc zva, %3"
                ::"r"(address), "r"(address + 64), "r"(address + 128), "r"(address + 192) : "memory");
        }
        return;
    }
    for (; address < end; address += 16) asm volatile("stp xzr, xzr, [%0]" ::"r"(address) : "memory");
}

void clean_memory_to_ram(void* start, Word size) {
    cache_range(CacheOperation::kClean, reinterpret_cast<Word>(start), size);
}

extern "C" {

// The compiler calls these for large initialisations and copies; volatile keeps it from making calls to them of their
// own loops. Whole words where the length allows: normal memory takes unaligned accesses.
void* memset(void* to, int value, size_t size) {
    auto* words = static_cast<volatile Word*>(to);
    Word const pattern = Word{static_cast<uint8_t>(value)} * 0x0101010101010101;
    for (; size >= sizeof(Word); size -= sizeof(Word)) *words++ = pattern;
    auto* bytes = reinterpret_cast<volatile uint8_t*>(words);
    for (; size > 0; --size) *bytes++ = static_cast<uint8_t>(value);
    return to;
}

void* memcpy(void* __restrict to, const void* __restrict from, size_t size) {
    auto* words = static_cast<volatile Word*>(to);
    auto* source_words = static_cast<const volatile Word*>(from);
    for (; size >= sizeof(Word); size -= sizeof(Word)) *words++ = *source_words++;
    auto* bytes = reinterpret_cast<volatile uint8_t*>(words);
    auto* source_bytes = reinterpret_cast<const volatile uint8_t*>(source_words);
    for (; size > 0; --size) *bytes++ = *source_bytes++;
    return to;
}

}  // extern "C"

}  // namespace keel
