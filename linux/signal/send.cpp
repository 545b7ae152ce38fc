// Making signals pending, and finding the thread that has to look.
#include "signal/pending.h"
#include "signal/signals.h"
#include "task/relations.h"
#include "task/system.h"
#include "task/timers.h"

namespace kos::lx {

namespace {

constexpr SignalSet kStopSignals =
    signal_bit(kSIGSTOP) | signal_bit(kSIGTSTP) | signal_bit(kSIGTTIN) | signal_bit(kSIGTTOU);
constexpr SignalSet kDefaultIgnored =
    signal_bit(kSIGCHLD) | signal_bit(kSIGCONT) | signal_bit(kSIGURG) | signal_bit(kSIGWINCH);

bool is_valid(int signal) { return signal >= 1 && signal <= kSignals; }

void forget_pending(Process& process, SignalSet set) {
    forget_signals(process.signals.pending, set);
    for (auto& thread : process.threads) forget_signals(thread->signals.pending, set);
}

// A thread of the process that would take the signal, the group's first one if it does.
Thread* taker_of(Process& process, int signal) {
    Thread* found = nullptr;
    for (auto& thread : process.threads) {
        if (thread->state == ThreadState::kDead || thread->signals.blocked & signal_bit(signal)) continue;
        if (thread->tid == process.pid) return thread.get();
        if (!found) found = thread.get();
    }
    return found;
}

// Signals that stop cancel the ones that continue, and the other way round, whoever blocks or ignores them.
void before_sending(Process& process, int signal) {
    if (signal == kSIGCONT) {
        forget_pending(process, kStopSignals);
        continue_process(process);
    } else if (signal_bit(signal) & kStopSignals) {
        forget_pending(process, signal_bit(kSIGCONT));
    }
}

// The first process has only the signals that it has handlers for (kill(2), "Notes"); its own faults do end it.
bool is_spared(const Process& process, int signal) {
    if (process.pid != 1) return false;
    return signal_bit(signal) & kUnblockable || process.handlers->actions[signal - 1].handler == kSIG_DFL;
}

Status send(Process& process, Thread* only, const SignalInfo& info, bool is_forced = false) {
    int const signal = info.signal;
    if (!is_valid(signal) || process.state == ProcessState::kZombie || process.signals.is_exiting) return {};
    if (only && only->state == ThreadState::kDead) return {};
    if (!is_forced && is_spared(process, signal)) return {};
    before_sending(process, signal);
    if (signal == kSIGKILL) {
        end_process(process, signal_status(kSIGKILL));
        return {};
    }
    Thread* const taker = only ? only : taker_of(process, signal);
    bool const is_blocked = !taker || taker->signals.blocked & signal_bit(signal);
    // Whoever blocks a signal may yet change what happens about it.
    if (!is_blocked && is_ignored(process, signal)) return {};

    PendingSignals& pending = only ? only->signals.pending : process.signals.pending;
    KOS_TRY_STATUS(add_signal(pending, info, queue_limit(process)));
    process.signals.arrived.wake();
    if (!is_blocked) poke(*taker);
    return {};
}

}  // namespace

bool is_ignored(const Process& process, int signal) {
    if (signal_bit(signal) & kUnblockable) return false;
    uint64_t const handler = process.handlers->actions[signal - 1].handler;
    return handler == kSIG_IGN || (handler == kSIG_DFL && signal_bit(signal) & kDefaultIgnored);
}

void send_signal(Process& process, const SignalInfo& info) { (void)send(process, nullptr, info).ok(); }
void send_signal(Thread& thread, const SignalInfo& info) { (void)send(thread.process, &thread, info).ok(); }
Status queue_signal(Process& process, const SignalInfo& info) { return send(process, nullptr, info); }
Status queue_signal(Thread& thread, const SignalInfo& info) { return send(thread.process, &thread, info); }

void force_signal(Thread& thread, SignalInfo info) {
    if (!is_valid(info.signal)) return;
    SignalAction& action = thread.process.handlers->actions[info.signal - 1];
    SignalSet const bit = signal_bit(info.signal);
    // A handler cannot be run for a fault that it has blocked (or that happened in itself): the default acts.
    if (action.handler == kSIG_IGN || thread.signals.blocked & bit) action.handler = kSIG_DFL;
    thread.signals.blocked &= ~bit;
    forget_signals(thread.signals.pending, bit);  // this one's information is the one that counts
    (void)send(thread.process, &thread, info, true).ok();
}

SignalInfo kernel_signal(int signal) {
    SignalInfo info;
    info.signal = signal;
    info.code = kSI_KERNEL;
    return info;
}

SignalInfo user_signal(int signal, const Process& sender) {
    SignalInfo info;
    info.signal = signal;
    info.code = kSI_USER;
    info.pid = sender.pid;
    info.uid = sender.credentials.uid;
    return info;
}

Status may_signal(const Process& sender, const Process& target, int signal) {
    const Credentials& from = sender.credentials;
    const Credentials& to = target.credentials;
    if (&sender == &target || from.has_capability(kCAP_KILL)) return {};
    if (from.euid == to.uid || from.euid == to.suid || from.uid == to.uid || from.uid == to.suid) return {};
    if (signal == kSIGCONT && sender.session && sender.session == target.session) return {};
    return Errno::kEPERM;
}

Status kill_processes(Process& sender, int pid, const SignalInfo& info) {
    System& system = sender.system;
    bool const is_known = info.signal >= 0 && info.signal <= kSignals;
    if (pid > 0) {
        // A thread's number means its process.
        Thread* const thread = system.find_thread(pid);
        Process* const target = thread ? &thread->process : system.find_process(pid);
        if (!target) return Errno::kESRCH;
        if (!is_known) return Errno::kEINVAL;
        KOS_TRY_STATUS(may_signal(sender, *target, info.signal));
        return info.signal ? queue_signal(*target, info) : Status{};
    }
    if (pid == INT32_MIN) return Errno::kESRCH;
    int const group = pid == 0 ? sender.group : -pid;
    Errno refused = Errno::kESRCH;
    bool has_sent = false;
    for (auto& [number, process] : system.processes()) {
        bool const is_meant = pid == -1 ? number > 1 && process.get() != &sender : process->group == group;
        if (!is_meant) continue;
        if (!is_known) return Errno::kEINVAL;
        Status const allowed = may_signal(sender, *process, info.signal);
        if (!allowed.ok()) {
            if (!has_sent) refused = allowed.error();
            continue;
        }
        has_sent = true;
        if (info.signal) send_signal(*process, info);
    }
    return has_sent ? Status{} : Status{refused};
}

void signal_group(System& system, int group, const SignalInfo& info) {
    for (auto& [number, process] : system.processes()) {
        if (process->group == group) send_signal(*process, info);
    }
}

void set_action(Process& process, int signal, const SignalAction& action) {
    SignalAction& place = process.handlers->actions[signal - 1];
    place = action;
    place.mask &= ~kUnblockable;
    if (is_ignored(process, signal)) forget_pending(process, signal_bit(signal));
}

void reset_handlers(Process& process) {
    timers_at_exec(process);
    if (process.handlers->references() > 1) {
        // Shared with another process (clone(2) CLONE_SIGHAND), which keeps its own.
        auto own = make_ref<SignalHandlers>();
        for (int i = 0; i < kSignals; ++i) own->actions[i] = process.handlers->actions[i];
        process.handlers = std::move(own);
    }
    for (SignalAction& action : process.handlers->actions) {
        uint64_t const handler = action.handler == kSIG_IGN ? kSIG_IGN : kSIG_DFL;
        action = {};
        action.handler = handler;
    }
}

void set_blocked(Thread& thread, SignalSet blocked) {
    thread.signals.blocked = blocked & ~kUnblockable;
    // What the process has pending and this thread no longer takes is another one's matter now.
    SignalSet const left = thread.process.signals.pending.set & thread.signals.blocked;
    if (!left) return;
    for (auto& other : thread.process.threads) {
        if (other.get() != &thread && left & ~other->signals.blocked) poke(*other);
    }
}

void set_temporary_mask(Thread& thread, SignalSet mask) {
    SignalState& state = thread.signals;
    if (state.has_saved_mask) return;
    state.saved_mask = state.blocked;
    state.has_saved_mask = true;
    set_blocked(thread, mask);
}

void poke(Thread& thread) {
    switch (thread.state) {
        case ThreadState::kRunning:
            thread.machine->interrupt();
            thread.state = ThreadState::kInterrupted;
            thread.process.system.add_ready(thread);
            break;
        case ThreadState::kAsleep: thread.wake(); break;
        case ThreadState::kInCall:       // looks before it goes back
        case ThreadState::kStopped:      // looks when it continues
        case ThreadState::kInterrupted:  // is about to look
        case ThreadState::kDead: break;
    }
}

}  // namespace kos::lx
