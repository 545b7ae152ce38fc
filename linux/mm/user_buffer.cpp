// Pieces of a program's memory, walked page by page.
#include "mm/user_buffer.h"

#include <algorithm>

namespace kos::lx {

namespace {

bool is_user_range(uint64_t address, uint64_t bytes) { return bytes <= kUserEnd && address <= kUserEnd - bytes; }

}  // namespace

UserBuffer::UserBuffer(AddressSpace& memory, uint64_t address, uint64_t bytes, Direction direction)
    : IoBuffer(std::min(bytes, kIoMax)),
      memory_(&memory),
      single_{address, std::min(bytes, kIoMax)},
      direction_(direction) {}

UserBuffer::UserBuffer(AddressSpace& memory, std::vector<UserPiece> pieces, uint64_t total, Direction direction)
    : IoBuffer(total), memory_(&memory), pieces_(std::move(pieces)), direction_(direction) {
    if (!pieces_.empty()) single_ = pieces_[0];
}

Result<UserBuffer> UserBuffer::of_vector(AddressSpace& memory, uint64_t address, uint64_t count, Direction direction) {
    if (count > kIovMax) return Errno::kEINVAL;
    std::vector<UserPiece> pieces(count);
    if (count) KOS_TRY_STATUS(memory.copy_in(pieces.data(), address, count * sizeof(UserPiece)));
    uint64_t total = 0;
    for (UserPiece& piece : pieces) {
        if (piece.bytes > uint64_t{INT64_MAX}) return Errno::kEINVAL;
        if (!is_user_range(piece.address, piece.bytes)) return Errno::kEFAULT;
        piece.bytes = std::min(piece.bytes, kIoMax - total);
        total += piece.bytes;
    }
    std::erase_if(pieces, [](const UserPiece& piece) { return piece.bytes == 0; });
    return UserBuffer(memory, std::move(pieces), total, direction);
}

Result<std::span<std::byte>> UserBuffer::window(size_t most) {
    if (remaining() == 0 || most == 0) return std::span<std::byte>();
    size_t const left = static_cast<size_t>(single_.bytes - offset_);
    return memory_->window(single_.address + offset_, std::min(most, left), direction_ == Direction::kToProgram);
}

void UserBuffer::advance(size_t bytes) {
    count(bytes);
    offset_ += bytes;
    while (offset_ >= single_.bytes && piece_ + 1 < pieces_.size()) {
        offset_ -= single_.bytes;
        single_ = pieces_[++piece_];
    }
}

void UserBuffer::skip(size_t bytes) {
    while (bytes && remaining()) {
        size_t const step = std::min(bytes, static_cast<size_t>(single_.bytes - offset_));
        advance(step);
        bytes -= step;
    }
}

}  // namespace kos::lx
