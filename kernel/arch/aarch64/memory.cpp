// Zeroing memory and moving it out of the data cache.
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
                "dc zva, %3" ::"r"(address),
                "r"(address + 64), "r"(address + 128), "r"(address + 192)
                : "memory");
        }
        return;
    }
    for (; address < end; address += 16) asm volatile("stp xzr, xzr, [%0]" ::"r"(address) : "memory");
}

void clean_memory_to_ram(void* start, Word size) {
    cache_range(CacheOperation::kClean, reinterpret_cast<Word>(start), size);
}

}  // namespace keel
