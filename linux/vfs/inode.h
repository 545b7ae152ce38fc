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
class IoBuffer;
class Process;
class UnixSocket;
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
    // With `follow` true and `to` left unset: the open file without a name (pipe, socket) that the link leads to.
    virtual Ref<File> follow_file();

    // --- Contents of regular files. Default: kEINVAL.
    virtual Status truncate(uint64_t size);
    // The page at byte offset index * 4096 for mapping and copying; beyond the end of the file kENXIO. The same frame
    // for all who map it: a hole becomes a frame of its own. `for_write`: a frame that may be written.
    virtual Result<Ref<Frame>> page(uint64_t index, bool for_write);
    virtual Result<uint64_t> size();  // default: what `attributes` says
    // Bytes at an offset; reading at the end gives 0 and makes no frames. Default: by `page`; writing kEINVAL. Writing
    // makes the file longer; kENOSPC, kENOMEM, kEFBIG only if nothing could be written.
    virtual Result<size_t> read(IoBuffer& to, uint64_t offset);
    virtual Result<size_t> write(IoBuffer& from, uint64_t offset);
    virtual Status allocate(uint32_t mode, uint64_t offset, uint64_t bytes);  // fallocate(2); default kEOPNOTSUPP
    // The first byte from `offset` on that is in data, or in a hole (the end is one); kENXIO. Default: all is data.
    virtual Result<uint64_t> find(uint64_t offset, bool hole);
    // This inode, or the one below it that has the contents, if they never change; nullptr: they may. One object as
    // long as somebody has a reference to it.
    virtual Inode* immutable() { return nullptr; }
    virtual void touch_accessed() {}                   // somebody has read it
    virtual Process* as_process() { return nullptr; }  // /proc/PID: whose it is; may have ended
    // memfd_create(2): F_*_SEALS. Default: kEINVAL.
    virtual Result<uint32_t> seals();
    virtual Status add_seals(uint32_t seals);
    // A regular file without a name, in this directory's file system (O_TMPFILE). Default: kEOPNOTSUPP.
    virtual Result<Ref<Inode>> create_unnamed(Mode mode, uint32_t uid, uint32_t gid);

    // An open file of this inode; access is checked already. Default: regular files and directories get the standard
    // File of vfs/regular_file.h; fifos and devices what vfs/special.h names; kENXIO for others (sockets).
    virtual Result<Ref<File>> open(uint32_t flags, Process& process);

    // Of a socket's name: the socket that is bound to it listens from now on; nullptr: that socket has gone.
    virtual void socket_listens(UnixSocket* /*listener*/) {}

    // --- What vfs keeps with an inode: locks, watches, what a socket or fifo leads to (made on demand; extras.h). An
    // inode that somebody has a reference to is one object: file systems do not make a second one.
    struct Extras;
    Extras& make_extras();
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
    virtual bool is_read_only() { return false; }  // kEROFS before anything else is looked at
    // Names that were looked up may be remembered, absent ones too. False: the file system changes by itself (/proc).
    virtual bool may_cache_names() { return true; }
};

uint64_t next_device_number();  // for file systems without a device: 0:n as stat(2) packs it

}  // namespace kos::lx
