// prctl(2), namespaces (there is one of each), and other processes' memory.
#include "syscalls/task.h"
#include "task/system.h"

#include <string.h>

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSET_PDEATHSIG = 1, kGET_PDEATHSIG = 2, kGET_DUMPABLE = 3, kSET_DUMPABLE = 4, kGET_KEEPCAPS = 7,
                   kSET_KEEPCAPS = 8, kGET_TIMING = 13, kSET_TIMING = 14, kSET_NAME = 15, kGET_NAME = 16,
                   kGET_SECCOMP = 21, kCAPBSET_READ = 23, kCAPBSET_DROP = 24, kGET_SECUREBITS = 27,
                   kSET_TIMERSLACK = 29, kGET_TIMERSLACK = 30, kSET_CHILD_SUBREAPER = 36, kGET_CHILD_SUBREAPER = 37,
                   kSET_NO_NEW_PRIVS = 38, kGET_NO_NEW_PRIVS = 39, kGET_TID_ADDRESS = 40, kSET_THP_DISABLE = 41,
                   kGET_THP_DISABLE = 42, kCAP_AMBIENT = 47;
constexpr unsigned kCapabilities = 41;
constexpr uint64_t kDefaultSlack = 50'000;

Result<int64_t> ambient(Call& call) {
    constexpr uint64_t kIS_SET = 1, kRAISE = 2, kLOWER = 3, kCLEAR_ALL = 4;
    Credentials& who = call.process().credentials;
    uint64_t const operation = call.argument(1), number = call.argument(2);
    if (call.argument(3) || call.argument(4)) return Errno::kEINVAL;
    if (operation == kCLEAR_ALL) {
        if (number) return Errno::kEINVAL;
        who.ambient = 0;
        return 0;
    }
    if (number >= kCapabilities) return Errno::kEINVAL;
    uint64_t const bit = uint64_t{1} << number;
    switch (operation) {
        case kIS_SET: return who.ambient & bit ? 1 : 0;
        case kRAISE:
            if (!(who.permitted & who.inheritable & bit)) return Errno::kEPERM;
            who.ambient |= bit;
            return 0;
        case kLOWER: who.ambient &= ~bit; return 0;
        default: return Errno::kEINVAL;
    }
}

Result<int64_t> set_name(Call& call) {
    char name[16] = {};
    // Up to the zero: what follows it need not be readable.
    for (size_t index = 0; index < sizeof name - 1; ++index) {
        KOS_TRY(name[index], call.read_user<char>(call.argument(1) + index));
        if (!name[index]) break;
    }
    memcpy(call.thread.name, name, sizeof name);
    if (call.thread.tid == call.process().pid) call.process().command = name;
    return 0;
}

}  // namespace

Result<int64_t> prctl(Call& call) {
    Process& process = call.process();
    uint64_t const first = call.argument(1);
    bool const has_more = call.argument(2) || call.argument(3) || call.argument(4);
    switch (call.argument_as<uint32_t>(0)) {
        case kSET_PDEATHSIG:
            if (first > static_cast<uint64_t>(kSignals)) return Errno::kEINVAL;
            process.parent_death_signal = static_cast<int>(first);
            return 0;
        case kGET_PDEATHSIG: KOS_TRY_STATUS(call.write_user(first, int32_t{process.parent_death_signal})); return 0;
        case kGET_DUMPABLE: return process.is_dumpable;
        case kSET_DUMPABLE:
            if (first > 1) return Errno::kEINVAL;
            process.is_dumpable = first;
            return 0;
        case kGET_KEEPCAPS: return process.credentials.keeps_capabilities;
        case kSET_KEEPCAPS:
            if (first > 1) return Errno::kEINVAL;
            process.credentials.keeps_capabilities = first;
            return 0;
        case kGET_TIMING: return 0;
        case kSET_TIMING: return first == 0 ? Result<int64_t>{0} : Errno::kEINVAL;
        case kSET_NAME: return set_name(call);
        case kGET_NAME:
            KOS_TRY_STATUS(call.memory().copy_out(first, call.thread.name, sizeof call.thread.name));
            return 0;
        case kGET_SECCOMP: return 0;
        case kCAPBSET_READ:
            if (first >= kCapabilities) return Errno::kEINVAL;
            return process.credentials.bounding >> first & 1;
        case kCAPBSET_DROP:
            if (!process.credentials.has_capability(kCAP_SETPCAP)) return Errno::kEPERM;
            if (first >= kCapabilities) return Errno::kEINVAL;
            process.credentials.bounding &= ~(uint64_t{1} << first);
            return 0;
        case kGET_SECUREBITS: return 0;
        case kSET_TIMERSLACK:
            call.thread.timer_slack = static_cast<int64_t>(first) <= 0 ? kDefaultSlack : first;
            return 0;
        case kGET_TIMERSLACK: return static_cast<int64_t>(call.thread.timer_slack);
        case kSET_CHILD_SUBREAPER: process.is_subreaper = first != 0; return 0;
        case kGET_CHILD_SUBREAPER: KOS_TRY_STATUS(call.write_user(first, int32_t{process.is_subreaper})); return 0;
        case kSET_NO_NEW_PRIVS:
            if (first != 1 || has_more) return Errno::kEINVAL;
            process.no_new_privileges = true;
            return 0;
        case kGET_NO_NEW_PRIVS:
            if (first || has_more) return Errno::kEINVAL;
            return process.no_new_privileges;
        case kGET_TID_ADDRESS: KOS_TRY_STATUS(call.write_user(first, call.thread.clear_tid)); return 0;
        case kSET_THP_DISABLE: return has_more ? Result<int64_t>{Errno::kEINVAL} : 0;
        case kGET_THP_DISABLE: return first || has_more ? Result<int64_t>{Errno::kEINVAL} : 0;
        case kCAP_AMBIENT: return ambient(call);
        default: return Errno::kEINVAL;
    }
}

// There is one namespace of each kind and no more can be made.
Result<int64_t> unshare(Call& call) {
    constexpr uint64_t kVM = 0x100, kFS = 0x200, kFILES = 0x400, kSIGHAND = 0x800, kTHREAD = 0x1'0000,
                       kSYSVSEM = 0x4'0000, kNamespaces = 0x7e02'0080;
    uint64_t const flags = call.argument(0);
    if (flags & ~(kVM | kFS | kFILES | kSIGHAND | kTHREAD | kSYSVSEM | kNamespaces)) return Errno::kEINVAL;
    Process& process = call.process();
    if (flags & (kVM | kSIGHAND | kTHREAD) && process.threads.size() > 1) return Errno::kEINVAL;
    if (flags & kNamespaces) return Errno::kEPERM;
    if (flags & kFS && process.paths->references() > 1) {
        auto paths = make_ref<PathState>();
        paths->context = process.paths->context;
        process.paths = paths;
    }
    if (flags & kFILES && process.files->references() > 1) process.files = process.files->copy();
    return 0;
}

Result<int64_t> setns(Call& call) {
    KOS_TRY_STATUS(call.any_file(0));
    return Errno::kEINVAL;
}

Result<int64_t> personality(Call& call) {
    constexpr uint32_t kQuery = 0xffff'ffff;
    unsigned const before = call.process().personality;
    if (call.argument_as<uint32_t>(0) != kQuery) call.process().personality = call.argument_as<uint32_t>(0);
    return before;
}

namespace {

// Copies between this process and another one until one of the two lists ends or a byte is not accessible.
Result<int64_t> move_memory(Call& call, bool writes) {
    if (call.argument(5) != 0) return Errno::kEINVAL;
    using Direction = IoBuffer::Direction;
    Thread* const thread = call.process().system.find_thread(call.argument_as<int>(0));
    // Counts and lengths first: they are wrong whoever is meant.
    KOS_TRY(auto local, UserBuffer::of_vector(call.memory(), call.argument(1), call.argument(2),
                                              writes ? Direction::kFromProgram : Direction::kToProgram));
    if (call.argument(4) > kIovMax) return Errno::kEINVAL;
    if (local.remaining() == 0 || call.argument(4) == 0) return 0;
    if (!thread || !thread->process.memory) return Errno::kESRCH;
    Process& other = thread->process;
    const Credentials& from = call.process().credentials;
    const Credentials& to = other.credentials;
    bool const is_same = from.uid == to.uid && from.uid == to.euid && from.uid == to.suid && other.is_dumpable;
    if (&other != &call.process() && !is_same && !from.has_capability(kCAP_SYS_PTRACE)) return Errno::kEPERM;

    int64_t moved = 0;
    for (uint64_t index = 0; index < call.argument(4) && local.remaining(); ++index) {
        KOS_TRY(UserPiece const piece, call.read_user<UserPiece>(call.argument(3) + index * sizeof(UserPiece)));
        UserBuffer remote(*other.memory, piece.address, piece.bytes < kIoMax ? piece.bytes : kIoMax,
                          writes ? Direction::kToProgram : Direction::kFromProgram);
        while (remote.remaining() && local.remaining()) {
            // Both may be the same memory: through a buffer of the server.
            std::byte bytes[4096];
            size_t const most = std::min({sizeof bytes, remote.remaining(), local.remaining()});
            auto got = writes ? local.in(bytes, most) : remote.in(bytes, most);
            auto put = got.ok() ? (writes ? remote.out(bytes, *got) : local.out(bytes, *got)) : got;
            if (!put.ok()) return moved ? Result<int64_t>{moved} : put.error();
            moved += static_cast<int64_t>(*put);
            if (*put < most) return moved;
        }
    }
    return moved;
}

}  // namespace

Result<int64_t> process_vm_readv(Call& call) { return move_memory(call, false); }
Result<int64_t> process_vm_writev(Call& call) { return move_memory(call, true); }

}  // namespace kos::lx
