// Full and compact indexes of logical clusters (cluster_index.h).
//
// Where the documentation is silent or at odds with what mkfs.erofs 1.5 writes, what dump.erofs says of its images
// counts: the entries of a full index begin 8 bytes behind the header; plain extents begin at the start of their block;
// the base of a pack is one less than the first block that it describes, unless the file has big physical clusters.
#include "fs/erofs/cluster_index.h"

#include <algorithm>

namespace kos::lx::erofs {

namespace {

constexpr uint64_t kHeaderBytes = 8, kFullGapBytes = 8, kFullEntryBytes = 8;
// h_advise
constexpr uint16_t kDensePacks = 1, kBigClusters1 = 2, kBigClusters2 = 4, kInlineTail = 8;
// An entry inside an extent: its number is a count of blocks (of the extent), not a distance.
constexpr uint16_t kIsCount = 0x800;

constexpr unsigned kSparsePack = 2, kDensePack = 16;
constexpr uint64_t kSparsePackBytes = 8, kDensePackBytes = 32;
constexpr unsigned kNumberBits = 12;  // of an entry, below its type

}  // namespace

Result<ClusterIndex> ClusterIndex::open(Volume& volume, const InodeRecord& record) {
    ClusterIndex index(volume);
    index.size_ = record.size;
    index.clusters_ = record.pages();
    index.is_compact_ = record.layout == Layout::kCompressedCompact;
    uint64_t const header_offset = (record.data_offset + 7) & ~uint64_t{7};
    uint8_t header[kHeaderBytes];
    KOS_TRY_STATUS(volume.read(header_offset, header, sizeof header));
    uint16_t const advise = little16(header + 4);
    uint16_t const known = (index.is_compact_ ? kDensePacks : 0) | kBigClusters1 | kBigClusters2 | kInlineTail;
    // LZ4 for both kinds of heads; logical clusters of 4 KiB; not a fragment of another inode.
    if (advise & ~known || header[6] != 0 || header[7] != 0) return Errno::kEIO;
    index.has_big_clusters_ = advise & (kBigClusters1 | kBigClusters2);

    index.entries_offset_ = header_offset + kHeaderBytes;
    if (index.is_compact_) {
        index.initial_ = index.clusters_;
        if (advise & kDensePacks) {
            // Dense packs are aligned to their size.
            uint64_t const before =
                (kDensePackBytes - index.entries_offset_ % kDensePackBytes) % kDensePackBytes / kSparsePackBytes;
            index.initial_ = std::min(index.clusters_, before * kSparsePack);
            index.dense_ = (index.clusters_ - index.initial_) / kDensePack * kDensePack;
        }
        uint64_t const trailing = index.clusters_ - index.initial_ - index.dense_;
        auto const sparse = [](uint64_t entries) { return (entries + 1) / kSparsePack * kSparsePackBytes; };
        index.end_offset_ = index.entries_offset_ + sparse(index.initial_) +
                            index.dense_ / kDensePack * kDensePackBytes + sparse(trailing);
    } else {
        index.entries_offset_ += kFullGapBytes;
        index.end_offset_ = index.entries_offset_ + index.clusters_ * kFullEntryBytes;
    }
    if (index.end_offset_ > volume.bytes()) return Errno::kEIO;
    if (advise & kInlineTail) {
        index.inline_bytes_ = little16(header + 2);
        if ((index.end_offset_ & (kBlockBytes - 1)) + index.inline_bytes_ > kBlockBytes) return Errno::kEIO;
    }
    return index;
}

Result<Extent> ClusterIndex::find(uint64_t offset) {
    uint64_t cluster = offset >> kBlockBits;
    uint64_t const lowest = cluster - std::min(cluster, kExtentBytesMax >> kBlockBits);
    KOS_TRY(Entry head, entry(cluster));
    if (head.is_head() && head.begin > (offset & (kBlockBytes - 1))) {
        if (cluster == 0) return Errno::kEIO;
        KOS_TRY(head, entry(--cluster));
    }
    while (!head.is_head()) {
        if (head.back == 0 || head.back > cluster - lowest) return Errno::kEIO;
        cluster -= head.back;
        KOS_TRY(head, entry(cluster));
    }

    Extent extent;
    extent.start = (cluster << kBlockBits) + head.begin;
    extent.end = size_;
    extent.is_plain = head.type == Type::kPlain;
    uint32_t blocks = 1;
    bool is_last = true;
    for (uint64_t next = cluster + 1; next < clusters_; ++next) {
        KOS_TRY(Entry const entry_here, entry(next));
        if (entry_here.is_head()) {
            uint64_t const end = (next << kBlockBits) + entry_here.begin;
            is_last = end >= size_;
            extent.end = std::min(end, size_);
            break;
        }
        if (next == cluster + 1 && entry_here.blocks) blocks = entry_here.blocks;
        if (next - cluster > kExtentBytesMax >> kBlockBits) return Errno::kEIO;
    }
    // A distance may have led past other heads.
    if (offset < extent.start || offset >= extent.end || blocks > kClusterBlocksMax) return Errno::kEIO;
    if (is_last && inline_bytes_) {
        extent.offset = end_offset_;
        extent.bytes = inline_bytes_;
    } else {
        if (head.block >= volume_->blocks() || blocks > volume_->blocks() - head.block) return Errno::kEIO;
        extent.offset = uint64_t{head.block} << kBlockBits;
        extent.bytes = blocks << kBlockBits;
    }
    if (extent.is_plain && extent.length() > extent.bytes) return Errno::kEIO;
    return extent;
}

Result<ClusterIndex::Entry> ClusterIndex::entry(uint64_t cluster) {
    if (cluster - pack_first_ >= pack_count_) {
        pack_count_ = 0;
        KOS_TRY_STATUS(is_compact_ ? load_compact(cluster) : load_full(cluster));
    }
    Entry const& found = pack_[cluster - pack_first_];
    if (found.is_head() && found.begin >= kBlockBytes) return Errno::kEIO;
    return found;
}

Status ClusterIndex::load_full(uint64_t cluster) {
    uint64_t const first = cluster - cluster % kPackMax;
    auto const count = static_cast<unsigned>(std::min<uint64_t>(kPackMax, clusters_ - first));
    uint8_t disk[kPackMax * kFullEntryBytes];
    KOS_TRY_STATUS(volume_->read(entries_offset_ + first * kFullEntryBytes, disk, count * kFullEntryBytes));
    for (unsigned i = 0; i < count; ++i) {
        const uint8_t* const from = disk + i * kFullEntryBytes;
        Entry& to = pack_[i];
        to = {};
        to.type = static_cast<Type>(from[0] & 3);
        if (to.is_head()) {
            to.begin = little16(from + 2);
            to.block = little32(from + 4);
        } else if (uint16_t const number = little16(from + 4); has_big_clusters_ && number & kIsCount) {
            to.back = 1;
            to.blocks = number & (kIsCount - 1);
        } else {
            to.back = number;
        }
    }
    pack_first_ = first;
    pack_count_ = count;
    return {};
}

Status ClusterIndex::load_compact(uint64_t cluster) {
    uint64_t first = 0, offset = entries_offset_;
    unsigned count = kSparsePack;
    uint64_t const dense_offset = entries_offset_ + (initial_ + 1) / kSparsePack * kSparsePackBytes;
    if (cluster < initial_) {
        first = cluster - cluster % kSparsePack;
        offset += first / kSparsePack * kSparsePackBytes;
    } else if (cluster < initial_ + dense_) {
        uint64_t const pack = (cluster - initial_) / kDensePack;
        count = kDensePack;
        first = initial_ + pack * kDensePack;
        offset = dense_offset + pack * kDensePackBytes;
    } else {
        uint64_t const pack = (cluster - initial_ - dense_) / kSparsePack;
        first = initial_ + dense_ + pack * kSparsePack;
        offset = dense_offset + dense_ / kDensePack * kDensePackBytes + pack * kSparsePackBytes;
    }
    bool const is_dense = count == kDensePack;
    uint8_t pack[kDensePackBytes] = {};
    KOS_TRY_STATUS(volume_->read(offset, pack, is_dense ? kDensePackBytes : kSparsePackBytes));
    decode_compact(pack, count, is_dense ? 14 : 16);
    pack_first_ = first;
    pack_count_ = count;
    return {};
}

void ClusterIndex::decode_compact(const uint8_t* pack, unsigned count, unsigned bits_each) {
    uint32_t const base = little32(pack + count * bits_each / 8);
    // Blocks are not stored but counted from the base on.
    uint32_t block = has_big_clusters_ ? base : base + 1;
    for (unsigned i = 0; i < count; ++i) {
        unsigned const bit = i * bits_each;
        uint32_t const code = (pack[bit / 8] | pack[bit / 8 + 1] << 8 | pack[bit / 8 + 2] << 16) >> bit % 8;
        auto const number = static_cast<uint16_t>(code & ((1 << kNumberBits) - 1));
        Entry& to = pack_[i];
        to = {};
        to.type = static_cast<Type>(code >> kNumberBits & 3);
        if (to.is_head()) {
            to.begin = number;
            to.block = block++;
        } else if (has_big_clusters_ && number & kIsCount) {
            to.back = 1;
            to.blocks = number & (kIsCount - 1);
            // Its head, whether it is of this pack or the last of the one before, was counted as one block; a pack's
            // base is the first extent whose size is known there.
            block += to.blocks - (i == 0 ? 0 : 1);
        } else if (i + 1 < count) {
            to.back = number;
        } else {
            // The last one has the distance to the next head instead.
            to.back = pack_[i - 1].is_head() ? 1 : static_cast<uint16_t>(pack_[i - 1].back + 1);
        }
    }
}

}  // namespace kos::lx::erofs
