// Mounts, and extended attributes, which no file system here has.
#include "fs/tmpfs.h"
#include "syscalls/path.h"
#include "syscalls/path_arguments.h"
#include "task/system.h"
#include "vfs/dentry.h"
#include "vfs/file_systems.h"

#include <algorithm>

namespace kos::lx {

namespace {

Result<Location> follow_path(Call& call, unsigned index, uint32_t flags) {
    KOS_TRY(std::string const path, call.path(index));
    const PathContext& context = call.process().paths->context;
    KOS_TRY(auto found, walk(context, call.process().credentials, context.working, path, flags));
    return std::move(found.location);
}

// A number with k, m, g (size=64m), or, with `percent_of`, a share of it (size=50%). kEINVAL.
Result<uint64_t> parse_number(std::string_view text, unsigned base, uint64_t percent_of) {
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < text.size(); ++digits) {
        unsigned const digit = static_cast<unsigned>(text[digits] - '0');
        if (digit >= base) break;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) {
            return Errno::kEINVAL;
        }
    }
    if (digits == 0) return Errno::kEINVAL;
    std::string_view const unit = text.substr(digits);
    if (unit.empty()) return value;
    if (unit.size() > 1) return Errno::kEINVAL;
    unsigned shift = 0;
    switch (unit[0]) {
        case 'k':
        case 'K': shift = 10; break;
        case 'm':
        case 'M': shift = 20; break;
        case 'g':
        case 'G': shift = 30; break;
        case '%':
            if (!percent_of || value > 100) return Errno::kEINVAL;
            return percent_of / 100 * value;
        default: return Errno::kEINVAL;
    }
    if (value > UINT64_MAX >> shift) return Errno::kEINVAL;
    return value << shift;
}

Result<TmpfsOptions> parse_tmpfs(System& system, std::string_view text) {
    TmpfsOptions options;
    uint64_t const memory = system.frames.total_frames() * kPageBytes;
    options.bytes_max = memory / 2;
    while (!text.empty()) {
        size_t const end = std::min(text.find(','), text.size());
        std::string_view const option = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        size_t const equals = option.find('=');
        if (equals == std::string_view::npos) {
            if (option.empty()) continue;
            return Errno::kEINVAL;
        }
        std::string_view const name = option.substr(0, equals), value = option.substr(equals + 1);
        if (name == "size") {
            KOS_TRY(options.bytes_max, parse_number(value, 10, memory));
            // 0 means no limit to Linux; here the domain's memory is one.
            if (options.bytes_max == 0 || options.bytes_max > memory) options.bytes_max = memory;
        } else if (name == "nr_inodes") {
            KOS_TRY(uint64_t const files, parse_number(value, 10, 0));
            if (files && files < options.files_max) options.files_max = files;
        } else if (name == "mode") {
            KOS_TRY(uint64_t const mode, parse_number(value, 8, 0));
            options.mode = static_cast<Mode>(mode) & kPermissions;
        } else if (name == "uid" || name == "gid") {
            KOS_TRY(uint64_t const id, parse_number(value, 10, 0));
            if (id > UINT32_MAX - 1) return Errno::kEINVAL;
            (name == "uid" ? options.uid : options.gid) = static_cast<uint32_t>(id);
        } else {
            return Errno::kEINVAL;
        }
    }
    return options;
}

constexpr uint32_t kMS_NOSYMFOLLOW = 256, kMS_PROPAGATION = 0x1e0000, kMS_MOVE = 8192;
constexpr uint32_t kKept = kMS_RDONLY | kMS_NOSUID | kMS_NODEV | kMS_NOEXEC | kMS_NOATIME | kMS_NOSYMFOLLOW;

}  // namespace

Result<int64_t> sys_mount(Call& call) {
    KOS_TRY(std::string const source, call.argument(0) ? call.path(0) : Result<std::string>(std::string("none")));
    KOS_TRY(std::string const type, call.argument(2) ? call.text(2, 64) : Result<std::string>(std::string()));
    KOS_TRY(Location const where, follow_path(call, 1, kWalkFollow));
    if (!call.process().credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
    uint32_t const flags = call.argument_as<uint32_t>(3) & 0xffff'ffff;
    uint32_t const kept = flags & kKept;
    if (flags & kMS_REMOUNT) {
        if (where.dentry.get() != &where.mount->root()) return Errno::kEINVAL;
        where.mount->flags = kept;
        return int64_t{0};
    }
    // Each domain has one tree, which nobody else sees: making it private or shared changes nothing.
    if (flags & kMS_PROPAGATION) return int64_t{0};
    if (flags & kMS_MOVE) return Errno::kEINVAL;
    if (flags & kMS_BIND) {
        KOS_TRY(Location const what, follow_path(call, 0, kWalkFollow));
        KOS_TRY([[maybe_unused]] Location const made, bind_at(where, what, kept));
        return int64_t{0};
    }
    if (!where.inode()->is_directory()) return Errno::kENOTDIR;
    std::string options;
    if (call.argument(4)) {
        KOS_TRY(options, call.text(4, kPageBytes));
    }
    Ref<FileSystem> file_system;
    if (type == "tmpfs" || type == "ramfs") {
        KOS_TRY(auto const parsed, parse_tmpfs(call.process().system, options));
        file_system = Tmpfs::create(call.process().system.frames, call.process().system.timers, parsed);
    } else {
        KOS_TRY(file_system, make_file_system(type, call.process().system, source, options));
    }
    KOS_TRY([[maybe_unused]] Location const made, mount_at(where, std::move(file_system), source, kept));
    return int64_t{0};
}

Result<int64_t> sys_umount2(Call& call) {
    constexpr uint32_t kForce = 1, kDetach = 2, kExpire = 4, kNoFollow = 8;
    uint32_t const flags = call.argument_as<uint32_t>(1);
    if (flags & ~(kForce | kDetach | kExpire | kNoFollow)) return Errno::kEINVAL;
    if (!call.process().credentials.has_capability(kCAP_SYS_ADMIN)) return Errno::kEPERM;
    KOS_TRY(Location const where, follow_path(call, 0, flags & kNoFollow ? 0u : kWalkFollow));
    if (flags & kExpire) return Errno::kEAGAIN;
    KOS_TRY_STATUS(unmount_at(where, flags & (kDetach | kForce)));
    return int64_t{0};
}

// --- Extended attributes: whether the file is there, and that it has none.

namespace {

Result<int64_t> no_attributes(Result<Location> where, bool lists) {
    if (!where.ok()) return where.error();
    return lists ? Result<int64_t>(int64_t{0}) : Errno::kEOPNOTSUPP;
}

Result<int64_t> no_attributes_of_file(Call& call, bool lists) {
    KOS_TRY(auto const file, call.file(0));
    return no_attributes(file->location, lists);
}

Result<int64_t> no_attribute(Call& call, Result<Location> where) {
    KOS_TRY(std::string const name, call.text(1, 256));
    if (name.empty()) return Errno::kERANGE;
    return no_attributes(std::move(where), false);
}

}  // namespace

Result<int64_t> sys_setxattr(Call& call) {
    if (call.argument(4) & ~uint64_t{3}) return Errno::kEINVAL;
    return no_attribute(call, follow_path(call, 0, kWalkFollow));
}
Result<int64_t> sys_lsetxattr(Call& call) {
    if (call.argument(4) & ~uint64_t{3}) return Errno::kEINVAL;
    return no_attribute(call, follow_path(call, 0, 0));
}
Result<int64_t> sys_fsetxattr(Call& call) { return no_attributes_of_file(call, false); }
Result<int64_t> sys_getxattr(Call& call) { return no_attribute(call, follow_path(call, 0, kWalkFollow)); }
Result<int64_t> sys_lgetxattr(Call& call) { return no_attribute(call, follow_path(call, 0, 0)); }
Result<int64_t> sys_fgetxattr(Call& call) { return no_attributes_of_file(call, false); }
Result<int64_t> sys_listxattr(Call& call) { return no_attributes(follow_path(call, 0, kWalkFollow), true); }
Result<int64_t> sys_llistxattr(Call& call) { return no_attributes(follow_path(call, 0, 0), true); }
Result<int64_t> sys_flistxattr(Call& call) { return no_attributes_of_file(call, true); }

}  // namespace kos::lx
