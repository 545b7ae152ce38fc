// Pages that were made from an EROFS image (tails, decompressed data): kept while there are frames enough.
#pragma once

#include "mm/frame.h"

#include <stdint.h>

#include <list>
#include <unordered_map>

namespace kos::lx::erofs {

class PageCache final : private FrameReclaimer {
public:
    explicit PageCache(FrameSource& frames) : frames_(frames) { frames_.add_reclaimer(*this); }
    ~PageCache() { frames_.remove_reclaimer(*this); }
    PageCache(const PageCache&) = delete;
    PageCache& operator=(const PageCache&) = delete;

    // nullptr: not here.
    Ref<Frame> find(uint64_t inode, uint64_t page);
    bool has(uint64_t inode, uint64_t page) const { return entries_.contains({inode, page}); }
    void add(uint64_t inode, uint64_t page, Ref<Frame> frame);
    // A frame to fill; throws out what is oldest if there is no other way. kENOMEM.
    Result<Ref<Frame>> allocate();
    // There are frames for pages that nobody has asked for yet.
    bool may_read_ahead() const { return !is_scarce() && entries_.size() < limit(); }
    // The frame of holes, all zero; everybody gets the same one.
    Result<Ref<Frame>> zeros();
    size_t pages() const { return entries_.size(); }

private:
    struct Key {
        uint64_t inode, page;
        bool operator==(const Key&) const = default;
    };
    struct Hash {
        size_t operator()(const Key& key) const {
            return static_cast<size_t>((key.inode * 0x9e37'79b9'7f4a'7c15 + key.page) * 0xff51'afd7'ed55'8ccd >> 16);
        }
    };
    struct Entry {
        Key key;
        Ref<Frame> frame;
    };
    using Entries = std::list<Entry>;  // the one that was used last first

    uint64_t limit() const;
    bool is_scarce() const;
    bool drop_one();
    void drop(Entries::iterator entry);
    uint64_t reclaim(uint64_t wanted) override;
    uint64_t reclaimable() override { return entries_.size(); }

    FrameSource& frames_;
    Entries order_;
    std::unordered_map<Key, Entries::iterator, Hash> entries_;
    Ref<Frame> zeros_;
};

}  // namespace kos::lx::erofs
