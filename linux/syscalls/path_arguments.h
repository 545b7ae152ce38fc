// Directory and path arguments of the *at calls.
#pragma once

#include "syscalls/call.h"
#include "vfs/operations.h"

#include <string>

namespace kos::lx {

constexpr uint32_t kAT_SYMLINK_NOFOLLOW = 0x100, kAT_EACCESS = 0x200, kAT_REMOVEDIR = 0x200, kAT_SYMLINK_FOLLOW = 0x400,
                   kAT_NO_AUTOMOUNT = 0x800, kAT_EMPTY_PATH = 0x1000, kAT_STATX_SYNC_TYPE = 0x6000;
constexpr int kAT_FDCWD = -100;

inline PathUser user_of(Call& call) { return {call.process().paths->context, call.process().credentials}; }

// Where a path begins: the directory of argument `index`, which does not count if the path is absolute. kEBADF,
// kENOTDIR.
Result<Location> start_of(Call& call, unsigned index, std::string_view path);

// What a call works on: a name in the tree, or an open file that may have none.
struct Target {
    Location location;  // unset: only `file`
    Ref<File> file;     // if a descriptor named it: AT_EMPTY_PATH, or a link of /proc to an object

    Result<Attributes> attributes() const { return file ? file->attributes() : location.inode()->attributes(); }
    // For changes; kEBADF without an inode that could change.
    Result<Location> changeable() const;
};
// Arguments `index` and `index` + 1. `at_flags`: kAT_EMPTY_PATH counts; following is the caller's kWalkFollow.
Result<Target> find_target(Call& call, unsigned index, uint32_t walk_flags, uint32_t at_flags);
Result<Target> find_target(Call& call, unsigned index, std::string_view path, uint32_t walk_flags, uint32_t at_flags);

}  // namespace kos::lx
