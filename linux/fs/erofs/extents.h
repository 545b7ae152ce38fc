// Extents of compressed files, decompressed: the few that were used last are kept, because the pages at their ends need
// two of them.
#pragma once

#include "fs/erofs/cluster_index.h"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace kos::lx::erofs {

class Extents {
public:
    explicit Extents(Volume& volume) : volume_(volume) {}

    // The bytes of a compressed extent, all of them; valid until the next call. kEIO, kENOMEM.
    Result<std::span<const std::byte>> data(uint64_t inode, const Extent& extent);

    uint64_t decompressed() const { return decompressed_; }  // how many, for tests

private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    struct Buffer {
        std::unique_ptr<std::byte, Free> bytes;
        size_t capacity = 0;
        Status reserve(size_t count);
        void drop();
    };
    struct Slot {
        uint64_t inode = 0, start = 0;
        size_t length = 0;  // 0: nothing
        uint64_t used = 0;
        Buffer buffer;
    };
    Result<std::span<const std::byte>> stored(const Extent& extent);

    Volume& volume_;
    std::array<Slot, 4> slots_;
    uint64_t uses_ = 0;
    uint64_t decompressed_ = 0;
    Buffer input_;
    std::vector<Ref<Frame>> held_;  // what `stored` points to
};

}  // namespace kos::lx::erofs
