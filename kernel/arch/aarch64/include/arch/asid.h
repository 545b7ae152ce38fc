// Address space identifiers: pools of TTBR0 values. Used by the thread switch and the memory management invocations.
#pragma once

#include "arch/memory.h"
#include "core/cap.h"

namespace keel {

constexpr unsigned kAsidPoolBits = 9;
constexpr unsigned kNumAsidPools = 128;
constexpr unsigned kAsidsPerPool = 1u << kAsidPoolBits;

// An ASID pool object. An entry is the value to load into TTBR0 (ASID in [63:48], physical address of the root
// table), or 0 while the ASID is free. ASID 0 is never given out: it is that of the empty address space, and 0 in a
// capability means "not mapped".
struct AsidPool {
    Word ttbr[kAsidsPerPool];
};
static_assert(sizeof(AsidPool) == 4096);

extern AsidPool* asid_pools[kNumAsidPools];

// TTBR0 for "no address space": an empty table, ASID 0.
extern Word empty_vspace;

inline Word ttbr_value(const void* root, Asid asid) { return raw(to_physical(root)) | Word{asid} << 48; }

// TTBR0 of the address space that `asid` stands for now, 0 if it stands for none.
inline Word asid_ttbr(Asid asid) {
    const AsidPool* const pool = asid_pools[asid >> kAsidPoolBits];
    return pool ? pool->ttbr[asid % kAsidsPerPool] : 0;
}

// TTBR0 of a VSpace capability (or of the null capability), 0 if its ASID is gone: the pool was dissolved.
inline Word valid_ttbr(const Cap& vspace) {
    Asid const asid = vspace.mapped_asid();
    Word const ttbr = asid_ttbr(asid);
    return ttbr != 0 && ttbr == ttbr_value(vspace.vspace_root(), asid) ? ttbr : 0;
}

}  // namespace keel
