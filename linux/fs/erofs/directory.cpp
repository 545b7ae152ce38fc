// Entries of a directory's block (directory.h).
#include "fs/erofs/directory.h"

#include "fs/erofs/volume.h"

#include <string.h>

namespace kos::lx::erofs {

namespace {

constexpr Mode kTypes[] = {0, kS_IFREG, kS_IFDIR, kS_IFCHR, kS_IFBLK, kS_IFIFO, kS_IFSOCK, kS_IFLNK};

const uint8_t* at(std::span<const std::byte> bytes, size_t offset) {
    return reinterpret_cast<const uint8_t*>(bytes.data()) + offset;
}

}  // namespace

Result<DirectoryBlock> DirectoryBlock::of(std::span<const std::byte> bytes) {
    DirectoryBlock block(bytes);
    if (bytes.size() < kEntryBytes) return Errno::kEIO;
    // The names begin where the entries end.
    size_t const names = little16(at(bytes, 8));
    if (names < kEntryBytes || names % kEntryBytes || names >= bytes.size()) return Errno::kEIO;
    block.count_ = static_cast<unsigned>(names / kEntryBytes);
    return block;
}

Result<std::string_view> DirectoryBlock::name(unsigned index) const {
    size_t const begin = little16(at(bytes_, index * kEntryBytes + 8));
    size_t end = bytes_.size();
    if (index + 1 < count_) end = little16(at(bytes_, (index + 1) * kEntryBytes + 8));
    if (begin < count_ * kEntryBytes || begin >= end || end > bytes_.size()) return Errno::kEIO;
    auto const* const text = reinterpret_cast<const char*>(bytes_.data()) + begin;
    size_t const length = strnlen(text, end - begin);
    // Only the last one has zeros behind it.
    if (length == 0 || length > kNameMax || (index + 1 < count_ && length != end - begin)) return Errno::kEIO;
    return std::string_view(text, length);
}

Result<DirectoryBlock::Entry> DirectoryBlock::entry(unsigned index) const {
    KOS_TRY(std::string_view const text, name(index));
    uint8_t const type = *at(bytes_, index * kEntryBytes + 10);
    if (type >= std::size(kTypes) || text.find('/') != text.npos) return Errno::kEIO;
    return Entry{text, little64(at(bytes_, index * kEntryBytes)), kTypes[type]};
}

Result<unsigned> DirectoryBlock::lower_bound(std::string_view wanted) const {
    unsigned low = 0, high = count_;
    while (low < high) {
        unsigned const middle = low + (high - low) / 2;
        KOS_TRY(std::string_view const text, name(middle));
        // char_traits<char> compares as unsigned char, which is the image's order.
        if (text < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

}  // namespace kos::lx::erofs
