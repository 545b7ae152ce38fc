// Memory files are files of a tmpfs of their own; seals are its inode's.
#include "vfs/memfd.h"

#include "fs/tmpfs.h"
#include "task/system.h"

namespace kos::lx {

MemoryFile::MemoryFile(Ref<Inode> inode, std::string_view name, uint32_t open_flags)
    : RegularFile(std::move(inode)), name_(name) {
    flags = (open_flags & (kO_ACCMODE | kO_APPEND | kO_NONBLOCK)) | kO_LARGEFILE;
}

std::string MemoryFile::anonymous_name() const { return "/memfd:" + name_ + " (deleted)"; }

Result<Ref<File>> MemoryFile::open_again(uint32_t open_flags) {
    return Ref<File>(new MemoryFile(Ref<Inode>(inode()), name_, open_flags));
}

Result<Ref<File>> make_memory_file(System& system, const Credentials& owner, std::string_view name, bool may_seal) {
    TmpfsOptions options;
    options.bytes_max = system.frames.total_frames() * kPageBytes;
    options.files_max = 2;
    auto const file_system = Tmpfs::create(system.frames, system.timers, options);
    KOS_TRY(auto inode, file_system->make_unnamed(0777, owner.fsuid, owner.fsgid, may_seal));
    return Ref<File>(new MemoryFile(std::move(inode), name, kO_RDWR));
}

}  // namespace kos::lx
