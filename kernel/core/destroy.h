// Deleting and revoking capabilities, and destroying the objects that nobody names any more.
//
// Containers (CNodes, threads) are destroyed step by step: the last capability becomes a zombie that counts the slots
// that are left, so that the work can be interrupted anywhere and continued by executing the system call again.
#pragma once

#include "core/cpu.h"

namespace keel {

// Deletes the capability in the slot; destroys its object if it was the last.
Progress delete_cap(Slot& slot);
// Deletes everything derived from the slot's capability.
Progress revoke_children(Slot& slot);

// To be called between steps of long work: kPreempted if an interrupt waits.
Progress preemption_point();

}  // namespace keel
