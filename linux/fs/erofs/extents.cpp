// LZ4 (extents.h). liblz4's decoder for foreign input checks all lengths and distances.
#include "fs/erofs/extents.h"

#include <lz4.h>
#include <stdlib.h>

namespace kos::lx::erofs {

namespace {

// Larger buffers are given back once another extent is needed.
constexpr size_t kKeptBytes = 256 << 10;

}  // namespace

void Extents::Free::operator()(std::byte* bytes) const { free(bytes); }

// malloc and not new: large, and its failure is an error of the file, not the end of the domain.
Status Extents::Buffer::reserve(size_t count) {
    if (capacity >= count) return {};
    drop();
    bytes.reset(static_cast<std::byte*>(malloc(count)));
    if (!bytes) return Errno::kENOMEM;
    capacity = count;
    return {};
}

void Extents::Buffer::drop() {
    bytes.reset();
    capacity = 0;
}

Result<std::span<const std::byte>> Extents::data(uint64_t inode, const Extent& extent) {
    Slot* oldest = &slots_[0];
    for (Slot& slot : slots_) {
        if (slot.length == extent.length() && slot.inode == inode && slot.start == extent.start) {
            slot.used = ++uses_;
            return std::span<const std::byte>(slot.buffer.bytes.get(), slot.length);
        }
        if (slot.used < oldest->used) oldest = &slot;
    }
    for (Slot& slot : slots_) {
        if (slot.buffer.capacity <= kKeptBytes) continue;
        slot.length = 0;
        slot.buffer.drop();
    }
    if (input_.capacity > kKeptBytes) input_.drop();

    held_.clear();
    oldest->length = 0;
    KOS_TRY_STATUS(oldest->buffer.reserve(extent.length()));
    KOS_TRY(std::span<const std::byte> from, stored(extent));
    if (volume_.features() & kZeroPadding) {
        // The compressed bytes end with the cluster. LZ4 never begins with a zero byte that ends the data.
        size_t zeros = 0;
        while (zeros < from.size() && from[zeros] == std::byte{0}) ++zeros;
        from = from.subspan(zeros);
    }
    // What follows the compressed bytes, if anything, is not looked at once the extent is complete.
    int const length = static_cast<int>(extent.length());
    ++decompressed_;
    int const made = LZ4_decompress_safe_partial(reinterpret_cast<const char*>(from.data()),
                                                 reinterpret_cast<char*>(oldest->buffer.bytes.get()),
                                                 static_cast<int>(from.size()), length, length);
    held_.clear();
    if (made != length) return Errno::kEIO;
    oldest->inode = inode;
    oldest->start = extent.start;
    oldest->length = extent.length();
    oldest->used = ++uses_;
    return std::span<const std::byte>(oldest->buffer.bytes.get(), oldest->length);
}

// What the image has for an extent, in one piece: where it lies if its blocks follow each other in memory, else a copy.
Result<std::span<const std::byte>> Extents::stored(const Extent& extent) {
    uint64_t const begin = extent.offset & (kBlockBytes - 1);
    uint64_t const first = extent.offset >> kBlockBits;
    bool in_one_piece = true;
    for (uint64_t i = 0; i << kBlockBits < begin + extent.bytes; ++i) {
        KOS_TRY(Ref<Frame> frame, volume_.block(first + i));
        if (i && frame->data() != held_.back()->data() + kBlockBytes) {
            in_one_piece = false;
            break;
        }
        held_.push_back(std::move(frame));
    }
    if (in_one_piece) return std::span<const std::byte>(held_.front()->data() + begin, extent.bytes);
    KOS_TRY_STATUS(input_.reserve(extent.bytes));
    KOS_TRY_STATUS(volume_.read(extent.offset, input_.bytes.get(), extent.bytes));
    return std::span<const std::byte>(input_.bytes.get(), extent.bytes);
}

}  // namespace kos::lx::erofs
