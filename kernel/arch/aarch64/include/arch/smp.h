// Several cores: the kernel lock and requests to other cores.
//
// The lock is taken on every kernel entry after the registers have been saved and released before user level is
// entered. While a core waits for the lock it serves the requests of the core that holds it, so the holder may wait
// for them. On one core all of this compiles to nothing.
#pragma once

#include "core/config.h"

namespace keel {

struct Cpu;
struct Tcb;

void lock_kernel(Cpu& cpu);
void unlock_kernel(Cpu& cpu);

// Makes another core look at its scheduler soon; returns at once.
void request_reschedule(Cpu& target);
// If `tcb` is the current thread of another core: stops it there, with its registers (FPU too) in memory. That core
// chooses a new thread when it gets the lock. Returns when it has happened.
void stall_if_running_elsewhere(Cpu& self, Tcb& tcb);
// No other core has `root` (TTBR0 value) loaded afterwards.
void drop_vspace_elsewhere(Cpu& self, Word root);

}  // namespace keel
