// File descriptors of a process (or of several that share them, clone(2) CLONE_FILES).
#pragma once

#include "vfs/file.h"

#include <vector>

namespace kos::lx {

class FdTable : public Counted {
public:
    // The lowest free number from `least` on. kEMFILE: none below `limit` (RLIMIT_NOFILE).
    Result<int> add(Ref<File> file, bool close_on_exec, int least = 0);
    Result<Ref<File>> get(int fd) const;                                       // kEBADF
    Status set(int fd, Ref<File> file, bool close_on_exec, Process& process);  // dup3(2): closes what was there
    Status close(int fd, Process& process);
    void close_range(unsigned first, unsigned last, Process& process);
    void mark_range(unsigned first, unsigned last);  // close-on-exec
    void close_for_exec(Process& process);
    void close_all(Process& process);
    bool close_on_exec(int fd) const;
    void set_close_on_exec(int fd, bool value);
    Ref<FdTable> copy() const;  // fork(2)

    int limit = 1024;
    // For /proc/self/fd: the next open number from `fd` on, or -1.
    int next_open(int fd) const;

private:
    struct Slot {
        Ref<File> file;
        bool close_on_exec = false;
    };
    std::vector<Slot> slots_;
};

}  // namespace kos::lx
