// The capability derivation tree: which capability was made from which.
//
// Kept as one doubly linked list per tree, in preorder, through the slots themselves. Whether a slot is a child of an
// earlier one follows from the two capabilities and the slot's flags (is_parent_of), so a family is always a run of
// neighbours: the children of a slot are the slots behind it for which it is a parent.
#pragma once

#include "core/cap.h"

namespace keel {

// `cap` moves into the empty slot `slot` as a child of `parent`; it is an original that may have children itself.
void insert_original(Slot& parent, Slot& slot, const Cap& cap);
// `cap`, made from `source`'s capability by copying or minting, moves into the empty slot `slot`.
void insert_derived(Slot& source, Slot& slot, const Cap& cap);
// First capability of its tree, at boot.
void insert_root(Slot& slot, const Cap& cap);

// The capability of `from` moves, with its place in the tree, into the empty slot `to`; `cap` may differ from it in
// rights or guard only.
void move_cap(Slot& from, Slot& to, const Cap& cap);
// The two slots change places; `cap_a` is what `a` held (adjusted) and goes into `b`, and the other way round.
void swap_caps(Slot& a, Cap cap_a, Slot& b, Cap cap_b);
// Empties the slot and takes it out of the tree. The object has been dealt with before.
void remove_cap(Slot& slot);

bool is_parent_of(const Slot& parent, const Slot& child);
bool has_children(const Slot& slot);
// True if no other capability names the same object.
bool is_final(const Slot& slot);
// Both name the same object and convey the same kind of authority over it.
bool same_object(const Cap& a, const Cap& b);

}  // namespace keel
