// From one file to another within the server.
#include "syscalls/file.h"
#include "task/system.h"
#include "vfs/extras.h"

#include <algorithm>

namespace kos::lx {

namespace {

constexpr uint32_t kSPLICE_F_MOVE = 1, kSPLICE_F_NONBLOCK = 2, kSPLICE_F_MORE = 4, kSPLICE_F_GIFT = 8;
constexpr uint32_t kSpliceFlags = kSPLICE_F_MOVE | kSPLICE_F_NONBLOCK | kSPLICE_F_MORE | kSPLICE_F_GIFT;
constexpr size_t kPieceBytes = 64 * 1024;
// So many at most before others get their turn: a copy is a program's to repeat.
constexpr uint64_t kOnceBytes = 16 * 1024 * 1024;

// One thread works in the server, and nothing here calls back into itself.
std::byte piece[kPieceBytes];

// A position argument: a pointer to one (which is moved) or, if 0, the file's.
struct Position {
    uint64_t address = 0;
    uint64_t start = 0;
};

Result<Position> position_of(Call& call, File& file, unsigned index) {
    Position position;
    position.address = call.argument(index);
    if (!position.address) {
        // The position may be changed by others while this call waits.
        uint64_t& kept = call.progress.words[index % 4];
        if (!call.progress.is_again) kept = file.position;
        position.start = kept;
        return position;
    }
    KOS_TRY(int64_t const offset, call.read_user<int64_t>(position.address));
    if (offset < 0) return Errno::kEINVAL;
    position.start = static_cast<uint64_t>(offset);
    return position;
}

Status put_position(Call& call, File& file, const Position& position, uint64_t moved) {
    if (!position.address) {
        file.position = position.start + moved;
        return {};
    }
    return call.write_user(position.address, static_cast<int64_t>(position.start + moved));
}

// What is to be returned when something was moved or an error stopped it.
Result<int64_t> outcome(Call& call, Errno error) {
    if (call.progress.done || error == Errno::kOK) return static_cast<int64_t>(call.progress.done);
    return write_error(call, error);
}

}  // namespace

Result<int64_t> sys_sendfile(Call& call) {
    KOS_TRY(auto const out, call.file(0));
    KOS_TRY(auto const in, call.file(1));
    if (!out->may_write() || !in->may_read()) return Errno::kEBADF;
    if (!in->is_seekable() || !in->inode() || in->inode()->is_directory()) return Errno::kEINVAL;
    if (out->flags & kO_APPEND) return Errno::kEINVAL;
    uint64_t const count = std::min(call.argument(3), kIoMax);
    KOS_TRY(Position const from, position_of(call, *in, 2));
    uint64_t& done = call.progress.done;
    uint64_t const at_once = done + kOnceBytes;
    Errno error = Errno::kOK;
    while (done < count && done < at_once) {
        LocalBuffer to(piece, std::min<uint64_t>(kPieceBytes, count - done));
        auto const got = in->read_at(to, from.start + done);
        if (!got.ok() || *got == 0) {
            error = got.error();
            break;
        }
        LocalBuffer buffer(piece, *got);
        auto const put = out->write(buffer);
        if (!put.ok()) {
            error = put.error();
            if (error == Errno::kEAGAIN) {
                error = call.wait_for_file(*out, kPOLLOUT | kPOLLWRNORM);
                if (error == Errno::kRetry) return error;
            }
            break;
        }
        done += *put;
        if (*put == 0) break;
    }
    if (done) {
        notify(out->location, kIN_MODIFY);
        KOS_TRY_STATUS(put_position(call, *in, from, done));
    }
    return outcome(call, error);
}

Result<int64_t> sys_splice(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(5);
    if (flags & ~kSpliceFlags) return Errno::kEINVAL;
    KOS_TRY(auto const in, call.file(0));
    KOS_TRY(auto const out, call.file(2));
    if (call.argument(4) == 0) return int64_t{0};
    if (!in->may_read() || !out->may_write()) return Errno::kEBADF;
    if (!in->is_pipe() && !out->is_pipe()) return Errno::kEINVAL;
    if ((in->is_pipe() && call.argument(1)) || (out->is_pipe() && call.argument(3))) return Errno::kESPIPE;
    if ((call.argument(1) && !in->is_seekable()) || (call.argument(3) && !out->is_seekable())) return Errno::kEINVAL;
    if (out->flags & kO_APPEND && !out->is_pipe()) return Errno::kEINVAL;
    if (in->inode() && in->inode()->is_directory()) return Errno::kEINVAL;
    bool const dont_wait = flags & kSPLICE_F_NONBLOCK;
    size_t const most = std::min<uint64_t>(call.argument(4), kPieceBytes);

    // Nothing is taken from a stream before there is room for it: up to a page fits whenever a pipe is writable.
    if (out->is_pipe() && !(out->poll() & (kPOLLOUT | kPOLLERR))) {
        return call.wait_for_file(*out, kPOLLOUT | kPOLLWRNORM, dont_wait);
    }
    LocalBuffer to(piece, in->is_seekable() || in->is_pipe() ? most : std::min(most, kPageBytes));
    Position from, target;
    Result<size_t> got = size_t{0};
    if (in->is_pipe()) {
        got = in->peek(to, 0);
    } else if (in->is_seekable()) {
        KOS_TRY(from, position_of(call, *in, 1));
        got = in->read_at(to, from.start);
    } else {
        got = in->read(to);
    }
    if (!got.ok()) {
        if (got.error() != Errno::kEAGAIN) return got.error();
        return call.wait_for_file(*in, kPOLLIN | kPOLLRDNORM, dont_wait);
    }
    if (*got == 0) return int64_t{0};

    LocalBuffer buffer(piece, *got);
    Result<size_t> put = size_t{0};
    if (out->is_seekable()) {
        KOS_TRY(target, position_of(call, *out, 3));
        KOS_TRY(size_t const allowed, allowed_bytes(call, *out, target.start, *got));
        PartOfBuffer part(buffer, allowed);
        put = out->write_at(part, target.start);
    } else {
        put = out->write(buffer);
    }
    if (!put.ok()) {
        if (put.error() != Errno::kEAGAIN) return write_error(call, put.error());
        return call.wait_for_file(*out, kPOLLOUT | kPOLLWRNORM, dont_wait);
    }
    if (in->is_pipe()) {
        LocalBuffer taken(piece, *put);
        KOS_TRY([[maybe_unused]] size_t const gone, in->read(taken));
    } else if (in->is_seekable()) {
        KOS_TRY_STATUS(put_position(call, *in, from, *put));
    }
    if (out->is_seekable()) {
        notify(out->location, kIN_MODIFY);
        KOS_TRY_STATUS(put_position(call, *out, target, *put));
    }
    return static_cast<int64_t>(*put);
}

Result<int64_t> sys_tee(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (flags & ~kSpliceFlags) return Errno::kEINVAL;
    KOS_TRY(auto const in, call.file(0));
    KOS_TRY(auto const out, call.file(1));
    if (call.argument(2) == 0) return int64_t{0};
    if (!in->may_read() || !out->may_write()) return Errno::kEBADF;
    if (!in->is_pipe() || !out->is_pipe()) return Errno::kEINVAL;
    KOS_TRY(auto const in_attributes, in->attributes());
    KOS_TRY(auto const out_attributes, out->attributes());
    if (in_attributes.inode == out_attributes.inode && in_attributes.device == out_attributes.device) {
        return Errno::kEINVAL;  // the two ends of one pipe
    }
    bool const dont_wait = flags & kSPLICE_F_NONBLOCK;
    LocalBuffer to(piece, std::min<uint64_t>(call.argument(2), kPieceBytes));
    auto const got = in->peek(to, 0);
    if (!got.ok()) {
        if (got.error() != Errno::kEAGAIN) return got.error();
        return call.wait_for_file(*in, kPOLLIN | kPOLLRDNORM, dont_wait);
    }
    if (*got == 0) return int64_t{0};
    LocalBuffer buffer(piece, *got);
    auto const put = out->write(buffer);
    if (!put.ok()) {
        if (put.error() != Errno::kEAGAIN) return write_error(call, put.error());
        return call.wait_for_file(*out, kPOLLOUT | kPOLLWRNORM, dont_wait);
    }
    return static_cast<int64_t>(*put);
}

Result<int64_t> sys_vmsplice(Call& call) {
    uint32_t const flags = call.argument_as<uint32_t>(3);
    if (flags & ~kSpliceFlags) return Errno::kEINVAL;
    KOS_TRY(auto const file, call.file(0));
    if (!file->is_pipe()) return Errno::kEBADF;
    bool const writes = file->may_write();
    auto const direction = writes ? IoBuffer::Direction::kFromProgram : IoBuffer::Direction::kToProgram;
    KOS_TRY(auto buffer, UserBuffer::of_vector(call.memory(), call.argument(1), call.argument(2), direction));
    if (buffer.remaining() == 0) return int64_t{0};
    auto const moved = writes ? file->write(buffer) : file->read(buffer);
    if (!moved.ok()) {
        if (moved.error() != Errno::kEAGAIN) return write_error(call, moved.error());
        return call.wait_for_file(*file, writes ? kPOLLOUT | kPOLLWRNORM : kPOLLIN | kPOLLRDNORM,
                                  flags & kSPLICE_F_NONBLOCK);
    }
    return static_cast<int64_t>(*moved);
}

Result<int64_t> sys_copy_file_range(Call& call) {
    if (call.argument(5)) return Errno::kEINVAL;
    KOS_TRY(auto const in, call.file(0));
    KOS_TRY(auto const out, call.file(2));
    if (!in->may_read() || !out->may_write() || out->flags & kO_APPEND) return Errno::kEBADF;
    for (const Ref<File>& file : {in, out}) {
        if (file->inode() && file->inode()->is_directory()) return Errno::kEISDIR;
        if (!file->inode() || !file->inode()->is_regular()) return Errno::kEINVAL;
    }
    KOS_TRY(Position const from, position_of(call, *in, 1));
    KOS_TRY(Position const to, position_of(call, *out, 3));
    uint64_t const count = std::min({call.argument(4), kIoMax, kOnceBytes});
    if (in->inode() == out->inode() && from.start < to.start + count && to.start < from.start + count) {
        return Errno::kEINVAL;
    }
    uint64_t& done = call.progress.done;
    Errno error = Errno::kOK;
    while (done < count) {
        LocalBuffer buffer(piece, std::min<uint64_t>(kPieceBytes, count - done));
        auto const got = in->read_at(buffer, from.start + done);
        if (!got.ok() || *got == 0) {
            error = got.error();
            break;
        }
        LocalBuffer source(piece, *got);
        auto const allowed = allowed_bytes(call, *out, to.start + done, *got);
        if (!allowed.ok()) {
            error = allowed.error();
            break;
        }
        PartOfBuffer part(source, *allowed);
        auto const put = out->write_at(part, to.start + done);
        if (!put.ok()) {
            error = put.error();
            break;
        }
        done += *put;
        if (*put < *got) break;
    }
    if (done) {
        notify(out->location, kIN_MODIFY);
        KOS_TRY_STATUS(put_position(call, *in, from, done));
        KOS_TRY_STATUS(put_position(call, *out, to, done));
    }
    return outcome(call, error);
}

}  // namespace kos::lx
