// Translation look-aside buffers. Broadcast to all cores of the inner shareable domain; entries of user level carry the
// ASID. No isb at the end: the kernel does not use user translations, and the exception return synchronises.
#pragma once

#include "core/types.h"

namespace keel {

// A table entry that was invalid is valid now: the table walker sees it before anything after. Invalid entries are not
// cached, so there is nothing to invalidate.
inline void publish_entry() { asm volatile("dsb ishst" ::: "memory"); }

// The leaf entry for `address` changed or is gone.
inline void invalidate_address(Asid asid, Word address) {
    // First dsb: the changed entry is visible to the walker; second: no core uses the old one any more.
    Word const argument = Word{asid} << 48 | (address >> 12 & low_mask(44));
    asm volatile("dsb ishst\n tlbi vale1is, %0\n dsb ish" ::"r"(argument) : "memory");
}

// A table, or the whole address space, is gone: also what the walker remembers of intermediate levels.
inline void invalidate_asid(Asid asid) {
    asm volatile("dsb ishst\n tlbi aside1is, %0\n dsb ish" ::"r"(Word{asid} << 48) : "memory");
}

}  // namespace keel
