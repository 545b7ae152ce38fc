// The frames of a file with holes.
#include "fs/sparse_pages.h"

namespace kos::lx {

SparsePages::Chunk* SparsePages::chunk(uint64_t number) const {
    if (last_ && last_number_ == number) return last_;
    auto const found = chunks_.find(number);
    if (found == chunks_.end()) return nullptr;
    last_number_ = number;
    last_ = found->second.get();
    return last_;
}

Frame* SparsePages::find(uint64_t index) const {
    const Chunk* const in = chunk(index >> kChunkBits);
    return in ? in->frames[index % kChunkPages].get() : nullptr;
}

void SparsePages::set(uint64_t index, Ref<Frame> frame) {
    Chunk* in = chunk(index >> kChunkBits);
    if (!in) {
        auto& place = chunks_[index >> kChunkBits];
        place = std::make_unique<Chunk>();
        in = place.get();
    }
    Ref<Frame>& slot = in->frames[index % kChunkPages];
    if (!slot) {
        ++in->used;
        ++count_;
    }
    slot = std::move(frame);
}

uint64_t SparsePages::drop(uint64_t first, uint64_t last) {
    uint64_t dropped = 0;
    auto place = chunks_.lower_bound(first >> kChunkBits);
    while (place != chunks_.end()) {
        uint64_t const base = place->first << kChunkBits;
        if (base >= last) break;
        Chunk& in = *place->second;
        for (uint64_t page = 0; page < kChunkPages; ++page) {
            if (base + page < first || base + page >= last || !in.frames[page]) continue;
            in.frames[page] = nullptr;
            --in.used;
            ++dropped;
        }
        if (in.used == 0) {
            last_ = nullptr;
            place = chunks_.erase(place);
        } else {
            ++place;
        }
    }
    count_ -= dropped;
    return dropped;
}

uint64_t SparsePages::next(uint64_t index, bool hole) const {
    auto place = chunks_.lower_bound(index >> kChunkBits);
    for (;; ++place) {
        if (place == chunks_.end()) return hole ? index : ~uint64_t{0};
        uint64_t const base = place->first << kChunkBits;
        if (base > index) {
            if (hole) return index;
            index = base;
        }
        for (uint64_t page = index - base; page < kChunkPages; ++page) {
            if (!place->second->frames[page] == hole) return base + page;
        }
        index = base + kChunkPages;
    }
}

}  // namespace kos::lx
