// What happens about pending signals before a thread goes back to its program.
#include "shim/layout.h"
#include "signal/frame.h"
#include "signal/pending.h"
#include "signal/signals.h"
#include "task/message_call.h"
#include "task/relations.h"
#include "task/system.h"
#include "task/timers.h"

#include <stdio.h>

#include <bit>

namespace kos::lx {

namespace {

enum class DefaultAction : uint8_t { kEnd, kStop };

DefaultAction default_action(int signal) {
    switch (signal) {
        case kSIGSTOP:
        case kSIGTSTP:
        case kSIGTTIN:
        case kSIGTTOU: return DefaultAction::kStop;
        default: return DefaultAction::kEnd;
    }
}

// Between two halves of a call of which the shim has the middle one (rt_sigreturn, clone): what the second half finds
// must not have been changed by a handler. The shim comes back soon; only its own faults are delivered at once.
bool is_between_halves(const Thread& thread) {
    constexpr uint64_t kStubBytes = 0x100;
    if (thread.signals.pending.set & kSynchronousSignals) return false;
    for (uint64_t const stub : {kShimSignalExit, kShimCloneSave, kShimCloneChild}) {
        if (thread.registers.pc - (thread.process.memory->shim + stub) < kStubBytes) return true;
    }
    return false;
}

bool is_restart(Errno result) { return result == Errno::kRestart || result == Errno::kRestartNoHandler; }

// A program that lets its children die again and again does not fill the log.
void report_death(const Thread& thread, const SignalInfo& info) {
    constexpr unsigned kAlways = 32;
    static unsigned deaths = 0;
    if (++deaths > kAlways && !std::has_single_bit(deaths)) return;
    char text[160];
    snprintf(text, sizeof text, "process %d (%.15s) killed by signal %d, code %d, address %#llx", thread.process.pid,
             thread.process.command.c_str(), info.signal, info.code, static_cast<unsigned long long>(info.address));
    thread.process.system.platform.report(text);
}

bool is_fault(int signal) {
    return signal == kSIGSEGV || signal == kSIGBUS || signal == kSIGILL || signal == kSIGFPE || signal == kSIGTRAP ||
           signal == kSIGABRT || signal == kSIGSYS;
}

void restore_mask(Thread& thread) {
    SignalState& state = thread.signals;
    if (!state.has_saved_mask) return;
    state.has_saved_mask = false;
    set_blocked(thread, state.saved_mask);
}

void act_by_default(Thread& thread, const SignalInfo& info) {
    Process& process = thread.process;
    if (default_action(info.signal) == DefaultAction::kStop) {
        // The terminal's stop signals mean nothing to a group that nobody would continue.
        if (info.signal != kSIGSTOP && is_orphaned(process.system, process.group)) return;
        stop_process(process, info.signal);
        return;
    }
    if (is_fault(info.signal)) report_death(thread, info);
    end_process(process, signal_status(info.signal));
}

// The call that a handler interrupts: EINTR, or once more after the handler.
void settle_call(Thread& thread, Errno result, const SignalAction& action) {
    thread.machine->load();
    if (!is_restart(result)) return;
    if (result == Errno::kRestart && action.flags & kSA_RESTART) {
        thread.machine->set_again();
    } else {
        thread.machine->set_result(-static_cast<int64_t>(Errno::kEINTR));
    }
}

void begin_handler(Thread& thread, const SignalInfo& info) {
    Process& process = thread.process;
    SignalState& state = thread.signals;
    SignalAction& place = process.handlers->actions[info.signal - 1];
    SignalAction const action = place;
    SignalSet const mask = state.has_saved_mask ? state.saved_mask : state.blocked;
    if (!enter_handler(thread, info, action, mask).ok()) {
        // Nowhere to put the frame: nothing that the program could do about it, unless SIGSEGV has a stack of its own.
        SignalInfo segv = kernel_signal(kSIGSEGV);
        if (info.signal == kSIGSEGV) process.handlers->actions[kSIGSEGV - 1].handler = kSIG_DFL;
        force_signal(thread, segv);
        return;
    }
    if (action.flags & kSA_RESETHAND) place.handler = kSIG_DFL;
    state.has_saved_mask = false;
    SignalSet blocked = state.blocked | action.mask;
    if (!(action.flags & kSA_NODEFER)) blocked |= signal_bit(info.signal);
    set_blocked(thread, blocked);
}

}  // namespace

bool take_signal(Thread& thread, SignalSet wanted, SignalInfo& info) {
    for (;;) {
        if (!take_pending(thread.signals.pending, wanted, info) &&
            !take_pending(thread.process.signals.pending, wanted, info)) {
            return false;
        }
        if (info.code != kSI_TIMER || timer_signal_taken(thread.process, info)) return true;
    }
}

bool has_deliverable_slowly(const Thread& thread) {
    SignalSet set = pending_signals(thread) & ~thread.signals.blocked;
    for (; set; set &= set - 1) {
        if (!is_ignored(thread.process, 1 + __builtin_ctzll(set))) return true;
    }
    return false;
}

bool deliver_signals(Thread& thread, Errno result) {
    Process& process = thread.process;
    SignalState& state = thread.signals;
    bool const is_interrupted = is_restart(result) || result == Errno::kEINTR;
    // A call that came to its end does so with the mask that it began with.
    if (!is_interrupted) restore_mask(thread);
    bool has_handled = false;
    for (;;) {
        if (process.signals.is_exiting) {
            end_thread(thread, process.signals.exit_status);
            return false;
        }
        if (process.signals.is_stopped) {
            state.is_stopped_in_call = is_restart(result) && !has_handled;
            thread.state = ThreadState::kStopped;
            return false;
        }
        if (!has_handled && !is_restart(result) && pending_signals(thread) & ~state.blocked) {
            thread.machine->load();
            if (is_between_halves(thread)) return true;
        }
        SignalInfo info;
        if (!take_signal(thread, ~state.blocked, info)) break;
        if (is_ignored(process, info.signal)) continue;
        const SignalAction& action = process.handlers->actions[info.signal - 1];
        if (action.handler == kSIG_DFL) {
            act_by_default(thread, info);
            continue;
        }
        if (!has_handled) settle_call(thread, result, action);
        has_handled = true;
        begin_handler(thread, info);
    }
    if (has_handled) return true;
    if (is_restart(result)) {
        // Nobody noticed: the call goes on waiting, with its deadline and its mask.
        thread.state = ThreadState::kAsleep;
        thread.wake();
        return false;
    }
    if (state.has_saved_mask) {
        restore_mask(thread);
        return deliver_signals(thread);
    }
    return true;
}

void resume_interrupted(Thread& thread) {
    if (thread.state != ThreadState::kInterrupted) return;
    if (!thread.process.signals.is_exiting) {
        thread.machine->load();
        // On its way back into a call: that decides (and has forgotten it if the thread is elsewhere).
        if (is_unfinished(thread)) return go_on(thread);
    }
    if (!deliver_signals(thread)) return;
    thread.state = ThreadState::kRunning;
    thread.machine->resume();
}

}  // namespace kos::lx
