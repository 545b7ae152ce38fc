// The frames of a file with holes, by page number.
#pragma once

#include "mm/frame.h"

#include <array>
#include <map>
#include <memory>

namespace kos::lx {

class SparsePages {
public:
    Frame* find(uint64_t index) const;  // nullptr: a hole
    void set(uint64_t index, Ref<Frame> frame);
    // Frees the pages [first, last); returns how many there were.
    uint64_t drop(uint64_t first, uint64_t last);
    // The first page from `index` on that is there (or is not, with `hole`); ~0: none.
    uint64_t next(uint64_t index, bool hole) const;
    uint64_t count() const { return count_; }

private:
    static constexpr unsigned kChunkBits = 5;
    static constexpr uint64_t kChunkPages = 1 << kChunkBits;
    struct Chunk {
        std::array<Ref<Frame>, kChunkPages> frames;
        unsigned used = 0;
    };
    Chunk* chunk(uint64_t number) const;

    std::map<uint64_t, std::unique_ptr<Chunk>> chunks_;
    mutable uint64_t last_number_ = 0;
    mutable Chunk* last_ = nullptr;  // the chunk that was asked for last
    uint64_t count_ = 0;
};

}  // namespace kos::lx
