// Physical memory at boot: what is free, and what becomes the untyped memory of the initial thread.
#pragma once

#include "core/types.h"

namespace keel {

// [start, end), bytes.
struct PhysRange {
    Word start = 0;
    Word end = 0;
    constexpr Word size() const { return end - start; }
    constexpr bool empty() const { return start >= end; }
};

// A short ascending list of disjoint ranges.
class RangeList {
public:
    static constexpr unsigned kCapacity = 8;

    // Behind the ranges that are there already; empty ranges are left out. Asserts that there is room.
    void append(PhysRange range);
    // Takes the range out of those that are there.
    void remove(PhysRange range);

    unsigned count() const { return count_; }
    PhysRange& operator[](unsigned i) { return range_[i]; }
    const PhysRange& operator[](unsigned i) const { return range_[i]; }

private:
    PhysRange range_[kCapacity];
    unsigned count_ = 0;
};

// Aligned blocks whose sizes are powers of two, as large as possible, covering a range in ascending order.
class BlockSplitter {
public:
    explicit BlockSplitter(PhysRange range) : rest_(range) {}
    // False if nothing is left that is at least an untyped object.
    bool next(Word& base, unsigned& bits);

private:
    PhysRange rest_;
};

}  // namespace keel
