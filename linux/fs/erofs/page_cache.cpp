// The cache's order and its limits (page_cache.h).
#include "fs/erofs/page_cache.h"

#include <algorithm>

namespace kos::lx::erofs {

namespace {

// Of all frames of the domain: at most 1/4 are for the cache, and it shrinks while less than 1/16 are free.
constexpr uint64_t kShare = 4, kScarce = 16;
constexpr uint64_t kLeastLimit = 64;
// Frames that programs have mapped are not won by throwing them out: so many are passed over to find one that is.
constexpr unsigned kLooks = 32;

}  // namespace

uint64_t PageCache::limit() const { return std::max(frames_.total_frames() / kShare, kLeastLimit); }

bool PageCache::is_scarce() const { return frames_.free_frames() < frames_.total_frames() / kScarce; }

Ref<Frame> PageCache::find(uint64_t inode, uint64_t page) {
    auto const found = entries_.find({inode, page});
    if (found == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->frame;
}

void PageCache::add(uint64_t inode, uint64_t page, Ref<Frame> frame) {
    Key const key{inode, page};
    if (auto const found = entries_.find(key); found != entries_.end()) {
        found->second->frame = std::move(frame);
        return;
    }
    order_.push_front({key, std::move(frame)});
    entries_.emplace(key, order_.begin());
    while (entries_.size() > limit() && drop_one()) {
    }
}

Result<Ref<Frame>> PageCache::allocate() {
    // Two for one, so that the cache shrinks in steps while others need frames.
    for (int i = 0; i < 2 && is_scarce(); ++i) drop_one();
    return frames_.allocate();
}

Result<Ref<Frame>> PageCache::zeros() {
    if (!zeros_) {
        KOS_TRY(zeros_, allocate());
    }
    return zeros_;
}

bool PageCache::drop_one() {
    if (order_.empty()) return false;
    auto victim = std::prev(order_.end());
    auto candidate = victim;
    for (unsigned i = 0; i < kLooks; ++i) {
        if (candidate->frame->references() == 1) {
            victim = candidate;
            break;
        }
        if (candidate == order_.begin()) break;
        --candidate;
    }
    drop(victim);
    return true;
}

void PageCache::drop(Entries::iterator entry) {
    entries_.erase(entry->key);
    order_.erase(entry);
}

uint64_t PageCache::reclaim(uint64_t wanted) {
    // Those that programs have mapped go to the other end, so that the next call finds others first.
    uint64_t won = 0;
    for (uint64_t looks = order_.size(); looks && won < wanted; --looks) {
        auto const oldest = std::prev(order_.end());
        if (oldest->frame->references() == 1) {
            drop(oldest);
            ++won;
        } else {
            order_.splice(order_.begin(), order_, oldest);
        }
    }
    return won;
}

}  // namespace kos::lx::erofs
