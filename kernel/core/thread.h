// Life of a thread: state changes, suspension, restart.
#pragma once

#include "core/sched_context.h"
#include "core/scheduler.h"

namespace keel {

// A fresh TCB in zeroed memory.
void init_thread(Tcb& tcb);
// A current thread that cannot go on needs a successor.
inline void set_state(Tcb& tcb, ThreadState state) {
    tcb.state = state;
    if (tcb.is_runnable()) return;
    Cpu& cpu = this_cpu();
    if (&tcb == cpu.current && cpu.action == SchedulerAction::kResume) cpu.action = SchedulerAction::kChoose;
}
inline bool is_blocked(const Tcb& tcb) { return tcb.is_stopped() && tcb.state != ThreadState::kInactive; }
// Stops the thread; whatever it waited for is cancelled. It continues at the instruction it was at when resumed.
void suspend(Tcb& tcb);
// Lets a stopped thread run; a system call in which it waited is executed again.
void resume(Tcb& tcb);
void set_priority(Tcb& tcb, uint8_t priority);
void set_domain(Tcb& tcb, unsigned domain);
// The current thread is about to run in user mode.
inline void activate(Tcb& tcb) {
    if (tcb.state == ThreadState::kRestart) {
        tcb.context.pc = tcb.context.fault_pc;
        tcb.state = ThreadState::kRunning;
    }
    if (tcb.yielding_to) complete_yield(tcb);
}
// The budget of the running thread's context is used up, or it yields: it waits for its turn or its next budget, or
// its timeout handler hears of it.
void end_turn(Tcb& tcb, bool may_fault);
// Asks the core on which the thread runs to look at its scheduler, if that is another one.
void notify_core(const Tcb& tcb);

// The list of all threads, for the debug kernel's scheduler dump.
void remember_debug_thread(Tcb& tcb);
void forget_debug_thread(Tcb& tcb);

}  // namespace keel
