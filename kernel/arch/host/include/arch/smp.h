// Several cores, for the host: a test acts as one of them at a time, so requests to others are carried out at once.
#pragma once

#include "arch/cpu.h"
#include "core/config.h"

namespace keel {

inline void lock_kernel(Cpu&) {}
inline void unlock_kernel(Cpu&) {}

void request_reschedule(Cpu& target);
void stall_if_running_elsewhere(Cpu& self, Tcb& tcb);
void smp_release_fpu(Cpu& self, Tcb& tcb);
void drop_vspace_elsewhere(Cpu& self, Word root);

}  // namespace keel
