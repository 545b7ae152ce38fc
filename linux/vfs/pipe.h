// Pipes and FIFOs (pipe(7), fifo(7)).
//
// A pipe is a row of pieces, each a part of a page, at most `slots` of them. A write of up to PIPE_BUF bytes goes into
// one slot and is therefore all or nothing; a pipe can be written to (kPOLLOUT) while a slot is free. Each open end is
// a PipeEnd. The call layer makes SIGPIPE of kEPIPE.
#pragma once

#include "mm/frame.h"
#include "vfs/file.h"

#include <deque>
#include <vector>

namespace kos::lx {

class PipeEnd;

class Pipe final : public Counted {
public:
    static constexpr size_t kPipeBuf = kPageBytes;
    static constexpr size_t kSlots = 16, kSlotsMax = 256;  // F_SETPIPE_SZ up to 1 MiB, as in fs.pipe-max-size

    explicit Pipe(FrameSource& frames);

    // --- Bytes; both never block. read: 0 at the end (no writer), kEAGAIN. write: kEPIPE without a reader, kEAGAIN if
    // nothing fits (kPipeBuf bytes or less: all of it). `as_packet`: each read gives what one write wrote (O_DIRECT).
    Result<size_t> read(IoBuffer& to);
    Result<size_t> write(IoBuffer& from, bool as_packet);

    // For splice(2) and tee(2): as `read`, but the bytes stay; `skip` bytes are left out first.
    Result<size_t> peek(IoBuffer& to, size_t skip) const;

    bool is_full() const { return pieces_.size() >= slots_; }
    bool is_empty() const { return pieces_.empty(); }
    bool has_readers() const { return readers_ != 0; }
    bool has_writers() const { return writers_ != 0; }
    uint64_t bytes() const { return bytes_; }
    size_t capacity() const { return slots_ * kPageBytes; }  // F_GETPIPE_SZ
    Result<size_t> set_capacity(uint64_t bytes);             // F_SETPIPE_SZ: the new one. kEBUSY, kEPERM, kEINVAL

private:
    friend class PipeEnd;
    struct Piece {
        Ref<Frame> frame;
        uint32_t offset = 0, bytes = 0;
        bool is_packet = false;
    };
    void wake(uint32_t events);
    Result<Ref<Frame>> allocate();
    void pop_front();
    void wake_readers() { wake(kPOLLIN | kPOLLRDNORM); }
    void wake_writers() { wake(kPOLLOUT | kPOLLWRNORM); }

    FrameSource& frames_;
    std::deque<Piece> pieces_;
    Ref<Frame> spare_;  // the last one that was read to its end; for the next write
    size_t slots_ = kSlots;
    uint64_t bytes_ = 0;
    std::vector<PipeEnd*> ends_;
    uint32_t readers_ = 0, writers_ = 0;
    uint64_t readers_ever_ = 0, writers_ever_ = 0;
    Attributes attributes_;
};

class PipeEnd final : public File {
public:
    // `open_flags`: kO_RDONLY, kO_WRONLY or kO_RDWR, kO_NONBLOCK, kO_DIRECT. `inode`: the FIFO's, else nullptr.
    PipeEnd(Ref<Pipe> pipe, uint32_t open_flags, Ref<Inode> inode = nullptr);
    ~PipeEnd() override;

    // For open(2) of a FIFO: false until the other side has been opened, too; `queue` is woken then.
    bool is_connected() override;

    Result<size_t> read(IoBuffer& to) override;
    Result<size_t> write(IoBuffer& from) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    Result<int64_t> ioctl(Call& call, uint32_t request, uint64_t argument) override;
    Result<Attributes> attributes() override;
    bool is_pipe() const override { return true; }
    Result<size_t> peek(IoBuffer& to, size_t skip) override;
    Result<int64_t> control(unsigned command, uint64_t argument) override;
    std::string anonymous_name() const override;
    Result<Ref<File>> open_again(uint32_t open_flags) override;

private:
    friend class Pipe;
    Ref<Pipe> pipe_;
    Ref<Inode> inode_;
    uint64_t readers_before_ = 0, writers_before_ = 0;  // that had been opened ever before this end
};

struct PipePair {
    Ref<File> reader, writer;
};
PipePair make_pipe(FrameSource& frames, uint32_t flags);  // kO_NONBLOCK, kO_DIRECT

// Opens the FIFO that `inode` is (a SpecialOpen, special.h). Never blocks: kENXIO for kO_WRONLY | kO_NONBLOCK without a
// reader; without kO_NONBLOCK the caller waits until File::is_connected, keeping the file, so that the other side sees
// it.
Result<Ref<File>> open_fifo(Inode& inode, uint32_t flags, Process& process);

}  // namespace kos::lx
