// Names: the tree of directory entries, mounts, and the walk along a path.
//
// A Location is a directory entry in a mount: what a path leads to, and what an open file or a current directory keeps.
#pragma once

#include "base/ref.h"
#include "vfs/inode.h"

#include <string>
#include <string_view>

namespace kos::lx {

// A name that has been looked up; the tree above the file systems' inodes. Entries without an inode are names that
// are known to be absent.
class Dentry;
// A file system at a place of the tree.
class Mount;

struct Location {
    Ref<Mount> mount;
    Ref<Dentry> dentry;

    bool is_set() const { return bool(dentry); }
    Inode* inode() const;  // nullptr: negative or unset
    bool operator==(const Location& other) const { return mount == other.mount && dentry == other.dentry; }
};

// The tree of one group of processes (one per domain; chroot(2) changes a process's root in it).
struct PathContext {  // where a process's paths begin
    Location root;
    Location working;
    Mode umask = 022;
};

enum WalkFlags : uint32_t {
    kWalkFollow = 1,     // a symbolic link at the end is followed
    kWalkDirectory = 2,  // the end must be a directory: kENOTDIR
    kWalkParent = 4,     // the last name is not looked up: WalkResult::last
    kWalkNoMagic = 8,    // kELOOP at links of /proc
    kWalkEmpty = 16,     // an empty path is the start itself (AT_EMPTY_PATH)
    // openat2(2)'s RESOLVE_*; with kWalkNoMagic above.
    kWalkNoMounts = 32,    // kEXDEV instead of crossing into another mount
    kWalkNoSymlinks = 64,  // kELOOP
    kWalkBeneath = 128,    // kEXDEV at what leads out of the start
    kWalkInRoot = 256,     // the start is the root
};

struct WalkResult {
    Location location;       // with kWalkParent: the directory
    std::string last;        // with kWalkParent: the last name; may be "." or ".."
    bool has_slash = false;  // the path ended with one
};

// From `start` (unless the path is absolute). Checks search permission along the way. kENOENT, kENOTDIR, kELOOP,
// kENAMETOOLONG, kEACCES.
Result<WalkResult> walk(const PathContext& context, const Credentials& credentials, const Location& start,
                        std::string_view path, uint32_t flags);

// open(2) as far as names are concerned: creates, truncates, checks access. `mode` with the umask applied already.
// `walk_flags`: those of openat2(2).
Result<Ref<File>> open_path(Process& process, const Location& start, std::string_view path, uint32_t flags, Mode mode,
                            uint32_t walk_flags = 0);
// Opens what is there already (execve(2), open_by_handle): no checks, no creation.
Result<Ref<File>> open_location(Process& process, const Location& location, uint32_t flags);

// Absolute path as seen from `root`; "(unreachable)" before what cannot be reached, " (deleted)" behind what has no
// name any more.
std::string path_of(const Location& location, const Location& root);

// Makes `file_system` appear at `where` (a directory; unset: the root of a new tree). Returns the mount's root.
// `flags`: kMS_*. kEBUSY, kENOTDIR.
constexpr uint32_t kMS_RDONLY = 1, kMS_NOSUID = 2, kMS_NODEV = 4, kMS_NOEXEC = 8, kMS_REMOUNT = 32, kMS_NOATIME = 1024,
                   kMS_BIND = 4096, kMS_REC = 16384;
Result<Location> mount_at(const Location& where, Ref<FileSystem> file_system, std::string_view source, uint32_t flags);
Result<Location> bind_at(const Location& where, const Location& what, uint32_t flags);
Status unmount_at(const Location& where, bool even_if_busy = false);  // kEINVAL (no mount), kEBUSY

}  // namespace kos::lx
