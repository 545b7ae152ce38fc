// Calls that name files: opening, making, removing, renaming, changing; working directory and root. What is known of
// files: path_stat.cpp; mounts and extended attributes: path_mount.cpp.
#include "syscalls/path.h"

#include "syscalls/families.h"
#include "syscalls/file.h"
#include "syscalls/path_arguments.h"
#include "task/system.h"
#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/truncate.h"

namespace kos::lx {

namespace {

constexpr unsigned kCAP_SYS_CHROOT = 18;

// --- Opening.

// A fifo that waits for its other side stays open meanwhile: that is what the other side waits for.
class OpenedFile final : public CallExtra {
public:
    explicit OpenedFile(Ref<File> opened) : file(std::move(opened)) {}
    Ref<File> const file;
};

Result<int64_t> open_at(Call& call, uint32_t flags, Mode mode, uint32_t walk_flags) {
    Process& process = call.process();
    Ref<File> file;
    if (call.progress.extra) {
        file = static_cast<OpenedFile&>(*call.progress.extra).file;
    } else {
        KOS_TRY(std::string const path, call.path(1));
        KOS_TRY_STATUS(process.files->check_room());
        KOS_TRY(Location const start, start_of(call, 0, path));
        KOS_TRY(file, open_path(process, start, path, flags | kO_LARGEFILE, mode & ~process.paths->context.umask,
                                walk_flags));
    }
    if (!file->is_connected() && !file->is_non_blocking()) {
        if (!call.progress.extra) call.progress.extra = std::make_unique<OpenedFile>(file);
        call.wait_for(file->queue());
        return call.sleep();
    }
    KOS_TRY(int const fd, process.files->add(std::move(file), flags & kO_CLOEXEC));
    return int64_t{fd};
}

Result<int64_t> sys_openat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(2);
    return open_at(call, flags, call.argument_as<Mode>(3) & kPermissions, 0);
}

struct UserOpenHow {  // struct open_how, linux/openat2.h
    uint64_t flags, mode, resolve;
};

Result<int64_t> sys_openat2(Call& call) {
    uint64_t const bytes = call.argument(3);
    if (bytes < sizeof(UserOpenHow)) return Errno::kEINVAL;
    if (bytes > kPageBytes) return Errno::kE2BIG;
    KOS_TRY(auto const how, call.read_user<UserOpenHow>(call.argument(2)));
    for (uint64_t at = sizeof how; at < bytes; at += 1) {
        // What a later Linux might mean by more bytes.
        KOS_TRY(auto const byte, call.read_user<uint8_t>(call.argument(2) + at));
        if (byte) return Errno::kE2BIG;
    }
    constexpr uint64_t kKnown = kO_ACCMODE | kO_CREAT | kO_EXCL | kO_NOCTTY | kO_TRUNC | kO_APPEND | kO_NONBLOCK |
                                kO_DSYNC | kO_SYNC | kO_ASYNC | kO_DIRECTORY | kO_NOFOLLOW | kO_DIRECT | kO_LARGEFILE |
                                kO_NOATIME | kO_CLOEXEC | kO_PATH | kO_TMPFILE;
    constexpr uint64_t kNoXdev = 1, kNoMagic = 2, kNoSymlinks = 4, kBeneath = 8, kInRoot = 16, kCached = 32;
    if (how.flags & ~kKnown || how.resolve & ~uint64_t{63}) return Errno::kEINVAL;
    if (how.resolve & kBeneath && how.resolve & kInRoot) return Errno::kEINVAL;
    bool const makes = how.flags & kO_CREAT || (how.flags & kO_TMPFILE) == kO_TMPFILE;
    if (how.mode & ~uint64_t{kPermissions} || (how.mode && !makes)) return Errno::kEINVAL;
    if (how.flags & kO_PATH && how.flags & ~uint64_t{kO_PATH | kO_DIRECTORY | kO_NOFOLLOW | kO_CLOEXEC}) {
        return Errno::kEINVAL;
    }
    // Whether a name is in the cache is not for programs to know: always "ask again without it".
    if (how.resolve & kCached) return Errno::kEAGAIN;
    uint32_t walk_flags = 0;
    if (how.resolve & kNoXdev) walk_flags |= kWalkNoMounts;
    if (how.resolve & kNoMagic) walk_flags |= kWalkNoMagic;
    if (how.resolve & kNoSymlinks) walk_flags |= kWalkNoSymlinks;
    if (how.resolve & kBeneath) walk_flags |= kWalkBeneath;
    if (how.resolve & kInRoot) walk_flags |= kWalkInRoot;
    return open_at(call, static_cast<uint32_t>(how.flags), static_cast<Mode>(how.mode), walk_flags);
}

// --- Making and removing names.

Result<int64_t> done(Status status) { return status.ok() ? Result<int64_t>(int64_t{0}) : status.error(); }

Result<int64_t> sys_mknodat(Call& call) {
    Mode const mode = call.argument_as<Mode>(2);
    switch (mode & kS_IFMT) {
        case 0:
        case kS_IFREG:
        case kS_IFIFO:
        case kS_IFSOCK: break;
        case kS_IFCHR:
        case kS_IFBLK:
            if (!call.process().credentials.has_capability(kCAP_MKNOD)) return Errno::kEPERM;
            break;
        case kS_IFDIR: return Errno::kEPERM;
        default: return Errno::kEINVAL;
    }
    KOS_TRY(std::string const path, call.path(1));
    KOS_TRY(Location const start, start_of(call, 0, path));
    return done(
        make_node(user_of(call), start, path, mode & (kS_IFMT | kPermissions), call.argument_as<uint32_t>(3)).error());
}

Result<int64_t> sys_mkdirat(Call& call) {
    KOS_TRY(std::string const path, call.path(1));
    KOS_TRY(Location const start, start_of(call, 0, path));
    Mode const mode = kS_IFDIR | (call.argument_as<Mode>(2) & kPermissions);
    return done(make_node(user_of(call), start, path, mode, 0).error());
}

Result<int64_t> sys_unlinkat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(2);
    if (flags & ~kAT_REMOVEDIR) return Errno::kEINVAL;
    KOS_TRY(std::string const path, call.path(1));
    KOS_TRY(Location const start, start_of(call, 0, path));
    return done(remove_name(user_of(call), start, path, flags & kAT_REMOVEDIR));
}

Result<int64_t> sys_symlinkat(Call& call) {
    KOS_TRY(std::string const target, call.path(0));
    if (target.empty()) return Errno::kENOENT;
    KOS_TRY(std::string const path, call.path(2));
    KOS_TRY(Location const start, start_of(call, 1, path));
    return done(make_symlink(user_of(call), target, start, path));
}

Result<int64_t> sys_linkat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(4);
    if (flags & ~(kAT_SYMLINK_FOLLOW | kAT_EMPTY_PATH)) return Errno::kEINVAL;
    KOS_TRY(std::string const old_path, call.path(1));
    if (old_path.empty() && flags & kAT_EMPTY_PATH &&
        !call.process().credentials.has_capability(kCAP_DAC_READ_SEARCH)) {
        return Errno::kENOENT;
    }
    uint32_t const follow = flags & kAT_SYMLINK_FOLLOW ? kWalkFollow : 0u;
    KOS_TRY(auto const target, find_target(call, 0, old_path, follow, flags));
    if (!target.location.is_set()) return Errno::kEXDEV;
    KOS_TRY(std::string const path, call.path(3));
    KOS_TRY(Location const start, start_of(call, 2, path));
    return done(link_name(user_of(call), target.location, start, path));
}

Result<int64_t> rename(Call& call, uint32_t flags) {
    if (flags & ~(kRenameNoReplace | kRenameExchange)) return Errno::kEINVAL;
    if (flags == (kRenameNoReplace | kRenameExchange)) return Errno::kEINVAL;
    KOS_TRY(std::string const old_path, call.path(1));
    KOS_TRY(Location const old_start, start_of(call, 0, old_path));
    KOS_TRY(std::string const new_path, call.path(3));
    KOS_TRY(Location const new_start, start_of(call, 2, new_path));
    return done(rename_name(user_of(call), old_start, old_path, new_start, new_path, flags));
}
Result<int64_t> sys_renameat(Call& call) { return rename(call, 0); }
Result<int64_t> sys_renameat2(Call& call) { return rename(call, call.argument_as<uint32_t>(4)); }

// --- Changing what is there.

Result<int64_t> sys_fchmod(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(Location const where, (Target{file->location, file}.changeable()));
    return done(change_mode(user_of(call), where, call.argument_as<Mode>(1)));
}

Result<int64_t> sys_fchmodat(Call& call) {
    KOS_TRY(auto const target, find_target(call, 0, kWalkFollow, 0));
    KOS_TRY(Location const where, target.changeable());
    return done(change_mode(user_of(call), where, call.argument_as<Mode>(2)));
}

Result<int64_t> sys_fchown(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(Location const where, (Target{file->location, file}.changeable()));
    return done(change_owner(user_of(call), where, call.argument_as<uint32_t>(1), call.argument_as<uint32_t>(2)));
}

Result<int64_t> sys_fchownat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(4);
    if (flags & ~(kAT_SYMLINK_NOFOLLOW | kAT_EMPTY_PATH)) return Errno::kEINVAL;
    KOS_TRY(auto const target, find_target(call, 0, flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow, flags));
    KOS_TRY(Location const where, target.changeable());
    return done(change_owner(user_of(call), where, call.argument_as<uint32_t>(2), call.argument_as<uint32_t>(3)));
}

constexpr int64_t kUTIME_NOW = 0x3fffffff, kUTIME_OMIT = 0x3ffffffe;

// Who may set times: the owner any, who may write only "now" for both (utimensat(2)).
Status may_set_times(Call& call, const Location& where, bool both_now) {
    KOS_TRY(auto const attributes, where.inode()->attributes());
    const Credentials& who = call.process().credentials;
    if (attributes.uid == who.fsuid || who.has_capability(kCAP_FOWNER)) return {};
    if (!both_now) return Errno::kEPERM;
    return check_access(attributes, kMayWrite, who);
}

Result<int64_t> sys_utimensat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (flags & ~(kAT_SYMLINK_NOFOLLOW | kAT_EMPTY_PATH)) return Errno::kEINVAL;
    Timespec times[2] = {{0, kUTIME_NOW}, {0, kUTIME_NOW}};
    if (call.argument(2)) KOS_TRY_STATUS(call.memory().copy_in(times, call.argument(2), sizeof times));
    for (const Timespec& time : times) {
        bool const is_special = time.nanoseconds == kUTIME_NOW || time.nanoseconds == kUTIME_OMIT;
        if (!is_special && (time.nanoseconds < 0 || time.nanoseconds > 999'999'999)) return Errno::kEINVAL;
    }
    bool const both_omitted = times[0].nanoseconds == kUTIME_OMIT && times[1].nanoseconds == kUTIME_OMIT;
    if (both_omitted) return int64_t{0};
    Target target;
    if (!call.argument(1)) {
        if (call.argument_as<int>(0) == kAT_FDCWD) return Errno::kEFAULT;
        if (flags) return Errno::kEINVAL;
        KOS_TRY(target.file, call.file(0));
        target.location = target.file->location;
    } else {
        KOS_TRY(target, find_target(call, 0, flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow, flags));
    }
    KOS_TRY(Location const where, target.changeable());
    if (where.mount && where.mount->is_read_only()) return Errno::kEROFS;
    bool const both_now = times[0].nanoseconds == kUTIME_NOW && times[1].nanoseconds == kUTIME_NOW;
    KOS_TRY_STATUS(may_set_times(call, where, both_now));
    Timespec const now = timespec_of(call.process().system.timers.realtime());
    AttributeChange change;
    change.has_accessed = times[0].nanoseconds != kUTIME_OMIT;
    change.accessed = times[0].nanoseconds == kUTIME_NOW ? now : times[0];
    change.has_modified = times[1].nanoseconds != kUTIME_OMIT;
    change.modified = times[1].nanoseconds == kUTIME_NOW ? now : times[1];
    KOS_TRY_STATUS(where.inode()->change(change));
    notify(where, kIN_ATTRIB);
    return int64_t{0};
}

Result<int64_t> sys_truncate(Call& call) {
    int64_t const size = call.argument_as<int64_t>(1);
    if (size < 0) return Errno::kEINVAL;
    KOS_TRY(std::string const path, call.path(0));
    const PathContext& context = call.process().paths->context;
    KOS_TRY(auto const found, walk(context, call.process().credentials, context.working, path, kWalkFollow));
    Inode& inode = *found.location.inode();
    if (inode.is_directory()) return Errno::kEISDIR;
    if (!inode.is_regular()) return Errno::kEINVAL;
    KOS_TRY_STATUS(check_location(found.location, kMayWrite, call.process().credentials));
    KOS_TRY_STATUS(check_not_running(call.process(), inode));
    KOS_TRY_STATUS(check_file_size(call, static_cast<uint64_t>(size)));
    KOS_TRY_STATUS(truncate_inode(call.process(), inode, static_cast<uint64_t>(size)));
    notify(found.location, kIN_MODIFY);
    return int64_t{0};
}

// --- Where paths begin.

Result<int64_t> sys_getcwd(Call& call) {
    const PathContext& context = call.process().paths->context;
    if (context.working.dentry && context.working.dentry->is_deleted()) return Errno::kENOENT;
    std::string const path = path_of(context.working, context.root);
    if (path.size() + 1 > kPathMax) return Errno::kENAMETOOLONG;
    if (path.size() + 1 > call.argument(1)) return Errno::kERANGE;
    KOS_TRY_STATUS(call.memory().copy_out(call.argument(0), path.c_str(), path.size() + 1));
    return static_cast<int64_t>(path.size() + 1);
}

Status enter(Call& call, const Location& to) {
    if (!to.inode() || !to.inode()->is_directory()) return Errno::kENOTDIR;
    KOS_TRY(auto const attributes, to.inode()->attributes());
    return check_access(attributes, kMayExecute, call.process().credentials);
}

Result<Location> directory_of_path(Call& call) {
    KOS_TRY(std::string const path, call.path(0));
    const PathContext& context = call.process().paths->context;
    KOS_TRY(auto found, walk(context, call.process().credentials, context.working, path, kWalkFollow | kWalkDirectory));
    KOS_TRY_STATUS(enter(call, found.location));
    return std::move(found.location);
}

Result<int64_t> sys_chdir(Call& call) {
    KOS_TRY(call.process().paths->context.working, directory_of_path(call));
    return int64_t{0};
}

Result<int64_t> sys_fchdir(Call& call) {
    KOS_TRY(auto const file, call.any_file(0));
    KOS_TRY_STATUS(enter(call, file->location));
    call.process().paths->context.working = file->location;
    return int64_t{0};
}

Result<int64_t> sys_chroot(Call& call) {
    KOS_TRY(Location where, directory_of_path(call));
    if (!call.process().credentials.has_capability(kCAP_SYS_CHROOT)) return Errno::kEPERM;
    call.process().paths->context.root = std::move(where);
    return int64_t{0};
}

Result<int64_t> sys_umask(Call& call) {
    Mode& umask = call.process().paths->context.umask;
    Mode const old = umask;
    umask = call.argument_as<Mode>(0) & 0777;
    return int64_t{old};
}

constexpr SystemCall kTable[] = {
    {5, "setxattr", sys_setxattr, Support::kPartial, "no file system has extended attributes: EOPNOTSUPP"},
    {6, "lsetxattr", sys_lsetxattr, Support::kPartial, "as setxattr"},
    {7, "fsetxattr", sys_fsetxattr, Support::kPartial, "as setxattr"},
    {8, "getxattr", sys_getxattr, Support::kPartial, "as setxattr"},
    {9, "lgetxattr", sys_lgetxattr, Support::kPartial, "as setxattr"},
    {10, "fgetxattr", sys_fgetxattr, Support::kPartial, "as setxattr"},
    {11, "listxattr", sys_listxattr, Support::kPartial, "there are none: an empty list"},
    {12, "llistxattr", sys_llistxattr, Support::kPartial, "as listxattr"},
    {13, "flistxattr", sys_flistxattr, Support::kPartial, "as listxattr"},
    {14, "removexattr", sys_getxattr, Support::kPartial, "as setxattr"},
    {15, "lremovexattr", sys_lgetxattr, Support::kPartial, "as setxattr"},
    {16, "fremovexattr", sys_fgetxattr, Support::kPartial, "as setxattr"},
    {17, "getcwd", sys_getcwd, Support::kFull, nullptr},
    {33, "mknodat", sys_mknodat, Support::kFull, nullptr},
    {34, "mkdirat", sys_mkdirat, Support::kFull, nullptr},
    {35, "unlinkat", sys_unlinkat, Support::kFull, nullptr},
    {36, "symlinkat", sys_symlinkat, Support::kFull, nullptr},
    {37, "linkat", sys_linkat, Support::kFull, nullptr},
    {38, "renameat", sys_renameat, Support::kFull, nullptr},
    {39, "umount2", sys_umount2, Support::kPartial, "MNT_EXPIRE; MNT_FORCE is MNT_DETACH"},
    {40, "mount", sys_mount, Support::kPartial,
     "tmpfs, bind of one mount, remount; no propagation, no devices, no other file systems than the domain has"},
    {43, "statfs", sys_statfs, Support::kFull, nullptr},
    {44, "fstatfs", sys_fstatfs, Support::kFull, nullptr},
    {45, "truncate", sys_truncate, Support::kFull, nullptr},
    {48, "faccessat", sys_faccessat, Support::kFull, nullptr},
    {49, "chdir", sys_chdir, Support::kFull, nullptr},
    {50, "fchdir", sys_fchdir, Support::kFull, nullptr},
    {51, "chroot", sys_chroot, Support::kFull, nullptr},
    {52, "fchmod", sys_fchmod, Support::kFull, nullptr},
    {53, "fchmodat", sys_fchmodat, Support::kFull, nullptr},
    {54, "fchownat", sys_fchownat, Support::kFull, nullptr},
    {55, "fchown", sys_fchown, Support::kFull, nullptr},
    {56, "openat", sys_openat, Support::kFull, nullptr},
    {78, "readlinkat", sys_readlinkat, Support::kFull, nullptr},
    {79, "newfstatat", sys_newfstatat, Support::kFull, nullptr},
    {80, "fstat", sys_fstat, Support::kFull, nullptr},
    {88, "utimensat", sys_utimensat, Support::kFull, nullptr},
    {166, "umask", sys_umask, Support::kFull, nullptr},
    {276, "renameat2", sys_renameat2, Support::kPartial, "RENAME_WHITEOUT"},
    {291, "statx", sys_statx, Support::kFull, nullptr},
    {437, "openat2", sys_openat2, Support::kPartial,
     "RESOLVE_CACHED always fails; O_CREAT does not follow a last symbolic link with RESOLVE_BENEATH, RESOLVE_IN_ROOT"},
    {439, "faccessat2", sys_faccessat2, Support::kFull, nullptr},
};

}  // namespace

const std::span<const SystemCall> kPathCalls = kTable;

}  // namespace kos::lx
