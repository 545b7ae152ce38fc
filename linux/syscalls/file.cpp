// Reading, writing, positions, sizes, synchronising: by file descriptor. From file to file: file_transfer.cpp; control,
// directories, locks: file_control.cpp.
#include "syscalls/file.h"

#include "net/socket.h"
#include "signal/signals.h"
#include "syscalls/families.h"
#include "task/system.h"
#include "vfs/extras.h"
#include "vfs/fcntl.h"
#include "vfs/truncate.h"

#include <optional>

namespace kos::lx {

Status check_file_size(Call& call, uint64_t size) {
    if (size <= call.process().limits[kRLIMIT_FSIZE].now) return {};
    send_signal(call.thread, kernel_signal(kSIGXFSZ));
    return Errno::kEFBIG;
}

Result<size_t> allowed_bytes(Call& call, const File& file, uint64_t offset, size_t bytes) {
    uint64_t const limit = call.process().limits[kRLIMIT_FSIZE].now;
    if (limit == ~uint64_t{0} || bytes == 0) return bytes;
    if (!file.is_seekable() || !file.inode() || !file.inode()->is_regular()) return bytes;
    if (file.flags & kO_APPEND) {
        KOS_TRY(offset, file.inode()->size());
    }
    if (offset >= limit) {
        send_signal(call.thread, kernel_signal(kSIGXFSZ));
        return Errno::kEFBIG;
    }
    return std::min<uint64_t>(bytes, limit - offset);
}

Errno write_error(Call& call, Errno error) {
    if (error == Errno::kEPIPE) send_signal(call.thread, kernel_signal(kSIGPIPE));
    return error;
}

namespace {

using Direction = IoBuffer::Direction;

// preadv2(2)
constexpr uint32_t kRWF_HIPRI = 1, kRWF_DSYNC = 2, kRWF_SYNC = 4, kRWF_NOWAIT = 8, kRWF_APPEND = 16;

struct Place {
    std::optional<uint64_t> offset;  // else the file's position
    uint32_t flags = 0;              // kRWF_*
};

// SO_RCVTIMEO, SO_SNDTIMEO of sockets.
void set_socket_deadline(Call& call, File& file, bool for_write) {
    Socket* const socket = file.as_socket();
    if (!socket) return;
    Nanoseconds const timeout = for_write ? socket->send_timeout : socket->receive_timeout;
    if (timeout > 0) call.set_deadline(call.process().system.timers.now() + timeout);
}

Errno wait_to(Call& call, File& file, bool for_write, bool dont_wait) {
    set_socket_deadline(call, file, for_write);
    Errno const error =
        call.wait_for_file(file, for_write ? kPOLLOUT | kPOLLWRNORM : kPOLLIN | kPOLLRDNORM | kPOLLRDHUP, dont_wait);
    return error == Errno::kETIMEDOUT ? Errno::kEAGAIN : error;
}

Result<int64_t> read_into(Call& call, File& file, IoBuffer& to, const Place& place) {
    if (!file.may_read()) return Errno::kEBADF;
    auto const moved = place.offset ? file.read_at(to, *place.offset) : file.read(to);
    if (!moved.ok()) {
        if (moved.error() != Errno::kEAGAIN) return moved.error();
        if (to.remaining() == 0) return int64_t{0};
        return wait_to(call, file, false, place.flags & kRWF_NOWAIT);
    }
    if (*moved) notify(file.location, kIN_ACCESS);
    return static_cast<int64_t>(*moved);
}

// All of it, unless the file says otherwise: a stream that is full is waited for, with what went before kept in
// progress.done.
Result<int64_t> write_from(Call& call, File& file, UserBuffer& from, const Place& place) {
    if (!file.may_write()) return Errno::kEBADF;
    uint64_t& done = call.progress.done;
    from.skip(done);
    KOS_TRY(size_t const allowed, allowed_bytes(call, file, place.offset.value_or(file.position), from.remaining()));
    PartOfBuffer part(from, allowed);
    uint32_t const flags = file.flags;
    if (place.flags & kRWF_APPEND) file.flags |= kO_APPEND;
    Errno error = Errno::kOK;
    do {
        auto const moved = place.offset ? file.write_at(part, *place.offset) : file.write(part);
        if (!moved.ok()) {
            error = moved.error();
            break;
        }
        done += *moved;
        if (*moved == 0 || file.is_seekable()) break;
    } while (part.remaining());
    file.flags = flags;
    if (error == Errno::kEAGAIN && !(place.flags & kRWF_NOWAIT) && !file.is_non_blocking()) {
        Errno const wait = wait_to(call, file, true, false);
        if (wait == Errno::kRetry) return wait;
        error = wait;
    }
    if (done) {
        notify(file.location, kIN_MODIFY);
        return static_cast<int64_t>(done);
    }
    if (error != Errno::kOK) return write_error(call, error);
    return int64_t{0};
}

Result<Place> place_of(Call& call, File& file, unsigned index) {
    int64_t const offset = call.argument_as<int64_t>(index);
    if (offset < 0) return Errno::kEINVAL;
    if (!file.is_seekable()) return Errno::kESPIPE;
    return Place{static_cast<uint64_t>(offset), 0};
}

// The second versions: -1 is the position, and there are flags.
Result<Place> place_and_flags(Call& call, File& file) {
    uint32_t const flags = call.argument_as<uint32_t>(5);
    if (flags & ~(kRWF_HIPRI | kRWF_DSYNC | kRWF_SYNC | kRWF_NOWAIT | kRWF_APPEND)) return Errno::kEOPNOTSUPP;
    Place place;
    if (call.argument_as<int64_t>(3) != -1) {
        KOS_TRY(place, place_of(call, file, 3));
    }
    place.flags = flags;
    return place;
}

UserBuffer plain_buffer(Call& call, Direction direction) {
    return UserBuffer(call.memory(), call.argument(1), call.argument(2), direction);
}
Result<UserBuffer> vector_buffer(Call& call, Direction direction) {
    return UserBuffer::of_vector(call.memory(), call.argument(1), call.argument_as<uint32_t>(2), direction);
}

Result<int64_t> sys_read(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    UserBuffer to = plain_buffer(call, Direction::kToProgram);
    return read_into(call, *file, to, {});
}

Result<int64_t> sys_write(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    UserBuffer from = plain_buffer(call, Direction::kFromProgram);
    return write_from(call, *file, from, {});
}

Result<int64_t> sys_readv(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto to, vector_buffer(call, Direction::kToProgram));
    return read_into(call, *file, to, {});
}

Result<int64_t> sys_writev(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto from, vector_buffer(call, Direction::kFromProgram));
    return write_from(call, *file, from, {});
}

Result<int64_t> sys_pread64(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_of(call, *file, 3));
    UserBuffer to = plain_buffer(call, Direction::kToProgram);
    return read_into(call, *file, to, place);
}

Result<int64_t> sys_pwrite64(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_of(call, *file, 3));
    UserBuffer from = plain_buffer(call, Direction::kFromProgram);
    return write_from(call, *file, from, place);
}

Result<int64_t> sys_preadv(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_of(call, *file, 3));
    KOS_TRY(auto to, vector_buffer(call, Direction::kToProgram));
    return read_into(call, *file, to, place);
}

Result<int64_t> sys_pwritev(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_of(call, *file, 3));
    KOS_TRY(auto from, vector_buffer(call, Direction::kFromProgram));
    return write_from(call, *file, from, place);
}

Result<int64_t> sys_preadv2(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_and_flags(call, *file));
    KOS_TRY(auto to, vector_buffer(call, Direction::kToProgram));
    return read_into(call, *file, to, place);
}

Result<int64_t> sys_pwritev2(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    KOS_TRY(auto const place, place_and_flags(call, *file));
    KOS_TRY(auto from, vector_buffer(call, Direction::kFromProgram));
    return write_from(call, *file, from, place);
}

Result<int64_t> sys_lseek(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    unsigned const whence = call.argument_as<unsigned>(2);
    if (whence > 4) return Errno::kEINVAL;
    KOS_TRY(uint64_t const position, file->seek(call.argument_as<int64_t>(1), whence));
    return static_cast<int64_t>(position);
}

Result<int64_t> sys_ftruncate(Call& call) {
    int64_t const size = call.argument_as<int64_t>(1);
    if (size < 0) return Errno::kEINVAL;
    KOS_TRY(auto const file, call.file(0));
    if (!file->may_write()) return Errno::kEINVAL;
    KOS_TRY_STATUS(check_file_size(call, static_cast<uint64_t>(size)));
    Inode* const inode = file->inode();
    uint64_t before = 0;
    if (inode && inode->is_regular()) {
        KOS_TRY(before, inode->size());
    }
    KOS_TRY_STATUS(file->truncate(static_cast<uint64_t>(size)));
    if (static_cast<uint64_t>(size) < before) {
        forget_pages_everywhere(call.process(), *inode, page_up(static_cast<uint64_t>(size)) >> kPageBits,
                                ~uint64_t{0});
    }
    notify(file->location, kIN_MODIFY);
    return int64_t{0};
}

Result<int64_t> sys_fallocate(Call& call) {
    uint32_t const mode = call.argument_as<uint32_t>(1);
    int64_t const offset = call.argument_as<int64_t>(2), bytes = call.argument_as<int64_t>(3);
    KOS_TRY(auto const file, call.file(0));
    if (offset < 0 || bytes <= 0) return Errno::kEINVAL;
    if (mode & ~(kFALLOC_FL_KEEP_SIZE | kFALLOC_FL_PUNCH_HOLE)) return Errno::kEOPNOTSUPP;
    if (mode == kFALLOC_FL_PUNCH_HOLE) return Errno::kEOPNOTSUPP;
    if (!file->may_write()) return Errno::kEBADF;
    if (file->is_pipe()) return Errno::kESPIPE;
    int64_t end = 0;
    if (__builtin_add_overflow(offset, bytes, &end)) return Errno::kEFBIG;
    if (!(mode & kFALLOC_FL_KEEP_SIZE)) KOS_TRY_STATUS(check_file_size(call, static_cast<uint64_t>(end)));
    KOS_TRY_STATUS(file->allocate(mode, static_cast<uint64_t>(offset), static_cast<uint64_t>(bytes)));
    if (mode & kFALLOC_FL_PUNCH_HOLE && file->inode()) {
        forget_pages_everywhere(call.process(), *file->inode(), page_up(static_cast<uint64_t>(offset)) >> kPageBits,
                                static_cast<uint64_t>(end) >> kPageBits);
    }
    notify(file->location, kIN_MODIFY);
    return int64_t{0};
}

Result<int64_t> sys_fadvise64(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    if (file->is_pipe()) return Errno::kESPIPE;
    constexpr uint32_t kLast = 5;  // POSIX_FADV_NOREUSE
    if (call.argument_as<int64_t>(2) < 0 || call.argument_as<uint32_t>(3) > kLast) return Errno::kEINVAL;
    return int64_t{0};
}

Result<int64_t> sys_readahead(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    if (!file->may_read()) return Errno::kEBADF;
    if (!file->inode() || !file->inode()->is_regular()) return Errno::kEINVAL;
    return int64_t{0};
}

Result<int64_t> sys_sync(Call&) { return int64_t{0}; }

Result<int64_t> sys_fsync(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    if (file->is_pipe() || file->as_socket()) return Errno::kEINVAL;
    KOS_TRY_STATUS(file->synchronize());
    return int64_t{0};
}

Result<int64_t> sys_syncfs(Call& call) {
    KOS_TRY([[maybe_unused]] auto const file, call.file(0));
    return int64_t{0};
}

Result<int64_t> sys_sync_file_range(Call& call) {
    KOS_TRY(auto const file, call.file(0));
    int64_t const offset = call.argument_as<int64_t>(1), bytes = call.argument_as<int64_t>(2);
    int64_t end = 0;
    if (call.argument_as<uint32_t>(3) & ~7u || offset < 0 || bytes < 0) return Errno::kEINVAL;
    if (__builtin_add_overflow(offset, bytes, &end)) return Errno::kEINVAL;
    if (file->is_pipe() || file->as_socket()) return Errno::kESPIPE;
    return int64_t{0};
}

constexpr SystemCall kTable[] = {
    {29, "ioctl", sys_ioctl, Support::kFull, nullptr},
    {32, "flock", sys_flock, Support::kFull, nullptr},
    {46, "ftruncate", sys_ftruncate, Support::kFull, nullptr},
    {47, "fallocate", sys_fallocate, Support::kPartial, "collapsing, inserting, zeroing and unsharing: EOPNOTSUPP"},
    {61, "getdents64", sys_getdents64, Support::kFull, nullptr},
    {62, "lseek", sys_lseek, Support::kFull, nullptr},
    {63, "read", sys_read, Support::kFull, nullptr},
    {64, "write", sys_write, Support::kFull, nullptr},
    {65, "readv", sys_readv, Support::kFull, nullptr},
    {66, "writev", sys_writev, Support::kFull, nullptr},
    {67, "pread64", sys_pread64, Support::kFull, nullptr},
    {68, "pwrite64", sys_pwrite64, Support::kFull, nullptr},
    {69, "preadv", sys_preadv, Support::kFull, nullptr},
    {70, "pwritev", sys_pwritev, Support::kFull, nullptr},
    {71, "sendfile", sys_sendfile, Support::kFull, nullptr},
    {75, "vmsplice", sys_vmsplice, Support::kPartial, "pages are copied, whatever the flags say"},
    {76, "splice", sys_splice, Support::kFull, nullptr},
    {77, "tee", sys_tee, Support::kFull, nullptr},
    {81, "sync", sys_sync, Support::kFull, nullptr},
    {82, "fsync", sys_fsync, Support::kFull, nullptr},
    {83, "fdatasync", sys_fsync, Support::kFull, nullptr},
    {84, "sync_file_range", sys_sync_file_range, Support::kFull, nullptr},
    {213, "readahead", sys_readahead, Support::kFull, nullptr},
    {223, "fadvise64", sys_fadvise64, Support::kFull, nullptr},
    {267, "syncfs", sys_syncfs, Support::kFull, nullptr},
    {285, "copy_file_range", sys_copy_file_range, Support::kFull, nullptr},
    {286, "preadv2", sys_preadv2, Support::kFull, nullptr},
    {287, "pwritev2", sys_pwritev2, Support::kFull, nullptr},
};

}  // namespace

const std::span<const SystemCall> kFileCalls = kTable;

}  // namespace kos::lx
