// The image of an EROFS: its superblock, its inodes, its bytes by offset. All that comes out of it is checked against
// its size; whether it makes sense is for the caller.
#pragma once

#include "mm/frame.h"
#include "vfs/types.h"

#include <array>
#include <memory>

namespace kos::lx::erofs {

constexpr uint64_t kBlockBytes = kPageBytes;  // the only block size that is served
constexpr unsigned kBlockBits = kPageBits;
constexpr uint64_t kSlotBytes = 32;  // an inode's number times this is its place

enum class Layout : uint8_t { kPlain = 0, kCompressedFull = 1, kInline = 2, kCompressedCompact = 3, kChunks = 4 };

// Of the superblock's feature_incompat.
constexpr uint32_t kZeroPadding = 1, kBigClusters = 2, kChunkedFiles = 4, kTailPacking = 0x10;

struct InodeRecord {
    uint64_t number = 0;
    Mode mode = 0;
    Layout layout = Layout::kPlain;
    uint64_t size = 0;
    uint32_t links = 0, uid = 0, gid = 0;
    Timespec modified;
    uint32_t place = 0;        // i_u: first block, device number, chunk format or count of compressed blocks
    uint64_t data_offset = 0;  // in the image, right behind the inode and its extended attributes

    uint64_t pages() const { return (size >> kPageBits) + ((size & (kPageBytes - 1)) != 0); }
};

inline uint16_t little16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] | bytes[1] << 8); }
inline uint32_t little32(const uint8_t* bytes) { return little16(bytes) | uint32_t{little16(bytes + 2)} << 16; }
inline uint64_t little64(const uint8_t* bytes) { return little32(bytes) | uint64_t{little32(bytes + 4)} << 32; }

class Volume {
public:
    static Result<std::unique_ptr<Volume>> open(std::unique_ptr<Image> image);

    // kEIO: beyond the image, or a type, size or layout that cannot be. Data in consecutive blocks lie in the image.
    Result<InodeRecord> read_inode(uint64_t number);
    Result<Ref<Frame>> block(uint64_t number);  // kEIO beyond the image
    Status read(uint64_t offset, void* to, size_t bytes);

    uint64_t blocks() const { return blocks_; }
    uint64_t bytes() const { return blocks_ << kBlockBits; }
    uint64_t root() const { return root_; }
    uint64_t inodes() const { return inodes_; }
    uint32_t features() const { return features_; }

private:
    explicit Volume(std::unique_ptr<Image> image) : image_(std::move(image)) {}
    Status read_superblock();
    Status check_data(const InodeRecord& record) const;

    std::unique_ptr<Image> image_;
    uint64_t blocks_ = 0;
    uint64_t metadata_ = 0;  // offset of inode 0
    uint64_t root_ = 0;
    uint64_t inodes_ = 0;
    uint32_t features_ = 0;
    Timespec built_;
    // The blocks that were used last, by number modulo the size: what is read one after the other lies close together.
    struct Recent {
        uint64_t number = ~uint64_t{0};
        Ref<Frame> frame;
    };
    std::array<Recent, 16> recent_;
};

}  // namespace kos::lx::erofs
