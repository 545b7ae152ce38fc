// Address spaces: mappings that are made, split, moved and taken away; copies on write; all of it against a model.
#include "mm/address_space.h"

#include "mm/page_state.h"
#include "mm/shared_memory.h"
#include "testing/world.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kos::lx {
namespace {

using namespace testing;

constexpr uint64_t kAt = 0x10000000, kPage = kPageBytes;
constexpr uint32_t kReadWrite = kPROT_READ | kPROT_WRITE, kPrivate = kMAP_PRIVATE | kMAP_ANONYMOUS;

// What the processor has: which frame with which rights at which address.
class Machine final : public MachineSpace {
public:
    struct Shown {
        const Frame* frame;
        uint32_t rights, handle;
    };
    Status map(uint64_t address, Frame& frame, uint32_t rights, uint32_t& handle) override {
        EXPECT_EQ(shown.count(address), 0u) << "mapped over another page";
        handle = ++last_;
        shown[address] = {&frame, rights, handle};
        return {};
    }
    void protect(uint64_t address, Frame& frame, uint32_t rights, uint32_t handle) override {
        auto const found = shown.find(address);
        ASSERT_NE(found, shown.end());
        EXPECT_EQ(found->second.handle, handle);
        EXPECT_EQ(found->second.frame, &frame);
        found->second.rights = rights;
    }
    void unmap(uint64_t address, uint32_t handle) override {
        auto const found = shown.find(address);
        ASSERT_NE(found, shown.end());
        EXPECT_EQ(found->second.handle, handle);
        shown.erase(found);
    }
    std::map<uint64_t, Shown> shown;

private:
    uint32_t last_ = 0;
};

class AddressSpaceTest : public ::testing::Test {
protected:
    AddressSpaceTest() {
        auto owned = std::make_unique<Machine>();
        machine = owned.get();
        memory = must(AddressSpace::create(world.frames, std::move(owned)));
    }
    template <class T>
    static T must(Result<T> result) {
        if (!result.ok()) abort();
        return result.take();
    }
    uint64_t map(uint64_t address, uint64_t pages, uint32_t protection = kReadWrite, uint32_t flags = kPrivate) {
        return must(memory->map(address, pages * kPage, protection, flags | kMAP_FIXED, nullptr, 0));
    }
    static void put(AddressSpace& to, uint64_t address, char value) {
        ASSERT_TRUE(to.copy_out(address, &value, 1).ok()) << std::hex << address;
    }
    static char get(AddressSpace& from, uint64_t address) {
        char value = '?';
        EXPECT_TRUE(from.copy_in(&value, address, 1).ok()) << std::hex << address;
        return value;
    }
    // The program's own access, through the processor; false: SIGSEGV.
    static bool touch(AddressSpace& in, uint64_t address, uint32_t access) {
        int code = 0;
        return in.fault(address, access, code).ok();
    }

    World world;
    Machine* machine = nullptr;
    Ref<AddressSpace> memory;
};

TEST_F(AddressSpaceTest, TakesAwayTheMiddle) {
    map(kAt, 6);
    for (uint64_t page = 0; page < 6; ++page) put(*memory, kAt + page * kPage, static_cast<char>('a' + page));
    ASSERT_TRUE(memory->unmap(kAt + 2 * kPage, 2 * kPage).ok());
    EXPECT_EQ(memory->mappings().size(), 2u);
    EXPECT_EQ(memory->mapped_bytes(), 4 * kPage);
    EXPECT_EQ(memory->resident_pages(), 4u);
    EXPECT_EQ(get(*memory, kAt + kPage), 'b');
    EXPECT_EQ(get(*memory, kAt + 4 * kPage), 'e');
    EXPECT_EQ(memory->find(kAt + 2 * kPage), nullptr);
    EXPECT_FALSE(touch(*memory, kAt + 3 * kPage, kPROT_READ));
}

TEST_F(AddressSpaceTest, NeighboursThatAreAlikeAreOne) {
    map(kAt, 2);
    map(kAt + 2 * kPage, 2);
    EXPECT_EQ(memory->mappings().size(), 1u);
    ASSERT_TRUE(memory->protect(kAt + kPage, kPage, kPROT_READ).ok());
    EXPECT_EQ(memory->mappings().size(), 3u);
    ASSERT_TRUE(memory->protect(kAt + kPage, kPage, kReadWrite).ok());
    EXPECT_EQ(memory->mappings().size(), 1u);
}

TEST_F(AddressSpaceTest, WhatIsForbiddenEndsAtOnce) {
    map(kAt, 2);
    ASSERT_TRUE(touch(*memory, kAt, kPROT_WRITE));
    ASSERT_TRUE(memory->protect(kAt, 2 * kPage, kPROT_READ).ok());
    EXPECT_EQ(machine->shown.at(kAt).rights, kPROT_READ);
    EXPECT_FALSE(touch(*memory, kAt, kPROT_WRITE));
    ASSERT_TRUE(memory->protect(kAt, 2 * kPage, 0).ok());
    EXPECT_EQ(machine->shown.at(kAt).rights, 0u);
    EXPECT_FALSE(touch(*memory, kAt, kPROT_READ));
    char byte = 0;
    EXPECT_EQ(memory->copy_in(&byte, kAt, 1).error(), Errno::kEFAULT);
}

TEST_F(AddressSpaceTest, ACopyAndItsOriginalDoNotSeeEachOther) {
    map(kAt, 4);
    put(*memory, kAt, 'o');
    ASSERT_TRUE(touch(*memory, kAt, kPROT_WRITE));
    auto owned = std::make_unique<Machine>();
    Machine& other = *owned;
    Ref<AddressSpace> const copy = must(memory->copy(std::move(owned)));
    EXPECT_EQ(machine->shown.at(kAt).rights & kPROT_WRITE, 0u) << "the original can write to what both have";
    EXPECT_EQ(get(*copy, kAt), 'o');
    uint8_t state = 0;
    ASSERT_TRUE(copy->present(kAt, kPage, &state).ok());
    EXPECT_EQ(state, kPagePresent | kPageWritten | kPageOthersToo);
    put(*copy, kAt, 'c');
    ASSERT_TRUE(memory->present(kAt, kPage, &state).ok());
    EXPECT_EQ(state, kPagePresent | kPageWritten);
    put(*memory, kAt + kPage, 'n');
    EXPECT_EQ(get(*memory, kAt), 'o');
    EXPECT_EQ(get(*copy, kAt), 'c');
    EXPECT_EQ(get(*copy, kAt + kPage), 0);
    ASSERT_TRUE(touch(*memory, kAt, kPROT_WRITE));
    ASSERT_TRUE(touch(*copy, kAt, kPROT_WRITE));
    EXPECT_NE(machine->shown.at(kAt).frame, other.shown.at(kAt).frame);
}

TEST_F(AddressSpaceTest, ForgottenPagesAreZeroAndGivenBack) {
    uint64_t const before = world.frames.used();
    map(kAt, 8);
    for (uint64_t page = 0; page < 8; ++page) put(*memory, kAt + page * kPage, 'x');
    EXPECT_EQ(world.frames.used(), before + 8);
    constexpr unsigned kDontNeed = 4;
    ASSERT_TRUE(memory->advise(kAt + kPage, 6 * kPage, kDontNeed).ok());
    EXPECT_EQ(world.frames.used(), before + 2);
    EXPECT_EQ(get(*memory, kAt), 'x');
    EXPECT_EQ(get(*memory, kAt + kPage), 0);
    EXPECT_EQ(get(*memory, kAt + 7 * kPage), 'x');
}

TEST_F(AddressSpaceTest, MovesAndGrows) {
    map(kAt, 2);
    map(kAt + 2 * kPage, 1, kPROT_READ);
    put(*memory, kAt + kPage, 'm');
    constexpr uint32_t kMayMove = 1;
    EXPECT_EQ(memory->remap(kAt, 2 * kPage, 4 * kPage, 0, 0).error(), Errno::kENOMEM);
    uint64_t const moved = must(memory->remap(kAt, 2 * kPage, 4 * kPage, kMayMove, 0));
    EXPECT_NE(moved, kAt);
    EXPECT_EQ(get(*memory, moved + kPage), 'm');
    EXPECT_EQ(get(*memory, moved + 3 * kPage), 0);
    EXPECT_EQ(memory->find(kAt), nullptr);
    EXPECT_EQ(must(memory->remap(moved, 4 * kPage, kPage, 0, 0)), moved);
    EXPECT_EQ(memory->find(moved + kPage), nullptr);
}

TEST_F(AddressSpaceTest, RefusesWhatMakesNoSense) {
    struct {
        uint64_t address, bytes;
        uint32_t flags;
        Errno expected;
    } const cases[] = {
        {kAt, 0, kPrivate, Errno::kEINVAL},
        {kAt, kPage, kMAP_ANONYMOUS, Errno::kEINVAL},
        {kAt + 1, kPage, kPrivate | kMAP_FIXED, Errno::kEINVAL},
        {0, kPage, kPrivate | kMAP_FIXED, Errno::kEPERM},
        {kUserEnd, kPage, kPrivate | kMAP_FIXED, Errno::kENOMEM},
        {~uint64_t{0xfff}, 2 * kPage, kPrivate | kMAP_FIXED, Errno::kENOMEM},
        {kAt, ~uint64_t{0}, kPrivate, Errno::kENOMEM},
        {kAt, kUserEnd, kPrivate, Errno::kENOMEM},
    };
    for (const auto& one : cases) {
        EXPECT_EQ(memory->map(one.address, one.bytes, kReadWrite, one.flags, nullptr, 0).error(), one.expected)
            << std::hex << one.address << " " << one.bytes;
    }
    EXPECT_EQ(memory->unmap(kAt + 1, kPage).error(), Errno::kEINVAL);
    EXPECT_EQ(memory->unmap(~uint64_t{0xfff}, 2 * kPage).error(), Errno::kEINVAL);
    EXPECT_EQ(memory->protect(kAt, kPage, kReadWrite).error(), Errno::kENOMEM);
    EXPECT_EQ(memory->protect(kAt, kUserEnd, kReadWrite).error(), Errno::kENOMEM);
    EXPECT_TRUE(memory->mappings().empty());
}

TEST_F(AddressSpaceTest, ReservationsCostNothing) {
    uint64_t const before = world.frames.used();
    uint64_t const bytes = uint64_t{64} << 30;
    uint64_t const at = must(memory->map(0, bytes, 0, kPrivate | kMAP_NORESERVE, nullptr, 0));
    ASSERT_TRUE(memory->protect(at + (bytes >> 1), kPage, kReadWrite).ok());
    put(*memory, at + (bytes >> 1), 'x');
    EXPECT_EQ(world.frames.used(), before + 1);
    ASSERT_TRUE(memory->unmap(at, bytes).ok());
    EXPECT_EQ(world.frames.used(), before);
}

TEST_F(AddressSpaceTest, LimitsAndUsedUpMemoryAreErrors) {
    memory->limit_bytes = 4 * kPage;
    map(kAt, 4);
    EXPECT_EQ(memory->map(0, kPage, kReadWrite, kPrivate, nullptr, 0).error(), Errno::kENOMEM);
    put(*memory, kAt, 'x');
    world.frames.set_quota(world.frames.used());
    int code = 0;
    EXPECT_EQ(memory->fault(kAt + kPage, kPROT_WRITE, code).error(), Errno::kENOMEM);
    char byte = 'y';
    EXPECT_EQ(memory->copy_out(kAt + kPage, &byte, 1).error(), Errno::kENOMEM);
    EXPECT_EQ(get(*memory, kAt), 'x');
    world.frames.set_quota(1 << 20);
    EXPECT_TRUE(touch(*memory, kAt + kPage, kPROT_WRITE));
}

// The model: a byte for each page of a small range, and whether it can be read and written.
TEST_F(AddressSpaceTest, RandomOperationsAgreeWithTheModel) {
    constexpr uint64_t kPages = 64;
    struct Place {
        bool is_mapped = false;
        uint32_t protection = 0;
        char value = 0;
    };
    for (unsigned seed = 1; seed <= 8; ++seed) {
        std::mt19937 random(seed);
        auto const below = [&](uint64_t most) { return random() % most; };
        Ref<AddressSpace> space = must(AddressSpace::create(world.frames, std::make_unique<Machine>()));
        Place model[kPages];
        for (unsigned step = 0; step < 3000; ++step) {
            uint64_t const first = below(kPages), count = 1 + below(std::min<uint64_t>(kPages - first, 9));
            uint64_t const at = kAt + first * kPage, bytes = count * kPage;
            uint32_t const protection = below(4) == 0 ? 0 : below(3) == 0 ? kPROT_READ : kReadWrite;
            bool all_mapped = true;
            for (uint64_t i = first; i < first + count; ++i) all_mapped = all_mapped && model[i].is_mapped;
            switch (below(6)) {
                case 0:
                    must(space->map(at, bytes, protection, kPrivate | kMAP_FIXED, nullptr, 0));
                    for (uint64_t i = first; i < first + count; ++i) model[i] = {true, protection, 0};
                    break;
                case 1:
                    ASSERT_TRUE(space->unmap(at, bytes).ok());
                    for (uint64_t i = first; i < first + count; ++i) model[i] = {};
                    break;
                case 2:
                    ASSERT_EQ(space->protect(at, bytes, protection).ok(), all_mapped);
                    // What comes before a hole has changed.
                    for (uint64_t i = first; i < first + count && model[i].is_mapped; ++i) {
                        model[i].protection = protection;
                    }
                    break;
                case 3:
                    if (below(20) == 0) space = must(space->copy(std::make_unique<Machine>()));
                    break;
                default: {
                    char const value = static_cast<char>(1 + below(100));
                    bool const may = model[first].protection & kPROT_WRITE;
                    ASSERT_EQ(space->copy_out(at, &value, 1).ok(), may) << seed << " " << step;
                    if (may) model[first].value = value;
                    if (may && below(2)) {
                        ASSERT_TRUE(touch(*space, at, kPROT_WRITE));
                    }
                }
            }
            uint64_t const looked_at = below(kPages);
            char found = 0;
            bool const is_readable = space->copy_in(&found, kAt + looked_at * kPage, 1).ok();
            ASSERT_EQ(is_readable, model[looked_at].protection != 0) << seed << " " << step;
            if (is_readable) {
                ASSERT_EQ(found, model[looked_at].value) << seed << " " << step;
            }
        }
        uint64_t mapped = 0;
        for (const Place& place : model) mapped += place.is_mapped;
        EXPECT_EQ(space->mapped_bytes(), mapped * kPage);
    }
}

}  // namespace
}  // namespace kos::lx
