// Resource limits and usage.
#include "syscalls/task.h"
#include "task/relations.h"
#include "task/system.h"
#include "task/timers.h"

namespace kos::lx {

namespace {

// RLIMIT_NOFILE is never more than this (/proc/sys/fs/nr_open): the size of a table that programs choose.
constexpr uint64_t kFilesMax = 65536;

// Who may look at and change whose limits (prlimit(2)).
Status may_change(const Process& self, const Process& other) {
    const Credentials& from = self.credentials;
    const Credentials& to = other.credentials;
    if (&self == &other || from.has_capability(kCAP_SYS_RESOURCE)) return {};
    bool const is_same = from.uid == to.uid && from.uid == to.euid && from.uid == to.suid && from.gid == to.gid &&
                         from.gid == to.egid && from.gid == to.sgid;
    return is_same ? Status{} : Status{Errno::kEPERM};
}

Status set_limit(Call& call, Process& process, unsigned resource, const ResourceLimit& wanted) {
    ResourceLimit& limit = process.limits[resource];
    if (wanted.now > wanted.most) return Errno::kEINVAL;
    if (resource == kRLIMIT_NOFILE && wanted.most > kFilesMax) return Errno::kEPERM;
    if (wanted.most > limit.most && !call.process().credentials.has_capability(kCAP_SYS_RESOURCE)) return Errno::kEPERM;
    limit = wanted;
    if (resource == kRLIMIT_NOFILE && process.files) process.files->limit = static_cast<int>(wanted.now);
    if (resource == kRLIMIT_CPU && process.state != ProcessState::kZombie) cpu_limit_changed(process);
    if (resource == kRLIMIT_AS && process.memory) process.memory->limit_bytes = wanted.now;
    return {};
}

}  // namespace

Result<int64_t> getrlimit(Call& call) {
    unsigned const resource = call.argument_as<unsigned>(0);
    if (resource >= kRLIMITs) return Errno::kEINVAL;
    KOS_TRY_STATUS(call.write_user(call.argument(1), call.process().limits[resource]));
    return 0;
}

Result<int64_t> setrlimit(Call& call) {
    unsigned const resource = call.argument_as<unsigned>(0);
    KOS_TRY(ResourceLimit const wanted, call.read_user<ResourceLimit>(call.argument(1)));
    if (resource >= kRLIMITs) return Errno::kEINVAL;
    KOS_TRY_STATUS(set_limit(call, call.process(), resource, wanted));
    return 0;
}

Result<int64_t> prlimit64(Call& call) {
    int const pid = call.argument_as<int>(0);
    unsigned const resource = call.argument_as<unsigned>(1);
    uint64_t const new_address = call.argument(2), old_address = call.argument(3);
    if (resource >= kRLIMITs) return Errno::kEINVAL;
    ResourceLimit wanted{};
    if (new_address) {
        KOS_TRY(wanted, call.read_user<ResourceLimit>(new_address));
    }
    Process* process = &call.process();
    if (pid != 0) {
        Thread* const thread = pid > 0 ? process->system.find_thread(pid) : nullptr;
        if (!thread) return Errno::kESRCH;
        process = &thread->process;
    }
    KOS_TRY_STATUS(may_change(call.process(), *process));
    ResourceLimit const old = process->limits[resource];
    if (new_address) KOS_TRY_STATUS(set_limit(call, *process, resource, wanted));
    if (old_address) KOS_TRY_STATUS(call.write_user(old_address, old));
    return 0;
}

ResourceUsage usage_of(Nanoseconds cpu, uint64_t resident_pages) {
    ResourceUsage usage{};
    usage.user = {cpu / 1'000'000'000, cpu % 1'000'000'000 / 1000};
    usage.resident_max = static_cast<int64_t>(resident_pages * (kPageBytes / 1024));
    return usage;
}

Result<int64_t> getrusage(Call& call) {
    constexpr int kRUSAGE_CHILDREN = -1, kRUSAGE_SELF = 0, kRUSAGE_THREAD = 1;
    Process& self = call.process();
    ResourceUsage usage{};
    switch (call.argument_as<int>(0)) {
        case kRUSAGE_SELF: usage = usage_of(cpu_time(self), self.memory->resident_pages()); break;
        case kRUSAGE_THREAD:
            usage = usage_of(call.thread.machine ? call.thread.machine->cpu_time() : 0, self.memory->resident_pages());
            break;
        case kRUSAGE_CHILDREN: usage = usage_of(self.children_time, 0); break;
        default: return Errno::kEINVAL;
    }
    KOS_TRY_STATUS(call.write_user(call.argument(1), usage));
    return 0;
}

}  // namespace kos::lx
