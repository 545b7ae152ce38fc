// The path walk: links, mounts, permissions, the cache of names.
#include "vfs/path.h"

#include "testing/tree.h"

#include <gtest/gtest.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

TEST(Walk, FindsNames) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("a/b"), Errno::kOK);
    ASSERT_EQ(tree.mknod("a/b/file"), Errno::kOK);
    EXPECT_EQ(tree.error("/a/b/file"), Errno::kOK);
    EXPECT_EQ(tree.error("a//b/./file"), Errno::kOK);
    EXPECT_EQ(tree.error("/a/b/../b/../../a/b/file"), Errno::kOK);
    EXPECT_EQ(tree.error("/../../a"), Errno::kOK);
    EXPECT_EQ(tree.error("/"), Errno::kOK);
    EXPECT_EQ(tree.path(*tree.find("/a/b/file")), "/a/b/file");
    EXPECT_EQ(tree.path(*tree.find("/")), "/");
}

TEST(Walk, Errors) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/file"), Errno::kOK);
    EXPECT_EQ(tree.error(""), Errno::kENOENT);
    EXPECT_EQ(tree.error("", kWalkEmpty), Errno::kOK);
    EXPECT_EQ(tree.error("none"), Errno::kENOENT);
    EXPECT_EQ(tree.error("none/x"), Errno::kENOENT);
    EXPECT_EQ(tree.error("none"), Errno::kENOENT);
    EXPECT_EQ(tree.error("file/"), Errno::kENOTDIR);
    EXPECT_EQ(tree.error("file/x"), Errno::kENOTDIR);
    EXPECT_EQ(tree.error("file/.."), Errno::kENOTDIR);
    EXPECT_EQ(tree.error("file", kWalkDirectory), Errno::kENOTDIR);
    EXPECT_EQ(tree.error("a", kWalkDirectory), Errno::kOK);
    EXPECT_EQ(tree.error(std::string(255, 'x')), Errno::kENOENT);
    EXPECT_EQ(tree.error(std::string(256, 'x')), Errno::kENAMETOOLONG);
    std::string path;
    while (path.size() < kPathMax - 2) path += "./";
    EXPECT_EQ(tree.error(path), Errno::kOK);
    EXPECT_EQ(tree.error(path + "aa"), Errno::kENAMETOOLONG);
}

TEST(Walk, Parents) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    auto const last = [&](std::string_view path) {
        auto found = walk(tree.context, tree.user, tree.context.working, path, kWalkParent);
        return found.ok() ? tree.path(found->location) + ":" + found->last + (found->has_slash ? "/" : "") : "error";
    };
    EXPECT_EQ(last("/a/x"), "/a:x");
    EXPECT_EQ(last("/a/x//"), "/a:x/");
    EXPECT_EQ(last("x"), "/:x");
    EXPECT_EQ(last("/"), "/:/");
    EXPECT_EQ(last("a/."), "/a:.");
    EXPECT_EQ(last("a/.."), "/a:..");
}

TEST(Walk, SymbolicLinks) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/d/e"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/d/e/f"), Errno::kOK);
    ASSERT_EQ(tree.symlink("d/e", "/relative"), Errno::kOK);
    ASSERT_EQ(tree.symlink("/d/e", "/d/absolute"), Errno::kOK);
    ASSERT_EQ(tree.symlink("../relative/f", "/d/up"), Errno::kOK);
    ASSERT_EQ(tree.symlink("gone", "/dangling"), Errno::kOK);
    ASSERT_EQ(tree.symlink("loop2", "/loop1"), Errno::kOK);
    ASSERT_EQ(tree.symlink("loop1", "/loop2"), Errno::kOK);
    EXPECT_EQ(tree.path(*tree.find("relative/f")), "/d/e/f");
    EXPECT_EQ(tree.path(*tree.find("d/absolute/f")), "/d/e/f");
    EXPECT_EQ(tree.path(*tree.find("d/up")), "/d/e/f");
    EXPECT_EQ(tree.path(*tree.find("d/up", 0)), "/d/up");
    EXPECT_EQ(tree.path(*tree.find("relative/", 0)), "/d/e");
    EXPECT_EQ(tree.path(*tree.find("relative/..", 0)), "/d");
    EXPECT_EQ(tree.error("dangling"), Errno::kENOENT);
    EXPECT_EQ(tree.error("dangling", 0), Errno::kOK);
    EXPECT_EQ(tree.error("loop1"), Errno::kELOOP);
    EXPECT_EQ(tree.error("loop1", 0), Errno::kOK);
    EXPECT_EQ(tree.error("loop1/x", 0), Errno::kELOOP);
    EXPECT_EQ(tree.error("relative/f", kWalkFollow | kWalkNoSymlinks), Errno::kELOOP);
    // The most that is followed.
    std::string before = "d";
    for (int i = 1; i <= 41; ++i) {
        std::string const name = "/chain" + std::to_string(i);
        ASSERT_EQ(tree.symlink(before, name), Errno::kOK);
        before = name;
    }
    EXPECT_EQ(tree.error("/chain40"), Errno::kOK);
    EXPECT_EQ(tree.error("/chain41"), Errno::kELOOP);
}

TEST(Walk, Resolve) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/a/b"), Errno::kOK);
    ASSERT_EQ(tree.symlink("/b", "/a/absolute"), Errno::kOK);
    ASSERT_EQ(tree.symlink("../..", "/a/b/out"), Errno::kOK);
    Location const start = *tree.find("/a");
    auto const from = [&](std::string_view path, uint32_t flags) {
        return walk(tree.context, tree.user, start, path, flags | kWalkFollow).error();
    };
    EXPECT_EQ(from("b/..", kWalkBeneath), Errno::kOK);
    EXPECT_EQ(from("b/../..", kWalkBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("/a", kWalkBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("absolute", kWalkBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("b/out", kWalkBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("absolute", kWalkInRoot), Errno::kOK);
    EXPECT_EQ(from("/b/../../b", kWalkInRoot), Errno::kOK);
    EXPECT_EQ(from("b/out/b", kWalkInRoot), Errno::kOK);
    EXPECT_EQ(from("/a", kWalkInRoot), Errno::kENOENT);
}

TEST(Walk, Permissions) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/open", 0755), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/closed", 0700), Errno::kOK);
    ASSERT_EQ(tree.mknod("/open/x"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/closed/x"), Errno::kOK);
    tree.user = ordinary_user(1000);
    EXPECT_EQ(tree.error("/open/x"), Errno::kOK);
    EXPECT_EQ(tree.error("/closed"), Errno::kOK);
    EXPECT_EQ(tree.error("/closed/x"), Errno::kEACCES);
    EXPECT_EQ(tree.error("/closed/."), Errno::kEACCES);
    EXPECT_EQ(tree.error("/closed/.."), Errno::kEACCES);
    tree.user.groups = {0};
    EXPECT_EQ(tree.error("/closed/x"), Errno::kEACCES);
    tree.user.capabilities = 1 << kCAP_DAC_READ_SEARCH;
    EXPECT_EQ(tree.error("/closed/x"), Errno::kOK);
}

TEST(Access, Rules) {
    Attributes file;
    file.mode = kS_IFREG | 0640;
    file.uid = 10;
    file.gid = 20;
    Credentials user = ordinary_user(10);
    EXPECT_EQ(check_access(file, kMayRead | kMayWrite, user).error(), Errno::kOK);
    EXPECT_EQ(check_access(file, kMayExecute, user).error(), Errno::kEACCES);
    user = ordinary_user(11);
    EXPECT_EQ(check_access(file, kMayRead, user).error(), Errno::kEACCES);
    user.groups = {20};
    EXPECT_EQ(check_access(file, kMayRead, user).error(), Errno::kOK);
    EXPECT_EQ(check_access(file, kMayWrite, user).error(), Errno::kEACCES);
    // The owner's bits count for the owner, even if others may more.
    file.mode = kS_IFREG | 0077;
    EXPECT_EQ(check_access(file, kMayRead, ordinary_user(10)).error(), Errno::kEACCES);
    EXPECT_EQ(check_access(file, kMayRead, ordinary_user(12)).error(), Errno::kOK);
    Credentials const root;
    file.mode = kS_IFREG;
    EXPECT_EQ(check_access(file, kMayRead | kMayWrite, root).error(), Errno::kOK);
    EXPECT_EQ(check_access(file, kMayExecute, root).error(), Errno::kEACCES);
    file.mode = kS_IFREG | 1;
    EXPECT_EQ(check_access(file, kMayExecute, root).error(), Errno::kOK);
    file.mode = kS_IFDIR;
    EXPECT_EQ(check_access(file, kMayExecute | kMayWrite, root).error(), Errno::kOK);
    user = ordinary_user(12);
    user.capabilities = 1 << kCAP_DAC_READ_SEARCH;
    EXPECT_EQ(check_access(file, kMayExecute | kMayRead, user).error(), Errno::kOK);
    EXPECT_EQ(check_access(file, kMayWrite, user).error(), Errno::kEACCES);
}

TEST(Mounts, CoverAndUncover) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/m"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/m/below"), Errno::kOK);
    {
        auto made = mount_at(*tree.find("/m"), Tmpfs::create(tree.frames, tree.timers), "other", 0);
        ASSERT_TRUE(made.ok());
        EXPECT_EQ(tree.path(*made), "/m");
    }
    EXPECT_EQ(tree.error("/m/below"), Errno::kENOENT);
    ASSERT_EQ(tree.mknod("/m/above"), Errno::kOK);
    EXPECT_EQ(tree.path(*tree.find("/m/above")), "/m/above");
    EXPECT_EQ(tree.path(*tree.find("/m/..")), "/");
    EXPECT_EQ(tree.error("/m/above", kWalkNoMounts), Errno::kEXDEV);
    EXPECT_EQ(tree.link("/m/above", "/x"), Errno::kEXDEV);
    EXPECT_EQ(tree.rename("/m/above", "/x"), Errno::kEXDEV);
    EXPECT_EQ(tree.rmdir("/m"), Errno::kEBUSY);
    EXPECT_EQ(tree.rename("/m", "/n"), Errno::kEBUSY);
    {
        Location const held = *tree.find("/m/above");
        EXPECT_EQ(unmount_at(*tree.find("/m")).error(), Errno::kEBUSY);
    }
    EXPECT_EQ(unmount_at(*tree.find("/")).error(), Errno::kEINVAL);
    EXPECT_EQ(unmount_at(*tree.find("/m/above")).error(), Errno::kEINVAL);
    EXPECT_EQ(unmount_at(*tree.find("/m")).error(), Errno::kOK);
    EXPECT_EQ(tree.error("/m/below"), Errno::kOK);
    EXPECT_EQ(tree.error("/m/above"), Errno::kENOENT);
}

TEST(Mounts, Stacked) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/m"), Errno::kOK);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(mount_at(*tree.find("/m"), Tmpfs::create(tree.frames, tree.timers), "x", 0).ok());
        ASSERT_EQ(tree.mknod("/m/level" + std::to_string(i)), Errno::kOK);
    }
    EXPECT_EQ(tree.path(*tree.find("/m/..")), "/");
    for (int i = 2; i >= 0; --i) {
        EXPECT_EQ(tree.error("/m/level" + std::to_string(i)), Errno::kOK);
        ASSERT_EQ(unmount_at(*tree.find("/m")).error(), Errno::kOK);
    }
    EXPECT_EQ(tree.list("/m").size(), 2u);
}

TEST(Mounts, DetachedStaysInUse) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/m"), Errno::kOK);
    ASSERT_TRUE(mount_at(*tree.find("/m"), Tmpfs::create(tree.frames, tree.timers), "x", 0).ok());
    ASSERT_EQ(tree.mkdir("/m/d"), Errno::kOK);
    Location const held = *tree.find("/m/d");
    ASSERT_EQ(unmount_at(*tree.find("/m"), true).error(), Errno::kOK);
    EXPECT_EQ(make_node(tree.who, held, "new", kS_IFREG | 0600, 0).error(), Errno::kOK);
    EXPECT_EQ(tree.path(held), "(unreachable)/d");
    // ".." ends at the mount's root.
    EXPECT_EQ(walk(tree.context, tree.user, held, "../../d", 0).error(), Errno::kOK);
}

TEST(Mounts, BindShowsTheSame) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/a"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/a/sub"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/b"), Errno::kOK);
    ASSERT_TRUE(bind_at(*tree.find("/b"), *tree.find("/a"), kMS_RDONLY).ok());
    ASSERT_EQ(tree.mknod("/a/sub/f"), Errno::kOK);
    EXPECT_EQ(tree.error("/b/sub/f"), Errno::kOK);
    EXPECT_EQ(tree.inode("/b/sub/f"), tree.inode("/a/sub/f"));
    EXPECT_EQ(tree.path(*tree.find("/b/sub/f")), "/b/sub/f");
    EXPECT_EQ(tree.unlink("/b/sub/f"), Errno::kEROFS);
    EXPECT_EQ(tree.mknod("/b/g"), Errno::kEROFS);
    ASSERT_EQ(tree.unlink("/a/sub/f"), Errno::kOK);
    EXPECT_EQ(tree.error("/b/sub/f"), Errno::kENOENT);
    EXPECT_EQ(tree.path(*tree.find("/b/..")), "/");
}

TEST(Mounts, TypesMustMatch) {
    Tree tree;
    ASSERT_EQ(tree.mknod("/file"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/other"), Errno::kOK);
    EXPECT_EQ(mount_at(*tree.find("/file"), Tmpfs::create(tree.frames, tree.timers), "x", 0).error(), Errno::kENOTDIR);
    ASSERT_EQ(tree.write("/other", "hidden").error(), Errno::kOK);
    ASSERT_TRUE(bind_at(*tree.find("/file"), *tree.find("/other"), 0).ok());
    EXPECT_EQ(tree.read("/file"), "hidden");
    EXPECT_EQ(tree.unlink("/file"), Errno::kEBUSY);
}

TEST(Chroot, PathsEndThere) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/jail"), Errno::kOK);
    ASSERT_EQ(tree.mkdir("/jail/in"), Errno::kOK);
    ASSERT_EQ(tree.symlink("/in", "/jail/link"), Errno::kOK);
    tree.context.root = *tree.find("/jail");
    tree.context.working = tree.context.root;
    EXPECT_EQ(tree.error("/jail"), Errno::kENOENT);
    EXPECT_EQ(tree.path(*tree.find("../../in")), "/in");
    EXPECT_EQ(tree.path(*tree.find("/link")), "/in");
}

TEST(Names, DeletedOnesLeadNowhere) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/d/f"), Errno::kOK);
    Location const file = *tree.find("/d/f"), directory = *tree.find("/d");
    ASSERT_EQ(tree.unlink("/d/f"), Errno::kOK);
    EXPECT_EQ(tree.path(file), "/d/f (deleted)");
    ASSERT_EQ(tree.mknod("/d/f"), Errno::kOK);
    EXPECT_NE(tree.inode("/d/f"), file.inode());
    ASSERT_EQ(tree.unlink("/d/f"), Errno::kOK);
    ASSERT_EQ(tree.rmdir("/d"), Errno::kOK);
    EXPECT_EQ(tree.path(directory), "/d (deleted)");
    EXPECT_EQ(make_node(tree.who, directory, "x", kS_IFREG, 0).error(), Errno::kENOENT);
    EXPECT_EQ(walk(tree.context, tree.user, directory, "..", 0).error(), Errno::kOK);
}

TEST(Names, CacheIsBounded) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    for (size_t i = 0; i < Dentry::kUnusedMax * 2; ++i) {
        ASSERT_EQ(tree.error("/d/absent" + std::to_string(i)), Errno::kENOENT);
    }
    EXPECT_LE(Dentry::unused_count(), Dentry::kUnusedMax);
    EXPECT_EQ(tree.error("/d"), Errno::kOK);
    Dentry::drop_unused();
    EXPECT_EQ(Dentry::unused_count(), 0u);
    EXPECT_EQ(tree.error("/d"), Errno::kOK);
}

TEST(Names, DeepTreesGoWithoutRecursion) {
    Tree tree({.files_max = 200'000});
    Location at = tree.context.root;
    constexpr int kDepth = 100'000;
    for (int i = 0; i < kDepth; ++i) {
        auto made = make_node(tree.who, at, "d", kS_IFDIR | 0755, 0);
        ASSERT_TRUE(made.ok());
        at = *made;
    }
    tree.context.working = at;
    // From the bottom up, the last one still in use.
    Location up = at;
    for (int i = 0; i < kDepth / 2; ++i) {
        up = walk(tree.context, tree.user, up, "..", 0)->location;
        ASSERT_EQ(remove_name(tree.who, up, "d", true).error(), Errno::kOK);
    }
    at = {};
    up = {};
    tree.context.working = tree.context.root;
}

TEST(Names, TargetsOfOpen) {
    Tree tree;
    ASSERT_EQ(tree.mkdir("/d"), Errno::kOK);
    ASSERT_EQ(tree.mknod("/d/f"), Errno::kOK);
    ASSERT_EQ(tree.symlink("d/f", "/link"), Errno::kOK);
    ASSERT_EQ(tree.symlink("d/made", "/dangling"), Errno::kOK);
    ASSERT_EQ(tree.symlink("again", "/again"), Errno::kOK);
    EXPECT_EQ(tree.open("/none", kO_RDONLY), Errno::kENOENT);
    EXPECT_EQ(tree.open("/d", kO_RDONLY), Errno::kOK);
    EXPECT_EQ(tree.open("/d", kO_WRONLY), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d", kO_RDONLY | kO_TRUNC), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d", kO_RDONLY | kO_CREAT), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d/", kO_RDONLY | kO_CREAT), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d/.", kO_RDONLY | kO_CREAT), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d/f", kO_RDONLY | kO_DIRECTORY), Errno::kENOTDIR);
    EXPECT_EQ(tree.open("/d/f", kO_RDWR | kO_CREAT | kO_EXCL), Errno::kEEXIST);
    EXPECT_EQ(tree.open("/link", kO_RDWR | kO_CREAT | kO_EXCL), Errno::kEEXIST);
    EXPECT_EQ(tree.open("/link", kO_RDONLY | kO_NOFOLLOW), Errno::kELOOP);
    EXPECT_EQ(tree.open("/link", kO_RDONLY | kO_NOFOLLOW | kO_DIRECTORY), Errno::kENOTDIR);
    EXPECT_EQ(tree.open("/link", kO_PATH | kO_NOFOLLOW), Errno::kOK);
    EXPECT_EQ(tree.open("/link", kO_RDWR | kO_CREAT), Errno::kOK);
    EXPECT_EQ(tree.open("/link", kO_RDWR | kO_CREAT | kO_NOFOLLOW), Errno::kELOOP);
    EXPECT_EQ(tree.open("/dangling", kO_RDONLY), Errno::kENOENT);
    EXPECT_EQ(tree.open("/dangling", kO_RDWR | kO_CREAT), Errno::kOK);
    EXPECT_EQ(tree.error("/d/made"), Errno::kOK);
    EXPECT_EQ(tree.open("/again", kO_RDWR | kO_CREAT), Errno::kELOOP);
    EXPECT_EQ(tree.open("/again", kO_RDONLY), Errno::kELOOP);
    EXPECT_EQ(tree.open("/d/new/", kO_RDWR | kO_CREAT), Errno::kEISDIR);
    EXPECT_EQ(tree.open("/d/f/x", kO_RDWR | kO_CREAT), Errno::kENOTDIR);
    EXPECT_EQ(tree.open("/d", kO_TMPFILE | kO_RDWR), Errno::kOK);
    EXPECT_EQ(tree.open("/d", kO_TMPFILE | kO_RDONLY), Errno::kEINVAL);
    EXPECT_EQ(tree.open("/d/f", kO_TMPFILE | kO_RDWR), Errno::kENOTDIR);
    EXPECT_EQ(tree.open("/d", kO_CREAT | kO_DIRECTORY), Errno::kEINVAL);
    tree.user = ordinary_user(1000);
    EXPECT_EQ(tree.open("/d/f", kO_RDONLY), Errno::kOK);
    EXPECT_EQ(tree.open("/d/f", kO_WRONLY), Errno::kEACCES);
    EXPECT_EQ(tree.open("/d/f", kO_RDONLY | kO_TRUNC), Errno::kEACCES);
    EXPECT_EQ(tree.open("/d/new", kO_WRONLY | kO_CREAT), Errno::kEACCES);
    EXPECT_EQ(tree.open("/d/f", kO_RDONLY | kO_NOATIME), Errno::kEPERM);
    EXPECT_EQ(tree.open("/d/f", kO_PATH), Errno::kOK);
}

}  // namespace
