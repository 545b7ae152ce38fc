// Superblock and inodes (volume.h).
#include "fs/erofs/volume.h"

#include <string.h>

#include <algorithm>

namespace kos::lx::erofs {

namespace {

constexpr uint64_t kSuperblockOffset = 1024;
constexpr size_t kSuperblockBytes = 128;
constexpr uint32_t kMagic = 0xe0f5e1e2;
constexpr uint32_t kCompatChecksum = 1;
constexpr uint32_t kServedFeatures = kZeroPadding | kBigClusters | kChunkedFiles | kTailPacking;

// CRC-32C, reflected, without the final inversion.
uint32_t crc32c(uint32_t crc, const uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

bool is_type(Mode mode) {
    switch (mode & kS_IFMT) {
        case kS_IFREG:
        case kS_IFDIR:
        case kS_IFLNK:
        case kS_IFCHR:
        case kS_IFBLK:
        case kS_IFIFO:
        case kS_IFSOCK: return true;
        default: return false;
    }
}

}  // namespace

Result<std::unique_ptr<Volume>> Volume::open(std::unique_ptr<Image> image) {
    std::unique_ptr<Volume> volume(new Volume(std::move(image)));
    KOS_TRY_STATUS(volume->read_superblock());
    return volume;
}

Status Volume::read_superblock() {
    blocks_ = image_->pages();
    if (blocks_ == 0) return Errno::kEINVAL;
    uint8_t block[kBlockBytes];
    KOS_TRY_STATUS(read(0, block, sizeof block));
    uint8_t* const super = block + kSuperblockOffset;
    if (little32(super) != kMagic || super[0x0c] != kBlockBits) return Errno::kEINVAL;
    features_ = little32(super + 0x50);
    // Larger superblocks, directory blocks and several devices belong to features that are not served.
    if (features_ & ~kServedFeatures || super[0x0d] != 0 || super[0x5a] != 0) return Errno::kEINVAL;
    if (little32(super + 0x08) & kCompatChecksum) {
        uint32_t const stored = little32(super + 0x04);
        memset(super + 0x04, 0, 4);
        if (crc32c(~0u, super, kBlockBytes - kSuperblockOffset) != stored) return Errno::kEINVAL;
    }
    uint64_t const blocks = little32(super + 0x24);
    if (blocks == 0 || blocks > blocks_) return Errno::kEINVAL;
    blocks_ = blocks;
    uint64_t const metadata = little32(super + 0x28);
    if (metadata >= blocks_) return Errno::kEINVAL;
    metadata_ = metadata << kBlockBits;
    root_ = little16(super + 0x0e);
    inodes_ = little64(super + 0x10);
    built_ = {static_cast<int64_t>(little64(super + 0x18)), little32(super + 0x20)};
    return {};
}

Result<Ref<Frame>> Volume::block(uint64_t number) {
    if (number >= blocks_) return Errno::kEIO;
    Recent& recent = recent_[number % recent_.size()];
    if (recent.number != number) {
        KOS_TRY(recent.frame, image_->page(number));
        recent.number = number;
    }
    return recent.frame;
}

Status Volume::read(uint64_t offset, void* to, size_t bytes) {
    if (offset > this->bytes() || bytes > this->bytes() - offset) return Errno::kEIO;
    auto* next = static_cast<std::byte*>(to);
    while (bytes) {
        KOS_TRY(Ref<Frame> const frame, block(offset >> kBlockBits));
        uint64_t const begin = offset & (kBlockBytes - 1);
        size_t const count = std::min<uint64_t>(bytes, kBlockBytes - begin);
        memcpy(next, frame->data() + begin, count);
        next += count;
        offset += count;
        bytes -= count;
    }
    return {};
}

Result<InodeRecord> Volume::read_inode(uint64_t number) {
    if (number >= bytes() / kSlotBytes) return Errno::kEIO;
    uint64_t const offset = metadata_ + number * kSlotBytes;
    uint8_t disk[64];
    KOS_TRY_STATUS(read(offset, disk, kSlotBytes));
    uint16_t const format = little16(disk);
    bool const is_extended = format & 1;
    if (is_extended) {
        KOS_TRY_STATUS(read(offset + kSlotBytes, disk + kSlotBytes, sizeof disk - kSlotBytes));
    }
    if (format >> 4 || (format >> 1 & 7) > static_cast<unsigned>(Layout::kChunks)) return Errno::kEIO;

    InodeRecord record;
    record.number = number;
    record.layout = static_cast<Layout>(format >> 1 & 7);
    record.mode = little16(disk + 0x04);
    record.place = little32(disk + 0x10);
    if (is_extended) {
        record.size = little64(disk + 0x08);
        record.uid = little32(disk + 0x18);
        record.gid = little32(disk + 0x1c);
        record.modified = {static_cast<int64_t>(little64(disk + 0x20)),
                           std::min(little32(disk + 0x28), uint32_t{999'999'999})};
        record.links = little32(disk + 0x2c);
    } else {
        record.size = little32(disk + 0x08);
        record.uid = little16(disk + 0x18);
        record.gid = little16(disk + 0x1a);
        record.modified = built_;
        record.links = little16(disk + 0x06);
    }
    uint64_t const attributes = little16(disk + 0x02);
    record.data_offset =
        offset + (is_extended ? 2 * kSlotBytes : kSlotBytes) + (attributes ? (attributes - 1) * 4 + 12 : 0);
    if (!is_type(record.mode) || record.data_offset > bytes()) return Errno::kEIO;
    KOS_TRY_STATUS(check_data(record));
    return record;
}

Status Volume::check_data(const InodeRecord& record) const {
    Mode const type = record.mode & kS_IFMT;
    if (type != kS_IFREG && type != kS_IFDIR && type != kS_IFLNK) return {};
    if (record.size > INT64_MAX) return Errno::kEIO;
    uint64_t const tail = record.size & (kBlockBytes - 1);
    switch (record.layout) {
        case Layout::kPlain:
            if (record.size && (record.place > blocks_ || record.pages() > blocks_ - record.place)) return Errno::kEIO;
            return {};
        case Layout::kInline:
            if (uint64_t const whole = record.size >> kBlockBits;
                whole && (record.place > blocks_ || whole > blocks_ - record.place)) {
                return Errno::kEIO;
            }
            // The tail lies in one block with the end of the inode.
            if ((record.data_offset & (kBlockBytes - 1)) + tail > kBlockBytes) return Errno::kEIO;
            return {};
        // These have an index whose entries are checked when they are used; that it can be there at all is checked
        // here. Smallest entry: two bytes for each 4 KiB, respectively four for each chunk.
        case Layout::kCompressedFull:
        case Layout::kCompressedCompact:
            // Directories and links are not compressed: looking at names is never more than reading.
            if (record.pages() > bytes() / 2 || type != kS_IFREG) return Errno::kEIO;
            return {};
        case Layout::kChunks:
            if (!(features_ & kChunkedFiles)) return Errno::kEIO;
            return {};
    }
    return Errno::kEIO;
}

}  // namespace kos::lx::erofs
