// How processes are related: parents and children, groups, sessions; what happens when threads and processes end.
//
// exit(2) and friends: end_process marks the process, whose threads end as they come by deliver_signals (end_thread);
// the last one's end is the process's.
#pragma once

#include "task/process.h"
#include "task/thread.h"

namespace kos::lx {

// Wait statuses as wait4(2) gives them.
constexpr int exit_status(int code) { return (code & 0xff) << 8; }
constexpr int signal_status(int signal) { return signal & 0x7f; }

// exit_group(2), or a signal: all threads end soon, none goes back to the program. The first status counts.
void end_process(Process& process, int wait_status);
// This thread ends now: thread_ends; it leaves its process; with the last one gone memory and files are given back and
// process_ends follows. A process's only thread ends with exit_group's or a signal's status if there is one, else with
// `wait_status`. The caller keeps a reference if it needs the thread afterwards.
void end_thread(Thread& thread, int wait_status = 0);

// A thread's last acts in its memory: robust futexes, clear_tid.
void thread_ends(Thread& thread);
// The process is a zombie from now on, or gone if its parent does not care: children go to the next subreaper or to the
// first process, the parent is told, a session's leader loses the terminal. The first process need not be an init: what
// it adopts leaves no zombies (unless it asked for children by PR_SET_CHILD_SUBREAPER).
void process_ends(Process& process, int wait_status);
// Exit, stop, continue: SIGCHLD (exit_signal) and child_events. Zombies that nobody will ask for are forgotten.
void notify_parent(Process& process);
// A zombie's last trace goes: it was waited for.
void reap(Process& child);

// Nobody of the group's session but outside the group is a parent of a member: nobody continues it (setpgid(2)).
bool is_orphaned(System& system, int group);

// CPU time of all threads so far, of ended ones too.
Nanoseconds cpu_time(const Process& process);

}  // namespace kos::lx
