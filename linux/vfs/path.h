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
Result<Ref<File>> open_path(Process& process, const Location& start, std::string_view path, uint32_t flags, Mode mode);

// Absolute path as seen from `root`; "(unreachable)" before what cannot be reached, " (deleted)" behind what has no
// name any more.
std::string path_of(const Location& location, const Location& root);

// Makes `file_system` appear at `where` (a directory; unset: the root of a new tree). Returns the mount's root.
Result<Location> mount_at(const Location& where, Ref<FileSystem> file_system, std::string_view source, uint32_t flags);
Status unmount_at(const Location& where);  // kEBUSY

}  // namespace kos::lx
