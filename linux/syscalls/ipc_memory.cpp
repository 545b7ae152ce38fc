// shmget, shmat, shmdt, shmctl.
#include "mm/shared_memory.h"
#include "syscalls/families.h"
#include "syscalls/ipc.h"

#include <set>

namespace kos::lx {

namespace {

constexpr uint32_t kSHM_RDONLY = 010000, kSHM_RND = 020000, kSHM_REMAP = 040000, kSHM_EXEC = 0100000,
                   kSHM_HUGETLB = 04000, kSHM_DEST = 01000;
constexpr int kSHM_LOCK = 11, kSHM_UNLOCK = 12, kSHM_STAT = 13, kSHM_INFO = 14, kSHM_STAT_ANY = 15;

struct UserSegment {  // struct shmid64_ds
    UserPermissions permissions;
    uint64_t bytes;
    int64_t attached, detached, changed;
    int32_t creator, last;
    uint64_t attaches, unused[2];
};
static_assert(sizeof(UserSegment) == 112);
struct UserLimits {  // struct shminfo64
    uint64_t most_bytes, least_bytes, segments, per_process, pages, unused[4];
};
struct UserUse {  // struct shm_info
    int32_t used;
    uint64_t pages, resident, swapped, swap_attempts, swap_successes;
};

// Calls visit(memory) for each address space once.
template <class Visit>
void each_memory(System& system, Visit visit) {
    std::set<const AddressSpace*> seen;
    for (auto& [pid, process] : system.processes()) {
        if (process->memory && seen.insert(process->memory.get()).second) visit(*process->memory);
    }
}

uint64_t attaches(System& system, const SharedSegment& segment) {
    uint64_t count = 0;
    each_memory(system, [&](const AddressSpace& memory) {
        for (const auto& [start, mapping] : memory.mappings()) {
            count += mapping.file == segment.file && mapping.offset == 0;
        }
    });
    return count;
}

Result<int64_t> shmget(Call& call) {
    uint64_t const bytes = call.argument(1);
    uint32_t const flags = call.argument_as<uint32_t>(2);
    Ipc& ipc = ipc_of(call.process().system);
    ipc.forget_removed_memories();
    auto const is_large_enough = [&](SharedSegment& segment) {
        return bytes > segment.bytes ? Status(Errno::kEINVAL) : Status();
    };
    auto const make = [&](SharedSegment& segment) -> Status {
        if (bytes == 0 || bytes > kUserEnd || flags & kSHM_HUGETLB) return Errno::kEINVAL;
        KOS_TRY(segment.file, make_shared_memory(call.process().system, bytes));
        segment.bytes = bytes;
        segment.creator = call.process().pid;
        return {};
    };
    return ipc.memories.obtain(call, call.argument_as<int32_t>(0), flags, is_large_enough, make);
}

Result<int64_t> shmat(Call& call) {
    uint64_t address = call.argument(1);
    uint32_t const flags = call.argument_as<uint32_t>(2);
    Ipc& ipc = ipc_of(call.process().system);
    KOS_TRY(SharedSegment* const segment, ipc.memories.get(call.argument_as<int>(0)));
    if (address % kPageBytes) {
        if (!(flags & kSHM_RND)) return Errno::kEINVAL;
        address = page_down(address);
        if (!address && flags & kSHM_REMAP) return Errno::kEINVAL;
    }
    if (!address && flags & kSHM_REMAP) return Errno::kEINVAL;
    bool const is_read_only = flags & kSHM_RDONLY;
    KOS_TRY_STATUS(check_ipc_access(call.process(), *segment, is_read_only ? 4 : 6));
    uint32_t const protection = kPROT_READ | (is_read_only ? 0 : kPROT_WRITE) | (flags & kSHM_EXEC ? kPROT_EXEC : 0);
    uint32_t const place = !address ? 0 : flags & kSHM_REMAP ? kMAP_FIXED : kMAP_FIXED_NOREPLACE;
    auto const mapped = call.memory().map(address, segment->bytes, protection, kMAP_SHARED | place, segment->file, 0);
    if (!mapped.ok()) return mapped.error() == Errno::kENOMEM ? Errno::kENOMEM : Errno::kEINVAL;
    segment->attached = ipc_now(call);
    segment->last = call.process().pid;
    return static_cast<int64_t>(*mapped);
}

Result<int64_t> shmdt(Call& call) {
    uint64_t const address = call.argument(0);
    if (address % kPageBytes) return Errno::kEINVAL;
    Ipc& ipc = ipc_of(call.process().system);
    for (auto& [place, segment] : ipc.memories.all()) {
        // What is left of it may be several mappings, or begin later.
        std::vector<std::pair<uint64_t, uint64_t>> parts;
        for (const auto& [start, mapping] : call.memory().mappings()) {
            if (mapping.file == segment->file && mapping.start - mapping.offset == address) {
                parts.emplace_back(start, mapping.bytes());
            }
        }
        if (parts.empty()) continue;
        for (auto const& [start, bytes] : parts) KOS_TRY_STATUS(call.memory().unmap(start, bytes));
        segment->detached = ipc_now(call);
        segment->last = call.process().pid;
        ipc.forget_removed_memories();
        return int64_t{0};
    }
    return Errno::kEINVAL;
}

UserSegment describe(Call& call, const SharedSegment& segment) {
    UserSegment to{};
    to.permissions = describe_ipc(segment);
    if (segment.is_removed) to.permissions.mode |= kSHM_DEST;
    to.bytes = segment.bytes;
    to.attached = segment.attached;
    to.detached = segment.detached;
    to.changed = segment.changed;
    to.creator = segment.creator;
    to.last = segment.last;
    to.attaches = attaches(call.process().system, segment);
    return to;
}

Result<int64_t> shmctl(Call& call) {
    int const number = call.argument_as<int>(0), command = call.argument_as<int>(1) & ~kIPC_64;
    uint64_t const buffer = call.argument(2);
    Ipc& ipc = ipc_of(call.process().system);
    ipc.forget_removed_memories();
    auto& table = ipc.memories;
    if (number < 0) return Errno::kEINVAL;
    switch (command) {
        case kIPC_INFO: {
            UserLimits const limits{INT64_MAX, 1, kSharedMemoriesMax, kSharedMemoriesMax, INT64_MAX / kPageBytes, {}};
            KOS_TRY_STATUS(call.write_user(buffer, limits));
            return int64_t{table.last_place()};
        }
        case kSHM_INFO: {
            UserUse use{};
            use.used = static_cast<int32_t>(table.size());
            for (auto& [place, segment] : table.all()) use.pages += page_up(segment->bytes) / kPageBytes;
            use.resident = use.pages;
            KOS_TRY_STATUS(call.write_user(buffer, use));
            return int64_t{table.last_place()};
        }
        case kSHM_STAT:
        case kSHM_STAT_ANY:
        case kIPC_STAT: {
            SharedSegment* segment = table.at(number);
            if (command == kIPC_STAT) {
                KOS_TRY(segment, table.get(number));
            }
            if (!segment) return Errno::kEINVAL;
            if (command != kSHM_STAT_ANY) KOS_TRY_STATUS(check_ipc_access(call.process(), *segment, 4));
            KOS_TRY_STATUS(call.write_user(buffer, describe(call, *segment)));
            return command == kIPC_STAT ? int64_t{0} : int64_t{table.number(*segment)};
        }
        default: break;
    }
    if (command != kIPC_SET && command != kIPC_RMID && command != kSHM_LOCK && command != kSHM_UNLOCK)
        return Errno::kEINVAL;
    UserSegment from{};
    if (command == kIPC_SET) {
        KOS_TRY(from, call.read_user<UserSegment>(buffer));
    }
    KOS_TRY(SharedSegment* const segment, table.get(number));
    KOS_TRY_STATUS(check_ipc_owner(call.process(), *segment));
    if (command == kIPC_SET) change_ipc(*segment, from.permissions, ipc_now(call));
    if (command == kIPC_RMID) {
        segment->is_removed = true;
        segment->key = kIPC_PRIVATE;
        ipc.forget_removed_memories();
    }
    return int64_t{0};
}

constexpr SystemCall kTable[] = {
    {194, "shmget", shmget, Support::kPartial, "no huge pages (SHM_HUGETLB: EINVAL)"},
    {195, "shmctl", shmctl, Support::kPartial, "locking: all memory stays where it is"},
    {196, "shmat", shmat, Support::kPartial, "what is attached with SHM_RDONLY may be made writable by mprotect"},
    {197, "shmdt", shmdt, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kSharedMemoryCalls = kTable;

}  // namespace kos::lx
