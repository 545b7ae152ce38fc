// File descriptors: duplicating, closing, flags.
#include "signal/file_signals.h"
#include "syscalls/families.h"
#include "syscalls/file.h"
#include "vfs/fcntl.h"

namespace kos::lx {

namespace {

constexpr uint32_t kChangeable = kO_APPEND | kO_NONBLOCK | kO_DIRECT | kO_NOATIME;

Result<int64_t> sys_dup(Call& call) {
    KOS_TRY(auto file, call.any_file(0));
    KOS_TRY(int const fd, call.process().files->add(std::move(file), false));
    return int64_t{fd};
}

Result<int64_t> sys_dup3(Call& call) {
    int const old_fd = call.argument_as<int>(0), new_fd = call.argument_as<int>(1);
    uint32_t const flags = call.argument_as<uint32_t>(2);
    if (flags & ~kO_CLOEXEC || old_fd == new_fd) return Errno::kEINVAL;
    KOS_TRY(auto file, call.any_file(0));
    KOS_TRY_STATUS(call.process().files->set(new_fd, std::move(file), flags & kO_CLOEXEC, call.process()));
    return int64_t{new_fd};
}

Result<int64_t> sys_close(Call& call) {
    KOS_TRY_STATUS(call.process().files->close(call.argument_as<int>(0), call.process()));
    return int64_t{0};
}

Result<int64_t> sys_close_range(Call& call) {
    constexpr uint32_t kUnshare = 2, kCloexec = 4;
    unsigned const first = call.argument_as<unsigned>(0), last = call.argument_as<unsigned>(1);
    uint32_t const flags = call.argument_as<uint32_t>(2);
    if (flags & ~(kUnshare | kCloexec) || first > last) return Errno::kEINVAL;
    Process& process = call.process();
    if (flags & kUnshare && process.files->references() > 1) process.files = process.files->copy();
    if (flags & kCloexec) {
        process.files->mark_range(first, last);
    } else {
        process.files->close_range(first, last, process);
    }
    return int64_t{0};
}

Result<int64_t> duplicate(Call& call, const Ref<File>& file, bool close_on_exec) {
    int const least = call.argument_as<int>(2);
    if (least < 0 || least >= call.process().files->limit) return Errno::kEINVAL;
    KOS_TRY(int const fd, call.process().files->add(file, close_on_exec, least));
    return int64_t{fd};
}

// F_SETOWN_EX: struct f_owner_ex.
struct UserOwner {
    int32_t type, pid;
};
constexpr int32_t kOwnerThread = 0, kOwnerProcess = 1, kOwnerGroup = 2;

Result<int64_t> sys_fcntl(Call& call) {
    KOS_TRY(auto const file, call.any_file(0));
    unsigned const command = call.argument_as<unsigned>(1);
    uint64_t const argument = call.argument(2);
    int const fd = call.argument_as<int>(0);
    switch (command) {
        case kF_DUPFD: return duplicate(call, file, false);
        case kF_DUPFD_CLOEXEC: return duplicate(call, file, true);
        case kF_GETFD: return int64_t{call.process().files->close_on_exec(fd)};
        case kF_SETFD: call.process().files->set_close_on_exec(fd, argument & 1); return int64_t{0};
        case kF_GETFL: return int64_t{file->flags};
        default: break;
    }
    if (file->flags & kO_PATH) return Errno::kEBADF;
    switch (command) {
        case kF_SETFL:
            // Files that are always ready have nothing to tell.
            if ((file->flags ^ argument) & kO_ASYNC && file->can_poll()) {
                KOS_TRY_STATUS(set_asynchronous(call.process(), *file, fd, argument & kO_ASYNC));
            }
            file->flags = (file->flags & ~kChangeable) | (argument & kChangeable);
            return int64_t{0};
        case kF_GETLK:
        case kF_SETLK:
        case kF_SETLKW:
        case kF_OFD_GETLK:
        case kF_OFD_SETLK:
        case kF_OFD_SETLKW: return lock_of_fcntl(call, file, command);
        case kF_SETOWN:
            KOS_TRY_STATUS(set_file_owner(call.process(), *file, static_cast<int32_t>(argument), false));
            return int64_t{0};
        case kF_GETOWN: return int64_t{file->owner.number};
        case kF_SETOWN_EX: {
            KOS_TRY(auto const owner, call.read_user<UserOwner>(argument));
            if (owner.type < kOwnerThread || owner.type > kOwnerGroup || owner.pid < 0) return Errno::kEINVAL;
            KOS_TRY_STATUS(set_file_owner(call.process(), *file, owner.type == kOwnerGroup ? -owner.pid : owner.pid,
                                          owner.type == kOwnerThread));
            return int64_t{0};
        }
        case kF_GETOWN_EX: {
            const File::Owner& from = file->owner;
            int32_t const type = from.is_thread ? kOwnerThread : from.number < 0 ? kOwnerGroup : kOwnerProcess;
            UserOwner const owner{type, from.number < 0 ? -from.number : from.number};
            KOS_TRY_STATUS(call.write_user(argument, owner));
            return int64_t{0};
        }
        case kF_GETOWNER_UIDS: {
            uint32_t const users[2] = {file->owner.uid, file->owner.euid};
            KOS_TRY_STATUS(call.write_user(argument, users));
            return int64_t{0};
        }
        case kF_SETSIG:
            if (argument > 64) return Errno::kEINVAL;
            file->owner.signal = static_cast<uint32_t>(argument);
            return int64_t{0};
        case kF_GETSIG: return int64_t{file->owner.signal};
        case kF_NOTIFY:
            KOS_TRY_STATUS(notify_of_directory(call.process(), *file, fd, static_cast<uint32_t>(argument)));
            return int64_t{0};
        case kF_GETLEASE: return int64_t{kF_UNLCK};
        default: return file->control(command, argument);
    }
}

constexpr SystemCall kTable[] = {
    {23, "dup", sys_dup, Support::kFull, nullptr},
    {24, "dup3", sys_dup3, Support::kFull, nullptr},
    {25, "fcntl", sys_fcntl, Support::kPartial, "leases"},
    {57, "close", sys_close, Support::kFull, nullptr},
    {436, "close_range", sys_close_range, Support::kFull, nullptr},
};

}  // namespace

const std::span<const SystemCall> kDescriptorCalls = kTable;

}  // namespace kos::lx
