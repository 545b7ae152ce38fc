// A sequence of bytes that a call reads from or writes to: a program's memory (one or several pieces, readv(2)) or the
// server's own.
//
// User: the sequence is walked piece by piece (`window`), each of which is checked and made present when it is asked
// for; programs change their memory while a call runs, so each byte is read once. Files never see user addresses.
#pragma once

#include "base/result.h"

#include <stddef.h>

#include <cstddef>
#include <span>

namespace kos::lx {

class IoBuffer {
public:
    enum class Direction : uint8_t { kToProgram, kFromProgram };

    virtual ~IoBuffer() = default;
    size_t remaining() const { return remaining_; }
    size_t done() const { return done_; }

    // The next piece, at most `most` and at most remaining() bytes, at least one unless remaining() is 0; kEFAULT if
    // its first byte is not accessible. Valid until the next call of the buffer.
    virtual Result<std::span<std::byte>> window(size_t most) = 0;
    // `count` bytes, at most the last window's, have been used.
    virtual void advance(size_t count) = 0;

    // As many bytes as possible into the program's (out) or from the program's memory (in), at most `count`. The number
    // is less than asked for if remaining() is, or if the next byte is not accessible; kEFAULT if not even the first.
    Result<size_t> out(const void* bytes, size_t count);
    Result<size_t> in(void* bytes, size_t count);
    Result<size_t> out_zeros(size_t count);

protected:
    explicit IoBuffer(size_t bytes) : remaining_(bytes) {}
    void count(size_t bytes) {
        remaining_ -= bytes;
        done_ += bytes;
    }

private:
    size_t remaining_;
    size_t done_ = 0;
};

// Of the server's own memory.
class LocalBuffer final : public IoBuffer {
public:
    explicit LocalBuffer(std::span<std::byte> bytes) : IoBuffer(bytes.size()), next_(bytes.data()) {}
    LocalBuffer(void* bytes, size_t count) : IoBuffer(count), next_(static_cast<std::byte*>(bytes)) {}
    Result<std::span<std::byte>> window(size_t most) override {
        return std::span(next_, most < remaining() ? most : remaining());
    }
    void advance(size_t bytes) override {
        next_ += bytes;
        count(bytes);
    }

private:
    std::byte* next_;
};

}  // namespace kos::lx
