// Sending, choosing and delivering signals.
#pragma once

#include "base/result.h"
#include "signal/state.h"
#include "task/process.h"
#include "task/thread.h"

namespace kos::lx {

// To any thread of the process that takes it, or to this thread. Ignored signals vanish; stop and continue act at once;
// wakes or interrupts whom it concerns. A thread that has to die of it dies at its next return to the program.
void send_signal(Process& process, const SignalInfo& info);
void send_signal(Thread& thread, const SignalInfo& info);
// A fault: cannot be blocked or ignored (forced).
void force_signal(Thread& thread, SignalInfo info);
SignalInfo kernel_signal(int signal);                       // SI_KERNEL
SignalInfo user_signal(int signal, const Process& sender);  // SI_USER

// kill(2)'s targets: pid > 0, 0, -1, < -1. `signal` 0 only checks.
Status kill_processes(Process& sender, int pid, const SignalInfo& info);
Status may_signal(const Process& sender, const Process& target, int signal);
void signal_group(System& system, int group, const SignalInfo& info);

// Something that the thread does not block is pending for it (or it shall stop, or die).
bool has_deliverable(const Thread& thread);

// Before the thread goes back to the program, its registers loaded: chooses one signal after the other and sets up the
// handler's frame, ends or stops the process. `result` is the call's (kRestart...: turned into EINTR or another
// execution). False: the thread does not go back (dead, stopped, or its call is executed again).
bool deliver_signals(Thread& thread);

}  // namespace kos::lx
