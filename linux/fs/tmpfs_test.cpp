// tmpfs, by way of the operations on names: each error, holes, limits, cookies, times.
#include "fs/tmpfs.h"

#include "testing/tree.h"
#include "vfs/fcntl.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr uint64_t kPage = kPageBytes;

TEST(Tmpfs, MakeAndRemove) {
    Tree tree;
    EXPECT_EQ(tree.mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.mkdir("/d"), Errno::kEEXIST);
    EXPECT_EQ(tree.mkdir("/"), Errno::kEEXIST);
    EXPECT_EQ(tree.mkdir("/d/."), Errno::kEEXIST);
    EXPECT_EQ(tree.mkdir("/none/x"), Errno::kENOENT);
    EXPECT_EQ(tree.mkdir("/e///"), Errno::kOK);
    EXPECT_EQ(tree.mknod("/f"), Errno::kOK);
    EXPECT_EQ(tree.mknod("/f"), Errno::kEEXIST);
    EXPECT_EQ(tree.mknod("/new/"), Errno::kENOENT);
    EXPECT_EQ(tree.mkdir("/f/x"), Errno::kENOTDIR);
    EXPECT_EQ(tree.mknod(std::string(256, 'x')), Errno::kENAMETOOLONG);
    EXPECT_EQ(tree.symlink("", "/s"), Errno::kENOENT);
    EXPECT_EQ(tree.symlink(std::string(4096, 'x'), "/s"), Errno::kENAMETOOLONG);
    EXPECT_EQ(tree.symlink(std::string(4095, 'x'), "/s"), Errno::kOK);
    EXPECT_EQ(tree.inode("/s")->read_link()->size(), 4095u);
    EXPECT_EQ(tree.symlink("x", "/f"), Errno::kEEXIST);

    EXPECT_EQ(tree.unlink("/d"), Errno::kEISDIR);
    EXPECT_EQ(tree.unlink("/d/"), Errno::kEISDIR);
    EXPECT_EQ(tree.unlink("/f/"), Errno::kENOTDIR);
    EXPECT_EQ(tree.unlink("/none"), Errno::kENOENT);
    EXPECT_EQ(tree.unlink("/"), Errno::kEISDIR);
    EXPECT_EQ(tree.rmdir("/f"), Errno::kENOTDIR);
    EXPECT_EQ(tree.rmdir("/none"), Errno::kENOENT);
    EXPECT_EQ(tree.rmdir("/"), Errno::kEBUSY);
    EXPECT_EQ(tree.rmdir("/d/."), Errno::kEINVAL);
    EXPECT_EQ(tree.rmdir("/d/.."), Errno::kENOTEMPTY);
    EXPECT_EQ(tree.mknod("/d/x"), Errno::kOK);
    EXPECT_EQ(tree.rmdir("/d"), Errno::kENOTEMPTY);
    EXPECT_EQ(tree.unlink("/d/x"), Errno::kOK);
    EXPECT_EQ(tree.rmdir("/d/"), Errno::kOK);
    EXPECT_EQ(tree.unlink("/f"), Errno::kOK);
    EXPECT_EQ(tree.error("/f"), Errno::kENOENT);
}

TEST(Tmpfs, ModesAndOwners) {
    Tree tree;
    tree.context.umask = 027;
    ASSERT_EQ(tree.mkdir("/d", 0777), Errno::kOK);
    ASSERT_EQ(tree.mknod("/f", kS_IFREG | 0666), Errno::kOK);
    ASSERT_EQ(tree.mknod("/fifo", kS_IFIFO | 0666), Errno::kOK);
    ASSERT_EQ(tree.mknod("/null", kS_IFCHR | 0666, 0x103), Errno::kOK);
    EXPECT_EQ(tree.stat("/d").mode, kS_IFDIR | 0750u);
    EXPECT_EQ(tree.stat("/f").mode, kS_IFREG | 0640u);
    EXPECT_EQ(tree.stat("/fifo").mode, kS_IFIFO | 0640u);
    EXPECT_EQ(tree.stat("/null").device_number, 0x103u);
    // Set-group-ID directories hand their group on.
    ASSERT_EQ(change_owner(tree.who, *tree.find("/d"), ~0u, 77).error(), Errno::kOK);
    ASSERT_EQ(change_mode(tree.who, *tree.find("/d"), 02777).error(), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/d/sub"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/d/file"), Errno::kOK);
    EXPECT_EQ(tree.stat("/d/sub").gid, 77u);
    EXPECT_TRUE(tree.stat("/d/sub").mode & kS_ISGID);
    EXPECT_EQ(tree.stat("/d/file").gid, 77u);
    EXPECT_FALSE(tree.stat("/d/file").mode & kS_ISGID);

    ASSERT_EQ(tree.mknod("/mine"), Errno::kOK);
    ASSERT_EQ(change_owner(tree.who, *tree.find("/mine"), 1000, 1000).error(), Errno::kOK);
    tree.user = ordinary_user(1000);
    Location const mine = *tree.find("/mine"), other = *tree.find("/f");
    EXPECT_EQ(change_mode(tree.who, other, 0777).error(), Errno::kEPERM);
    EXPECT_EQ(change_mode(tree.who, mine, 06755).error(), Errno::kOK);
    EXPECT_EQ(change_owner(tree.who, mine, 0, ~0u).error(), Errno::kEPERM);
    EXPECT_EQ(change_owner(tree.who, mine, ~0u, 5).error(), Errno::kEPERM);
    EXPECT_EQ(change_owner(tree.who, other, ~0u, 1000).error(), Errno::kEPERM);
    tree.user.groups = {5};
    EXPECT_EQ(change_owner(tree.who, mine, 1000, 5).error(), Errno::kOK);
    EXPECT_EQ(tree.stat("/mine").mode & 07777, 0755u);  // set-ID bits went
    EXPECT_EQ(tree.mknod("/x"), Errno::kOK);            // the root is 01777
    EXPECT_EQ(tree.mknod("/d/sub/x"), Errno::kEACCES);
    EXPECT_EQ(tree.unlink("/f"), Errno::kEPERM);  // sticky
    EXPECT_EQ(tree.rename("/f", "/g"), Errno::kEPERM);
    EXPECT_EQ(tree.rename("/x", "/f"), Errno::kEPERM);
    EXPECT_EQ(tree.unlink("/x"), Errno::kOK);
}

TEST(Tmpfs, ContentsAndHoles) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    uint64_t const before = tree.frames.used();
    ASSERT_EQ(*tree.write("/f", "abc", 10 * kPage - 1), 3u);
    EXPECT_EQ(tree.stat("/f").size, 10 * kPage + 2);
    EXPECT_EQ(tree.frames.used() - before, 2u);
    EXPECT_EQ(tree.stat("/f").blocks, 16u);
    EXPECT_EQ(tree.read("/f", 10 * kPage - 3), std::string("\0\0abc", 5));
    EXPECT_EQ(tree.read("/f", 0).size(), 10 * kPage + 2);
    EXPECT_EQ(tree.read("/f", 10 * kPage + 2), "");
    EXPECT_EQ(tree.read("/f", 1 << 30), "");
    EXPECT_EQ(tree.frames.used() - before, 2u);
    Inode& file = *tree.inode("/f");
    EXPECT_EQ(*file.find(0, false), 9 * kPage);
    EXPECT_EQ(*file.find(0, true), 0u);
    EXPECT_EQ(*file.find(9 * kPage + 5, true), 10 * kPage + 2);
    EXPECT_EQ(file.find(10 * kPage + 2, false).error(), Errno::kENXIO);
    // What a shorter file had is gone when it grows again.
    ASSERT_TRUE(file.truncate(10 * kPage).ok());
    ASSERT_TRUE(file.truncate(9 * kPage + 5).ok());
    ASSERT_TRUE(file.truncate(10 * kPage).ok());
    EXPECT_EQ(tree.read("/f", 10 * kPage - 1), std::string(1, '\0'));
    EXPECT_EQ(tree.stat("/f").blocks, 8u);
    ASSERT_TRUE(file.truncate(0).ok());
    EXPECT_EQ(tree.frames.used(), before);
    EXPECT_EQ(file.truncate(uint64_t{1} << 63).error(), Errno::kEFBIG);
    LocalBuffer none(nullptr, 0);
    EXPECT_EQ(tree.write("/f", "x", INT64_MAX).error(), Errno::kEFBIG);
    EXPECT_EQ(*tree.write("/f", "xyz", INT64_MAX - 1), 1u);
    EXPECT_EQ(tree.stat("/f").size, static_cast<uint64_t>(INT64_MAX));
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.inode("/d")->truncate(0).error(), Errno::kEISDIR);
    EXPECT_EQ(tree.write("/d", "x").error(), Errno::kEINVAL);
}

TEST(Tmpfs, PagesAreShared) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    Inode& file = *tree.inode("/f");
    EXPECT_EQ(file.page(0, false).error(), Errno::kENXIO);
    ASSERT_TRUE(file.truncate(kPage + 1).ok());
    // A mapping for reading sees what is written later.
    Ref<Frame> const frame = *file.page(1, false);
    ASSERT_EQ(*tree.write("/f", "hello", kPage), 5u);
    EXPECT_EQ(memcmp(frame->data(), "hello", 5), 0);
    EXPECT_EQ(file.page(1, true)->get(), frame.get());
    EXPECT_EQ(file.page(2, true).error(), Errno::kENXIO);
    // What a mapping leaves behind the end does not come back.
    memcpy(frame->data() + 5, "junk", 4);
    ASSERT_TRUE(file.truncate(kPage + 9).ok());
    EXPECT_EQ(tree.read("/f", kPage), std::string("hello\0\0\0\0", 9));
    memcpy(frame->data() + 9, "junk", 4);
    ASSERT_EQ(*tree.write("/f", "!", kPage + 12), 1u);
    EXPECT_EQ(tree.read("/f", kPage + 9), std::string("\0\0\0!", 4));
}

TEST(Tmpfs, Limits) {
    Tree tree({.bytes_max = 4 * kPage, .files_max = 4});
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    std::string const much(6 * kPage, 'x');
    EXPECT_EQ(*tree.write("/f", much), 4 * kPage);
    EXPECT_EQ(tree.stat("/f").size, 4 * kPage);
    EXPECT_EQ(tree.write("/f", "y", 4 * kPage).error(), Errno::kENOSPC);
    EXPECT_EQ(*tree.write("/f", "y", 0), 1u);
    EXPECT_EQ(tree.tmpfs->status().blocks_free, 0u);
    EXPECT_EQ(tree.inode("/f")->allocate(0, 0, 5 * kPage).error(), Errno::kENOSPC);
    ASSERT_EQ(tree.mknod("/g"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.mknod("/h"), Errno::kENOSPC);
    EXPECT_EQ(tree.mkdir("/h"), Errno::kENOSPC);
    EXPECT_EQ(tree.symlink("x", "/h"), Errno::kENOSPC);
    EXPECT_EQ(tree.error("/h"), Errno::kENOENT);
    EXPECT_EQ(tree.link("/g", "/h"), Errno::kOK);
    ASSERT_EQ(tree.unlink("/f"), Errno::kOK);
    EXPECT_EQ(tree.tmpfs->status().blocks_free, 4u);
    EXPECT_EQ(tree.mknod("/f"), Errno::kOK);
    tree.frames.set_quota(tree.frames.used() + 1);
    EXPECT_EQ(*tree.write("/f", much), kPage);
    EXPECT_EQ(tree.write("/f", "x", kPage).error(), Errno::kENOMEM);
}

TEST(Tmpfs, AllocateAndPunch) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    Inode& file = *tree.inode("/f");
    EXPECT_TRUE(file.allocate(kFALLOC_FL_KEEP_SIZE, 0, 3 * kPage).ok());
    EXPECT_EQ(tree.stat("/f").size, 0u);
    EXPECT_EQ(tree.stat("/f").blocks, 24u);
    EXPECT_TRUE(file.allocate(0, kPage, 2 * kPage + 1).ok());
    EXPECT_EQ(tree.stat("/f").size, 3 * kPage + 1);
    EXPECT_EQ(tree.stat("/f").blocks, 32u);
    EXPECT_EQ(file.allocate(8, 0, 1).error(), Errno::kEOPNOTSUPP);
    EXPECT_EQ(file.allocate(0, INT64_MAX, 2).error(), Errno::kEFBIG);
    ASSERT_EQ(*tree.write("/f", std::string(3 * kPage + 1, 'x')), 3 * kPage + 1);
    constexpr uint32_t kPunch = kFALLOC_FL_PUNCH_HOLE | kFALLOC_FL_KEEP_SIZE;
    ASSERT_TRUE(file.allocate(kPunch, 10, 5).ok());
    ASSERT_TRUE(file.allocate(kPunch, kPage - 1, kPage + 2).ok());
    std::string wanted(3 * kPage + 1, 'x');
    std::fill_n(wanted.begin() + 10, 5, '\0');
    std::fill_n(wanted.begin() + kPage - 1, kPage + 2, '\0');
    EXPECT_EQ(tree.read("/f"), wanted);
    EXPECT_EQ(tree.stat("/f").blocks, 24u);
    EXPECT_EQ(*file.find(0, true), kPage);
    EXPECT_EQ(*file.find(kPage, false), 2 * kPage);
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.inode("/d")->allocate(0, 0, 1).error(), Errno::kENODEV);
}

TEST(Tmpfs, Links) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    ASSERT_EQ(tree.symlink("f", "/s"), Errno::kOK);
    EXPECT_EQ(tree.link("/f", "/d/g"), Errno::kOK);
    EXPECT_EQ(tree.link("/none", "/x"), Errno::kENOENT);
    EXPECT_EQ(tree.link("/f", "/d/g"), Errno::kEEXIST);
    EXPECT_EQ(tree.link("/f", "/none/g"), Errno::kENOENT);
    EXPECT_EQ(tree.link("/f", "/x/"), Errno::kENOENT);
    EXPECT_EQ(tree.link("/d", "/e"), Errno::kEPERM);
    EXPECT_EQ(tree.link("/s", "/t"), Errno::kOK);
    EXPECT_TRUE(tree.inode("/t")->is_symlink());
    EXPECT_EQ(tree.stat("/f").links, 2u);
    EXPECT_EQ(tree.stat("/f").inode, tree.stat("/d/g").inode);
    ASSERT_EQ(*tree.write("/f", "same"), 4u);
    EXPECT_EQ(tree.read("/d/g"), "same");
    ASSERT_EQ(tree.unlink("/f"), Errno::kOK);
    EXPECT_EQ(tree.stat("/d/g").links, 1u);
    EXPECT_EQ(tree.read("/d/g"), "same");
    EXPECT_EQ(tree.stat("/").links, 3u);
    EXPECT_EQ(tree.stat("/d").links, 2u);
    // A file without a name can get one.
    auto unnamed = tree.inode("/d")->create_unnamed(kS_IFREG | 0600, 0, 0);
    ASSERT_TRUE(unnamed.ok());
    EXPECT_EQ((*unnamed)->attributes()->links, 0u);
    EXPECT_EQ(tree.inode("/d")->link("named", **unnamed).error(), Errno::kOK);
    EXPECT_EQ(tree.stat("/d/named").links, 1u);
    Ref<Inode> const gone(tree.inode("/d/g"));
    ASSERT_EQ(tree.unlink("/d/g"), Errno::kOK);
    EXPECT_EQ(tree.inode("/d")->link("again", *gone).error(), Errno::kENOENT);
}

TEST(Tmpfs, Rename) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/a/b"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/e"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/g"), Errno::kOK);
    ASSERT_EQ(*tree.write("/f", "f"), 1u);
    EXPECT_EQ(tree.rename("/none", "/x"), Errno::kENOENT);
    EXPECT_EQ(tree.rename("/f", "/none/x"), Errno::kENOENT);
    EXPECT_EQ(tree.rename("/f", "/g/x"), Errno::kENOTDIR);
    EXPECT_EQ(tree.rename("/f", "/e"), Errno::kEISDIR);
    EXPECT_EQ(tree.rename("/e", "/f"), Errno::kENOTDIR);
    EXPECT_EQ(tree.rename("/e", "/a"), Errno::kENOTEMPTY);
    EXPECT_EQ(tree.rename("/a", "/a/b/c"), Errno::kEINVAL);
    EXPECT_EQ(tree.rename("/a", "/a"), Errno::kOK);
    EXPECT_EQ(tree.rename("/a/b", "/a"), Errno::kENOTEMPTY);
    EXPECT_EQ(tree.rename("/", "/x"), Errno::kEBUSY);
    EXPECT_EQ(tree.rename("/a/.", "/x"), Errno::kEBUSY);
    EXPECT_EQ(tree.rename("/f", "/x/"), Errno::kENOTDIR);
    EXPECT_EQ(tree.rename("/f", "/g", kRenameNoReplace), Errno::kEEXIST);
    EXPECT_EQ(tree.rename("/f", "/x", kRenameExchange), Errno::kENOENT);
    EXPECT_EQ(tree.rename("/f", "/g"), Errno::kOK);
    EXPECT_EQ(tree.error("/f"), Errno::kENOENT);
    EXPECT_EQ(tree.read("/g"), "f");
    EXPECT_EQ(tree.rename("/a", "/e"), Errno::kOK);
    EXPECT_EQ(tree.error("/e/b"), Errno::kOK);
    EXPECT_EQ(tree.path(*tree.find("/e/b")), "/e/b");
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.rename("/e/b", "/d/c"), Errno::kOK);
    EXPECT_EQ(tree.stat("/e").links, 2u);
    EXPECT_EQ(tree.stat("/d").links, 3u);
    EXPECT_EQ(tree.rename("/g", "/d/c", kRenameExchange), Errno::kOK);
    EXPECT_TRUE(tree.inode("/g")->is_directory());
    EXPECT_EQ(tree.read("/d/c"), "f");
    EXPECT_EQ(tree.path(*tree.find("/d/c")), "/d/c");
    EXPECT_EQ(tree.stat("/d").links, 2u);
    EXPECT_EQ(tree.stat("/").links, 5u);
    EXPECT_EQ(tree.rename("/d", "/d/c", kRenameExchange), Errno::kEINVAL);
    ASSERT_EQ(tree.link("/d/c", "/two"), Errno::kOK);
    EXPECT_EQ(tree.rename("/d/c", "/two"), Errno::kOK);  // nothing happens
    EXPECT_EQ(tree.error("/d/c"), Errno::kOK);
    // Open things live on.
    Location const held = *tree.find("/two");
    ASSERT_EQ(tree.mknod("/three"), Errno::kOK);
    ASSERT_EQ(tree.rename("/three", "/two"), Errno::kOK);
    EXPECT_EQ(held.inode()->attributes()->links, 1u);
}

TEST(Tmpfs, DirectoriesWhileTheyChange) {
    Tree tree;
    for (int i = 0; i < 50; ++i) ASSERT_EQ(tree.mknod("/stays" + std::to_string(i)), Errno::kOK);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(tree.mknod("/goes" + std::to_string(i)), Errno::kOK);
    Inode& root = *tree.inode("/");
    std::multiset<std::string> seen;
    uint64_t cookie = 0;
    for (int step = 0;; ++step) {
        Lister lister(3);
        ASSERT_TRUE(root.read_directory(cookie, lister).ok());
        if (lister.entries.empty()) break;
        for (const Listed& entry : lister.entries) seen.insert(entry.name);
        cookie = lister.entries.back().next;
        (void)tree.unlink("/goes" + std::to_string(step * 7 % 50));
        (void)tree.rename("/goes" + std::to_string(step * 11 % 50), "/moved" + std::to_string(step));
        ASSERT_LT(step, 200);
    }
    EXPECT_EQ(seen.count("."), 1u);
    EXPECT_EQ(seen.count(".."), 1u);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(seen.count("stays" + std::to_string(i)), 1u);
    Lister dots(2);
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    ASSERT_TRUE(tree.inode("/d")->read_directory(0, dots).ok());
    EXPECT_EQ(dots.entries[0].inode, tree.stat("/d").inode);
    EXPECT_EQ(dots.entries[1].inode, tree.stat("/").inode);
    EXPECT_EQ(tree.inode("/stays0")->read_directory(0, dots).error(), Errno::kENOTDIR);
}

TEST(Tmpfs, Times) {
    Tree tree;
    constexpr Nanoseconds kSecond = 1'000'000'000;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    int64_t const made = tree.stat("/f").born.seconds;
    tree.time.now += 10 * kSecond;
    ASSERT_EQ(*tree.write("/f", "x"), 1u);
    EXPECT_EQ(tree.stat("/f").modified.seconds, made + 10);
    EXPECT_EQ(tree.stat("/f").changed.seconds, made + 10);
    EXPECT_EQ(tree.stat("/f").accessed.seconds, made);
    tree.time.now += 10 * kSecond;
    tree.inode("/f")->touch_accessed();
    EXPECT_EQ(tree.stat("/f").accessed.seconds, made + 20);
    tree.time.now += 10 * kSecond;
    tree.inode("/f")->touch_accessed();
    EXPECT_EQ(tree.stat("/f").accessed.seconds, made + 20);  // relatime
    ASSERT_TRUE(change_mode(tree.who, *tree.find("/f"), 0600).ok());
    EXPECT_EQ(tree.stat("/f").modified.seconds, made + 10);
    EXPECT_EQ(tree.stat("/f").changed.seconds, made + 30);
    EXPECT_EQ(tree.stat("/").modified.seconds, made);
    tree.time.now += 10 * kSecond;
    ASSERT_EQ(tree.unlink("/f"), Errno::kOK);
    EXPECT_EQ(tree.stat("/").modified.seconds, made + 40);
}

TEST(Tmpfs, Seals) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/f"), Errno::kOK);
    EXPECT_EQ(*tree.inode("/f")->seals(), kF_SEAL_SEAL);
    EXPECT_EQ(tree.inode("/f")->add_seals(kF_SEAL_GROW).error(), Errno::kEPERM);
    EXPECT_EQ(tree.inode("/")->seals().error(), Errno::kEINVAL);
    auto made = tree.tmpfs->make_unnamed(0600, 0, 0, true);
    ASSERT_TRUE(made.ok());
    TmpfsInode& file = **made;
    char bytes[8] = "sealed";
    auto const write = [&](uint64_t offset) {
        LocalBuffer from(bytes, 4);
        return file.write(from, offset);
    };
    ASSERT_EQ(*write(0), 4u);
    EXPECT_EQ(file.add_seals(64).error(), Errno::kEINVAL);
    ASSERT_TRUE(file.add_seals(kF_SEAL_GROW).ok());
    EXPECT_EQ(file.truncate(8).error(), Errno::kEPERM);
    EXPECT_EQ(*write(2), 2u);
    EXPECT_EQ(write(4).error(), Errno::kEPERM);
    EXPECT_EQ(file.allocate(0, 0, 8).error(), Errno::kEPERM);
    ASSERT_TRUE(file.add_seals(kF_SEAL_SHRINK).ok());
    EXPECT_EQ(file.truncate(2).error(), Errno::kEPERM);
    ASSERT_TRUE(file.add_seals(kF_SEAL_WRITE | kF_SEAL_SEAL).ok());
    EXPECT_EQ(write(0).error(), Errno::kEPERM);
    EXPECT_EQ(file.allocate(kFALLOC_FL_PUNCH_HOLE | kFALLOC_FL_KEEP_SIZE, 0, 1).error(), Errno::kEPERM);
    EXPECT_EQ(file.add_seals(kF_SEAL_FUTURE_WRITE).error(), Errno::kEPERM);
    EXPECT_EQ(*file.seals(), kF_SEAL_GROW | kF_SEAL_SHRINK | kF_SEAL_WRITE | kF_SEAL_SEAL);
}

TEST(Tmpfs, InodesOutliveTheFileSystem) {
    FakeFrames frames;
    TreeTime time;
    Timers timers(time);
    Ref<Inode> kept;
    {
        Ref<Tmpfs> const tmpfs = Tmpfs::create(frames, timers);
        kept = tmpfs->root()->create("f", kS_IFREG | 0600, 0, 0, 0).take();
        char byte = 'x';
        LocalBuffer from(&byte, 1);
        ASSERT_TRUE(kept->write(from, 0).ok());
    }
    EXPECT_EQ(*kept->size(), 1u);
    EXPECT_EQ(kept->file_system().type_name(), "tmpfs");
    kept = nullptr;
    EXPECT_EQ(frames.used(), 0u);
}

}  // namespace
