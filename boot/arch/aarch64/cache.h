/*
 * Cache maintenance for data that others read with caches off or as instructions (Arm ARM, D7.5).
 */
#ifndef KOS_BOOT_ARCH_AARCH64_CACHE_H_
#define KOS_BOOT_ARCH_AARCH64_CACHE_H_

#include <stdint.h>

namespace kos::boot {

// Writes [start, start + size) back to memory, so that cores with caches off and instruction fetches see it.
inline void clean_to_memory(const void* start, uint64_t size) {
    uint64_t type = 0;
    asm volatile("mrs %0, ctr_el0" : "=r"(type));
    const uint64_t line = uint64_t{4} << (type >> 16 & 0xf);  // CTR_EL0.DminLine: log2 of words
    const auto first = reinterpret_cast<uint64_t>(start);
    for (uint64_t address = first & ~(line - 1); address < first + size; address += line) {
        asm volatile("dc cvac, %0" ::"r"(address) : "memory");
    }
    asm volatile("dsb sy" ::: "memory");
}

// After clean_to_memory() of code: no core fetches what was there before.
inline void forget_instructions() { asm volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory"); }

}  // namespace kos::boot

#endif
