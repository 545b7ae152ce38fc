// What vfs keeps with an inode beyond what the file system knows: locks, watches, what a name of a socket or a fifo
// leads to.
#pragma once

#include "vfs/inode.h"

#include <memory>
#include <string_view>

namespace kos::lx {

class FileLocks;

constexpr uint32_t kIN_ACCESS = 1, kIN_MODIFY = 2, kIN_ATTRIB = 4, kIN_CLOSE_WRITE = 8, kIN_CLOSE_NOWRITE = 0x10,
                   kIN_OPEN = 0x20, kIN_MOVED_FROM = 0x40, kIN_MOVED_TO = 0x80, kIN_CREATE = 0x100, kIN_DELETE = 0x200,
                   kIN_DELETE_SELF = 0x400, kIN_MOVE_SELF = 0x800, kIN_UNMOUNT = 0x2000, kIN_ISDIR = 0x40000000;

// Who watches an inode (vfs/inotify.cpp makes one and puts it into Extras::watches).
class InodeWatches {
public:
    virtual ~InodeWatches() = default;
    // `name`: of a directory's entry, empty if it happened to the inode itself. `cookie` joins the two of a rename.
    virtual void event(uint32_t mask, std::string_view name, uint32_t cookie) = 0;
};

struct Inode::Extras {
    Extras();
    ~Extras();
    std::unique_ptr<FileLocks> locks;
    std::unique_ptr<InodeWatches> watches;
    Counted* endpoint = nullptr;  // the bound socket, or the fifo's pipe; whoever sets it clears it
};

// Something happened to the inode at the location: tells its watches, and those of its directory.
void notify(const Location& location, uint32_t mask);
// To an entry of a directory, whose inode may be gone.
void notify_entry(Inode& directory, uint32_t mask, std::string_view name, uint32_t cookie = 0);
void notify_inode(Inode& inode, uint32_t mask);  // itself alone

}  // namespace kos::lx
