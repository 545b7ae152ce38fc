// Open regular files and directories.
#include "vfs/regular_file.h"

#include "task/current.h"
#include "vfs/fcntl.h"
#include "vfs/truncate.h"

namespace kos::lx {

namespace {

constexpr unsigned kSeekSet = 0, kSeekCur = 1, kSeekEnd = 2, kSeekData = 3, kSeekHole = 4;

Result<uint64_t> moved_from(uint64_t base, int64_t offset) {
    int64_t sum = 0;
    if (__builtin_add_overflow(static_cast<int64_t>(base), offset, &sum)) return Errno::kEOVERFLOW;
    if (sum < 0) return Errno::kEINVAL;
    return static_cast<uint64_t>(sum);
}

}  // namespace

Result<size_t> RegularFile::read_at(IoBuffer& to, uint64_t offset) {
    KOS_TRY(size_t const done, inode_->read(to, offset));
    if (!(flags & kO_NOATIME)) inode_->touch_accessed();
    return done;
}

Result<size_t> RegularFile::write_at(IoBuffer& from, uint64_t offset) {
    if (!from.remaining()) return size_t{0};
    if (flags & kO_APPEND) {  // also with pwrite(2), see its BUGS
        KOS_TRY(offset, inode_->size());
    }
    return inode_->write(from, offset);
}

Result<uint64_t> RegularFile::seek(int64_t offset, unsigned whence) {
    Result<uint64_t> target = Errno::kEINVAL;
    switch (whence) {
        case kSeekSet: target = moved_from(0, offset); break;
        case kSeekCur: target = moved_from(position, offset); break;
        case kSeekEnd: {
            KOS_TRY(uint64_t const size, inode_->size());
            target = moved_from(size, offset);
            break;
        }
        case kSeekData:
        case kSeekHole:
            if (offset < 0) return Errno::kENXIO;
            target = inode_->find(static_cast<uint64_t>(offset), whence == kSeekHole);
            break;
        default: break;
    }
    if (target.ok()) position = *target;
    return target;
}

Status RegularFile::truncate(uint64_t size) { return inode_->truncate(size); }

Status RegularFile::allocate(uint32_t mode, uint64_t offset, uint64_t bytes) {
    return inode_->allocate(mode, offset, bytes);
}

Result<int64_t> RegularFile::control(unsigned command, uint64_t argument) {
    switch (command) {
        case kF_ADD_SEALS:
            if (!may_write()) return Errno::kEPERM;
            if (argument > UINT32_MAX) return Errno::kEINVAL;
            if (argument & kF_SEAL_WRITE) {
                KOS_TRY(uint32_t const seals, inode_->seals());
                Process* const process = current_process();
                bool const is_new = !(seals & (kF_SEAL_SEAL | kF_SEAL_WRITE));
                if (is_new && process && is_mapped_for_writing(*process, *inode_)) return Errno::kEBUSY;
            }
            KOS_TRY_STATUS(inode_->add_seals(static_cast<uint32_t>(argument)));
            return 0;
        case kF_GET_SEALS: {
            KOS_TRY(uint32_t const seals, inode_->seals());
            return seals;
        }
        default: return File::control(command, argument);
    }
}

Result<uint64_t> DirectoryFile::seek(int64_t offset, unsigned whence) {
    // Positions are cookies: only what was given out before, or the beginning, means anything.
    Result<uint64_t> target = Errno::kEINVAL;
    if (whence == kSeekSet) target = moved_from(0, offset);
    if (whence == kSeekCur) target = moved_from(position, offset);
    if (target.ok()) position = *target;
    return target;
}

Status DirectoryFile::read_directory(Inode::EntrySink& sink, uint64_t cookie) {
    KOS_TRY_STATUS(inode_->read_directory(cookie, sink));
    if (!(flags & kO_NOATIME)) inode_->touch_accessed();
    return {};
}

}  // namespace kos::lx
