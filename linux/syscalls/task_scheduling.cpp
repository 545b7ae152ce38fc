// Scheduling: priorities are kept and shown, cores are obeyed.
#include "syscalls/task.h"
#include "task/system.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSCHED_OTHER = 0, kSCHED_FIFO = 1, kSCHED_RR = 2, kSCHED_BATCH = 3, kSCHED_IDLE = 5;
constexpr uint32_t kSCHED_RESET_ON_FORK = 0x4000'0000;
constexpr int kNiceMin = -20, kNiceMax = 19;

// 0 is the caller. kESRCH, kEINVAL (negative).
Result<Thread*> thread_argument(Call& call, unsigned index) {
    int const tid = call.argument_as<int>(index);
    if (tid < 0) return Errno::kEINVAL;
    if (tid == 0) return &call.thread;
    Thread* const thread = call.process().system.find_thread(tid);
    if (!thread) return Errno::kESRCH;
    return thread;
}

Status may_schedule(Call& call, const Thread& thread) {
    const Credentials& from = call.process().credentials;
    const Credentials& to = thread.process.credentials;
    if (from.has_capability(kCAP_SYS_NICE) || from.euid == to.uid || from.euid == to.euid) return {};
    return Errno::kEPERM;
}

bool is_realtime_policy(uint32_t policy) { return policy == kSCHED_FIFO || policy == kSCHED_RR; }

bool is_policy(uint32_t policy) {
    return policy == kSCHED_OTHER || policy == kSCHED_BATCH || policy == kSCHED_IDLE || is_realtime_policy(policy);
}

Status set_policy(Call& call, Thread& thread, uint32_t policy, int priority, bool resets_on_fork) {
    if (!is_policy(policy)) return Errno::kEINVAL;
    bool const fits = is_realtime_policy(policy) ? priority >= 1 && priority <= 99 : priority == 0;
    if (!fits) return Errno::kEINVAL;
    KOS_TRY_STATUS(may_schedule(call, thread));
    if (is_realtime_policy(policy) && !call.process().credentials.has_capability(kCAP_SYS_NICE)) {
        uint64_t const limit = thread.process.limits[kRLIMIT_RTPRIO].now;
        bool const is_lowering = is_realtime_policy(thread.policy) && priority <= thread.priority;
        if (!is_lowering && static_cast<uint64_t>(priority) > limit) return Errno::kEPERM;
    }
    thread.policy = policy;
    thread.priority = priority;
    thread.resets_on_fork = resets_on_fork;
    return {};
}

Status set_nice(Call& call, Thread& thread, int nice) {
    nice = std::clamp(nice, kNiceMin, kNiceMax);
    const Credentials& from = call.process().credentials;
    if (!may_schedule(call, thread).ok()) return Errno::kEPERM;
    if (nice < thread.nice && !from.has_capability(kCAP_SYS_NICE)) {
        // 20 - nice is RLIMIT_NICE's unit.
        if (static_cast<uint64_t>(20 - nice) > thread.process.limits[kRLIMIT_NICE].now) return Errno::kEACCES;
    }
    thread.nice = nice;
    return {};
}

uint64_t all_cores(System& system) {
    unsigned const cores = system.platform.cores();
    return cores >= 64 ? ~uint64_t{0} : (uint64_t{1} << cores) - 1;
}

// ioprio_set(2): a class above, a level of 0 (first) to 7 below.
constexpr unsigned kClassShift = 13, kLevels = 8;
constexpr uint32_t kNoClass = 0, kRealtimeClass = 1, kBestEffortClass = 2, kIdleClass = 3;

// What counts for a thread that has no class of its own: that of its nice value.
uint16_t effective_io_priority(const Thread& thread) {
    if (thread.io_priority >> kClassShift != kNoClass) return thread.io_priority;
    uint32_t const kind = is_realtime_policy(thread.policy) ? kRealtimeClass
                          : thread.policy == kSCHED_IDLE    ? kIdleClass
                                                            : kBestEffortClass;
    return static_cast<uint16_t>(kind << kClassShift | static_cast<uint32_t>(thread.nice + 20) / 5);
}

// Calls `use(thread)` for each thread that getpriority(2)'s `which` and `who` mean. kESRCH, kEINVAL.
template <class Use>
Status for_each_thread(Call& call, int which, int who, Use use) {
    constexpr int kPRIO_PROCESS = 0, kPRIO_PGRP = 1, kPRIO_USER = 2;
    System& system = call.process().system;
    if (which == kPRIO_PROCESS) {
        Thread* const thread = who == 0 ? &call.thread : system.find_thread(who);
        if (!thread) return Errno::kESRCH;
        use(*thread);
        return {};
    }
    if (which != kPRIO_PGRP && which != kPRIO_USER) return Errno::kEINVAL;
    int const group = who ? who : call.process().group;
    uint32_t const user = who ? static_cast<uint32_t>(who) : call.process().credentials.uid;
    bool has_any = false;
    for (auto& [number, process] : system.processes()) {
        bool const is_meant = which == kPRIO_PGRP ? process->group == group : process->credentials.uid == user;
        if (!is_meant) continue;
        for (auto& thread : process->threads) {
            has_any = true;
            use(*thread);
        }
    }
    return has_any ? Status{} : Status{Errno::kESRCH};
}

}  // namespace

Result<int64_t> getpriority(Call& call) {
    int best = kNiceMax;
    KOS_TRY_STATUS(for_each_thread(call, call.argument_as<int>(0), call.argument_as<int>(1),
                                   [&](Thread& thread) { best = std::min(best, thread.nice); }));
    return 20 - best;
}

Result<int64_t> setpriority(Call& call) {
    Errno error = Errno::kOK;
    KOS_TRY_STATUS(for_each_thread(call, call.argument_as<int>(0), call.argument_as<int>(1), [&](Thread& thread) {
        Status const done = set_nice(call, thread, call.argument_as<int>(2));
        if (!done.ok()) error = done.error();
    }));
    return error == Errno::kOK ? Result<int64_t>{0} : error;
}

// `which` of getpriority(2): that counts from 0, this from 1.
int whose_io(Call& call) { return static_cast<int>(call.argument_as<uint32_t>(0) - 1); }

Result<int64_t> ioprio_get(Call& call) {
    bool const is_one = call.argument_as<int>(0) == 1;
    uint16_t best = UINT16_MAX;
    KOS_TRY_STATUS(for_each_thread(call, whose_io(call), call.argument_as<int>(1), [&](Thread& thread) {
        best = std::min(best, is_one ? thread.io_priority : effective_io_priority(thread));
    }));
    return int64_t{best};
}

Result<int64_t> ioprio_set(Call& call) {
    uint32_t const priority = call.argument_as<uint32_t>(2), kind = priority >> kClassShift;
    uint32_t const level = priority & ((1u << kClassShift) - 1);
    const Credentials& who = call.process().credentials;
    if (kind == kRealtimeClass && !who.has_capability(kCAP_SYS_NICE) && !who.has_capability(kCAP_SYS_ADMIN)) {
        return Errno::kEPERM;
    }
    if (kind > kIdleClass || (kind == kNoClass && level != 0)) return Errno::kEINVAL;
    if ((kind == kRealtimeClass || kind == kBestEffortClass) && level >= kLevels) return Errno::kEINVAL;
    Status done;
    KOS_TRY_STATUS(for_each_thread(call, whose_io(call), call.argument_as<int>(1), [&](Thread& thread) {
        if (Status const may = may_schedule(call, thread); !may.ok()) {
            done = may;
        } else {
            thread.io_priority = static_cast<uint16_t>(priority);
        }
    }));
    if (!done.ok()) return done.error();
    return 0;
}

Result<int64_t> sched_yield(Call&) { return 0; }

Result<int64_t> sched_getaffinity(Call& call) {
    uint64_t const bytes = call.argument_as<uint32_t>(1);
    if (bytes % 8 != 0 || bytes * 8 < call.process().system.platform.cores()) return Errno::kEINVAL;
    if (call.argument_as<int>(0) < 0) return Errno::kESRCH;
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    uint64_t const cores = thread->affinity & all_cores(call.process().system);
    KOS_TRY_STATUS(call.write_user(call.argument(2), cores));
    return static_cast<int64_t>(sizeof cores);
}

Result<int64_t> sched_setaffinity(Call& call) {
    uint64_t const bytes = call.argument_as<uint32_t>(1);
    uint64_t wanted = 0;
    KOS_TRY_STATUS(call.memory().copy_in(&wanted, call.argument(2), std::min<uint64_t>(bytes, sizeof wanted)));
    if (call.argument_as<int>(0) < 0) return Errno::kESRCH;
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    KOS_TRY_STATUS(may_schedule(call, *thread));
    wanted &= all_cores(call.process().system);
    if (!wanted) return Errno::kEINVAL;
    thread->affinity = wanted;
    if (thread->machine) thread->machine->set_affinity(wanted);
    return 0;
}

Result<int64_t> sched_getscheduler(Call& call) {
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    return thread->policy | (thread->resets_on_fork ? kSCHED_RESET_ON_FORK : 0);
}

Result<int64_t> sched_setscheduler(Call& call) {
    uint32_t const policy = call.argument_as<uint32_t>(1);
    if (call.argument_as<int>(1) < 0 || !call.argument(2)) return Errno::kEINVAL;
    KOS_TRY(int32_t const priority, call.read_user<int32_t>(call.argument(2)));
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    KOS_TRY_STATUS(set_policy(call, *thread, policy & ~kSCHED_RESET_ON_FORK, priority, policy & kSCHED_RESET_ON_FORK));
    return 0;
}

Result<int64_t> sched_getparam(Call& call) {
    if (!call.argument(1)) return Errno::kEINVAL;
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    KOS_TRY_STATUS(call.write_user(call.argument(1), int32_t{thread->priority}));
    return 0;
}

Result<int64_t> sched_setparam(Call& call) {
    if (!call.argument(1)) return Errno::kEINVAL;
    KOS_TRY(int32_t const priority, call.read_user<int32_t>(call.argument(1)));
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    KOS_TRY_STATUS(set_policy(call, *thread, thread->policy, priority, thread->resets_on_fork));
    return 0;
}

namespace {

struct SchedulingAttributes {  // struct sched_attr, first version
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

Result<int64_t> sched_getattr(Call& call) {
    uint32_t const room = call.argument_as<uint32_t>(2);
    if (!call.argument(1) || call.argument_as<uint32_t>(3) != 0) return Errno::kEINVAL;
    if (room < sizeof(SchedulingAttributes) || room > kPageBytes) return Errno::kEINVAL;
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    SchedulingAttributes attributes{};
    attributes.size = sizeof attributes;
    attributes.policy = thread->policy;
    attributes.flags = thread->resets_on_fork;
    attributes.nice = thread->nice;
    attributes.priority = static_cast<uint32_t>(thread->priority);
    KOS_TRY_STATUS(call.write_user(call.argument(1), attributes));
    return 0;
}

Result<int64_t> sched_setattr(Call& call) {
    uint64_t const address = call.argument(1);
    if (!address || call.argument_as<int>(0) < 0 || call.argument_as<uint32_t>(2) != 0) return Errno::kEINVAL;
    KOS_TRY(uint32_t const size, call.read_user<uint32_t>(address));
    if (size != 0 && (size < sizeof(SchedulingAttributes) || size > kPageBytes)) {
        KOS_TRY_STATUS(call.write_user(address, uint32_t{sizeof(SchedulingAttributes)}));
        return Errno::kE2BIG;
    }
    // What a longer structure says besides must be nothing that this one does not know.
    for (uint64_t offset = sizeof(SchedulingAttributes); offset < size; ++offset) {
        KOS_TRY(uint8_t const byte, call.read_user<uint8_t>(address + offset));
        if (byte && offset >= 56) return Errno::kE2BIG;
    }
    KOS_TRY(SchedulingAttributes const wanted, call.read_user<SchedulingAttributes>(address));
    if (wanted.flags & ~uint64_t{1}) return Errno::kEINVAL;
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    if (wanted.priority > 99) return Errno::kEINVAL;
    KOS_TRY_STATUS(set_policy(call, *thread, wanted.policy, static_cast<int>(wanted.priority), wanted.flags & 1));
    if (!is_realtime_policy(wanted.policy)) {
        KOS_TRY_STATUS(set_nice(call, *thread, wanted.nice));
    }
    return 0;
}

Result<int64_t> sched_get_priority_max(Call& call) {
    uint32_t const policy = call.argument_as<uint32_t>(0);
    if (policy == 6) return 0;  // SCHED_DEADLINE
    if (!is_policy(policy)) return Errno::kEINVAL;
    return is_realtime_policy(policy) ? 99 : 0;
}

Result<int64_t> sched_get_priority_min(Call& call) {
    uint32_t const policy = call.argument_as<uint32_t>(0);
    if (policy == 6) return 0;
    if (!is_policy(policy)) return Errno::kEINVAL;
    return is_realtime_policy(policy) ? 1 : 0;
}

Result<int64_t> sched_rr_get_interval(Call& call) {
    KOS_TRY(Thread* const thread, thread_argument(call, 0));
    Nanoseconds const slice = thread->policy == kSCHED_RR ? 100'000'000 : thread->policy == kSCHED_FIFO ? 0 : 4'000'000;
    KOS_TRY_STATUS(call.write_user(call.argument(1), timespec_of(slice)));
    return 0;
}

Result<int64_t> getcpu(Call& call) {
    uint32_t const core = call.thread.machine ? call.thread.machine->core() : 0;
    if (call.argument(0)) KOS_TRY_STATUS(call.write_user(call.argument(0), core));
    if (call.argument(1)) KOS_TRY_STATUS(call.write_user(call.argument(1), uint32_t{0}));
    return 0;
}

}  // namespace kos::lx
