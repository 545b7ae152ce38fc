// Where the data of a compressed file are: its index has an entry for each logical cluster (4 KiB of the file), which
// says whether an extent begins there. An extent is the part of the file that one physical cluster holds, compressed or
// plain.
#pragma once

#include "fs/erofs/volume.h"

#include <array>

namespace kos::lx::erofs {

// mkfs.erofs 1.5 makes no extents of more than 6 144 000 bytes (measured), and no larger physical clusters.
constexpr uint64_t kExtentBytesMax = 12 << 20;
constexpr uint32_t kClusterBlocksMax = 256;

struct Extent {
    uint64_t start = 0, end = 0;  // in the file
    uint64_t offset = 0;          // in the image
    uint32_t bytes = 0;           // there
    bool is_plain = false;        // not compressed: what is there begins with the extent's bytes

    uint64_t length() const { return end - start; }
};

class ClusterIndex {
public:
    // The file's header and the place of its index. kEIO.
    static Result<ClusterIndex> open(Volume& volume, const InodeRecord& record);

    // The extent that has the byte at `offset`, which is below the file's size. kEIO.
    Result<Extent> find(uint64_t offset);

private:
    enum class Type : uint8_t { kPlain = 0, kHead1 = 1, kInside = 2, kHead2 = 3 };
    struct Entry {
        Type type = Type::kPlain;
        uint16_t begin = 0;   // heads: where in the logical cluster the extent begins
        uint16_t back = 0;    // inside: how many clusters before there is the head, or something nearer to it
        uint16_t blocks = 0;  // of the extent whose head is the entry before; 0: not said, 1
        uint32_t block = 0;   // heads: first block
        bool is_head() const { return type != Type::kInside; }
    };
    static constexpr unsigned kPackMax = 16;

    explicit ClusterIndex(Volume& volume) : volume_(&volume) {}
    Result<Entry> entry(uint64_t cluster);
    Status load_full(uint64_t cluster);
    Status load_compact(uint64_t cluster);
    void decode_compact(const uint8_t* pack, unsigned count, unsigned bits_each);

    Volume* volume_;
    uint64_t size_ = 0;
    uint64_t clusters_ = 0;
    uint64_t entries_offset_ = 0;
    uint64_t end_offset_ = 0;    // behind the last entry: there is the inline tail
    uint32_t inline_bytes_ = 0;  // 0: none
    bool is_compact_ = false;
    bool has_big_clusters_ = false;
    // Compact: this many entries in packs of two at the start, then in packs of 16, the rest in packs of two again.
    uint64_t initial_ = 0, dense_ = 0;

    // The entries that were decoded last.
    uint64_t pack_first_ = 0;
    unsigned pack_count_ = 0;
    std::array<Entry, kPackMax> pack_;
};

}  // namespace kos::lx::erofs
