// Open files: what a file descriptor refers to (open(2)'s "open file description").
//
// No operation blocks. What cannot be done now is kEAGAIN; the system call layer waits on `queue` for what `poll` says
// and asks again, unless the file is O_NONBLOCK (syscalls/call.h).
#pragma once

#include "base/ref.h"
#include "base/wait_queue.h"
#include "mm/io_buffer.h"
#include "vfs/inode.h"
#include "vfs/path.h"
#include "vfs/types.h"

#include <memory>

namespace kos::lx {

struct Call;
class CallStubs;
class EpollFile;
class FdTable;
class Pipe;
class Process;
class SignalFile;
class Socket;
class TimerFile;
class Watcher;

// What is told by signals about an open file: O_ASYNC, F_NOTIFY (signal/file_signals.h).
class FileSignals {
public:
    virtual ~FileSignals() = default;
    virtual void descriptor_closed(const FdTable& table) = 0;
};

class File : public Counted {
public:
    ~File() override;  // flock(2) and OFD locks go; IN_CLOSE_*

    // --- Bytes. Streams override these two; seekable files the *_at, which take no position of the file.
    // Reading at the end gives 0. Writing with O_APPEND goes to the end.
    virtual Result<size_t> read(IoBuffer& to);
    virtual Result<size_t> write(IoBuffer& from);
    virtual Result<size_t> read_at(IoBuffer& to, uint64_t offset);     // default kESPIPE
    virtual Result<size_t> write_at(IoBuffer& from, uint64_t offset);  // default kESPIPE
    virtual bool is_seekable() const { return false; }
    virtual Result<uint64_t> seek(int64_t offset, unsigned whence);  // lseek(2), SEEK_DATA and SEEK_HOLE too

    // --- Readiness. kPOLL* that hold now, whatever is asked for. Files that are always ready (regular, directories)
    // keep the default and refuse epoll (`can_poll`).
    virtual uint32_t poll() { return kPOLLIN | kPOLLOUT | kPOLLRDNORM | kPOLLWRNORM; }
    virtual bool can_poll() const { return false; }
    WaitQueue& queue() { return queue_; }  // woken whenever `poll` gains an event

    // --- Control. ioctl gets its argument as the program gave it; kENOTTY.
    virtual Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument);
    virtual Status truncate(uint64_t size);      // ftruncate(2); kEINVAL
    virtual Status synchronize() { return {}; }  // fsync(2)
    virtual Result<Attributes> attributes();     // default: the inode's
    virtual Inode* inode() const;                // nullptr: none (pipes, sockets); default: the location's
    // getdents64(2): entries from the position on; the default hands on to the inode.
    virtual Status read_directory(Inode::EntrySink& sink, uint64_t cookie);
    // The frame for a mapping at byte offset index * 4096 (mmap(2)); default: the inode's page; kENODEV.
    virtual Result<Ref<Frame>> page(uint64_t index, bool for_write);
    virtual bool can_map() const;
    // A file of its own for a shared mapping (/dev/zero); nullptr: this one is mapped.
    virtual Ref<File> for_shared_mapping(uint64_t /*bytes*/) { return nullptr; }
    virtual Socket* as_socket() { return nullptr; }
    virtual Pipe* as_pipe() { return nullptr; }
    virtual Process* as_process() { return nullptr; }  // pidfd_open(2): whose it is; may have ended
    virtual EpollFile* as_epoll() { return nullptr; }
    virtual TimerFile* as_timer() { return nullptr; }
    virtual SignalFile* as_signal_file() { return nullptr; }
    virtual CallStubs* as_call_stubs() { return nullptr; }
    virtual Watcher* as_watcher() { return nullptr; }  // inotify
    // What /proc/PID/fd shows of a file without a name: "pipe:[7]", "anon_inode:[eventfd]". Empty: it has a path.
    virtual std::string anonymous_name() const { return {}; }
    // The file of its own that opening /proc/PID/fd/N makes (pipes, memory files); kENXIO.
    virtual Result<Ref<File>> open_again(uint32_t /*open_flags*/) { return Errno::kENXIO; }
    // What /proc/PID/fdinfo/N says besides position and flags: lines.
    virtual std::string details() const { return {}; }
    // fcntl(2) commands that depend on the kind of file: F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS. Default:
    // kEBADF for the pipe's; seals are the inode's.
    virtual Result<int64_t> control(unsigned command, uint64_t argument);
    virtual Status allocate(uint32_t mode, uint64_t offset, uint64_t bytes);  // fallocate(2); default kENODEV
    // --- Pipes, for splice(2) and tee(2).
    virtual bool is_pipe() const { return false; }
    // As `read`, but the bytes stay. `skip`: bytes to leave out first. Default: kEINVAL.
    virtual Result<size_t> peek(IoBuffer& to, size_t skip);
    // A fifo whose other side nobody has opened yet: open(2) waits on `queue` until this is true.
    virtual bool is_connected() { return true; }
    // A descriptor to it was closed (close(2), flush); the file itself may live on in others.
    virtual void descriptor_closed(Process&) {}

    // Access mode 3 allows neither (open(2): for ioctl alone).
    bool may_read() const { return (flags + 1) & 1 && !(flags & kO_PATH); }
    bool may_write() const { return (flags + 1) & 2 && !(flags & kO_PATH); }
    bool is_non_blocking() const { return flags & kO_NONBLOCK; }

    uint32_t flags = 0;     // kO_*, without those of creation and O_CLOEXEC, which is the descriptor's
    uint64_t position = 0;  // of seekable files and directories
    Location location;      // where it was opened; the inode of pipes and the like has no name
    // F_SETOWN, F_SETSIG: who is told, by which signal (0: SIGIO), and by whose rights.
    struct Owner {
        int32_t number = 0;  // of a process; negative: of a group; 0: nobody
        bool is_thread = false;
        uint32_t uid = 0, euid = 0, signal = 0;
    } owner;
    std::unique_ptr<FileSignals> signals;
    Ref<Inode> has_locks;  // the inode, if this file took a flock(2) or OFD lock of it

protected:
    WaitQueue queue_;
};

}  // namespace kos::lx
