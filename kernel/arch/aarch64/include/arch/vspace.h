// Address spaces: what the portable kernel asks of them. Invocations are in invoke_vspace.cpp and its neighbours.
#pragma once

#include "core/cap.h"

namespace keel {

struct Cpu;

constexpr UserAddr kUserTop{0x00007fffffffffff};

// activate_vspace, which loads a thread's address space, is in arch/switch.h.

// A copy of a PageTable or VSpace capability exists only if it is mapped or assigned; frame copies start unmapped.
// Returns false if the capability cannot be derived; `cap` is what the copy will hold.
bool derive_vm_cap(Cap& cap);

// The last (or, for frames, any) capability goes away: unmap, forget the ASID, or dissolve the pool. Bounded: one
// entry, one table of 512 ASIDs. `cap` is left unmapped.
void finalise_frame(Cap& cap);
void finalise_page_table(Cap& cap);
void finalise_vspace(Cap& cap);
void finalise_asid_pool(Cap& cap);

// True if a thread may run in this VSpace capability: assigned to an ASID.
inline bool is_valid_vspace(const Cap& cap) { return cap.is(CapType::kVSpace) && cap.mapped_asid() != 0; }

}  // namespace keel
