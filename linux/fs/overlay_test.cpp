// The overlay: copying up, whiteouts, numbers, directories while they change, limits.
#include "fs/overlay.h"

#include "testing/tree.h"

#include <gtest/gtest.h>

#include <set>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

// A lower tree, then an overlay on it.
class OverlayTest : public ::testing::Test {
protected:
    OverlayTest() {
        EXPECT_EQ(below.mkdir("/d"), Errno::kOK);
        EXPECT_EQ(below.mkdir("/d/sub"), Errno::kOK);
        EXPECT_EQ(below.mknod("/d/file"), Errno::kOK);
        EXPECT_EQ(below.mknod("/d/sub/deep"), Errno::kOK);
        EXPECT_EQ(below.mknod("/link1"), Errno::kOK);
        EXPECT_EQ(below.link("/link1", "/link2"), Errno::kOK);
        EXPECT_TRUE(below.write("/d/file", "lower").ok());
        EXPECT_TRUE(below.write("/link1", "linked").ok());
        Dentry::drop_unused();
        make({});
    }
    void make(const TmpfsOptions& options) {
        tree.reset();
        overlay = Overlay::create(below.tmpfs, Tmpfs::create(below.frames, below.timers, options));
        tree = std::make_unique<Tree>(overlay);
    }
    bool is_copied_up(std::string_view path) { return static_cast<OverlayInode*>(tree->inode(path))->is_copied_up(); }

    Tree below;
    Ref<Overlay> overlay;
    std::unique_ptr<Tree> tree;
};

TEST_F(OverlayTest, ReadingChangesNothing) {
    EXPECT_EQ(tree->read("/d/file"), "lower");
    EXPECT_EQ(tree->list("/d"), (std::vector<std::string>{".", "..", "sub", "file"}));
    EXPECT_FALSE(is_copied_up("/d/file"));
    EXPECT_FALSE(is_copied_up("/d"));
    // Mappings for reading are of the lower frames.
    EXPECT_EQ(tree->inode("/d/file")->page(0, false)->get(), below.inode("/d/file")->page(0, false)->get());
    EXPECT_EQ(tree->stat("/d/file").inode, below.stat("/d/file").inode);
    EXPECT_EQ(tree->stat("/d/file").device, overlay->device());
}

TEST_F(OverlayTest, WritingCopiesUp) {
    Attributes const before = tree->stat("/d/file"), directory = tree->stat("/d");
    tree->time.now += 100'000'000'000;
    Location const held = *tree->find("/d/file");
    ASSERT_EQ(*tree->write("/d/file", "UP", 1), 2u);
    EXPECT_EQ(tree->read("/d/file"), "lUPer");
    EXPECT_EQ(below.read("/d/file"), "lower");
    EXPECT_TRUE(is_copied_up("/d/file"));
    EXPECT_TRUE(is_copied_up("/d"));
    EXPECT_FALSE(is_copied_up("/d/sub"));
    EXPECT_EQ(tree->stat("/d/file").inode, before.inode);
    EXPECT_EQ(tree->stat("/d").inode, directory.inode);
    EXPECT_EQ(tree->stat("/d").modified.seconds, directory.modified.seconds);
    EXPECT_EQ(held.inode(), tree->inode("/d/file"));
    EXPECT_EQ(tree->list("/d"), (std::vector<std::string>{".", "..", "sub", "file"}));
    Dentry::drop_unused();
    EXPECT_EQ(tree->read("/d/file"), "lUPer");
}

TEST_F(OverlayTest, MetadataCopiesUpToo) {
    ASSERT_TRUE(change_mode(tree->who, *tree->find("/d/file"), 0600).ok());
    EXPECT_TRUE(is_copied_up("/d/file"));
    EXPECT_EQ(tree->stat("/d/file").mode, kS_IFREG | 0600u);
    EXPECT_EQ(tree->read("/d/file"), "lower");
    EXPECT_EQ(below.stat("/d/file").mode, kS_IFREG | 0644u);
}

TEST_F(OverlayTest, TruncatingCopiesNoMoreThanStays) {
    ASSERT_EQ(*below.write("/d/sub/deep", std::string(100 * kPageBytes, 'x')), 100 * kPageBytes);
    uint64_t const before = below.frames.used();
    ASSERT_TRUE(tree->inode("/d/sub/deep")->truncate(0).ok());
    EXPECT_EQ(below.frames.used(), before);
    EXPECT_EQ(tree->stat("/d/sub/deep").size, 0u);
}

TEST_F(OverlayTest, RemovingAndMakingAgain) {
    Location const held = *tree->find("/d/file");
    ASSERT_EQ(tree->unlink("/d/file"), Errno::kOK);
    EXPECT_EQ(tree->error("/d/file"), Errno::kENOENT);
    EXPECT_EQ(tree->unlink("/d/file"), Errno::kENOENT);
    EXPECT_EQ(held.inode()->attributes()->links, 0u);
    char byte = 0;
    LocalBuffer to(&byte, 1);
    EXPECT_EQ(*held.inode()->read(to, 0), 1u);  // who has it open reads on
    ASSERT_TRUE(held.inode()->truncate(1).ok());
    EXPECT_EQ(tree->error("/d/file"), Errno::kENOENT);
    EXPECT_EQ(tree->inode("/d")->link("again", *held.inode()).error(), Errno::kENOENT);
    EXPECT_EQ(tree->error("/d/again"), Errno::kENOENT);
    EXPECT_EQ(tree->list("/d"), (std::vector<std::string>{".", "..", "sub"}));
    ASSERT_EQ(tree->mknod("/d/file"), Errno::kOK);
    EXPECT_EQ(tree->read("/d/file"), "");
    ASSERT_EQ(tree->unlink("/d/file"), Errno::kOK);
    EXPECT_EQ(tree->error("/d/file"), Errno::kENOENT);
    EXPECT_EQ(tree->rmdir("/d"), Errno::kENOTEMPTY);
    ASSERT_EQ(tree->unlink("/d/sub/deep"), Errno::kOK);
    ASSERT_EQ(tree->rmdir("/d/sub"), Errno::kOK);
    ASSERT_EQ(tree->rmdir("/d"), Errno::kOK);
    // A new directory does not show what the old one had.
    ASSERT_EQ(tree->mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree->list("/d").size(), 2u);
    EXPECT_EQ(tree->error("/d/sub"), Errno::kENOENT);
    EXPECT_EQ(below.read("/d/file"), "lower");
}

TEST_F(OverlayTest, DirectoriesAreRenamedWithoutCopying) {
    uint64_t const before = below.frames.used();
    ASSERT_EQ(tree->rename("/d", "/e"), Errno::kOK);
    EXPECT_EQ(below.frames.used(), before);
    EXPECT_EQ(tree->error("/d"), Errno::kENOENT);
    EXPECT_EQ(tree->read("/e/file"), "lower");
    EXPECT_EQ(tree->error("/e/sub/deep"), Errno::kOK);
    ASSERT_EQ(tree->mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree->list("/d").size(), 2u);
    ASSERT_EQ(tree->rename("/e/sub", "/d/moved"), Errno::kOK);
    Dentry::drop_unused();
    EXPECT_EQ(tree->error("/d/moved/deep"), Errno::kOK);
    EXPECT_EQ(tree->error("/e/sub"), Errno::kENOENT);
    EXPECT_EQ(tree->rename("/e", "/d"), Errno::kENOTEMPTY);
}

TEST_F(OverlayTest, LowerHardLinksStayOne) {
    ASSERT_EQ(*tree->write("/link1", "new"), 3u);
    EXPECT_EQ(tree->read("/link2"), "newked");
    Dentry::drop_unused();
    EXPECT_EQ(tree->read("/link2"), "newked");
    EXPECT_EQ(tree->stat("/link2").links, 2u);
    ASSERT_EQ(tree->unlink("/link2"), Errno::kOK);
    EXPECT_EQ(tree->stat("/link1").links, 1u);
    EXPECT_EQ(tree->read("/link1"), "newked");
}

TEST_F(OverlayTest, EntriesStayInPlaceWhenCopiedUp) {
    for (int i = 0; i < 30; ++i) ASSERT_EQ(below.mknod("/d/lower" + std::to_string(i)), Errno::kOK);
    for (int i = 0; i < 30; ++i) ASSERT_EQ(tree->mknod("/d/upper" + std::to_string(i)), Errno::kOK);
    std::multiset<std::string> seen;
    uint64_t cookie = 0;
    for (int step = 0;; ++step) {
        Lister lister(2);
        ASSERT_TRUE(tree->inode("/d")->read_directory(cookie, lister).ok());
        if (lister.entries.empty()) break;
        cookie = lister.entries.back().next;
        for (const Listed& entry : lister.entries) seen.insert(entry.name);
        (void)change_mode(tree->who, *tree->find("/d/lower" + std::to_string(step * 7 % 30)), 0600);
        ASSERT_LT(step, 100);
    }
    for (int i = 0; i < 30; ++i) {
        EXPECT_EQ(seen.count("lower" + std::to_string(i)), 1u);
        EXPECT_EQ(seen.count("upper" + std::to_string(i)), 1u);
    }
    EXPECT_EQ(seen.size(), 64u);
}

TEST_F(OverlayTest, NoRoomAbove) {
    make({.bytes_max = 2 * kPageBytes, .files_max = 6});
    ASSERT_EQ(*below.write("/d/sub/deep", std::string(5 * kPageBytes, 'x')), 5 * kPageBytes);
    EXPECT_EQ(tree->write("/d/sub/deep", "x").error(), Errno::kENOSPC);
    EXPECT_EQ(tree->read("/d/sub/deep", 0, 3), "xxx");
    EXPECT_FALSE(is_copied_up("/d/sub/deep"));
    EXPECT_EQ(overlay->status().blocks_free, 2u);
    // Removing needs no room but for its directory.
    EXPECT_EQ(tree->unlink("/d/sub/deep"), Errno::kOK);
    EXPECT_EQ(*tree->write("/d/file", "x"), 1u);
    ASSERT_EQ(tree->mknod("/one"), Errno::kOK);
    ASSERT_EQ(tree->mknod("/two"), Errno::kENOSPC);
    EXPECT_EQ(tree->error("/two"), Errno::kENOENT);
}

TEST_F(OverlayTest, TargetsOfOtherKinds) {
    ASSERT_EQ(below.symlink("d/file", "/s"), Errno::kOK);
    ASSERT_EQ(below.mknod("/fifo", kS_IFIFO | 0600), Errno::kOK);
    EXPECT_EQ(tree->read("/d/file"), "lower");
    EXPECT_EQ(tree->path(*tree->find("/s")), "/d/file");
    ASSERT_EQ(tree->rename("/s", "/t"), Errno::kOK);
    EXPECT_EQ(*tree->inode("/t")->read_link(), "d/file");
    ASSERT_EQ(tree->link("/fifo", "/fifo2"), Errno::kOK);
    EXPECT_EQ(tree->inode("/fifo"), tree->inode("/fifo2"));
    EXPECT_EQ(tree->stat("/fifo2").links, 2u);
    EXPECT_EQ(tree->link("/d", "/x"), Errno::kEPERM);
    EXPECT_EQ(tree->rename("/d", "/d/sub/x"), Errno::kEINVAL);
    EXPECT_EQ(tree->inode("/d/file")->seals().ok(), true);
}

}  // namespace
