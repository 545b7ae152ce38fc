// The bytes of one message that waits in a socket: small ones in the heap (all sockets together only so much of it),
// large ones in page frames.
#pragma once

#include "mm/frame.h"
#include "mm/io_buffer.h"

#include <string>
#include <vector>

namespace kos::lx {

class PacketBytes {
public:
    static constexpr size_t kSmall = 1024;
    static constexpr size_t kSmallOfAll = 4 << 20;

    PacketBytes() = default;
    PacketBytes(PacketBytes&& other) noexcept;
    PacketBytes& operator=(PacketBytes&&) = delete;
    ~PacketBytes();

    size_t size() const { return size_; }
    // Adds at most `most` bytes; fewer if the program's memory ends, if `from` does, or if a small message would become
    // a large one (then 0: begin another). kENOMEM, kEFAULT if none could be added for that reason.
    Result<size_t> append(FrameSource& frames, IoBuffer& from, size_t most);
    // Copies at most `most` bytes from `offset` on; kEFAULT.
    Result<size_t> copy(IoBuffer& to, size_t offset, size_t most) const;

private:
    std::string small_;
    std::vector<Ref<Frame>> frames_;
    size_t size_ = 0;
};

}  // namespace kos::lx
