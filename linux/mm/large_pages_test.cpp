// Large frames: who gets one, and that whatever is done to a part of one leaves the rest as it was. In the end against
// a model.
#include "mm/address_space.h"
#include "mm/page_state.h"

#include "testing/frames.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace kos::lx {
namespace {

using testing::FakeFrames;

constexpr uint64_t kAt = 0x4000'0000, kPage = kPageBytes;
constexpr uint32_t kReadWrite = kPROT_READ | kPROT_WRITE, kPrivate = kMAP_PRIVATE | kMAP_ANONYMOUS;
constexpr unsigned kDontNeed = 4;

// What the processor has. Pages and large frames must not overlap.
class Machine final : public MachineSpace {
public:
    struct Shown {
        const Frame* frame;
        uint32_t rights, handle;
        uint64_t bytes;
    };
    Status map(uint64_t address, Frame& frame, uint32_t rights, uint32_t& handle) override {
        return add(address, frame, rights, handle, kPage);
    }
    Status map_large(uint64_t address, Frame& frame, uint32_t rights, uint32_t& handle) override {
        EXPECT_EQ(address % kLargeBytes, 0u);
        EXPECT_EQ(rights & kPROT_EXEC, 0u);
        return add(address, frame, rights, handle, kLargeBytes);
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
    uint64_t large() const {
        uint64_t count = 0;
        for (const auto& [address, one] : shown) count += one.bytes == kLargeBytes;
        return count;
    }
    uint32_t rights_at(uint64_t address) const {
        auto const next = shown.upper_bound(address);
        if (next == shown.begin()) return 0;
        auto const& [start, one] = *std::prev(next);
        return address < start + one.bytes ? one.rights : 0;
    }
    std::map<uint64_t, Shown> shown;

private:
    Status add(uint64_t address, const Frame& frame, uint32_t rights, uint32_t& handle, uint64_t bytes) {
        EXPECT_EQ(frame.is_large(), bytes == kLargeBytes);
        auto const next = shown.lower_bound(address);
        EXPECT_TRUE(next == shown.end() || next->first >= address + bytes) << "mapped over another page";
        EXPECT_TRUE(next == shown.begin() || std::prev(next)->first + std::prev(next)->second.bytes <= address);
        handle = ++last_;
        shown[address] = {&frame, rights, handle, bytes};
        return {};
    }
    uint32_t last_ = 0;
};

template <class T>
T must(Result<T> result) {
    if (!result.ok()) abort();
    return result.take();
}

class LargePagesTest : public ::testing::Test {
protected:
    LargePagesTest() {
        frames.set_quota(1 << 16);
        (void)zero_frame(frames);
        before = frames.used();
        frames.allow_large(~uint64_t{0});
        auto owned = std::make_unique<Machine>();
        machine = owned.get();
        memory = must(AddressSpace::create(frames, std::move(owned)));
    }
    static bool touch(AddressSpace& in, uint64_t address, uint32_t access = kPROT_WRITE) {
        int code = 0;
        return in.fault(address, access, code).ok();
    }
    static void put(AddressSpace& to, uint64_t address, char value) {
        ASSERT_TRUE(to.copy_out(address, &value, 1).ok()) << std::hex << address;
    }
    static char get(AddressSpace& from, uint64_t address) {
        char value = '?';
        EXPECT_TRUE(from.copy_in(&value, address, 1).ok()) << std::hex << address;
        return value;
    }
    // 6 MiB written to in order, each page with its number: small frames, then two large ones from kLarge on.
    void fill() {
        must(memory->map(kAt, 3 * kLargeBytes, kReadWrite, kPrivate | kMAP_FIXED, nullptr, 0));
        for (uint64_t at = kAt; at < kAt + 3 * kLargeBytes; at += kPage) {
            if (!(machine->rights_at(at) & kPROT_WRITE)) {
                ASSERT_TRUE(touch(*memory, at));
            }
            put(*memory, at, mark(at));
        }
        ASSERT_EQ(machine->large(), 2u);
    }
    static char mark(uint64_t at) { return static_cast<char>(1 + at / kPage % 101); }
    void expect_marks(AddressSpace& in, uint64_t from, uint64_t to) {
        for (uint64_t at = from; at < to; at += kPage) ASSERT_EQ(get(in, at), mark(at)) << std::hex << at;
    }

    static constexpr uint64_t kLarge = kAt + kLargeBytes, kEnd = kAt + 3 * kLargeBytes;
    static inline FakeFrames& frames = *new FakeFrames;  // the zero frame is of it, and lasts to the end
    uint64_t before = 0;
    Machine* machine = nullptr;
    Ref<AddressSpace> memory;
};

TEST_F(LargePagesTest, WhoWritesInOrderGetsThem) {
    fill();
    EXPECT_EQ(machine->shown.count(kLarge), 1u);
    EXPECT_EQ(frames.used() - before, 3 * kLargePages);
    EXPECT_EQ(memory->resident_pages(), 3 * kLargePages);
    expect_marks(*memory, kAt, kEnd);
    uint8_t present[2] = {};
    ASSERT_TRUE(memory->present(kLarge, 2 * kPage, present).ok());
    for (uint8_t const page : present) EXPECT_EQ(page, kPagePresent | kPageWritten);
    ASSERT_TRUE(memory->unmap(kAt, 3 * kLargeBytes).ok());
    EXPECT_EQ(frames.used(), before);
    EXPECT_EQ(memory->resident_pages(), 0u);
    EXPECT_TRUE(machine->shown.empty());
}

TEST_F(LargePagesTest, WhoTouchesHereAndThereDoesNot) {
    must(memory->map(kAt, 64 * kLargeBytes, kReadWrite, kPrivate | kMAP_FIXED, nullptr, 0));
    for (uint64_t block = 0; block < 64; ++block) ASSERT_TRUE(touch(*memory, kAt + block * kLargeBytes + 5 * kPage));
    EXPECT_EQ(machine->large(), 0u);
    EXPECT_LE(frames.used() - before, 64 * 16u);
}

TEST_F(LargePagesTest, NotWhenMemoryIsScarce) {
    frames.set_quota(frames.used() + 5 * kLargePages / 2);
    must(memory->map(kAt, 3 * kLargeBytes, kReadWrite, kPrivate | kMAP_FIXED, nullptr, 0));
    uint64_t at = kAt;
    for (; at < kAt + 2 * kLargeBytes; at += kPage) ASSERT_TRUE(touch(*memory, at));
    ASSERT_EQ(machine->large(), 1u);
    for (; at < kEnd - 3 * kLargeBytes / 4; at += kPage) ASSERT_TRUE(touch(*memory, at)) << "small ones can be had";
    EXPECT_EQ(machine->large(), 1u) << "less than a quarter was free";
}

TEST_F(LargePagesTest, NotForCodeOrWhatIsReadOrShared) {
    for (const uint32_t protection : {kReadWrite | kPROT_EXEC, uint32_t{kPROT_READ}}) {
        must(memory->map(kAt, 2 * kLargeBytes, protection, kPrivate | kMAP_FIXED, nullptr, 0));
        uint32_t const access = protection & kPROT_WRITE ? kPROT_WRITE : kPROT_READ;
        for (uint64_t at = kAt; at < kAt + 2 * kLargeBytes; at += kPage) ASSERT_TRUE(touch(*memory, at, access));
        EXPECT_EQ(machine->large(), 0u);
    }
}

TEST_F(LargePagesTest, ForgettingASmallPartZeroesIt) {
    fill();
    ASSERT_TRUE(memory->advise(kLarge + 10 * kPage, 20 * kPage, kDontNeed).ok());
    EXPECT_EQ(machine->large(), 2u);
    expect_marks(*memory, kLarge, kLarge + 10 * kPage);
    for (unsigned i = 10; i < 30; ++i) EXPECT_EQ(get(*memory, kLarge + i * kPage), 0);
    expect_marks(*memory, kLarge + 30 * kPage, kEnd);
}

TEST_F(LargePagesTest, ForgettingTheGreaterPartGivesItBack) {
    fill();
    ASSERT_TRUE(memory->advise(kLarge + 10 * kPage, 490 * kPage, kDontNeed).ok());
    EXPECT_EQ(machine->large(), 1u);
    EXPECT_EQ(frames.used() - before, 3 * kLargePages - 490);
    EXPECT_EQ(memory->resident_pages(), 3 * kLargePages - 490);
    expect_marks(*memory, kLarge, kLarge + 10 * kPage);
    EXPECT_EQ(get(*memory, kLarge + 10 * kPage), 0);
    expect_marks(*memory, kLarge + 500 * kPage, kEnd);
    ASSERT_TRUE(memory->advise(kLarge, 2 * kLargeBytes, kDontNeed).ok());
    EXPECT_EQ(machine->large(), 0u) << "a whole one goes as it is";
}

TEST_F(LargePagesTest, TakingAPartAway) {
    fill();
    ASSERT_TRUE(memory->unmap(kLarge + 100 * kPage, kLargeBytes).ok());
    EXPECT_EQ(machine->large(), 0u) << "it ended in the second one";
    EXPECT_EQ(frames.used() - before, 2 * kLargePages);
    expect_marks(*memory, kAt, kLarge + 100 * kPage);
    expect_marks(*memory, kLarge + kLargeBytes + 100 * kPage, kEnd);
    char byte = 0;
    EXPECT_EQ(memory->copy_in(&byte, kLarge + 100 * kPage, 1).error(), Errno::kEFAULT);
    EXPECT_FALSE(touch(*memory, kLarge + 100 * kPage));
}

TEST_F(LargePagesTest, ProtectingAPartAndTheWhole) {
    fill();
    ASSERT_TRUE(memory->protect(kLarge + kPage, kPage, kPROT_READ).ok());
    EXPECT_EQ(machine->large(), 1u);
    EXPECT_TRUE(touch(*memory, kLarge));
    EXPECT_FALSE(touch(*memory, kLarge + kPage));
    expect_marks(*memory, kLarge, kEnd);
    uint64_t const second = kLarge + kLargeBytes;
    ASSERT_TRUE(memory->protect(second, kLargeBytes, kPROT_READ).ok());
    EXPECT_EQ(machine->large(), 1u);
    EXPECT_EQ(machine->rights_at(second), kPROT_READ);
    EXPECT_FALSE(touch(*memory, second));
    ASSERT_TRUE(memory->protect(second, kLargeBytes, kReadWrite).ok());
    EXPECT_TRUE(touch(*memory, second));
    EXPECT_EQ(machine->rights_at(second), kReadWrite);
    ASSERT_TRUE(memory->protect(second, kLargeBytes, kPROT_READ | kPROT_EXEC).ok());
    EXPECT_TRUE(touch(*memory, second, kPROT_EXEC));
    EXPECT_EQ(machine->large(), 0u);
    expect_marks(*memory, second, kEnd);
}

// Breaking one needs small frames for all that is kept; with some of them it changes nothing.
TEST_F(LargePagesTest, MemoryThatEndsInTheMiddle) {
    fill();
    frames.set_quota(frames.used() + 100);
    EXPECT_EQ(memory->protect(kLarge + kPage, kPage, kPROT_READ).error(), Errno::kENOMEM);
    EXPECT_EQ(memory->unmap(kLarge + kPage, kPage).error(), Errno::kENOMEM);
    EXPECT_EQ(memory->mappings().size(), 1u);
    EXPECT_EQ(machine->large(), 2u);
    EXPECT_EQ(memory->resident_pages(), 3 * kLargePages);
    expect_marks(*memory, kAt, kEnd);
    // Giving memory back needs none: what is left of it does not fit, so that it is zeroed where it is.
    ASSERT_TRUE(memory->advise(kLarge, 300 * kPage, kDontNeed).ok());
    EXPECT_EQ(machine->large(), 2u);
    EXPECT_EQ(get(*memory, kLarge + 299 * kPage), 0);
    expect_marks(*memory, kLarge + 300 * kPage, kEnd);
    ASSERT_TRUE(memory->unmap(kLarge, kLargeBytes - 50 * kPage).ok()) << "there is room for 50";
    expect_marks(*memory, kLarge + kLargeBytes - 50 * kPage, kEnd);
}

TEST_F(LargePagesTest, ForkThenWriteOrUnmapInEither) {
    for (const bool child_is_first : {true, false}) {
        fill();
        uint64_t const used = frames.used();
        auto owned = std::make_unique<Machine>();
        Machine& other = *owned;
        Ref<AddressSpace> child = must(memory->copy(std::move(owned)));
        EXPECT_EQ(frames.used(), used) << "nothing is copied before somebody writes";
        EXPECT_EQ(machine->rights_at(kLarge) & kPROT_WRITE, 0u);
        AddressSpace& first = child_is_first ? *child : *memory;
        AddressSpace& second = child_is_first ? *memory : *child;
        ASSERT_TRUE(touch(first, kLarge));
        put(first, kLarge, 'w');
        EXPECT_EQ(get(second, kLarge), mark(kLarge));
        ASSERT_TRUE(first.unmap(kLarge + kLargeBytes, kLargeBytes).ok());
        expect_marks(second, kLarge, kEnd);
        // The other one is alone with both now.
        uint64_t const alone = frames.used();
        ASSERT_TRUE(touch(second, kLarge) && touch(second, kLarge + kLargeBytes));
        EXPECT_EQ(frames.used(), alone);
        put(second, kLarge + kPage, 'v');
        EXPECT_EQ(get(first, kLarge + kPage), mark(kLarge + kPage));
        EXPECT_EQ(get(first, kLarge), 'w');
        // A part of what both have, forgotten by one.
        Ref<AddressSpace> third = must(second.copy(std::make_unique<Machine>()));
        ASSERT_TRUE(third->advise(kLarge + 5 * kPage, kPage, kDontNeed).ok());
        EXPECT_EQ(get(*third, kLarge + 5 * kPage), 0);
        EXPECT_EQ(get(second, kLarge + 5 * kPage), mark(kLarge + 5 * kPage));
        EXPECT_LE(other.large(), 2u);
        child = nullptr;
        ASSERT_TRUE(memory->unmap(kAt, 3 * kLargeBytes).ok());
    }
    EXPECT_EQ(frames.used(), before);
}

TEST_F(LargePagesTest, ForkThenWriteWithLittleMemory) {
    fill();
    Ref<AddressSpace> const child = must(memory->copy(std::make_unique<Machine>()));
    frames.allow_large(0);
    ASSERT_TRUE(touch(*child, kLarge + kPage));
    put(*child, kLarge + kPage, 'c');
    EXPECT_EQ(get(*memory, kLarge + kPage), mark(kLarge + kPage));
    expect_marks(*child, kLarge + 2 * kPage, kEnd);
    frames.set_quota(frames.used() + 100);
    int code = 0;
    EXPECT_EQ(child->fault(kLarge + kLargeBytes, kPROT_WRITE, code).error(), Errno::kENOMEM);
    EXPECT_EQ(get(*child, kLarge + kLargeBytes), mark(kLarge + kLargeBytes));
}

TEST_F(LargePagesTest, Moving) {
    constexpr uint32_t kMayMove = 1, kFixed = 2;
    fill();
    uint64_t const apart = kAt + 16 * kLargeBytes;
    EXPECT_EQ(must(memory->remap(kAt, 3 * kLargeBytes, 4 * kLargeBytes, kMayMove | kFixed, apart)), apart);
    EXPECT_EQ(machine->large(), 0u) << "not mapped before they are touched";
    ASSERT_TRUE(touch(*memory, apart + kLargeBytes));
    EXPECT_EQ(machine->large(), 1u);
    EXPECT_EQ(frames.used() - before, 3 * kLargePages);
    for (uint64_t i = 0; i < 3 * kLargePages; ++i) ASSERT_EQ(get(*memory, apart + i * kPage), mark(kAt + i * kPage));
    uint64_t const aslant = kAt + 32 * kLargeBytes + kPage;
    EXPECT_EQ(must(memory->remap(apart, 3 * kLargeBytes, 3 * kLargeBytes, kMayMove | kFixed, aslant)), aslant);
    EXPECT_EQ(machine->large(), 0u);
    for (uint64_t i = 0; i < 3 * kLargePages; ++i) ASSERT_EQ(get(*memory, aslant + i * kPage), mark(kAt + i * kPage));
    EXPECT_EQ(frames.used() - before, 3 * kLargePages);
    EXPECT_EQ(memory->resident_pages(), 3 * kLargePages);
}

// A byte for each page, and its rights. Ranges begin and end at any page; much is written in order.
TEST_F(LargePagesTest, RandomOperationsAgreeWithTheModel) {
    constexpr uint64_t kPages = 6 * kLargePages;
    struct Place {
        bool is_mapped = false;
        uint32_t protection = 0;
        char value = 0;
    };
    uint64_t large = 0;
    for (unsigned seed = 1; seed <= 4; ++seed) {
        std::mt19937 random(seed);
        auto const below = [&](uint64_t most) { return random() % most; };
        auto owned = std::make_unique<Machine>();
        Machine* now = owned.get();
        Ref<AddressSpace> space = must(AddressSpace::create(frames, std::move(owned)));
        std::vector<Ref<AddressSpace>> others;
        std::vector<Place> model(kPages);
        for (unsigned step = 0; step < 400; ++step) {
            // Every fourth one is about three tables as a whole: made anew or written to in order.
            bool const is_long = below(4) == 0;
            uint64_t const first = is_long || below(2) ? below(4) * kLargePages : below(kPages);
            uint64_t const count =
                is_long ? 3 * kLargePages : 1 + below(std::min<uint64_t>(kPages - first, 2 * kLargePages));
            uint64_t const at = kAt + first * kPage, bytes = count * kPage;
            bool const is_plain = is_long || below(4);
            uint32_t const protection = is_plain ? kReadWrite : below(2) ? 0 : kPROT_READ;
            constexpr unsigned kMap = 0, kWrite = 5;
            unsigned const what = is_long ? (below(3) ? kWrite : kMap) : below(16);
            auto const each = [&](auto change) {
                for (uint64_t i = first; i < first + count; ++i) change(model[i]);
            };
            bool all_mapped = true;
            each([&](Place& place) { all_mapped = all_mapped && place.is_mapped; });
            switch (what) {
                case 0:
                    must(space->map(at, bytes, protection, kPrivate | kMAP_FIXED, nullptr, 0));
                    each([&](Place& place) { place = {true, protection, 0}; });
                    break;
                case 1:
                    ASSERT_TRUE(space->unmap(at, bytes).ok());
                    each([](Place& place) { place = {}; });
                    break;
                case 2:
                    if (!all_mapped) break;
                    ASSERT_TRUE(space->protect(at, bytes, protection).ok());
                    each([&](Place& place) { place.protection = protection; });
                    break;
                case 3:
                    ASSERT_EQ(space->advise(at, bytes, kDontNeed).ok(), all_mapped);
                    each([](Place& place) { place.value = 0; });
                    break;
                case 4:
                    if (below(3)) break;
                    owned = std::make_unique<Machine>();
                    now = owned.get();
                    others.push_back(space);
                    space = must(others.back()->copy(std::move(owned)));
                    if (others.size() > 2) others.erase(others.begin());
                    break;
                default: {
                    bool const by_program = below(4);
                    for (uint64_t i = first; i < first + count; ++i) {
                        Place& place = model[i];
                        uint64_t const page = kAt + i * kPage;
                        char const value = static_cast<char>(1 + below(100));
                        bool const may = place.protection & kPROT_WRITE;
                        if (by_program) {
                            ASSERT_EQ(touch(*space, page), may) << seed << " " << step;
                        }
                        if (below(2)) continue;
                        ASSERT_EQ(space->copy_out(page, &value, 1).ok(), may) << seed << " " << step;
                        if (may) place.value = value;
                    }
                }
            }
            large += now->large();
            for (unsigned i = 0; i < 300; ++i) {
                uint64_t const page = below(kPages);
                // A look at a page makes it a small one: most of what is empty stays unseen.
                if (model[page].value == 0 && below(100)) continue;
                char found = 0;
                bool const is_readable = space->copy_in(&found, kAt + page * kPage, 1).ok();
                ASSERT_EQ(is_readable, model[page].protection != 0) << seed << " " << step;
                if (is_readable) {
                    ASSERT_EQ(found, model[page].value) << seed << " " << step << " " << page;
                }
                bool const may_write = now->rights_at(kAt + page * kPage) & kPROT_WRITE;
                ASSERT_TRUE(!may_write || model[page].protection & kPROT_WRITE) << "the processor allows too much";
            }
        }
    }
    EXPECT_GT(large, 200u) << "the test has not seen enough of them";
    EXPECT_EQ(frames.used(), before) << "something was lost";
}

}  // namespace
}  // namespace kos::lx
