// Handlers of the calls about processes' relations, identity, limits and scheduling; their table is in relations.cpp.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

// task_groups.cpp
Result<int64_t> getpid(Call& call);
Result<int64_t> getppid(Call& call);
Result<int64_t> gettid(Call& call);
Result<int64_t> setpgid(Call& call);
Result<int64_t> getpgid(Call& call);
Result<int64_t> getsid(Call& call);
Result<int64_t> setsid(Call& call);
Result<int64_t> set_tid_address(Call& call);

// task_wait.cpp
Result<int64_t> wait4(Call& call);
Result<int64_t> waitid(Call& call);

// task_identity.cpp
Result<int64_t> getuid(Call& call);
Result<int64_t> geteuid(Call& call);
Result<int64_t> getgid(Call& call);
Result<int64_t> getegid(Call& call);
Result<int64_t> setuid(Call& call);
Result<int64_t> setgid(Call& call);
Result<int64_t> setreuid(Call& call);
Result<int64_t> setregid(Call& call);
Result<int64_t> setresuid(Call& call);
Result<int64_t> getresuid(Call& call);
Result<int64_t> setresgid(Call& call);
Result<int64_t> getresgid(Call& call);
Result<int64_t> setfsuid(Call& call);
Result<int64_t> setfsgid(Call& call);
Result<int64_t> getgroups(Call& call);
Result<int64_t> setgroups(Call& call);
Result<int64_t> capget(Call& call);
Result<int64_t> capset(Call& call);

// task_limits.cpp
Result<int64_t> getrlimit(Call& call);
Result<int64_t> setrlimit(Call& call);
Result<int64_t> prlimit64(Call& call);
Result<int64_t> getrusage(Call& call);
// struct rusage of processes that were waited for, or of this one.
struct ResourceUsage {
    struct {
        int64_t seconds, microseconds;
    } user, system;
    int64_t resident_max;  // KiB
    int64_t rest[13];
};
static_assert(sizeof(ResourceUsage) == 144);
ResourceUsage usage_of(Nanoseconds cpu, uint64_t resident_pages);

// task_scheduling.cpp
Result<int64_t> getpriority(Call& call);
Result<int64_t> setpriority(Call& call);
Result<int64_t> ioprio_get(Call& call);
Result<int64_t> ioprio_set(Call& call);
Result<int64_t> sched_yield(Call& call);
Result<int64_t> sched_getaffinity(Call& call);
Result<int64_t> sched_setaffinity(Call& call);
Result<int64_t> sched_getscheduler(Call& call);
Result<int64_t> sched_setscheduler(Call& call);
Result<int64_t> sched_getparam(Call& call);
Result<int64_t> sched_setparam(Call& call);
Result<int64_t> sched_getattr(Call& call);
Result<int64_t> sched_setattr(Call& call);
Result<int64_t> sched_get_priority_min(Call& call);
Result<int64_t> sched_get_priority_max(Call& call);
Result<int64_t> sched_rr_get_interval(Call& call);
Result<int64_t> getcpu(Call& call);

// task_control.cpp
Result<int64_t> prctl(Call& call);
Result<int64_t> unshare(Call& call);
Result<int64_t> setns(Call& call);
Result<int64_t> personality(Call& call);
Result<int64_t> process_vm_readv(Call& call);
Result<int64_t> process_vm_writev(Call& call);

}  // namespace kos::lx
