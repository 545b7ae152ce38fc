// Which words are call sites, what stubs hold, and who shares them.
#include "mm/call_stubs.h"

#include "mm/address_space.h"
#include "shim/layout.h"
#include "testing/frames.h"
#include "testing/tree.h"

#include <gtest/gtest.h>
#include <string.h>

namespace kos::lx {
namespace {

using testing::FakeFrames;

constexpr uint32_t kSvc = 0xd4000001, kMove = 0xd2800008, kNop = 0xd503201f;
constexpr uint64_t kShim = 0x7ffeffffd000;

// A file of code in memory; `is_constant`: like one of a read-only image.
class CodeInode final : public Inode {
public:
    explicit CodeInode(FakeFrames& frames, unsigned pages) {
        for (unsigned i = 0; i < pages; ++i) pages_.push_back(frames.allocate().take());
    }
    Mode type() const override { return kS_IFREG; }
    Result<Attributes> attributes() override {
        Attributes result;
        result.size = pages_.size() * kPageBytes;
        return result;
    }
    Status change(const AttributeChange&) override { return Errno::kEROFS; }
    FileSystem& file_system() override { abort(); }
    Result<Ref<Frame>> page(uint64_t index, bool) override {
        if (index >= pages_.size()) return Errno::kENXIO;
        return pages_[index];
    }
    Inode* immutable() override { return is_constant ? this : nullptr; }
    template <class T>
    void put(uint64_t offset, T value) {
        memcpy(pages_[offset / kPageBytes]->data() + offset % kPageBytes, &value, sizeof value);
    }
    bool is_constant = true;

private:
    std::vector<Ref<Frame>> pages_;
};

class CodeFile final : public File {
public:
    explicit CodeFile(Ref<CodeInode> of) : inode_(std::move(of)) {}
    Inode* inode() const override { return inode_.get(); }
    bool can_map() const override { return true; }
    Result<Ref<Frame>> page(uint64_t index, bool for_write) override { return inode_->page(index, for_write); }
    Result<size_t> read_at(IoBuffer& to, uint64_t offset) override { return inode_->read(to, offset); }

private:
    Ref<CodeInode> inode_;
};

// Remembers what each page may do.
class Machine final : public MachineSpace {
public:
    Status map(uint64_t address, Frame&, uint32_t protection, uint32_t& handle) override {
        rights[address] = protection;
        handle = 1;
        return {};
    }
    void protect(uint64_t address, Frame&, uint32_t protection, uint32_t) override { rights[address] = protection; }
    void unmap(uint64_t address, uint32_t) override { rights.erase(address); }
    std::map<uint64_t, uint32_t> rights;
};

uint32_t word_of(const Frame& frame, uint64_t at) {
    uint32_t word;
    memcpy(&word, frame.data() + at, sizeof word);
    return word;
}

int64_t target_of(uint32_t word, int64_t at) {
    EXPECT_EQ(word & 0xfc000000, 0x14000000u);
    return at + static_cast<int64_t>(static_cast<int32_t>(word << 6) >> 6) * 4;
}

class CallStubsTest : public ::testing::Test {
protected:
    void TearDown() override { CallStubs::forget_unused(); }
    Ref<AddressSpace> space() {
        auto own = std::make_unique<Machine>();
        machine = own.get();
        auto made = AddressSpace::create(frames, std::move(own)).take();
        made->shim = kShim;
        return made;
    }
    void call_at(uint64_t offset) {
        inode->put(offset, kMove);
        inode->put(offset + 4, kSvc);
    }
    static inline FakeFrames& frames = *new FakeFrames;  // the frame of zeros outlives a test
    Ref<CodeInode> inode = make_ref<CodeInode>(frames, 4);
    Ref<File> file = make_ref<CodeFile>(inode);
    Machine* machine = nullptr;
    int code = 0;
};

TEST_F(CallStubsTest, BranchesThereAndBack) {
    call_at(0x100);
    call_at(0x1000);
    auto stubs = CallStubs::of(frames, file, -0x8000, kShim);
    CallStubs::Range range;
    auto page = stubs->rewrite(0, **file->page(0, false), range).take();
    ASSERT_TRUE(page);
    EXPECT_EQ(range.first, 0u);
    EXPECT_EQ(range.end, 1u);
    int64_t const stub = target_of(word_of(*page, 0x104), 0x104);
    EXPECT_EQ(stub, -0x8000);
    auto const stub_page = stubs->page(0, false).take();
    EXPECT_EQ(target_of(word_of(*stub_page, 16), stub + 16), 0x108);
    uint64_t literal;
    memcpy(&literal, stub_page->data() + kPageBytes - 8, 8);
    EXPECT_EQ(literal, kShim + kShimCall);
    // The other page's stub is the next one; its first word was rewritten, too: nothing is known of the one before it.
    auto second = stubs->rewrite(1, **file->page(1, false), range).take();
    EXPECT_EQ(target_of(word_of(*second, 4), 0x1004), -0x8000 + int64_t{kStubBytes});
    EXPECT_EQ(stubs->page(1, false).error(), Errno::kENXIO);
}

TEST_F(CallStubsTest, DataIsLeftAlone) {
    inode->put(0x200, 0x00000007u);  // no instruction
    inode->put(0x204, kSvc);
    inode->put(0x300, 0xd2801168u);  // rt_sigreturn's
    inode->put(0x304, kSvc);
    auto stubs = CallStubs::of(frames, file, 0x8000, kShim);
    CallStubs::Range range;
    EXPECT_FALSE(stubs->rewrite(0, **file->page(0, false), range).take());
}

TEST_F(CallStubsTest, OnlySectionsWithCode) {
    call_at(0x400);
    call_at(0x800);
    inode->put(40, uint64_t{0x2000});         // e_shoff
    inode->put(58, uint32_t{2u << 16 | 64});  // two sections
    inode->put(0x2000 + 8, uint64_t{2});      // allocated data ...
    inode->put(0x2000 + 24, uint64_t{0});
    inode->put(0x2000 + 32, uint64_t{0x700});
    inode->put(0x2040 + 8, uint64_t{6});  // ... and code
    inode->put(0x2040 + 24, uint64_t{0x700});
    inode->put(0x2040 + 32, uint64_t{0x200});
    auto stubs = CallStubs::of(frames, file, 0x8000, kShim);
    CallStubs::Range range;
    auto page = stubs->rewrite(0, **file->page(0, false), range).take();
    ASSERT_TRUE(page);
    EXPECT_EQ(word_of(*page, 0x404), kSvc);
    EXPECT_NE(word_of(*page, 0x804), kSvc);
}

TEST_F(CallStubsTest, DamagedSectionsAreNoSections) {
    call_at(0x400);
    inode->put(40, ~uint64_t{0});
    inode->put(58, ~uint32_t{0});
    auto stubs = CallStubs::of(frames, file, 0x8000, kShim);
    CallStubs::Range range;
    EXPECT_TRUE(stubs->rewrite(0, **file->page(0, false), range).take());
}

TEST_F(CallStubsTest, EndsWithItsRoom) {
    for (unsigned page = 0; page < 4; ++page) {
        for (uint64_t at = 0; at < kPageBytes; at += 4) inode->put(page * kPageBytes + at, kSvc);
    }
    auto stubs = CallStubs::of(frames, file, 0x100000, kShim);
    unsigned rewritten = 0;
    for (unsigned index = 0; index < 4; ++index) {
        CallStubs::Range range;
        auto page = stubs->rewrite(index, **file->page(index, false), range).take();
        for (uint64_t at = 0; page && at < kPageBytes; at += 4) rewritten += word_of(*page, at) != kSvc;
    }
    EXPECT_EQ(rewritten, 4096u);
    for (uint64_t index = 0; index < 21; ++index) EXPECT_TRUE(stubs->page(index, false).ok());
}

TEST_F(CallStubsTest, FetchedPagesAreRewrittenOthersNot) {
    call_at(0x100);
    auto memory = space();
    uint64_t const at = memory->map(0, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE, file, 0).take();
    ASSERT_TRUE(memory->fault(at, kPROT_READ, code).ok());
    EXPECT_EQ(machine->rights[at], kPROT_READ);
    EXPECT_EQ(*memory->load_word(at + 0x104), kSvc);
    ASSERT_TRUE(memory->fault(at, kPROT_EXEC, code).ok());
    EXPECT_EQ(machine->rights[at], kPROT_READ | kPROT_EXEC);
    uint64_t const stub =
        static_cast<uint64_t>(target_of(*memory->load_word(at + 0x104), static_cast<int64_t>(at + 0x104)));
    EXPECT_EQ(memory->stub_at(stub + 8), stub);
    ASSERT_TRUE(memory->fault(stub, kPROT_EXEC, code).ok());
    EXPECT_EQ(memory->mappings().size(), 2u);
    // With the code its stubs go.
    ASSERT_TRUE(memory->unmap(at, 0x4000).ok());
    EXPECT_EQ(memory->mappings().size(), 0u);
    EXPECT_EQ(memory->stub_at(stub), 0u);
    EXPECT_EQ(memory->mapped_bytes(), 0u);
}

TEST_F(CallStubsTest, ProgramsShareConstantCode) {
    call_at(0x100);
    auto first = space();
    uint64_t const at = first->map(0, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE, file, 0).take();
    ASSERT_TRUE(first->fault(at, kPROT_EXEC, code).ok());
    uint64_t const before = frames.used();
    auto second = space();
    ASSERT_EQ(second->map(0, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE, file, 0).take(), at);
    ASSERT_TRUE(second->fault(at, kPROT_EXEC, code).ok());
    EXPECT_EQ(frames.used(), before);
    EXPECT_EQ(*second->load_word(at + 0x104), *first->load_word(at + 0x104));
    auto third = first->copy(std::make_unique<Machine>()).take();
    ASSERT_TRUE(third->fault(at, kPROT_EXEC, code).ok());
    EXPECT_EQ(frames.used(), before);
}

TEST_F(CallStubsTest, ChangingFilesAreCopied) {
    inode->is_constant = false;
    call_at(0x100);
    auto first = space();
    uint64_t const at = first->map(0, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE, file, 0).take();
    ASSERT_TRUE(first->fault(at, kPROT_EXEC, code).ok());
    inode->put(0x100, kNop);
    inode->put(0x104, kNop);
    EXPECT_NE(*first->load_word(at + 0x104), kNop);
    auto second = space();
    ASSERT_TRUE(second->map(at, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE | kMAP_FIXED, file, 0).ok());
    ASSERT_TRUE(second->fault(at, kPROT_EXEC, code).ok());
    EXPECT_EQ(*second->load_word(at + 0x104), kNop);
}

TEST_F(CallStubsTest, WithoutRoomCallsStay) {
    call_at(0x100);
    auto memory = space();
    uint64_t const at = 0x4000'0000, reach = uint64_t{256} << 20;
    ASSERT_TRUE(memory->map(at - reach, 2 * reach, 0, kMAP_PRIVATE | kMAP_ANONYMOUS | kMAP_FIXED, nullptr, 0).ok());
    ASSERT_TRUE(memory->map(at, 0x4000, kPROT_READ | kPROT_EXEC, kMAP_PRIVATE | kMAP_FIXED, file, 0).ok());
    ASSERT_TRUE(memory->fault(at, kPROT_EXEC, code).ok());
    EXPECT_EQ(machine->rights[at], kPROT_READ | kPROT_EXEC);
    EXPECT_EQ(*memory->load_word(at + 0x104), kSvc);
}

}  // namespace
}  // namespace kos::lx
