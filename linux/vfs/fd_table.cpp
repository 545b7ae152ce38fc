// File descriptors.
#include "vfs/fd_table.h"

#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/locks.h"

#include <algorithm>

namespace kos::lx {

Result<int> FdTable::add(Ref<File> file, bool close_on_exec, int least) {
    size_t const most = static_cast<size_t>(std::clamp(limit, 0, kDescriptorsMax));
    size_t fd = std::max(static_cast<size_t>(std::max(least, 0)), first_free_);
    while (fd < slots_.size() && slots_[fd].file) ++fd;
    if (fd >= most) return Errno::kEMFILE;
    if (fd >= slots_.size()) slots_.resize(fd + 1);
    if (static_cast<size_t>(std::max(least, 0)) <= first_free_) first_free_ = fd + 1;
    slots_[fd] = {std::move(file), close_on_exec};
    return static_cast<int>(fd);
}

Result<Ref<File>> FdTable::get(int fd) const {
    if (!is_open(fd)) return Errno::kEBADF;
    return slots_[static_cast<size_t>(fd)].file;
}

Status FdTable::check_room() const {
    size_t const most = static_cast<size_t>(std::clamp(limit, 0, kDescriptorsMax));
    if (first_free_ < most && slots_.size() < most) return {};
    for (size_t fd = first_free_; fd < most; ++fd) {
        if (fd >= slots_.size() || !slots_[fd].file) return {};
    }
    return Errno::kEMFILE;
}

Status FdTable::set(int fd, Ref<File> file, bool close_on_exec, Process& process) {
    if (fd < 0 || fd >= std::clamp(limit, 0, kDescriptorsMax)) return Errno::kEBADF;
    size_t const index = static_cast<size_t>(fd);
    if (index >= slots_.size()) slots_.resize(index + 1);
    Ref<File> const old = std::exchange(slots_[index].file, std::move(file));
    slots_[index].close_on_exec = close_on_exec;
    changes(index);
    if (old) closed(*old, process);
    return {};
}

Status FdTable::close(int fd, Process& process) {
    if (!is_open(fd)) return Errno::kEBADF;
    size_t const index = static_cast<size_t>(fd);
    Ref<File> const file = std::exchange(slots_[index].file, nullptr);
    first_free_ = std::min(first_free_, index);
    changes(index);
    closed(*file, process);
    return {};
}

void FdTable::closed(File& file, Process& process) {
    // fcntl(2): a process loses its locks of a file when it closes any descriptor of it.
    Inode* const inode = file.inode();
    if (inode && inode->extras && inode->extras->locks && !(file.flags & kO_PATH)) {
        inode->extras->locks->release_owner(this);
    }
    if (file.signals) file.signals->descriptor_closed(*this);
    file.descriptor_closed(process);
}

void FdTable::close_range(unsigned first, unsigned last, Process& process) {
    for (size_t fd = first; fd < slots_.size() && fd <= last; ++fd) {
        if (slots_[fd].file) (void)close(static_cast<int>(fd), process);
    }
}

void FdTable::mark_range(unsigned first, unsigned last) {
    for (size_t fd = first; fd < slots_.size() && fd <= last; ++fd) slots_[fd].close_on_exec = true;
}

void FdTable::close_for_exec(Process& process) {
    for (size_t fd = 0; fd < slots_.size(); ++fd) {
        if (slots_[fd].file && slots_[fd].close_on_exec) (void)close(static_cast<int>(fd), process);
    }
}

void FdTable::close_all(Process& process) {
    close_range(0, ~0u, process);
    slots_.clear();
    first_free_ = 0;
}

bool FdTable::close_on_exec(int fd) const { return is_open(fd) && slots_[static_cast<size_t>(fd)].close_on_exec; }

void FdTable::set_close_on_exec(int fd, bool value) {
    if (is_open(fd)) slots_[static_cast<size_t>(fd)].close_on_exec = value;
}

Ref<FdTable> FdTable::copy() const {
    Ref<FdTable> table = make_ref<FdTable>();
    table->slots_ = slots_;
    table->first_free_ = first_free_;
    table->limit = limit;
    return table;
}

int FdTable::next_open(int fd) const {
    for (size_t index = static_cast<size_t>(std::max(fd, 0)); index < slots_.size(); ++index) {
        if (slots_[index].file) return static_cast<int>(index);
    }
    return -1;
}

}  // namespace kos::lx
