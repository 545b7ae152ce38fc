// What open files do if their kind says nothing else.
#include "vfs/file.h"

#include "vfs/dentry.h"
#include "vfs/extras.h"
#include "vfs/fcntl.h"
#include "vfs/locks.h"

namespace kos::lx {

File::~File() {
    if (flags & kO_PATH) return;
    if (has_locks) has_locks->make_extras().locks->release_owner(this);
    notify(location, may_write() ? kIN_CLOSE_WRITE : kIN_CLOSE_NOWRITE);
}

Result<size_t> File::read(IoBuffer& to) {
    if (!is_seekable()) return Errno::kEINVAL;
    KOS_TRY(size_t const done, read_at(to, position));
    position += done;
    return done;
}

Result<size_t> File::write(IoBuffer& from) {
    if (!is_seekable()) return Errno::kEINVAL;
    if (flags & kO_APPEND) {
        KOS_TRY(auto const now, attributes());
        position = now.size;
    }
    KOS_TRY(size_t const done, write_at(from, position));
    position += done;
    return done;
}

Result<size_t> File::read_at(IoBuffer&, uint64_t) { return Errno::kESPIPE; }
Result<size_t> File::write_at(IoBuffer&, uint64_t) { return Errno::kESPIPE; }
Result<uint64_t> File::seek(int64_t, unsigned) { return Errno::kESPIPE; }
Result<int64_t> File::ioctl(Call&, uint32_t, uint64_t) { return Errno::kENOTTY; }
Status File::truncate(uint64_t) { return Errno::kEINVAL; }
Status File::allocate(uint32_t, uint64_t, uint64_t) { return Errno::kENODEV; }
Result<size_t> File::peek(IoBuffer&, size_t) { return Errno::kEINVAL; }

Inode* File::inode() const { return location.inode(); }

Result<Attributes> File::attributes() {
    Inode* const of = inode();
    if (!of) return Errno::kEBADF;
    return of->attributes();
}

Status File::read_directory(Inode::EntrySink& sink, uint64_t cookie) {
    Inode* const of = inode();
    if (!of) return Errno::kENOTDIR;
    return of->read_directory(cookie, sink);
}

Result<Ref<Frame>> File::page(uint64_t index, bool for_write) {
    Inode* const of = inode();
    if (!of) return Errno::kENODEV;
    return of->page(index, for_write);
}

bool File::can_map() const {
    Inode* const of = inode();
    return of && of->is_regular();
}

Result<int64_t> File::control(unsigned command, uint64_t) {
    return command == kF_SETPIPE_SZ || command == kF_GETPIPE_SZ ? Errno::kEBADF : Errno::kEINVAL;
}

}  // namespace kos::lx
