// An IoBuffer over a program's memory: one piece (read, write) or several (readv, sendmsg).
#pragma once

#include "mm/address_space.h"
#include "mm/io_buffer.h"

#include <vector>

namespace kos::lx {

struct UserPiece {
    uint64_t address, bytes;
};

class UserBuffer final : public IoBuffer {
public:
    UserBuffer(AddressSpace& memory, uint64_t address, uint64_t bytes, Direction direction);
    // struct iovec[count] at `address`; kEINVAL (count, sum), kEFAULT.
    static Result<UserBuffer> of_vector(AddressSpace& memory, uint64_t address, uint64_t count, Direction direction);

    Result<std::span<std::byte>> window(size_t most) override;
    void advance(size_t bytes) override;
    void skip(size_t bytes);  // what an earlier execution of the call has moved

private:
    UserBuffer(AddressSpace& memory, std::vector<UserPiece> pieces, uint64_t total, Direction direction);
    AddressSpace* memory_;
    std::vector<UserPiece> pieces_;
    UserPiece single_{};
    size_t piece_ = 0;
    uint64_t offset_ = 0;  // in the present piece
    Direction direction_;
};

constexpr uint64_t kIovMax = 1024;
constexpr uint64_t kIoMax = 0x7fff'f000;  // most bytes that one call moves

}  // namespace kos::lx
