// Kernel entry and return on this architecture: what entry.S calls and what calls it.
#pragma once

#include "core/cpu.h"

namespace keel {

extern "C" {
// entry.S. Called with the core and its current thread, registers saved; return the thread to resume, whose context,
// address space and FPU are set up.
Tcb* keel_handle_syscall(Cpu* cpu, Tcb* tcb);
Tcb* keel_handle_irq(Cpu* cpu, Tcb* tcb);
Tcb* keel_handle_fault(Cpu* cpu, Tcb* tcb, Word esr, Word far);

// syscall/fastpath.cpp: Call and ReplyRecv, with the kernel lock held. Either they do all of it, give up the lock
// (unlock_kernel) and return the thread to resume; or they have changed nothing and end with
// `return keel_slow_syscall(cpu, tcb)`.
Tcb* keel_fastpath_call(Cpu* cpu, Tcb* tcb);
Tcb* keel_fastpath_reply_recv(Cpu* cpu, Tcb* tcb);

// The system call by the slow path, with the kernel lock held.
Tcb* keel_slow_syscall(Cpu* cpu, Tcb* tcb);

// entry.S: returns to user level.
[[noreturn]] void keel_resume_thread(Tcb* tcb);
}

// The boot of this core is over, the kernel lock is held: chooses the first thread and enters it.
[[noreturn]] void start_core(Cpu& cpu);

}  // namespace keel
