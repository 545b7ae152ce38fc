// Looking up capabilities in a thread's CSpace: guarded page tables of CNodes.
#pragma once

#include "core/objects.h"

namespace keel {

struct SlotLookup {
    Slot* slot;             // null: failed
    Word bits_left;         // bits of the address that were not needed
    LookupFailure failure;  // if it failed
};

// Follows the low `bits` bits of `address` from the CNode `root`; stops early at anything that is not a CNode.
SlotLookup lookup_slot(const Cap& root, CPtr address, unsigned bits);

// As system calls do: all bits of the address, in the thread's own CSpace; what is left over is ignored.
inline SlotLookup lookup_slot(const Tcb& tcb, CPtr address) {
    return lookup_slot(tcb.slots[kSlotCSpace].cap, address, kWordBits);
}

// How a capability may be copied: with fewer rights, a badge or guard, or not at all.
Cap with_rights(Cap cap, Rights rights);
// The badge of an unbadged endpoint or notification, or the guard of a CNode. `keep_badge`: only guards may change.
// A null capability comes back if the data does not fit the capability.
Cap with_data(Cap cap, Word data, bool keep_badge);

enum class Derivation : uint8_t { kOk, kRevokeFirst, kIllegal };
// Turns `cap`, the (adjusted) content of `slot`, into what a copy of it holds; null if it cannot be copied.
Derivation derive(const Slot& slot, Cap& cap);

}  // namespace keel
