// Building the initial thread: its objects, capabilities, address space, and the bootinfo frame that lists them.
#pragma once

#include "core/cpu.h"
#include "init/hand_over.h"

namespace keel {

// `free` is all RAM that nobody uses; what is left of it afterwards has become untyped memory, as has `device`.
// The thread that comes back is runnable; it has not been given to a scheduler.
Tcb& create_root_task(const HandOver& hand_over, RangeList free, const RangeList& device);

}  // namespace keel
