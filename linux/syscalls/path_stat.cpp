// What is known of files: stat, statx, statfs, access, readlink.
#include "syscalls/path.h"
#include "syscalls/path_arguments.h"
#include "vfs/dentry.h"

#include <string.h>

namespace kos::lx {

namespace {

struct UserStat {  // struct stat, asm-generic/stat.h
    uint64_t device, inode;
    uint32_t mode, links, uid, gid;
    uint64_t device_number, padding1;
    int64_t size;
    int32_t block_bytes, padding2;
    int64_t blocks;
    Timespec accessed, modified, changed;
    uint32_t unused[2];
};
static_assert(sizeof(UserStat) == 128);

struct UserStatxTime {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};
struct UserStatx {  // struct statx, linux/stat.h
    uint32_t mask, block_bytes;
    uint64_t attributes;
    uint32_t links, uid, gid;
    uint16_t mode, spare0;
    uint64_t inode, size, blocks, attributes_mask;
    UserStatxTime accessed, born, changed, modified;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mount_id;
    uint64_t spare[13];
};
static_assert(sizeof(UserStatx) == 256);

struct UserStatfs {  // struct statfs, asm-generic/statfs.h
    int64_t type, block_bytes;
    uint64_t blocks, blocks_free, blocks_available, files, files_free;
    int32_t id[2];
    int64_t name_max, fragment_bytes, flags;
    int64_t spare[4];
};
static_assert(sizeof(UserStatfs) == 120);

UserStat user_stat(const Attributes& from) {
    UserStat to{};
    to.device = from.device;
    to.inode = from.inode;
    to.mode = from.mode;
    to.links = from.links;
    to.uid = from.uid;
    to.gid = from.gid;
    to.device_number = from.device_number;
    to.size = static_cast<int64_t>(from.size);
    to.block_bytes = static_cast<int32_t>(from.block_bytes);
    to.blocks = static_cast<int64_t>(from.blocks);
    to.accessed = from.accessed;
    to.modified = from.modified;
    to.changed = from.changed;
    return to;
}

constexpr uint32_t device_major(uint64_t number) { return number >> 8 & 0xfff; }
constexpr uint32_t device_minor(uint64_t number) {
    return static_cast<uint32_t>((number & 0xff) | (number >> 12 & 0xfff00));
}

UserStatxTime statx_time(const Timespec& from) { return {from.seconds, static_cast<uint32_t>(from.nanoseconds), 0}; }

constexpr uint32_t kSTATX_BASIC_STATS = 0x7ff, kSTATX_BTIME = 0x800, kSTATX_MNT_ID = 0x1000, kSTATX_RESERVED = 1u << 31;
constexpr uint64_t kSTATX_ATTR_MOUNT_ROOT = 0x2000;

Result<int64_t> put_statfs(Call& call, FileSystem& file_system, bool is_read_only, uint64_t address) {
    FileSystemStatus const status = file_system.status();
    UserStatfs to{};
    to.type = status.type;
    to.block_bytes = to.fragment_bytes = static_cast<int64_t>(status.block_bytes);
    to.blocks = status.blocks;
    to.blocks_free = to.blocks_available = status.blocks_free;
    to.files = status.files;
    to.files_free = status.files_free;
    uint64_t const device = file_system.device();
    to.id[0] = static_cast<int32_t>(device);
    to.id[1] = static_cast<int32_t>(device >> 32);
    to.name_max = static_cast<int64_t>(status.name_max);
    constexpr int64_t kST_RDONLY = 1, kST_VALID = 0x20, kST_RELATIME = 0x1000;
    to.flags = kST_VALID | kST_RELATIME | (is_read_only || status.is_read_only ? kST_RDONLY : 0);
    KOS_TRY_STATUS(call.write_user(address, to));
    return int64_t{0};
}

Result<int64_t> access(Call& call, uint32_t at_flags) {
    uint32_t const wanted = call.argument_as<uint32_t>(2);
    if (wanted & ~7u || at_flags & ~(kAT_EACCESS | kAT_SYMLINK_NOFOLLOW | kAT_EMPTY_PATH)) return Errno::kEINVAL;
    const Credentials* who = &call.process().credentials;
    Credentials real;
    if (!(at_flags & kAT_EACCESS) && (who->uid != who->fsuid || who->gid != who->fsgid)) {
        // access(2): the real identity counts, and capabilities as if it were the effective one.
        real = *who;
        real.fsuid = who->uid;
        real.fsgid = who->gid;
        real.capabilities = who->uid == 0 ? who->permitted : 0;
        who = &real;
    }
    KOS_TRY(std::string const path, call.path(1));
    Target target;
    if (path.empty() || who == &call.process().credentials) {
        KOS_TRY(target, find_target(call, 0, path, at_flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow, at_flags));
    } else {
        KOS_TRY(Location const start, start_of(call, 0, path));
        KOS_TRY(auto found, walk(call.process().paths->context, *who, start, path,
                                 at_flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow));
        target.location = std::move(found.location);
    }
    if (!wanted) return int64_t{0};
    if (!target.location.is_set()) {
        KOS_TRY(auto const attributes, target.attributes());
        KOS_TRY_STATUS(check_access(attributes, wanted, *who));
        return int64_t{0};
    }
    KOS_TRY_STATUS(check_location(target.location, wanted, *who));
    return int64_t{0};
}

}  // namespace

Result<int64_t> sys_newfstatat(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (flags & ~(kAT_SYMLINK_NOFOLLOW | kAT_NO_AUTOMOUNT | kAT_EMPTY_PATH)) return Errno::kEINVAL;
    KOS_TRY(auto const target, find_target(call, 0, flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow, flags));
    KOS_TRY(auto const attributes, target.attributes());
    KOS_TRY_STATUS(call.write_user(call.argument(2), user_stat(attributes)));
    return int64_t{0};
}

Result<int64_t> sys_fstat(Call& call) {
    KOS_TRY(auto const file, call.any_file(0));
    KOS_TRY(auto const attributes, file->attributes());
    KOS_TRY_STATUS(call.write_user(call.argument(1), user_stat(attributes)));
    return int64_t{0};
}

Result<int64_t> sys_statx(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(2), mask = call.argument_as<uint32_t>(3);
    if (flags & ~(kAT_SYMLINK_NOFOLLOW | kAT_NO_AUTOMOUNT | kAT_EMPTY_PATH | kAT_STATX_SYNC_TYPE))
        return Errno::kEINVAL;
    if ((flags & kAT_STATX_SYNC_TYPE) == kAT_STATX_SYNC_TYPE || mask & kSTATX_RESERVED) return Errno::kEINVAL;
    KOS_TRY(auto const target, find_target(call, 0, flags & kAT_SYMLINK_NOFOLLOW ? 0u : kWalkFollow, flags));
    KOS_TRY(auto const from, target.attributes());
    UserStatx to{};
    to.mask = kSTATX_BASIC_STATS | (from.born.seconds || from.born.nanoseconds ? kSTATX_BTIME : 0);
    to.block_bytes = from.block_bytes;
    to.links = from.links;
    to.uid = from.uid;
    to.gid = from.gid;
    to.mode = static_cast<uint16_t>(from.mode);
    to.inode = from.inode;
    to.size = from.size;
    to.blocks = from.blocks;
    to.accessed = statx_time(from.accessed);
    to.born = statx_time(from.born);
    to.changed = statx_time(from.changed);
    to.modified = statx_time(from.modified);
    to.rdev_major = device_major(from.device_number);
    to.rdev_minor = device_minor(from.device_number);
    to.dev_major = device_major(from.device);
    to.dev_minor = device_minor(from.device);
    if (target.location.mount) {
        to.mask |= kSTATX_MNT_ID;
        to.mount_id = static_cast<uint64_t>(target.location.mount->id);
        to.attributes_mask = kSTATX_ATTR_MOUNT_ROOT;
        if (target.location.dentry.get() == &target.location.mount->root()) to.attributes = kSTATX_ATTR_MOUNT_ROOT;
    }
    KOS_TRY_STATUS(call.write_user(call.argument(4), to));
    return int64_t{0};
}

Result<int64_t> sys_statfs(Call& call) {
    KOS_TRY(std::string const path, call.path(0));
    const PathContext& context = call.process().paths->context;
    KOS_TRY(auto const found, walk(context, call.process().credentials, context.working, path, kWalkFollow));
    return put_statfs(call, found.location.mount->file_system(), found.location.mount->is_read_only(),
                      call.argument(1));
}

Result<int64_t> sys_fstatfs(Call& call) {
    KOS_TRY(auto const file, call.any_file(0));
    const Location& at = file->location;
    if (at.mount) return put_statfs(call, at.mount->file_system(), at.mount->is_read_only(), call.argument(1));
    if (file->inode()) return put_statfs(call, file->inode()->file_system(), false, call.argument(1));
    // Pipes, sockets and the like: file systems that only exist for this call.
    constexpr int64_t kPipeMagic = 0x50495045, kSocketMagic = 0x534f434b, kAnonymousMagic = 0x09041934;
    UserStatfs to{};
    to.type = file->is_pipe() ? kPipeMagic : file->as_socket() ? kSocketMagic : kAnonymousMagic;
    to.block_bytes = to.fragment_bytes = 4096;
    to.name_max = kNameMax;
    KOS_TRY_STATUS(call.write_user(call.argument(1), to));
    return int64_t{0};
}

Result<int64_t> sys_faccessat(Call& call) { return access(call, 0); }
Result<int64_t> sys_faccessat2(Call& call) { return access(call, call.argument_as<uint32_t>(3)); }

Result<int64_t> sys_readlinkat(Call& call) {
    int const most = call.argument_as<int>(3);
    if (most <= 0) return Errno::kEINVAL;
    KOS_TRY(std::string const path, call.path(1));
    KOS_TRY(auto const target, find_target(call, 0, path, 0, kAT_EMPTY_PATH));
    Inode* const inode = target.location.inode();
    if (!inode || !inode->is_symlink()) return path.empty() ? Errno::kENOENT : Errno::kEINVAL;
    KOS_TRY(std::string const text, inode->read_link());
    size_t const bytes = std::min(text.size(), static_cast<size_t>(most));
    KOS_TRY_STATUS(call.memory().copy_out(call.argument(2), text.data(), bytes));
    return static_cast<int64_t>(bytes);
}

}  // namespace kos::lx
