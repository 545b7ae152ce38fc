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

// By ASID[15:9]. Where there is no pool, an empty one stands in, so that looking up an ASID needs no special case.
extern AsidPool* asid_pools[kNumAsidPools];
extern AsidPool no_asid_pool;

// TTBR0 for "no address space": an empty table, ASID 0.
extern Word empty_vspace;

inline Word ttbr_value(const void* root, Asid asid) { return raw(to_physical(root)) | Word{asid} << 48; }

// TTBR0 of the address space that `asid` stands for now, 0 if it stands for none.
inline Word asid_ttbr(Asid asid) { return asid_pools[asid >> kAsidPoolBits]->ttbr[asid % kAsidsPerPool]; }

// TTBR0 of a VSpace capability (or of the null capability, whose ASID 0 is never given out), 0 if its ASID is gone: the
// pool was dissolved.
inline Word valid_ttbr(const Cap& vspace) {
    // The capability's data word is its ASID in place, with address 0. No address space has its table at physical 0, so
    // the value is never that of a free entry.
    Word const expected = vspace.data | raw(to_physical(vspace.vspace_root()));
    return asid_ttbr(vspace.mapped_asid()) == expected ? expected : 0;
}

}  // namespace keel
