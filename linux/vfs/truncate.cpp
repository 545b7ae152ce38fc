// Shortening files that may be mapped.
#include "vfs/truncate.h"

#include "mm/address_space.h"
#include "task/system.h"

namespace kos::lx {

void forget_pages_everywhere(Process& process, const Inode& inode, uint64_t first, uint64_t last) {
    for (const auto& [pid, other] : process.system.processes()) {
        if (other->memory) other->memory->forget_pages(inode, first, last);
    }
}

Status check_not_running(Process& process, const Inode& inode) {
    for (const auto& [pid, other] : process.system.processes()) {
        if (other->state != ProcessState::kZombie && other->executable.inode() == &inode) return Errno::kETXTBSY;
    }
    return {};
}

Status check_not_written(Process& process, const Inode& inode) {
    for (const auto& [pid, other] : process.system.processes()) {
        if (!other->files) continue;
        for (int fd = other->files->next_open(0); fd >= 0; fd = other->files->next_open(fd + 1)) {
            auto const file = other->files->get(fd);
            if (file.ok() && (*file)->inode() == &inode && (*file)->may_write()) return Errno::kETXTBSY;
        }
    }
    return {};
}

bool is_mapped_for_writing(Process& process, const Inode& inode) {
    for (const auto& [pid, other] : process.system.processes()) {
        if (!other->memory) continue;
        for (const auto& [start, mapping] : other->memory->mappings()) {
            bool const may_write = mapping.is_shared() && mapping.file && mapping.file->may_write();
            if (may_write && mapping.file->inode() == &inode) return true;
        }
    }
    return false;
}

Status truncate_inode(Process& process, Inode& inode, uint64_t size) {
    KOS_TRY(uint64_t const before, inode.size());
    KOS_TRY_STATUS(inode.truncate(size));
    if (size < before) forget_pages_everywhere(process, inode, page_up(size) >> kPageBits, ~uint64_t{0});
    return {};
}

}  // namespace kos::lx
