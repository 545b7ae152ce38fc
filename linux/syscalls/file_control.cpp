// ioctl, directories, locks.
#include "signal/file_signals.h"
#include "signal/signals.h"
#include "syscalls/file.h"
#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/fcntl.h"
#include "vfs/locks.h"

#include <string.h>

namespace kos::lx {

// --- ioctl: what all files know; the rest is the file's.

Result<int64_t> sys_ioctl(Call& call) {
    constexpr uint32_t kFIONCLEX = 0x5450, kFIOCLEX = 0x5451, kFIONBIO = 0x5421, kFIOASYNC = 0x5452, kFIOQSIZE = 0x5460,
                       kFIONREAD = 0x541b, kFIGETBSZ = 2;
    KOS_TRY(auto const file, call.file(0));
    uint32_t const request = call.argument_as<uint32_t>(1);
    uint64_t const argument = call.argument(2);
    bool const is_regular = file->inode() && file->inode()->is_regular();
    switch (request) {
        case kFIOCLEX:
        case kFIONCLEX:
            call.process().files->set_close_on_exec(call.argument_as<int>(0), request == kFIOCLEX);
            return 0;
        case kFIONBIO: {
            KOS_TRY(int32_t const value, call.read_user<int32_t>(argument));
            file->flags = value ? file->flags | kO_NONBLOCK : file->flags & ~kO_NONBLOCK;
            return 0;
        }
        case kFIOASYNC: {
            KOS_TRY(int32_t const value, call.read_user<int32_t>(argument));
            KOS_TRY_STATUS(set_asynchronous(call.process(), *file, call.argument_as<int>(0), value));
            return 0;
        }
        case kFIOQSIZE: {
            if (!is_regular && !(file->inode() && file->inode()->is_directory())) return Errno::kENOTTY;
            KOS_TRY(auto const attributes, file->attributes());
            KOS_TRY_STATUS(call.write_user(argument, attributes.size));
            return 0;
        }
        case kFIONREAD:
            if (is_regular) {
                KOS_TRY(uint64_t const size, file->inode()->size());
                uint64_t const left = size > file->position ? size - file->position : 0;
                KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(left)));
                return 0;
            }
            break;
        case kFIGETBSZ:
            if (is_regular) {
                KOS_TRY(auto const attributes, file->attributes());
                KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(attributes.block_bytes)));
                return 0;
            }
            break;
        default: break;
    }
    return file->ioctl(call, request, argument);
}

// --- getdents64

namespace {

constexpr uint8_t directory_type(Mode type) { return static_cast<uint8_t>((type & kS_IFMT) >> 12); }  // DT_*

// Writes struct linux_dirent64 after struct linux_dirent64.
class DirentWriter final : public Inode::EntrySink {
public:
    explicit DirentWriter(UserBuffer& to) : to_(to) {}

    bool take(const Inode::Entry& entry) override {
        struct Header {
            uint64_t inode;
            int64_t next;
            uint16_t bytes;
            uint8_t type;
        };
        constexpr size_t kHeaderBytes = 19;
        if (entry.name.size() > kNameMax) return true;  // no file system has such
        std::byte record[kHeaderBytes + kNameMax + 1 + 8] = {};
        size_t const bytes = (kHeaderBytes + entry.name.size() + 1 + 7) & ~size_t{7};
        if (bytes > to_.remaining()) {
            is_full = true;
            return false;
        }
        Header const header{entry.inode, static_cast<int64_t>(entry.next), static_cast<uint16_t>(bytes),
                            directory_type(entry.type)};
        memcpy(record, &header, kHeaderBytes);
        memcpy(record + kHeaderBytes, entry.name.data(), entry.name.size());
        auto const moved = to_.out(record, bytes);
        if (!moved.ok() || *moved != bytes) {
            has_fault = true;
            return false;
        }
        next = entry.next;
        written += bytes;
        return true;
    }

    uint64_t next = 0;
    size_t written = 0;
    bool is_full = false, has_fault = false;

private:
    UserBuffer& to_;
};

}  // namespace

Result<int64_t> sys_getdents64(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    if (!file->inode() || !file->inode()->is_directory()) return Errno::kENOTDIR;
    if (file->location.dentry && file->location.dentry->is_deleted()) return Errno::kENOENT;
    UserBuffer to(call.memory(), call.argument(1), call.argument_as<uint32_t>(2), IoBuffer::Direction::kToProgram);
    DirentWriter writer(to);
    KOS_TRY_STATUS(file->read_directory(writer, file->position));
    if (!writer.written) {
        if (writer.has_fault) return Errno::kEFAULT;
        return writer.is_full ? Errno::kEINVAL : Result<int64_t>(int64_t{0});
    }
    file->position = writer.next;
    return static_cast<int64_t>(writer.written);
}

// --- Locks.

namespace {

// Lives as long as a call waits for a POSIX lock: so others see who waits for whom.
class WaitingForLock final : public CallExtra {
public:
    WaitingForLock(FileLocks& locks, const FileLock& wanted) : waiter_(locks, wanted) {}

private:
    LockWaiter waiter_;
};

FileLocks& locks_of(Inode& inode) {
    Inode::Extras& extras = inode.make_extras();
    if (!extras.locks) extras.locks = std::make_unique<FileLocks>();
    return *extras.locks;
}

// Sets or waits.
Result<int64_t> take_lock(Call& call, Inode& inode, const FileLock& wanted, bool waits) {
    FileLocks& locks = locks_of(inode);
    call.progress.extra.reset();
    Status const status = locks.set(wanted);
    if (status.ok()) return int64_t{0};
    if (status.error() != Errno::kEAGAIN || !waits) return status.error();
    if (wanted.kind == LockKind::kPosix) {
        if (LockWaiter::would_deadlock(locks, wanted)) return Errno::kEDEADLK;
        call.progress.extra = std::make_unique<WaitingForLock>(locks, wanted);
    }
    call.wait_for(locks.queue);
    return call.sleep();
}

struct UserLock {  // struct flock, asm-generic/fcntl.h
    int16_t type, whence;
    int32_t padding;
    int64_t start, bytes;
    int32_t pid, padding2;
};
static_assert(sizeof(UserLock) == 32);

Result<FileLock> range_of(File& file, const UserLock& from) {
    int64_t base = 0;
    switch (from.whence) {
        case 0: break;
        case 1: base = static_cast<int64_t>(file.position); break;
        case 2: {
            KOS_TRY(uint64_t const size, file.inode()->size());
            base = static_cast<int64_t>(size);
            break;
        }
        default: return Errno::kEINVAL;
    }
    int64_t start = 0;
    if (__builtin_add_overflow(base, from.start, &start)) return Errno::kEOVERFLOW;
    if (start < 0) return Errno::kEINVAL;
    FileLock lock;
    if (from.bytes < 0) {
        // The bytes before `start`.
        int64_t first = 0;
        if (__builtin_add_overflow(start, from.bytes, &first) || first < 0) return Errno::kEINVAL;
        lock.start = static_cast<uint64_t>(first);
        lock.last = static_cast<uint64_t>(start) - 1;
    } else {
        lock.start = static_cast<uint64_t>(start);
        int64_t end = 0;
        if (from.bytes == 0) {
            lock.last = UINT64_MAX;
        } else if (__builtin_add_overflow(start, from.bytes - 1, &end)) {
            return Errno::kEOVERFLOW;
        } else {
            lock.last = static_cast<uint64_t>(end);
        }
    }
    return lock;
}

UserLock describe(const FileLock& lock) {
    UserLock to{};
    to.type = static_cast<int16_t>(lock.is_exclusive ? kF_WRLCK : kF_RDLCK);
    to.start = static_cast<int64_t>(lock.start);
    to.bytes = lock.last == UINT64_MAX ? 0 : static_cast<int64_t>(lock.last - lock.start + 1);
    to.pid = lock.kind == LockKind::kPosix ? lock.pid : -1;
    return to;
}

}  // namespace

Result<int64_t> sys_flock(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    int const operation = call.argument_as<int>(1);
    int const kind = operation & ~kLOCK_NB;
    if (kind != kLOCK_SH && kind != kLOCK_EX && kind != kLOCK_UN) return Errno::kEINVAL;
    Inode* const inode = file->inode();
    // Nobody else can come to a file without an inode by a name.
    if (!inode) return int64_t{0};
    FileLock lock;
    lock.kind = LockKind::kFlock;
    lock.owner = file.get();
    lock.pid = -1;
    lock.is_exclusive = kind == kLOCK_EX;
    if (kind == kLOCK_UN) {
        if (inode->extras && inode->extras->locks) KOS_TRY_STATUS(inode->extras->locks->clear(lock));
        return int64_t{0};
    }
    file->has_locks = Ref<Inode>(inode);
    // Changing the kind is not atomic (flock(2)): the old lock goes, then the new one is waited for.
    if (!locks_of(*inode).find_conflict(lock)) return take_lock(call, *inode, lock, false);
    KOS_TRY_STATUS(locks_of(*inode).clear(lock));
    return take_lock(call, *inode, lock, !(operation & kLOCK_NB));
}

Result<int64_t> lock_of_fcntl(Call& call, const Ref<File>& file, unsigned command) {
    bool const is_open_file = command == kF_OFD_GETLK || command == kF_OFD_SETLK || command == kF_OFD_SETLKW;
    bool const only_asks = command == kF_GETLK || command == kF_OFD_GETLK;
    bool const waits = command == kF_SETLKW || command == kF_OFD_SETLKW;
    KOS_TRY(UserLock user, call.read_user<UserLock>(call.argument(2)));
    if (user.type != kF_RDLCK && user.type != kF_WRLCK && user.type != kF_UNLCK) return Errno::kEINVAL;
    if (only_asks && user.type == kF_UNLCK) return Errno::kEINVAL;
    if (is_open_file && user.pid != 0) return Errno::kEINVAL;
    Inode* const inode = file->inode();
    if (!inode) return Errno::kEINVAL;
    KOS_TRY(FileLock lock, range_of(*file, user));
    lock.kind = is_open_file ? LockKind::kOpenFile : LockKind::kPosix;
    lock.owner = is_open_file ? static_cast<const void*>(file.get()) : call.process().files.get();
    lock.pid = is_open_file ? -1 : call.process().pid;
    lock.is_exclusive = user.type == kF_WRLCK;
    if (only_asks) {
        const FileLock* const obstacle =
            inode->extras && inode->extras->locks ? inode->extras->locks->find_conflict(lock) : nullptr;
        if (obstacle) {
            user = describe(*obstacle);
        } else {
            user.type = static_cast<int16_t>(kF_UNLCK);
        }
        KOS_TRY_STATUS(call.write_user(call.argument(2), user));
        return int64_t{0};
    }
    if (user.type == kF_UNLCK) {
        if (inode->extras && inode->extras->locks) KOS_TRY_STATUS(inode->extras->locks->clear(lock));
        return int64_t{0};
    }
    if (lock.is_exclusive ? !file->may_write() : !file->may_read()) return Errno::kEBADF;
    if (is_open_file) file->has_locks = Ref<Inode>(inode);
    return take_lock(call, *inode, lock, waits);
}

}  // namespace kos::lx
