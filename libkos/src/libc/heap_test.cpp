// The heap against a model: random operations, every block filled with a pattern of its own, root's answers faked.
#include "heap.h"

#include <kos/app.h>
#include <kos/mem.h>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <random>
#include <stdexcept>
#include <vector>

namespace {

// Root: whole mappings with an unmapped page on either side, a quota, and the Nth request that fails.
struct FakeRoot {
    std::map<void*, size_t> mappings;
    size_t used = 0;
    size_t quota = SIZE_MAX;
    uint64_t requests = 0;
    uint64_t fail_from = UINT64_MAX;

    void reset() {
        for (auto& [address, bytes] : mappings) release(address, bytes);
        *this = FakeRoot{};
    }
    static void release(void* address, size_t bytes) {
        munmap(static_cast<char*>(address) - KOS_PAGE_BYTES, bytes + 2 * KOS_PAGE_BYTES);
    }
};
FakeRoot root;

class HeapTest : public testing::Test {
protected:
    void SetUp() override { root.reset(); }
    void TearDown() override { root.reset(); }
    kos::heap::Heap heap;
};

}  // namespace

kos_status_t kos_mem_map(size_t size_bytes, uint32_t rights, void** address) {
    if (size_bytes == 0 || size_bytes % KOS_PAGE_BYTES || rights != (KOS_MEM_READ | KOS_MEM_WRITE)) {
        ADD_FAILURE() << "kos_mem_map(" << size_bytes << ", " << rights << ")";
        return KOS_STATUS_INVALID_ARGUMENT;
    }
    if (++root.requests >= root.fail_from || size_bytes > root.quota - root.used) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    void* const all =
        mmap(nullptr, size_bytes + 2 * KOS_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return KOS_STATUS_NOT_ENOUGH_MEMORY;
    *address = static_cast<char*>(all) + KOS_PAGE_BYTES;
    mprotect(*address, size_bytes, PROT_READ | PROT_WRITE);
    root.mappings[*address] = size_bytes;
    root.used += size_bytes;
    return KOS_STATUS_OK;
}

kos_status_t kos_mem_unmap(void* address, size_t size_bytes) {
    auto const found = root.mappings.find(address);
    if (found == root.mappings.end() || found->second != size_bytes) return KOS_STATUS_NOT_FOUND;
    FakeRoot::release(address, size_bytes);
    root.used -= size_bytes;
    root.mappings.erase(found);
    return KOS_STATUS_OK;
}

void kos_stop(const char* reason) { throw std::runtime_error(reason); }

namespace {

struct Block {
    unsigned char* bytes;
    size_t size;
    unsigned char pattern;
};

void fill(const Block& block) { memset(block.bytes, block.pattern, block.size); }

testing::AssertionResult intact(const Block& block, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (block.bytes[i] != block.pattern) {
            return testing::AssertionFailure() << "byte " << i << " of " << block.size << " at " << (void*)block.bytes;
        }
    }
    return testing::AssertionSuccess();
}

class Model {
public:
    Model(kos::heap::Heap& heap, uint64_t seed) : heap_(heap), random_(seed) {}

    void step() {
        switch (random_() % 8) {
            case 0:
            case 1:
            case 2: allocate(); break;
            case 3: allocate_aligned(); break;
            case 4: resize(); break;
            default: release(); break;
        }
    }
    void release_all() {
        while (!blocks_.empty()) release();
    }
    size_t count() const { return blocks_.size(); }
    uint64_t refused = 0;

private:
    size_t any_size() {
        switch (random_() % 10) {
            case 0: return random_() % 200000;
            case 1: return kos::heap::kLargeBytes - 64 + random_() % 128;
            case 2: return random_() % 20000;
            default: return random_() % 600;
        }
    }
    void add(void* pointer, size_t size, size_t align, bool zeroed) {
        if (!pointer) {
            ++refused;
            return;
        }
        Block const block{static_cast<unsigned char*>(pointer), size, static_cast<unsigned char>(random_())};
        ASSERT_EQ(reinterpret_cast<uintptr_t>(pointer) % align, 0u);
        ASSERT_GE(kos::heap::Heap::usable_bytes(pointer), size);
        if (zeroed) {
            for (size_t i = 0; i < size; ++i) ASSERT_EQ(block.bytes[i], 0);
        }
        fill(block);
        blocks_.push_back(block);
    }
    void allocate() {
        size_t const size = any_size();
        bool const zeroed = random_() % 4 == 0;
        add(zeroed ? heap_.allocate_zeroed(size) : heap_.allocate(size), size, 16, zeroed);
    }
    void allocate_aligned() {
        size_t const align = size_t{1} << random_() % 15;
        size_t const size = any_size();
        add(heap_.allocate(size, align), size, align, false);
    }
    void resize() {
        if (blocks_.empty()) return;
        Block& block = blocks_[random_() % blocks_.size()];
        size_t const size = any_size();
        void* const pointer = heap_.resize(block.bytes, size);
        if (!pointer) {
            ++refused;
            ASSERT_TRUE(intact(block, block.size));
            return;
        }
        block.bytes = static_cast<unsigned char*>(pointer);
        ASSERT_TRUE(intact(block, size < block.size ? size : block.size));
        block.size = size;
        fill(block);
    }
    void release() {
        if (blocks_.empty()) return;
        size_t const which = random_() % blocks_.size();
        ASSERT_TRUE(intact(blocks_[which], blocks_[which].size));
        heap_.release(blocks_[which].bytes);
        blocks_[which] = blocks_.back();
        blocks_.pop_back();
    }

    kos::heap::Heap& heap_;
    std::mt19937_64 random_;
    std::vector<Block> blocks_;
};

TEST_F(HeapTest, RandomAgainstModel) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Model model(heap, seed);
        for (int i = 0; i < 6000 && !HasFatalFailure(); ++i) {
            model.step();
            if (i % 200 == 0) {
                kos::heap::Totals const totals = heap.check_all();
                ASSERT_EQ(totals.used_blocks + totals.large, model.count());
                ASSERT_EQ(totals.arena_bytes + totals.large_bytes, root.used);
            }
        }
        EXPECT_EQ(model.refused, 0u);
        model.release_all();
        kos::heap::Totals const totals = heap.check_all();
        EXPECT_EQ(totals.used_blocks, 0u);
        EXPECT_EQ(totals.large, 0u);
        EXPECT_LE(totals.arenas, 1u) << "all arenas but one go back to root";
        ASSERT_FALSE(HasFatalFailure());
    }
}

// A small quota, and root refusing each Nth request in turn: refused operations leave everything as it was.
TEST_F(HeapTest, RandomWithoutMemory) {
    root.quota = 300 * 1024;
    Model model(heap, 7);
    for (int i = 0; i < 6000 && !HasFatalFailure(); ++i) {
        model.step();
        if (i % 300 == 0) heap.check_all();
    }
    EXPECT_GT(model.refused, 0u);
    model.release_all();
    EXPECT_EQ(heap.check_all().used_blocks, 0u);

    for (uint64_t nth = 1; nth < 40; ++nth) {
        root.quota = SIZE_MAX;
        root.fail_from = root.requests + nth;
        Model faulty(heap, nth);
        for (int i = 0; i < 200 && !HasFatalFailure(); ++i) faulty.step();
        root.fail_from = UINT64_MAX;
        faulty.release_all();
        EXPECT_EQ(heap.check_all().used_blocks, 0u);
    }
}

TEST_F(HeapTest, SmallDomainGetsSmallArena) {
    root.quota = 8192;
    void* const pointer = heap.allocate(100);
    ASSERT_NE(pointer, nullptr);
    EXPECT_EQ(root.used, 4096u);
    heap.release(pointer);
    heap.check_all();
}

TEST_F(HeapTest, LargeBlocksGoBackAtOnce) {
    void* const pointer = heap.allocate(1 << 20);
    ASSERT_NE(pointer, nullptr);
    EXPECT_GE(root.used, size_t{1} << 20);
    heap.release(pointer);
    EXPECT_EQ(root.used, 0u);
    EXPECT_DEATH(heap.release(pointer), "");  // its pages are gone: a fault
}

TEST_F(HeapTest, OneEmptyArenaIsKept) {
    void* const pointer = heap.allocate(10);
    heap.release(pointer);
    uint64_t const requests = root.requests;
    for (int i = 0; i < 100; ++i) heap.release(heap.allocate(1000));
    EXPECT_EQ(root.requests, requests) << "no mapping and unmapping in a loop";
}

TEST_F(HeapTest, ImpossibleSizes) {
    EXPECT_EQ(heap.allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(heap.allocate(SIZE_MAX - 4096), nullptr);
    EXPECT_EQ(heap.allocate(16, 48), nullptr);
    EXPECT_EQ(heap.allocate(16, SIZE_MAX / 2 + 1), nullptr);
    void* const pointer = heap.allocate(10);
    EXPECT_EQ(heap.resize(pointer, SIZE_MAX), nullptr);
    heap.release(pointer);
    heap.release(nullptr);
    EXPECT_NE(heap.allocate(0), nullptr);
}

// Every mistake is noticed at the latest by free() of the block or of its neighbour.
TEST_F(HeapTest, DoubleFree) {
    void* const keep = heap.allocate(1);  // the arena must stay mapped, else the second free is a fault
    for (size_t size : {1u, 24u, 100u, 1000u, 5000u}) {
        auto* const before = static_cast<unsigned char*>(heap.allocate(size));
        auto* const pointer = static_cast<unsigned char*>(heap.allocate(size));
        auto* const after = static_cast<unsigned char*>(heap.allocate(size));
        heap.release(pointer);
        EXPECT_THROW(heap.release(pointer), std::runtime_error) << size;
        heap.release(before);  // merges with it
        EXPECT_THROW(heap.release(pointer), std::runtime_error) << size;
        EXPECT_THROW(heap.release(before), std::runtime_error) << size;
        heap.release(after);
        EXPECT_THROW(heap.release(after), std::runtime_error) << size;
        heap.check_all();
    }
    heap.release(keep);
}

TEST_F(HeapTest, ForeignPointers) {
    alignas(16) static unsigned char foreign[64];
    EXPECT_THROW(heap.release(foreign + 32), std::runtime_error);
    EXPECT_THROW(heap.release(foreign + 33), std::runtime_error);
    auto* const pointer = static_cast<unsigned char*>(heap.allocate(200));
    EXPECT_THROW(heap.release(pointer + 16), std::runtime_error);
    EXPECT_THROW(heap.resize(pointer + 64, 10), std::runtime_error);
    heap.release(pointer);
}

TEST_F(HeapTest, EveryByteAfterABlockIsGuarded) {
    for (size_t size = 1; size <= 80; ++size) {
        auto* const pointer = static_cast<unsigned char*>(heap.allocate(size));
        void* const next = heap.allocate(size);
        // Up to the neighbour's header and through it.
        for (size_t past = 0; past < 16; ++past) {
            size_t const usable = kos::heap::Heap::usable_bytes(pointer);
            unsigned char& byte = pointer[usable + past];
            unsigned char const saved = byte;
            byte = static_cast<unsigned char>(byte + 1);
            EXPECT_THROW(heap.release(pointer), std::runtime_error) << size << " + " << past;
            byte = saved;
        }
        heap.release(pointer);
        heap.release(next);
    }
    auto* const large = static_cast<unsigned char*>(heap.allocate(100001));
    large[100001] ^= 1;
    EXPECT_THROW(heap.release(large), std::runtime_error);
    large[100001] ^= 1;
    heap.release(large);
}

TEST_F(HeapTest, WriteToAFreedBlock) {
    auto* const a = static_cast<unsigned char*>(heap.allocate(100));
    void* const b = heap.allocate(100);
    auto* const c = static_cast<unsigned char*>(heap.allocate(100));
    void* const d = heap.allocate(100);
    heap.release(a);
    heap.release(c);
    unsigned char saved[16];
    memcpy(saved, a, 16);
    memset(a, 0, 16);  // its links
    EXPECT_THROW(heap.release(b), std::runtime_error);
    memcpy(a, saved, 16);
    (void)d;
}

TEST_F(HeapTest, GrowsInPlaceIntoAFreeNeighbour) {
    void* const a = heap.allocate(100);
    void* const b = heap.allocate(400);
    void* const c = heap.allocate(10);
    heap.release(b);
    EXPECT_EQ(heap.resize(a, 300), a);
    EXPECT_EQ(heap.resize(a, 20), a);
    EXPECT_NE(heap.resize(a, 4000), a);
    heap.release(c);
    heap.check_all();
}

}  // namespace
