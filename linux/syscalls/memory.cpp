// Memory: mmap(2) and relatives.
#include "syscalls/families.h"

#include "mm/page_state.h"
#include "mm/shared_memory.h"
#include "task/system.h"

namespace kos::lx {

namespace {

Result<int64_t> nothing(const Status& status) {
    KOS_TRY_STATUS(status);
    return int64_t{0};
}

Result<int64_t> sys_brk(Call& call) {
    AddressSpace& memory = call.memory();
    uint64_t const wanted = call.argument(0);
    bool const is_beyond =
        wanted > memory.break_start && wanted - memory.break_start > call.process().limits[kRLIMIT_DATA].now;
    return static_cast<int64_t>(is_beyond ? memory.break_end : memory.set_break(wanted));
}

Result<int64_t> sys_munmap(Call& call) { return nothing(call.memory().unmap(call.argument(0), call.argument(1))); }

Result<int64_t> sys_mremap(Call& call) {
    KOS_TRY(uint64_t const address, call.memory().remap(call.argument(0), call.argument(1), call.argument(2),
                                                        call.argument_as<uint32_t>(3), call.argument(4)));
    return static_cast<int64_t>(address);
}

Result<int64_t> sys_mmap(Call& call) {
    auto const protection = call.argument_as<uint32_t>(2), flags = call.argument_as<uint32_t>(3);
    Ref<File> file;
    if (!(flags & kMAP_ANONYMOUS)) {
        KOS_TRY(file, call.file(4));
        bool const is_shared = (flags & kMAP_TYPE) != kMAP_PRIVATE;
        if (is_shared && call.argument(1)) {
            if (Ref<File> own = file->for_shared_mapping(call.argument(1))) file = std::move(own);
        }
    } else if ((flags & kMAP_TYPE) != kMAP_PRIVATE) {
        KOS_TRY(file, make_shared_memory(call.process().system, call.argument(1)));
    }
    uint64_t const offset = flags & kMAP_ANONYMOUS ? 0 : call.argument(5);
    KOS_TRY(uint64_t const address,
            call.memory().map(call.argument(0), call.argument(1), protection, flags, std::move(file), offset));
    return static_cast<int64_t>(address);
}

Result<int64_t> sys_mprotect(Call& call) {
    return nothing(call.memory().protect(call.argument(0), call.argument(1), call.argument_as<uint32_t>(2)));
}

Result<int64_t> sys_msync(Call& call) {
    return nothing(call.memory().synchronize(call.argument(0), call.argument(1), call.argument_as<uint32_t>(2)));
}

// All memory stays where it is here: locking is a promise that holds anyway.
Result<int64_t> sys_lock_range(Call& call) {
    uint64_t const start = page_down(call.argument(0));
    uint64_t const bytes = call.argument(1);
    if (bytes > kUserEnd || start > kUserEnd - bytes) return Errno::kEINVAL;
    for (uint64_t at = start; at < call.argument(0) + bytes;) {
        const Mapping* const mapping = call.memory().find(at);
        if (!mapping) return Errno::kENOMEM;
        at = mapping->end;
    }
    return int64_t{0};
}

Result<int64_t> sys_mlock2(Call& call) {
    constexpr uint64_t kOnFault = 1;
    if (call.argument(2) & ~kOnFault) return Errno::kEINVAL;
    return sys_lock_range(call);
}

Result<int64_t> sys_mlockall(Call& call) {
    constexpr uint64_t kCurrent = 1, kFuture = 2, kOnFault = 4;
    uint64_t const flags = call.argument(0);
    if (flags & ~(kCurrent | kFuture | kOnFault) || flags == 0 || flags == kOnFault) return Errno::kEINVAL;
    return int64_t{0};
}

Result<int64_t> sys_munlockall(Call&) { return int64_t{0}; }

Result<int64_t> sys_mincore(Call& call) {
    uint64_t at = call.argument(0), left = page_up(call.argument(1)) / kPageBytes, to = call.argument(2);
    if (at % kPageBytes) return Errno::kEINVAL;
    while (left) {
        uint8_t pages[256] = {};
        uint64_t const now = left < sizeof pages ? left : sizeof pages;
        KOS_TRY_STATUS(call.memory().present(at, now * kPageBytes, pages));
        for (uint8_t& page : pages) page &= kPagePresent;
        KOS_TRY_STATUS(call.memory().copy_out(to, pages, now));
        at += now * kPageBytes;
        to += now;
        left -= now;
    }
    return int64_t{0};
}

Result<int64_t> sys_madvise(Call& call) {
    return nothing(call.memory().advise(call.argument(0), call.argument(1), call.argument_as<unsigned>(2)));
}

// There is one node of memory.
Result<int64_t> sys_get_mempolicy(Call& call) {
    constexpr uint64_t kNode = 1, kAddress = 2, kNodesAllowed = 4;
    uint64_t const address = call.argument(3), flags = call.argument(4);
    if (flags & ~(kNode | kAddress | kNodesAllowed)) return Errno::kEINVAL;
    if (flags & kNodesAllowed && flags & (kNode | kAddress)) return Errno::kEINVAL;
    if (flags & kAddress) {
        auto const there = call.read_user<uint8_t>(address);
        if (!there.ok()) return there.error();
    } else if (address || flags & kNode) {
        return Errno::kEINVAL;  // the next node of an interleaving policy, which nobody has
    }
    // The default policy, or node 0: there is one.
    if (call.argument(0)) KOS_TRY_STATUS(call.write_user<int32_t>(call.argument(0), 0));
    if (call.argument(1)) {
        uint64_t const bits = call.argument(2);
        if (bits == 0 || bits > 32768) return Errno::kEINVAL;
        KOS_TRY_STATUS(call.memory().zero(call.argument(1), (bits + 63) / 64 * 8));
        if (flags & kNodesAllowed) KOS_TRY_STATUS(call.write_user(call.argument(1), uint64_t{1}));
    }
    return int64_t{0};
}

// Number, name, handler, support, what is missing.
constexpr SystemCall kCalls[] = {
    {214, "brk", sys_brk, Support::kFull, ""},
    {215, "munmap", sys_munmap, Support::kFull, ""},
    {216, "mremap", sys_mremap, Support::kFull, ""},
    {222, "mmap", sys_mmap, Support::kPartial, "no huge pages (MAP_HUGETLB: EINVAL); MAP_GROWSDOWN does not grow"},
    {226, "mprotect", sys_mprotect, Support::kPartial, "no PROT_BTI, PROT_MTE, protection keys"},
    {227, "msync", sys_msync, Support::kFull, ""},
    {228, "mlock", sys_lock_range, Support::kFull, ""},
    {229, "munlock", sys_lock_range, Support::kFull, ""},
    {230, "mlockall", sys_mlockall, Support::kFull, ""},
    {231, "munlockall", sys_munlockall, Support::kFull, ""},
    {232, "mincore", sys_mincore, Support::kFull, ""},
    {233, "madvise", sys_madvise, Support::kPartial,
     "MADV_REMOVE: EOPNOTSUPP; MADV_FREE frees at once; hints do nothing"},
    {236, "get_mempolicy", sys_get_mempolicy, Support::kPartial, "the default policy, and one node"},
    {284, "mlock2", sys_mlock2, Support::kFull, ""},
};
constexpr std::span<const SystemCall> kTable = kCalls;

}  // namespace

const std::span<const SystemCall> kMemoryCalls = kTable;

}  // namespace kos::lx
