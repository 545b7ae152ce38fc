// File descriptors of a process (or of several that share them, clone(2) CLONE_FILES).
#pragma once

#include "vfs/file.h"
#include "vfs/unseen.h"

#include <vector>

namespace kos::lx {

// Results that may be taken back (vfs/unseen.h) are about numbers.
class FdTable : public Counted, public ResultSource {
public:
    static constexpr int kDescriptorsMax = 65536;  // whatever `limit` says

    // The lowest free number from `least` on. kEMFILE: none below `limit` (RLIMIT_NOFILE).
    Result<int> add(Ref<File> file, bool close_on_exec, int least = 0);
    Status check_room() const;                                                 // kEMFILE: `add` would fail
    Result<Ref<File>> get(int fd) const;                                       // kEBADF
    Status set(int fd, Ref<File> file, bool close_on_exec, Process& process);  // dup3(2): closes what was there
    Status close(int fd, Process& process);
    void close_range(unsigned first, unsigned last, Process& process);
    void mark_range(unsigned first, unsigned last);  // close-on-exec
    void close_for_exec(Process& process);
    void close_all(Process& process);  // by the last process that uses the table, when it ends
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
    bool is_open(int fd) const {
        return fd >= 0 && static_cast<size_t>(fd) < slots_.size() && slots_[static_cast<size_t>(fd)].file;
    }
    void closed(File& file, Process& process);
    void undo(std::span<const UnseenResult::Part>, uintptr_t) override {}
    std::vector<Slot> slots_;
    size_t first_free_ = 0;  // below it all are open
};

}  // namespace kos::lx
