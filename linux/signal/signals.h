// Sending, choosing and delivering signals.
//
// Sending never ends or stops anybody at once: it makes a signal pending and sees to it that the thread concerned comes
// by deliver_signals soon (System::run_ready). So it may be called from everywhere. SIGCONT acts when it is sent.
#pragma once

#include "base/result.h"
#include "signal/state.h"
#include "task/process.h"
#include "task/thread.h"

#include <cstddef>

namespace kos::lx {

class System;

// --- Sending.
// To any thread of the process that takes it, or to this thread. Ignored signals vanish; wakes or interrupts whom it
// concerns.
void send_signal(Process& process, const SignalInfo& info);
void send_signal(Thread& thread, const SignalInfo& info);
// As above; kEAGAIN if a realtime signal finds the queue full (sigqueue(3)).
Status queue_signal(Process& process, const SignalInfo& info);
Status queue_signal(Thread& thread, const SignalInfo& info);
// A fault: cannot be blocked or ignored (forced).
void force_signal(Thread& thread, SignalInfo info);
SignalInfo kernel_signal(int signal);                       // SI_KERNEL
SignalInfo user_signal(int signal, const Process& sender);  // SI_USER

// kill(2)'s targets: pid > 0, 0, -1, < -1. `signal` 0 only checks.
Status kill_processes(Process& sender, int pid, const SignalInfo& info);
Status may_signal(const Process& sender, const Process& target, int signal);
void signal_group(System& system, int group, const SignalInfo& info);

// --- Handlers.
// The process does nothing about it: SIG_IGN, or SIG_DFL where that means nothing (SIGCHLD, SIGCONT, ...).
bool is_ignored(const Process& process, int signal);
// sigaction(2): sets one action; what is pending and now ignored vanishes.
void set_action(Process& process, int signal, const SignalAction& action);
// execve(2): handlers go back to SIG_DFL, ignored stays ignored; POSIX timers go.
void reset_handlers(Process& process);
// sigprocmask(2): the mask without SIGKILL and SIGSTOP; what is no longer blocked is delivered as the call ends.
void set_blocked(Thread& thread, SignalSet blocked);

// --- Taking.
// What is pending for the thread or its process.
inline SignalSet pending_signals(const Thread& thread) {
    return thread.signals.pending.set | thread.process.signals.pending.set;
}
// Removes the next one of `wanted`: synchronous ones first, then by number, the thread's before its process's
// (signalfd(2), sigtimedwait(2)). False: none.
bool take_signal(Thread& thread, SignalSet wanted, SignalInfo& info);

// Something that the thread does not block and that does something is pending for it (or it shall stop, or die): a wait
// ends.
bool has_deliverable_slowly(const Thread& thread);
inline bool has_deliverable(const Thread& thread) {
    const ProcessSignals& process = thread.process.signals;
    if (process.is_exiting || process.is_stopped) return true;
    return pending_signals(thread) & ~thread.signals.blocked && has_deliverable_slowly(thread);
}
// deliver_signals has something to do at the end of a call.
inline bool must_deliver(const Thread& thread) { return thread.signals.has_saved_mask || has_deliverable(thread); }

// sigsuspend(2), ppoll(2), pselect(2), epoll_pwait(2): this mask until the call ends, which gives back the old one.
// Does nothing when the call is executed again.
void set_temporary_mask(Thread& thread, SignalSet mask);

// Before the thread goes back to the program: chooses one signal after the other and sets up the handler's frame, ends
// or stops the process. `result` is the call's error: kRestart and kRestartNoHandler are turned into EINTR or another
// execution of the call (a result has been set for all others); kOK also if there was no call. Loads the registers if
// it has to change them. True: the call is over, the thread goes on. False: it does not go back now; it is dead,
// stopped, or its call is executed again (`progress` must stay as it is).
bool deliver_signals(Thread& thread, Errno result = Errno::kOK);

// A thread in state kInterrupted whose turn has come (System::run_ready): delivers and lets it run.
void resume_interrupted(Thread& thread);
// The thread shall come by deliver_signals soon.
void poke(Thread& thread);

// --- Stopping, of all threads. Tells the parent.
void stop_process(Process& process, int signal);
void continue_process(Process& process);

// siginfo_t as programs see it: 128 bytes.
constexpr size_t kSigInfoBytes = 128;
void encode_signal_info(const SignalInfo& info, std::byte (&bytes)[kSigInfoBytes]);
SignalInfo decode_signal_info(const std::byte (&bytes)[kSigInfoBytes]);

constexpr int kSI_USER = 0, kSI_KERNEL = 0x80, kSI_QUEUE = -1, kSI_TIMER = -2, kSI_MESGQ = -3, kSI_ASYNCIO = -4,
              kSI_SIGIO = -5, kSI_TKILL = -6;
constexpr int kCLD_EXITED = 1, kCLD_KILLED = 2, kCLD_DUMPED = 3, kCLD_TRAPPED = 4, kCLD_STOPPED = 5, kCLD_CONTINUED = 6;

constexpr SignalSet kUnblockable = signal_bit(kSIGKILL) | signal_bit(kSIGSTOP);

}  // namespace kos::lx
