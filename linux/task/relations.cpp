// Ends of threads and processes, and who is told.
#include "task/relations.h"

#include "mm/address_space.h"
#include "signal/signals.h"
#include "task/futex.h"
#include "task/system.h"
#include "tty/terminal.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr Nanoseconds kClockTick = 10'000'000;  // sysconf(_SC_CLK_TCK) is 100

// Who gets the children of one that ends: the next living subreaper above it, else the first process.
Process* reaper_of(Process& process) {
    Process* found = process.parent;
    while (found && found->parent &&
           !(found->is_subreaper && found->state != ProcessState::kZombie && !found->signals.is_exiting)) {
        found = found->parent;
    }
    return found;
}

bool has_stopped_member(System& system, int group) {
    for (auto& [number, process] : system.processes()) {
        if (process->group == group && process->signals.is_stopped) return true;
    }
    return false;
}

// setpgid(2): a group that becomes orphaned with stopped members would stay stopped for ever.
void wake_orphaned_group(System& system, int group) {
    if (!is_orphaned(system, group) || !has_stopped_member(system, group)) return;
    signal_group(system, group, kernel_signal(kSIGHUP));
    signal_group(system, group, kernel_signal(kSIGCONT));
}

void give_children_away(Process& process) {
    Process* const heir = reaper_of(process);
    if (!heir) return;
    std::vector<Ref<Process>> children;
    children.swap(process.children);
    for (Ref<Process>& child : children) {
        child->parent = heir;
        child->is_adopted = !heir->parent && !heir->is_subreaper;
        heir->children.push_back(child);
    }
    for (Ref<Process>& child : children) {
        if (child->state == ProcessState::kZombie) {
            notify_parent(*child);
            continue;
        }
        child->exit_signal = kSIGCHLD;
        if (child->parent_death_signal) send_signal(*child, user_signal(child->parent_death_signal, process));
        if (child->group != process.group) wake_orphaned_group(process.system, child->group);
    }
}

void leave_session(Process& process) {
    Session* const session = process.session.get();
    if (!session || session->id != process.pid || !session->terminal) return;
    session_ends(*session);
}

SignalInfo child_information(Process& child) {
    SignalInfo info;
    info.signal = kSIGCHLD;
    info.pid = child.pid;
    info.uid = child.credentials.uid;
    info.user_time = cpu_time(child) / kClockTick;
    if (child.state == ProcessState::kZombie) {
        int const signal = child.wait_status & 0x7f;
        info.signal = child.exit_signal;
        info.code = signal ? (child.wait_status & 0x80 ? kCLD_DUMPED : kCLD_KILLED) : kCLD_EXITED;
        info.status = signal ? signal : child.wait_status >> 8 & 0xff;
    } else if (child.signals.is_stopped) {
        info.code = kCLD_STOPPED;
        info.status = child.signals.stop_signal;
    } else {
        info.code = kCLD_CONTINUED;
        info.status = kSIGCONT;
    }
    return info;
}

}  // namespace

Nanoseconds cpu_time(const Process& process) {
    Nanoseconds sum = process.ended_threads_time;
    for (auto& thread : process.threads) {
        if (thread->machine) sum += thread->machine->cpu_time();
    }
    return sum;
}

bool is_orphaned(System& system, int group) {
    for (auto& [number, process] : system.processes()) {
        if (process->group != group || process->state == ProcessState::kZombie) continue;
        const Process* const parent = process->parent;
        if (parent && parent->group != group && parent->session == process->session) return false;
    }
    return true;
}

void end_process(Process& process, int wait_status) {
    if (process.signals.is_exiting || process.state == ProcessState::kZombie) return;
    process.signals.is_exiting = true;
    process.signals.exit_status = wait_status;
    process.signals.is_stopped = false;
    for (auto& thread : process.threads) {
        if (thread->state == ThreadState::kStopped) {
            // What it was doing does not matter any more.
            thread->state = ThreadState::kInterrupted;
            process.system.add_ready(*thread);
        } else {
            poke(*thread);
        }
    }
}

void end_thread(Thread& thread, int wait_status) {
    if (thread.state == ThreadState::kDead) return;
    Ref<Thread> const keep(&thread);
    Process& process = thread.process;
    Ref<Process> const keep_process(&process);
    thread_ends(thread);
    thread.state = ThreadState::kDead;
    thread.progress.timer.cancel();
    thread.progress.waits.clear();
    thread.progress.waiting = 0;
    thread.progress.extra.reset();
    if (thread.machine) {
        process.ended_threads_time += thread.machine->cpu_time();
        thread.machine.reset();
    }
    std::erase(process.threads, keep);
    process.system.forget(thread);
    if (!process.threads.empty()) return;

    if (process.files && process.files->references() == 1) process.files->close_all(process);
    process.files = nullptr;
    process.paths = nullptr;
    process.memory = nullptr;
    process_ends(process, process.signals.is_exiting ? process.signals.exit_status : wait_status);
}

void thread_ends(Thread& thread) {
    if (!thread.process.memory) return;
    futex_thread_ends(thread);
}

void process_ends(Process& process, int wait_status) {
    System& system = process.system;
    process.state = ProcessState::kZombie;
    process.wait_status = wait_status;
    process.signals.is_exiting = true;
    process.signals.is_stopped = false;
    process.signals.stop_signal = 0;
    process.signals.has_continued = false;
    process.signals.pending = {};
    process.signals.timers.reset();
    process.is_vfork_child = false;
    process.vfork_done.wake();
    process.ended.wake();
    if (system.ipc) system.ipc->process_ended(process);
    if (!process.parent) system.platform.end(wait_status);
    leave_session(process);
    give_children_away(process);
    wake_orphaned_group(system, process.group);
    notify_parent(process);
}

void notify_parent(Process& process) {
    Process* const parent = process.parent;
    if (!parent) return;
    bool const is_end = process.state == ProcessState::kZombie;
    SignalInfo const info = child_information(process);
    const SignalAction& action = parent->handlers->actions[kSIGCHLD - 1];
    bool is_sent = info.signal != 0, is_unwanted = is_end && process.is_adopted;
    if (!is_end) {
        is_sent = is_sent && !(action.flags & kSA_NOCLDSTOP);
    } else if (info.signal == kSIGCHLD) {
        is_unwanted = is_unwanted || action.handler == kSIG_IGN || action.flags & kSA_NOCLDWAIT;
    }
    if (is_sent) send_signal(*parent, info);
    if (is_unwanted) {
        Ref<Process> const keep(&process);
        reap(process);
    }
    parent->child_events.wake();
}

void reap(Process& child) {
    Ref<Process> const keep(&child);
    if (Process* const parent = child.parent) {
        parent->children_time += child.ended_threads_time + child.children_time;
        std::erase(parent->children, keep);
    }
    child.parent = nullptr;
    child.system.forget(child);
}

}  // namespace kos::lx
