// A process: what its threads share. Also process groups and sessions, and the way from fork(2) to wait4(2).
#pragma once

#include "base/ref.h"
#include "base/wait_queue.h"
#include "signal/state.h"
#include "vfs/fd_table.h"
#include "vfs/path.h"
#include "vfs/types.h"

#include <string>
#include <vector>

namespace kos::lx {

class AddressSpace;
class Process;
class System;
class Terminal;
class Thread;

// setsid(2). Its leader may have a controlling terminal.
class Session final : public Counted {
public:
    explicit Session(int number) : id(number) {}
    const int id;
    Terminal* terminal = nullptr;
    int foreground_group = 0;
};

class PathState final : public Counted {  // root, working directory, umask: CLONE_FS
public:
    PathContext context;
};

struct ResourceLimit {
    uint64_t now, most;
};
constexpr unsigned kRLIMIT_CPU = 0, kRLIMIT_FSIZE = 1, kRLIMIT_DATA = 2, kRLIMIT_STACK = 3, kRLIMIT_CORE = 4,
                   kRLIMIT_RSS = 5, kRLIMIT_NPROC = 6, kRLIMIT_NOFILE = 7, kRLIMIT_MEMLOCK = 8, kRLIMIT_AS = 9,
                   kRLIMIT_LOCKS = 10, kRLIMIT_SIGPENDING = 11, kRLIMIT_MSGQUEUE = 12, kRLIMIT_NICE = 13,
                   kRLIMIT_RTPRIO = 14, kRLIMIT_RTTIME = 15, kRLIMITs = 16;

enum class ProcessState : uint8_t { kAlive, kStopped, kZombie };

class Process final : public Counted {
public:
    Process(System& system, int pid);
    ~Process() override;

    System& system;
    const int pid;  // the thread group's
    ProcessState state = ProcessState::kAlive;

    Process* parent = nullptr;           // nullptr: the first process
    std::vector<Ref<Process>> children;  // zombies too, until they are waited for
    std::vector<Ref<Thread>> threads;    // the living; the first one is not necessarily the leader
    Ref<AddressSpace> memory;
    Ref<FdTable> files;
    Ref<PathState> paths;
    Credentials credentials;
    ResourceLimit limits[kRLIMITs];
    Ref<Session> session;
    int group = 0;                 // process group id
    Ref<SignalHandlers> handlers;  // CLONE_SIGHAND
    ProcessSignals signals;        // pending for the process, timers, job control
    bool is_adopted = false;       // by the first process, which knows nothing of it: nobody has to wait for it
    int exit_signal = 0;           // to the parent at the end; SIGCHLD of fork(2)
    bool has_executed = false;     // execve(2) since fork: setpgid(2)'s rule

    Location executable;                                  // /proc/PID/exe
    std::string command;                                  // the executable's last name, 15 bytes
    uint64_t arguments_start = 0, arguments_end = 0;      // /proc/PID/cmdline, in its memory
    uint64_t environment_start = 0, environment_end = 0;  // /proc/PID/environ
    std::string auxiliary_vector;                         // /proc/PID/auxv: as it was put on the stack
    uint32_t membarrier_commands = 0;                     // membarrier(2): those that it has registered for
    int oom_adjustment = 0;                               // /proc/PID/oom_score_adj
    Nanoseconds started = 0;
    bool is_dumpable = true;
    int parent_death_signal = 0;
    bool is_subreaper = false;
    bool no_new_privileges = false;
    unsigned personality = 0;

    // Times of threads that have ended, and of children that were waited for.
    Nanoseconds ended_threads_time = 0, children_time = 0;

    int wait_status = 0;     // as wait4(2) gives it, once a zombie
    WaitQueue child_events;  // of children: exits, stops, continues
    WaitQueue ended;         // pidfd: woken at the end
    WaitQueue vfork_done;    // exec or end of a vfork(2) child, on the child's side
    bool is_vfork_child = false;

    Thread* find_thread(int tid);
};

}  // namespace kos::lx
