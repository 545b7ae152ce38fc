// Ranges of physical memory at boot, and the blocks that become untyped memory.
#include "init/memory_map.h"

#include <gtest/gtest.h>
#include <sel4/objects.h>

#include <random>
#include <vector>

namespace keel {
namespace {

struct Block {
    Word base;
    unsigned bits;
};

std::vector<Block> split(PhysRange range) {
    std::vector<Block> blocks;
    BlockSplitter splitter{range};
    Word base;
    unsigned bits;
    while (splitter.next(base, bits)) blocks.push_back({base, bits});
    return blocks;
}

TEST(RangeList, RemovesFromTheMiddleTheEndsAndWholeRanges) {
    RangeList list;
    list.append({0x1000, 0x9000});
    list.remove({0x3000, 0x4000});
    ASSERT_EQ(list.count(), 2u);
    EXPECT_EQ(list[0].end, 0x3000u);
    EXPECT_EQ(list[1].start, 0x4000u);
    list.remove({0x1000, 0x2000});
    EXPECT_EQ(list[0].start, 0x2000u);
    list.remove({0x8000, 0xa000});
    EXPECT_EQ(list[1].end, 0x8000u);
    list.remove({0x2000, 0x3000});
    ASSERT_EQ(list.count(), 1u);
    EXPECT_EQ(list[0].start, 0x4000u);
    list.remove({0, 0x10000});
    EXPECT_EQ(list.count(), 0u);
}

TEST(RangeList, EmptyRangesChangeNothing) {
    RangeList list;
    list.append({0x1000, 0x1000});
    EXPECT_EQ(list.count(), 0u);
    list.append({0x1000, 0x2000});
    list.remove({0x1800, 0x1800});
    EXPECT_EQ(list.count(), 1u);
}

// The blocks of the reference kernel for the same ranges.
TEST(BlockSplitter, DeviceMemoryBehindTheInterruptController) {
    std::vector<Block> const blocks = split({0x08011000, 0x40000000});
    std::vector<unsigned> bits;
    bits.reserve(blocks.size());
    for (Block const& block : blocks) bits.push_back(block.bits);
    EXPECT_EQ(bits, (std::vector<unsigned>{12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29}));
    EXPECT_EQ(blocks.front().base, 0x08011000u);
}

TEST(BlockSplitter, LeavesOutWhatIsSmallerThanTheSmallestUntyped) {
    EXPECT_TRUE(split({0x1001, 0x1010}).empty());
    EXPECT_TRUE(split({0x1000, 0x100f}).empty());
    std::vector<Block> const blocks = split({0x1001, 0x1029});
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].base, 0x1010u);
    EXPECT_EQ(blocks[0].bits, 4u);
}

TEST(BlockSplitter, StartsAtZeroAndStopsAtTheLargestUntyped) {
    std::vector<Block> const blocks = split({0, Word{1} << 48});
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(blocks[0].bits, static_cast<unsigned>(seL4_MaxUntypedBits));
    EXPECT_EQ(blocks[1].base, Word{1} << 47);
}

TEST(BlockSplitter, CoversEveryRangeWithAlignedBlocks) {
    std::mt19937_64 random{1};
    for (int round = 0; round < 2000; ++round) {
        unsigned const scale = static_cast<unsigned>(random() % 30);
        Word const start = random() >> 24 >> scale;
        Word const end = start + (random() >> 24 >> (random() % 40));
        Word expected = align_up(start, seL4_MinUntypedBits);
        for (Block const& block : split({start, end})) {
            ASSERT_EQ(block.base, expected);
            ASSERT_TRUE(is_aligned(block.base, block.bits));
            ASSERT_GE(block.bits, static_cast<unsigned>(seL4_MinUntypedBits));
            expected += bit(block.bits);
        }
        ASSERT_LT(end < expected ? 0 : end - expected, bit(seL4_MinUntypedBits));
    }
}

}  // namespace
}  // namespace keel
