// See memory_map.h. Portable; tested on the host.
#include "init/memory_map.h"

#include <sel4/objects.h>

#include "core/assert.h"

namespace keel {

void RangeList::append(PhysRange range) {
    if (range.empty()) return;
    KEEL_ASSERT(count_ < kCapacity);
    KEEL_ASSERT(count_ == 0 || range_[count_ - 1].end <= range.start);
    range_[count_++] = range;
}

void RangeList::remove(PhysRange range) {
    if (range.empty()) return;
    RangeList const before = *this;
    count_ = 0;
    for (unsigned i = 0; i < before.count_; i++) {
        PhysRange const old = before.range_[i];
        if (range.end <= old.start || old.end <= range.start) {
            append(old);
        } else {
            append({old.start, range.start});
            append({range.end, old.end});
        }
    }
}

bool BlockSplitter::next(Word& base, unsigned& bits) {
    rest_.start = align_up(rest_.start, seL4_MinUntypedBits);
    if (rest_.start >= rest_.end || rest_.size() < bit(seL4_MinUntypedBits)) return false;
    unsigned const fitting = 63 - static_cast<unsigned>(__builtin_clzll(rest_.size()));
    unsigned const aligned =
        rest_.start == 0 ? seL4_MaxUntypedBits : static_cast<unsigned>(__builtin_ctzll(rest_.start));
    bits = fitting < aligned ? fitting : aligned;
    if (bits > seL4_MaxUntypedBits) bits = seL4_MaxUntypedBits;
    base = rest_.start;
    rest_.start += bit(bits);
    return true;
}

}  // namespace keel
