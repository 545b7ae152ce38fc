// Several cores: the kernel lock and requests to other cores.
//
// The lock is taken on every kernel entry after the registers have been saved and released before user level is
// entered. While a core waits for the lock it serves the requests of the core that holds it, so the holder may wait
// for them. On one core all of this compiles to nothing.
#pragma once

#include "arch/cpu.h"
#include "core/config.h"

namespace keel {

void smp_lock(Cpu& cpu);
void smp_unlock();
void smp_request_reschedule(Cpu& target);
void smp_stall(Cpu& self, Tcb& tcb);
void smp_drop_vspace(Cpu& self, Word root);
void smp_release_fpu(Cpu& self, Tcb& tcb);
void smp_mask_irq(unsigned core, Word irq, bool masked);
void smp_set_irq_trigger(unsigned core, Word irq, bool edge);

// Kernel entry and exit do these; nobody else.
inline void lock_kernel(Cpu& cpu) {
    if constexpr (kSmp) smp_lock(cpu);
}
inline void unlock_kernel(Cpu&) {
    if constexpr (kSmp) smp_unlock();
}

// Makes another core look at its scheduler soon; returns at once.
inline void request_reschedule(Cpu& target) {
    if constexpr (kSmp) smp_request_reschedule(target);
}
// If `tcb` is the current thread of another core: stops it there, with its registers (FPU too) in memory and its pc at
// the instruction that has to be executed next (a system call that it was about to make has not been made). That core
// waits for the lock and then chooses a thread; it does nothing else with `tcb`. Returns when it has happened.
inline void stall_if_running_elsewhere(Cpu& self, Tcb& tcb) {
    if constexpr (kSmp) smp_stall(self, tcb);
}
// No other core has `root` (TTBR0 value) loaded afterwards.
inline void drop_vspace_elsewhere(Cpu& self, Word root) {
    if constexpr (kSmp) smp_drop_vspace(self, root);
}

}  // namespace keel
