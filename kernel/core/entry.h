// The portable kernel's entry points, called by the architecture with the kernel lock held, registers saved and
// `tcb` the current thread; afterwards the architecture calls schedule().
#pragma once

#include "core/cpu.h"

namespace keel {

void on_syscall(Cpu& cpu, Tcb& tcb);
void on_fault(Cpu& cpu, Tcb& tcb, const Fault& fault);
// Also while the idle thread is current.
void on_interrupt(Cpu& cpu);

}  // namespace keel
