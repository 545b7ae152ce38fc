// Pipes: pieces of pages in a row.
#include "vfs/pipe.h"

#include "syscalls/call.h"
#include "task/system.h"
#include "vfs/anonymous.h"

#include <algorithm>
#include <map>

namespace kos::lx {

namespace {

constexpr uint32_t kFIONREAD = 0x541B;
constexpr unsigned kF_SETPIPE_SZ = 1031, kF_GETPIPE_SZ = 1032;
// A private event: the other side of a FIFO was opened. Only openers wait for it (with all bits in their mask).
constexpr uint32_t kOpened = 0x4000'0000;

// The pipes of FIFOs that are open; each end keeps its inode, so an address stands for one inode.
std::map<const Inode*, Pipe*>& open_fifos() {
    static std::map<const Inode*, Pipe*> map;
    return map;
}

}  // namespace

Pipe::Pipe(FrameSource& frames) : frames_(frames), attributes_(anonymous_attributes(kPipeDevice, kS_IFIFO | 0600)) {}

void Pipe::wake(uint32_t events) {
    for (PipeEnd* end : ends_) end->queue_.wake(events);
}

Result<Ref<Frame>> Pipe::allocate() {
    if (spare_) return std::exchange(spare_, nullptr);
    return frames_.allocate();
}

void Pipe::pop_front() {
    spare_ = std::move(pieces_.front().frame);
    pieces_.pop_front();
}

Result<size_t> Pipe::read(IoBuffer& to) {
    if (to.remaining() == 0) return size_t{0};
    if (pieces_.empty()) {
        if (writers_ == 0) return size_t{0};
        return Errno::kEAGAIN;
    }
    bool const was_full = is_full();
    size_t done = 0;
    while (to.remaining() && !pieces_.empty()) {
        Piece& piece = pieces_.front();
        auto moved = to.out(piece.frame->data() + piece.offset, std::min<size_t>(piece.bytes, to.remaining()));
        if (!moved.ok()) {
            if (done == 0) return moved.error();
            break;
        }
        done += *moved;
        bool const is_packet = piece.is_packet;                        // what does not fit of a packet is lost
        bool const is_short = *moved < piece.bytes && to.remaining();  // the program's memory ended
        uint32_t const used = is_packet ? piece.bytes : static_cast<uint32_t>(*moved);
        bytes_ -= used;
        piece.offset += used;
        piece.bytes -= used;
        if (piece.bytes == 0) pop_front();
        if (is_packet || is_short) break;
    }
    if (was_full && !is_full()) wake_writers();
    return done;
}

Result<size_t> Pipe::write(IoBuffer& from, bool as_packet) {
    if (readers_ == 0) return Errno::kEPIPE;
    if (from.remaining() == 0) return size_t{0};
    size_t done = 0;
    Errno error = Errno::kEAGAIN;
    // What does not fill whole pages goes behind the last piece if all of it fits there.
    size_t const rest = from.remaining() % kPageBytes;
    if (rest && !as_packet && !pieces_.empty()) {
        Piece& last = pieces_.back();
        if (!last.is_packet && last.offset + last.bytes + rest <= kPageBytes) {
            KOS_TRY(size_t const moved, from.in(last.frame->data() + last.offset + last.bytes, rest));
            last.bytes += static_cast<uint32_t>(moved);
            done = moved;
            if (moved < rest) error = Errno::kEFAULT;
        }
    }
    while (error == Errno::kEAGAIN && from.remaining() && !is_full()) {
        auto frame = allocate();
        if (!frame.ok()) {
            error = frame.error();
            break;
        }
        size_t const wanted = std::min(kPageBytes, from.remaining());
        auto const moved = from.in((*frame)->data(), wanted);
        if (!moved.ok()) {
            error = moved.error();
            break;
        }
        if (*moved < wanted) error = Errno::kEFAULT;
        pieces_.push_back({frame.take(), 0, static_cast<uint32_t>(*moved), as_packet});
        done += *moved;
    }
    bytes_ += done;
    if (done == 0) return error;
    wake_readers();
    return done;
}

Result<size_t> Pipe::peek(IoBuffer& to, size_t skip) const {
    if (to.remaining() == 0) return size_t{0};
    if (skip >= bytes_) {
        if (writers_ == 0) return size_t{0};
        return Errno::kEAGAIN;
    }
    size_t done = 0;
    for (const Piece& piece : pieces_) {
        if (skip >= piece.bytes) {
            skip -= piece.bytes;
            continue;
        }
        size_t const wanted = std::min<size_t>(piece.bytes - skip, to.remaining());
        auto const moved = to.out(piece.frame->data() + piece.offset + skip, wanted);
        if (!moved.ok()) {
            if (done == 0) return moved.error();
            break;
        }
        done += *moved;
        skip = 0;
        if (to.remaining() == 0 || *moved < wanted || piece.is_packet) break;
    }
    return done;
}

Result<size_t> Pipe::set_capacity(uint64_t bytes) {
    if (bytes > 1u << 31) return Errno::kEINVAL;
    size_t slots = 1;
    while (slots * kPageBytes < bytes) slots *= 2;
    if (slots > kSlotsMax && slots > slots_) return Errno::kEPERM;
    if (slots < pieces_.size()) return Errno::kEBUSY;
    bool const was_full = is_full();
    slots_ = slots;
    if (was_full && !is_full()) wake_writers();
    return capacity();
}

PipeEnd::PipeEnd(Ref<Pipe> pipe, uint32_t open_flags, Ref<Inode> inode)
    : pipe_(std::move(pipe)), inode_(std::move(inode)) {
    flags = open_flags;
    readers_before_ = pipe_->readers_ever_;
    writers_before_ = pipe_->writers_ever_;
    if (may_read()) {
        ++pipe_->readers_;
        ++pipe_->readers_ever_;
    }
    if (may_write()) {
        ++pipe_->writers_;
        ++pipe_->writers_ever_;
    }
    pipe_->wake(kOpened);
    pipe_->ends_.push_back(this);
}

PipeEnd::~PipeEnd() {
    std::erase(pipe_->ends_, this);
    uint32_t events = 0;
    if (may_read() && --pipe_->readers_ == 0) events |= kPOLLOUT | kPOLLWRNORM | kPOLLERR;
    if (may_write() && --pipe_->writers_ == 0) events |= kPOLLIN | kPOLLRDNORM | kPOLLHUP;
    if (events) pipe_->wake(events);
    if (pipe_->ends_.empty() && inode_) open_fifos().erase(inode_.get());
}

bool PipeEnd::is_connected() {
    if (may_read() && may_write()) return true;
    if (may_read()) return is_non_blocking() || pipe_->has_writers() || pipe_->writers_ever_ != writers_before_;
    return is_non_blocking() || pipe_->has_readers() || pipe_->readers_ever_ != readers_before_;
}

Result<size_t> PipeEnd::read(IoBuffer& to) { return pipe_->read(to); }

Result<size_t> PipeEnd::write(IoBuffer& from) { return pipe_->write(from, flags & kO_DIRECT); }

uint32_t PipeEnd::poll() {
    uint32_t events = 0;
    if (may_read()) {
        if (!pipe_->is_empty()) events |= kPOLLIN | kPOLLRDNORM;
        // A FIFO's reader that came first has not been hung up on.
        bool const had_writer = pipe_->writers_ever_ != writers_before_ || !inode_;
        if (!pipe_->has_writers() && had_writer) events |= kPOLLHUP;
    }
    if (may_write()) {
        if (!pipe_->is_full()) events |= kPOLLOUT | kPOLLWRNORM;
        if (!pipe_->has_readers()) events |= kPOLLERR;
    }
    return events;
}

Result<int64_t> PipeEnd::ioctl(Call& call, uint32_t request, uint64_t argument) {
    if (request != kFIONREAD) return Errno::kENOTTY;
    KOS_TRY_STATUS(call.write_user(argument, static_cast<int32_t>(pipe_->bytes())));
    return int64_t{0};
}

Result<size_t> PipeEnd::peek(IoBuffer& to, size_t skip) { return pipe_->peek(to, skip); }

Result<int64_t> PipeEnd::control(unsigned command, uint64_t argument) {
    if (command == kF_GETPIPE_SZ) return static_cast<int64_t>(pipe_->capacity());
    if (command != kF_SETPIPE_SZ) return File::control(command, argument);
    KOS_TRY(size_t const capacity, pipe_->set_capacity(static_cast<uint32_t>(argument)));
    return static_cast<int64_t>(capacity);
}

Result<Attributes> PipeEnd::attributes() {
    if (inode_) return inode_->attributes();
    return pipe_->attributes_;
}

std::string PipeEnd::anonymous_name() const {
    return inode_ ? std::string() : numbered_name("pipe", pipe_->attributes_.inode);
}

Result<Ref<File>> PipeEnd::open_again(uint32_t open_flags) {
    return Ref<File>(new PipeEnd(pipe_, open_flags & (kO_ACCMODE | kO_NONBLOCK | kO_DIRECT), inode_));
}

PipePair make_pipe(FrameSource& frames, uint32_t flags) {
    auto pipe = make_ref<Pipe>(frames);
    flags &= kO_NONBLOCK | kO_DIRECT;
    return {make_ref<PipeEnd>(pipe, kO_RDONLY | flags), make_ref<PipeEnd>(pipe, kO_WRONLY | flags)};
}

Result<Ref<File>> open_fifo(Inode& inode, uint32_t flags, Process& process) {
    flags &= kO_ACCMODE | kO_NONBLOCK | kO_DIRECT;
    if ((flags & kO_ACCMODE) == kO_ACCMODE) return Errno::kEINVAL;
    Ref<Pipe> pipe;
    if (auto const found = open_fifos().find(&inode); found != open_fifos().end()) pipe = Ref<Pipe>(found->second);
    bool const has_reader = pipe && pipe->has_readers();
    if ((flags & kO_ACCMODE) == kO_WRONLY && flags & kO_NONBLOCK && !has_reader) return Errno::kENXIO;
    if (!pipe) {
        pipe = make_ref<Pipe>(process.system.frames);
        open_fifos()[&inode] = pipe.get();
    }
    return Ref<File>(new PipeEnd(pipe, flags, Ref<Inode>(&inode)));
}

}  // namespace kos::lx
