// See arch/cache.h.
#include "arch/cache.h"

#include "arch/cpu.h"

namespace keel {

namespace {

Word cache_type() {
    Word value;
    asm("mrs %0, ctr_el0" : "=r"(value));
    return value;
}

// `instruction` on every line that overlaps [start, end).
#define KEEL_FOR_LINES(instruction, start, end, line)                              \
    for (Word address = (start) & ~((line)-1); address < (end); address += (line)) \
    asm volatile(instruction ", %0" ::"r"(address) : "memory")

// Lines that lie only in part in the range hold data of others, which must not be lost: they are cleaned as well.
void invalidate(Word start, Word end, Word line) {
    Word const first = (start + line - 1) & ~(line - 1);
    Word const last = end & ~(line - 1);
    if (first > last) {  // all in the middle of one line
        asm volatile("dc civac, %0" ::"r"(start) : "memory");
        return;
    }
    if (first != start) asm volatile("dc civac, %0" ::"r"(start) : "memory");
    if (last != end) asm volatile("dc civac, %0" ::"r"(last) : "memory");
    KEEL_FOR_LINES("dc ivac", first, last, line);
}

}  // namespace

// CTR_EL0.DminLine, IminLine: log2 of words of 4 bytes. DCZID_EL0.BS likewise; DZP set: not available.
Word data_line_size() { return Word{4} << (cache_type() >> 16 & 15); }
Word instruction_line_size() { return Word{4} << (cache_type() & 15); }
Word zero_block_size() {
    Word value;
    asm("mrs %0, dczid_el0" : "=r"(value));
    return value & 16 ? 0 : Word{4} << (value & 15);
}

void cache_range(CacheOperation operation, Word start, Word size) {
    Word const end = start + size;
    Word const line = data_line_size();
    switch (operation) {
        case CacheOperation::kClean: KEEL_FOR_LINES("dc cvac", start, end, line); break;
        case CacheOperation::kInvalidate: invalidate(start, end, line); break;
        case CacheOperation::kCleanInvalidate: KEEL_FOR_LINES("dc civac", start, end, line); break;
        case CacheOperation::kUnify: {
            KEEL_FOR_LINES("dc cvau", start, end, line);
            // The data must have reached the point of unification before instruction lines are dropped ...
            asm volatile("dsb ish" ::: "memory");
            Word const instruction_line = instruction_line_size();
            KEEL_FOR_LINES("ic ivau", start, end, instruction_line);
            break;
        }
    }
    // ... and all maintenance is complete, on every core, before anything after it. The exception return is the isb.
    asm volatile("dsb sy" ::: "memory");
}

}  // namespace keel
