// Files as a file system knows them, and file systems.
//
// The operations do what is asked: existence, permissions, names "." and "..", mounts and trailing slashes are the path
// walk's business (path.h). None blocks.
#pragma once

#include "base/ref.h"
#include "mm/frame.h"
#include "vfs/types.h"

#include <string>
#include <string_view>

namespace kos::lx {

class File;
class FileSystem;
class Process;
struct Location;

class Inode : public Counted {
public:
    virtual Mode type() const = 0;  // kS_IF*; never changes
    virtual Result<Attributes> attributes() = 0;
    virtual Status change(const AttributeChange& change) = 0;  // times of "changed" follow; kEROFS
    virtual FileSystem& file_system() = 0;

    bool is_directory() const { return type() == kS_IFDIR; }
    bool is_regular() const { return type() == kS_IFREG; }
    bool is_symlink() const { return type() == kS_IFLNK; }

    // --- Directories. Default: kENOTDIR.
    virtual Result<Ref<Inode>> lookup(std::string_view name);  // kENOENT
    // Makes a file of the type that `mode` says. The name is not there yet.
    virtual Result<Ref<Inode>> create(std::string_view name, Mode mode, uint64_t device_number, uint32_t uid,
                                      uint32_t gid);
    virtual Result<Ref<Inode>> symlink(std::string_view name, std::string_view target, uint32_t uid, uint32_t gid);
    virtual Status link(std::string_view name, Inode& target);  // kEXDEV never; kEMLINK
    virtual Status unlink(std::string_view name);               // not of a directory
    virtual Status rmdir(std::string_view name);                // kENOTEMPTY
    // Of this directory's `name` to `to`'s `new_name`, which it replaces if it is there (types checked by the caller);
    // kENOTEMPTY. kRenameExchange: the two change places.
    virtual Status rename(std::string_view name, Inode& to, std::string_view new_name, uint32_t flags);
    // Calls `take` for each entry from position `cookie` on, "." and ".." first, until it says false. `next` of an
    // entry is the cookie to go on with; stable while the entry exists (getdents64(2), telldir(3)).
    struct Entry {
        std::string_view name;
        uint64_t inode;
        Mode type;
        uint64_t next;
    };
    class EntrySink {
    public:
        virtual bool take(const Entry& entry) = 0;

    protected:
        ~EntrySink() = default;
    };
    virtual Status read_directory(uint64_t cookie, EntrySink& sink);

    // --- Symbolic links. Default: kEINVAL.
    virtual Result<std::string> read_link();
    // Links of /proc that lead to an object rather than a name: true and the place. Default: false.
    virtual Result<bool> follow(Location& to);

    // --- Contents of regular files. Default: kEINVAL.
    virtual Status truncate(uint64_t size);
    // The page at byte offset index * 4096 for mapping and copying; beyond the end of the file kENXIO, in a hole for
    // reading a shared frame of zeros. `for_write`: a frame that may be written, made if it was a hole.
    virtual Result<Ref<Frame>> page(uint64_t index, bool for_write);

    // An open file of this inode; access is checked already. Default: regular files and directories get the standard
    // File of vfs/regular_file.h; kENXIO for others.
    virtual Result<Ref<File>> open(uint32_t flags, Process& process);

    // --- What vfs keeps with an inode: locks, watches (made on demand; locks.h, inotify.h).
    struct Extras;
    Extras* extras = nullptr;

protected:
    ~Inode() override;
};

constexpr uint32_t kRenameNoReplace = 1, kRenameExchange = 2;  // RENAME_* of linux/fs.h

class FileSystem : public Counted {
public:
    virtual Ref<Inode> root() = 0;
    virtual FileSystemStatus status() = 0;
    virtual std::string_view type_name() = 0;  // as in /proc/mounts
    virtual uint64_t device() = 0;
    // Names that were looked up may be remembered, absent ones too. False: the file system changes by itself (/proc).
    virtual bool may_cache_names() { return true; }
};

uint64_t next_device_number();  // for file systems without a device: 0:n as stat(2) packs it

}  // namespace kos::lx
