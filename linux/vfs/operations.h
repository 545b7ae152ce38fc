// Changes to the tree of names: what mkdirat(2), unlinkat(2), renameat2(2) and their like do, with their checks of
// permission, sticky bits and mounts. Also for those that make names themselves (bind(2) of a socket).
#pragma once

#include "vfs/path.h"

namespace kos::lx {

struct PathUser {  // who names
    const PathContext& context;
    const Credentials& credentials;
};

// A file of the type that `mode` says (0: regular); the umask is applied here. kEEXIST, kENOENT, kEACCES, kEROFS.
Result<Location> make_node(const PathUser& user, const Location& start, std::string_view path, Mode mode,
                           uint64_t device_number);
Status make_symlink(const PathUser& user, std::string_view target, const Location& start, std::string_view path);
Status remove_name(const PathUser& user, const Location& start, std::string_view path, bool directory);
Status link_name(const PathUser& user, const Location& target, const Location& start, std::string_view path);
Status rename_name(const PathUser& user, const Location& old_start, std::string_view old_path,
                   const Location& new_start, std::string_view new_path, uint32_t flags);
// Changes attributes if the user may: chmod(2), chown(2), utimensat(2).
Status change_mode(const PathUser& user, const Location& location, Mode mode);
Status change_owner(const PathUser& user, const Location& location, uint32_t uid, uint32_t gid);  // ~0u: stays

// open(2) as far as names go: finds or makes the file and checks access; nothing is opened or truncated yet.
struct OpenTarget {
    Location location;
    bool is_new = false;
    // /proc's link to an open file without a name; `location` is the link.
    bool is_object = false;
};
Result<OpenTarget> find_open_target(const PathUser& user, const Location& start, std::string_view path, uint32_t flags,
                                    Mode mode, uint32_t walk_flags = 0);

// check_access of what is there, and kEROFS for writing to a mount that is read-only.
Status check_location(const Location& location, uint32_t wanted, const Credentials& credentials);

}  // namespace kos::lx
