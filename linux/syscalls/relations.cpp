// The table of calls about processes' relations, identity, limits and scheduling; the handlers are in task_*.cpp.
#include "syscalls/families.h"
#include "syscalls/task.h"

namespace kos::lx {

namespace {

// Number, name, handler, support, what is missing.
constexpr const char* kOneIdentity = "the whole process changes at once, as with glibc; Linux: one thread";
constexpr const char* kOnlyKept = "kept and shown, without effect on scheduling";
constexpr const char* kUserTime = "all CPU time counts as user time; no counts of faults, switches or blocks";
constexpr SystemCall kTable[] = {
    {30, "ioprio_set", ioprio_set, Support::kPartial, kOnlyKept},
    {31, "ioprio_get", ioprio_get, Support::kFull, ""},
    {90, "capget", capget, Support::kFull, ""},
    {91, "capset", capset, Support::kPartial, kOneIdentity},
    {92, "personality", personality, Support::kPartial, "kept and shown, without effect"},
    {95, "waitid", waitid, Support::kPartial, kUserTime},
    {96, "set_tid_address", set_tid_address, Support::kFull, ""},
    {97, "unshare", unshare, Support::kPartial, "CLONE_FS and CLONE_FILES; no namespaces (EPERM)"},
    {118, "sched_setparam", sched_setparam, Support::kPartial, kOnlyKept},
    {119, "sched_setscheduler", sched_setscheduler, Support::kPartial, kOnlyKept},
    {120, "sched_getscheduler", sched_getscheduler, Support::kFull, ""},
    {121, "sched_getparam", sched_getparam, Support::kFull, ""},
    {122, "sched_setaffinity", sched_setaffinity, Support::kFull, ""},
    {123, "sched_getaffinity", sched_getaffinity, Support::kFull, ""},
    {124, "sched_yield", sched_yield, Support::kFull, ""},
    {125, "sched_get_priority_max", sched_get_priority_max, Support::kFull, ""},
    {126, "sched_get_priority_min", sched_get_priority_min, Support::kFull, ""},
    {127, "sched_rr_get_interval", sched_rr_get_interval, Support::kFull, ""},
    {140, "setpriority", setpriority, Support::kPartial, kOnlyKept},
    {141, "getpriority", getpriority, Support::kFull, ""},
    {143, "setregid", setregid, Support::kPartial, kOneIdentity},
    {144, "setgid", setgid, Support::kPartial, kOneIdentity},
    {145, "setreuid", setreuid, Support::kPartial, kOneIdentity},
    {146, "setuid", setuid, Support::kPartial, kOneIdentity},
    {147, "setresuid", setresuid, Support::kPartial, kOneIdentity},
    {148, "getresuid", getresuid, Support::kFull, ""},
    {149, "setresgid", setresgid, Support::kPartial, kOneIdentity},
    {150, "getresgid", getresgid, Support::kFull, ""},
    {151, "setfsuid", setfsuid, Support::kPartial, kOneIdentity},
    {152, "setfsgid", setfsgid, Support::kPartial, kOneIdentity},
    {154, "setpgid", setpgid, Support::kFull, ""},
    {155, "getpgid", getpgid, Support::kFull, ""},
    {156, "getsid", getsid, Support::kFull, ""},
    {157, "setsid", setsid, Support::kFull, ""},
    {158, "getgroups", getgroups, Support::kFull, ""},
    {159, "setgroups", setgroups, Support::kPartial,
     "at most 1024; the whole process changes at once, as with glibc; Linux: one thread"},
    {163, "getrlimit", getrlimit, Support::kFull, ""},
    {164, "setrlimit", setrlimit, Support::kPartial, "as prlimit64"},
    {165, "getrusage", getrusage, Support::kPartial, kUserTime},
    {167, "prctl", prctl, Support::kPartial,
     "no seccomp, no securebits, no names of mappings, no features of the processor"},
    {168, "getcpu", getcpu, Support::kFull, ""},
    {172, "getpid", getpid, Support::kFull, ""},
    {173, "getppid", getppid, Support::kFull, ""},
    {174, "getuid", getuid, Support::kFull, ""},
    {175, "geteuid", geteuid, Support::kFull, ""},
    {176, "getgid", getgid, Support::kFull, ""},
    {177, "getegid", getegid, Support::kFull, ""},
    {178, "gettid", gettid, Support::kFull, ""},
    {260, "wait4", wait4, Support::kPartial, kUserTime},
    {261, "prlimit64", prlimit64, Support::kPartial,
     "DATA, CORE, RSS, MEMLOCK, LOCKS, MSGQUEUE, NPROC, RTTIME are kept without effect"},
    {268, "setns", setns, Support::kPartial, "there is one namespace of each kind (EINVAL)"},
    {270, "process_vm_readv", process_vm_readv, Support::kFull, ""},
    {271, "process_vm_writev", process_vm_writev, Support::kFull, ""},
    {274, "sched_setattr", sched_setattr, Support::kPartial,
     "no SCHED_DEADLINE; kept and shown, without effect on scheduling"},
    {275, "sched_getattr", sched_getattr, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kRelationCalls = kTable;

}  // namespace kos::lx
