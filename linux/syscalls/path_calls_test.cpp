// Calls that name files: results and each documented error.
#include "testing/file_calls.h"
#include "vfs/special.h"

#include <gtest/gtest.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

struct UserStat {
    uint64_t device, inode;
    uint32_t mode, links, uid, gid;
    uint64_t device_number, padding1;
    int64_t size;
    int32_t block_bytes, padding2;
    int64_t blocks;
    Timespec accessed, modified, changed;
    uint32_t unused[2];
};

class PathCalls : public FileCalls {
protected:
    int64_t stat(std::string_view name, uint32_t flags = 0) {
        int64_t const result = call(kNewfstatat, kCwd, path(name), kMore, flags);
        if (result == 0) last = World::get<UserStat>(process, kMore);
        return result;
    }
    UserStat last{};
};

TEST_F(PathCalls, Openat) {
    int64_t const fd = open("/f", kO_RDWR | kO_CREAT | kO_EXCL, 0666);
    EXPECT_EQ(fd, 0);
    EXPECT_EQ(call(kFcntl, fd, 3), static_cast<int64_t>(kO_RDWR | kO_LARGEFILE));
    EXPECT_EQ(call(kFcntl, fd, 1), 0);
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.mode, kS_IFREG | 0644u);
    EXPECT_EQ(open("/f", kO_RDWR | kO_CREAT | kO_EXCL), error(Errno::kEEXIST));
    EXPECT_EQ(open("/none", kO_RDONLY), error(Errno::kENOENT));
    EXPECT_EQ(open("", kO_RDONLY), error(Errno::kENOENT));
    EXPECT_EQ(open("/f/x", kO_RDONLY), error(Errno::kENOTDIR));
    EXPECT_EQ(open("/", kO_RDWR), error(Errno::kEISDIR));
    EXPECT_EQ(open("/f", kO_RDONLY | kO_DIRECTORY), error(Errno::kENOTDIR));
    EXPECT_EQ(open(std::string(4095, 'x'), kO_RDONLY), error(Errno::kENAMETOOLONG));
    EXPECT_EQ(open(std::string(4096, '/'), kO_RDONLY), error(Errno::kENAMETOOLONG));
    EXPECT_EQ(call(kOpenat, kCwd, kNowhere, 0), error(Errno::kEFAULT));
    EXPECT_EQ(call(kOpenat, 55, path("x"), 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kOpenat, fd, path("x"), 0), error(Errno::kENOTDIR));
    EXPECT_EQ(call(kOpenat, 55, path("/f"), 0), 1);  // dirfd does not count
    int64_t const cloexec = open("/f", kO_RDONLY | kO_CLOEXEC);
    EXPECT_EQ(call(kFcntl, cloexec, 1), 1);
    ASSERT_EQ(write(fd, "text"), 4);
    EXPECT_EQ(open("/f", kO_RDONLY | kO_TRUNC), 3);
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.size, 0);
    process.files->limit = 4;
    EXPECT_EQ(open("/new"), error(Errno::kEMFILE));
    process.files->limit = 64;
    EXPECT_EQ(stat("/new"), error(Errno::kENOENT));  // not even made
}

TEST_F(PathCalls, OpenDirectoriesAndRelativePaths) {
    ASSERT_EQ(mkdir("/d"), 0);
    int64_t const fd = open("/d", kO_RDONLY | kO_DIRECTORY);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(call(kOpenat, fd, path("x"), kO_WRONLY | kO_CREAT, 0600), fd + 1);
    EXPECT_EQ(stat("/d/x"), 0);
    EXPECT_EQ(call(kRead, fd, kBytes, 10), error(Errno::kEISDIR));
    EXPECT_EQ(call(kWrite, fd, kBytes, 10), error(Errno::kEBADF));
    int64_t const unnamed = open("/d", kO_TMPFILE | kO_RDWR, 0600);
    ASSERT_GE(unnamed, 0);
    EXPECT_EQ(write(unnamed, "hidden"), 6);
    EXPECT_EQ(call(kLinkat, unnamed, path(""), kCwd, path2("/d/named"), 0x1000), 0);
    EXPECT_EQ(stat("/d/named"), 0);
    EXPECT_EQ(last.size, 6);
    int64_t const held = open("/d/named", kO_PATH);
    EXPECT_EQ(call(kRead, held, kBytes, 1), error(Errno::kEBADF));
    EXPECT_EQ(call(kFchmod, held, 0600), error(Errno::kEBADF));
    EXPECT_EQ(call(kFstat, held, kMore), 0);
    EXPECT_EQ(call(kNewfstatat, held, path(""), kMore, 0x1000), 0);
    EXPECT_EQ(call(kIoctl, held, 0x5451, 0), error(Errno::kEBADF));
}

TEST_F(PathCalls, Openat2) {
    struct {
        uint64_t flags, mode, resolve, more;
    } how{kO_RDWR | kO_CREAT, 0600, 0, 0};
    auto const open2 = [&](std::string_view name, size_t bytes = 24) {
        World::put(process, kMore, how);
        return call(kOpenat2, kCwd, path(name), kMore, bytes);
    };
    EXPECT_EQ(open2("/f"), 0);
    EXPECT_EQ(open2("/f", 23), error(Errno::kEINVAL));
    EXPECT_EQ(open2("/f", 32), 1);
    EXPECT_EQ(open2("/f", 5000), error(Errno::kE2BIG));
    how.more = 1;
    EXPECT_EQ(open2("/f", 32), error(Errno::kE2BIG));
    how = {kO_RDONLY, 0600, 0, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEINVAL));  // a mode without a file to make
    how = {uint64_t{1} << 40, 0, 0, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEINVAL));
    how = {kO_RDONLY, 0, 64, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEINVAL));
    how = {kO_RDONLY, 0, 8 | 16, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEINVAL));
    how = {kO_PATH | kO_RDWR, 0, 0, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEINVAL));
    how = {kO_RDONLY, 0, 8, 0};
    EXPECT_EQ(open2("/f"), error(Errno::kEXDEV));
    EXPECT_EQ(open2("f"), 2);
    how = {kO_RDONLY, 0, 32, 0};
    EXPECT_EQ(open2("f"), error(Errno::kEAGAIN));
    EXPECT_EQ(call(kOpenat2, kCwd, path("f"), kNowhere, 24), error(Errno::kEFAULT));
}

TEST_F(PathCalls, StatAndStatx) {
    int64_t const fd = open("/f");
    ASSERT_EQ(write(fd, "12345"), 5);
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.size, 5);
    EXPECT_EQ(last.blocks, 8);
    EXPECT_EQ(last.links, 1u);
    EXPECT_EQ(call(kNewfstatat, fd, path(""), kMore, 0x1000), 0);
    EXPECT_EQ(World::get<UserStat>(process, kMore).inode, last.inode);
    EXPECT_EQ(stat("", 0), error(Errno::kENOENT));
    EXPECT_EQ(stat("", 0x1000), 0);  // the working directory
    EXPECT_EQ(last.mode & kS_IFMT, kS_IFDIR);
    EXPECT_EQ(stat("/f", 0x8000), error(Errno::kEINVAL));
    EXPECT_EQ(call(kNewfstatat, kCwd, path("/f"), kNowhere, 0), error(Errno::kEFAULT));
    EXPECT_EQ(call(kFstat, 50, kMore), error(Errno::kEBADF));
    EXPECT_EQ(call(kSymlinkat, path("f"), kCwd, path2("/s")), 0);
    EXPECT_EQ(stat("/s"), 0);
    EXPECT_EQ(last.mode & kS_IFMT, kS_IFREG);
    EXPECT_EQ(stat("/s", 0x100), 0);
    EXPECT_EQ(last.mode, kS_IFLNK | 0777u);
    EXPECT_EQ(last.size, 1);
    EXPECT_EQ(call(kStatx, kCwd, path("/f"), 0, 0x7ff, kMore), 0);
    EXPECT_EQ(World::get<uint64_t>(process, kMore + 40), 5u);
    EXPECT_EQ(World::get<uint16_t>(process, kMore + 28), kS_IFREG | 0644u);
    EXPECT_EQ(call(kStatx, kCwd, path("/f"), 0x6000, 0, kMore), error(Errno::kEINVAL));
    EXPECT_EQ(call(kStatx, kCwd, path("/f"), 0, 1u << 31, kMore), error(Errno::kEINVAL));
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kFstat, reader, kMore), 0);
    EXPECT_EQ(World::get<UserStat>(process, kMore).mode & kS_IFMT, kS_IFIFO);
}

TEST_F(PathCalls, Statfs) {
    EXPECT_EQ(call(kStatfs, path("/"), kMore), 0);
    EXPECT_EQ(World::get<int64_t>(process, kMore), kTmpfsMagic);
    EXPECT_EQ(call(kStatfs, path("/none"), kMore), error(Errno::kENOENT));
    EXPECT_EQ(call(kFstatfs, 44, kMore), error(Errno::kEBADF));
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kFstatfs, reader, kMore), 0);
    EXPECT_EQ(World::get<int64_t>(process, kMore), 0x50495045);
}

TEST_F(PathCalls, Access) {
    ASSERT_EQ(call(kClose, open("/f", kO_CREAT | kO_WRONLY, 0600)), 0);
    auto const access = [&](uint32_t mode, uint32_t flags = 0) {
        return call(kFaccessat2, kCwd, path("/f"), mode, flags);
    };
    EXPECT_EQ(access(0), 0);
    EXPECT_EQ(access(4 | 2), 0);
    EXPECT_EQ(access(1), error(Errno::kEACCES));
    EXPECT_EQ(access(8), error(Errno::kEINVAL));
    EXPECT_EQ(access(0, 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFaccessat, kCwd, path("/none"), 0), error(Errno::kENOENT));
    EXPECT_EQ(call(kFaccessat, kCwd, path("/f/x"), 0), error(Errno::kENOTDIR));
    // The real user counts, unless AT_EACCESS.
    process.credentials.uid = 1000;
    EXPECT_EQ(access(4), error(Errno::kEACCES));
    EXPECT_EQ(access(4, 0x200), 0);
    become(1000);
    EXPECT_EQ(access(4), error(Errno::kEACCES));
    EXPECT_EQ(access(0), 0);
}

TEST_F(PathCalls, Readlink) {
    EXPECT_EQ(call(kSymlinkat, path("target"), kCwd, path2("/s")), 0);
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/s"), kBytes, 100), 6);
    EXPECT_EQ(get(kBytes, 6), "target");
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/s"), kBytes, 3), 3);
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/s"), kBytes, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/"), kBytes, 9), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/none"), kBytes, 9), error(Errno::kENOENT));
    EXPECT_EQ(call(kReadlinkat, kCwd, path("/s"), kNowhere, 9), error(Errno::kEFAULT));
    int64_t const link = open("/s", kO_PATH | kO_NOFOLLOW);
    EXPECT_EQ(call(kReadlinkat, link, path(""), kBytes, 100), 6);
}

TEST_F(PathCalls, NodesAndNames) {
    EXPECT_EQ(call(kMknodat, kCwd, path("/fifo"), kS_IFIFO | 0600, 0), 0);
    EXPECT_EQ(call(kMknodat, kCwd, path("/dev"), kS_IFCHR | 0600, 0x103), 0);
    EXPECT_EQ(call(kMknodat, kCwd, path("/dir"), kS_IFDIR | 0600, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kMknodat, kCwd, path("/lnk"), kS_IFLNK | 0600, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kMknodat, kCwd, path("/fifo"), kS_IFIFO | 0600, 0), error(Errno::kEEXIST));
    EXPECT_EQ(mkdir("/d"), 0);
    EXPECT_EQ(mkdir("/d"), error(Errno::kEEXIST));
    EXPECT_EQ(mkdir(""), error(Errno::kENOENT));
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/d"), 0), error(Errno::kEISDIR));
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/d"), 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kRenameat, kCwd, path("/d"), kCwd, path2("/e")), 0);
    EXPECT_EQ(call(kRenameat2, kCwd, path("/e"), kCwd, path2("/fifo"), 1), error(Errno::kEEXIST));
    EXPECT_EQ(call(kRenameat2, kCwd, path("/e"), kCwd, path2("/fifo"), 3), error(Errno::kEINVAL));
    EXPECT_EQ(call(kRenameat2, kCwd, path("/e"), kCwd, path2("/x"), 4), error(Errno::kEINVAL));
    EXPECT_EQ(call(kRenameat2, kCwd, path("/e"), kCwd, path2("/fifo"), 2), 0);
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/fifo"), 0x200), 0);
    EXPECT_EQ(call(kLinkat, kCwd, path("/e"), kCwd, path2("/f2"), 0), 0);
    EXPECT_EQ(call(kLinkat, kCwd, path("/e"), kCwd, path2("/f2"), 0), error(Errno::kEEXIST));
    EXPECT_EQ(call(kLinkat, kCwd, path("/e"), kCwd, path2("/f3"), 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSymlinkat, path(""), kCwd, path2("/l")), error(Errno::kENOENT));
    EXPECT_EQ(call(kSymlinkat, path("e"), kCwd, path2("/l")), 0);
    EXPECT_EQ(call(kLinkat, kCwd, path("/l"), kCwd, path2("/l2"), 0x400), 0);
    EXPECT_EQ(stat("/l2", 0x100), 0);
    EXPECT_EQ(last.mode & kS_IFMT, kS_IFIFO);
    become(7);
    EXPECT_EQ(call(kMknodat, kCwd, path("/dev2"), kS_IFCHR | 0600, 0), error(Errno::kEPERM));
}

TEST_F(PathCalls, ModesOwnersTimes) {
    int64_t const fd = open("/f");
    EXPECT_EQ(call(kFchmod, fd, 0123), 0);
    EXPECT_EQ(call(kFchmodat, kCwd, path("/none"), 0), error(Errno::kENOENT));
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.mode & 07777, 0123u);
    EXPECT_EQ(call(kFchmodat, kCwd, path("/f"), 0644), 0);
    EXPECT_EQ(call(kFchown, fd, 5, -1), 0);
    EXPECT_EQ(call(kFchownat, kCwd, path("/f"), -1, 6, 0), 0);
    EXPECT_EQ(call(kFchownat, kCwd, path("/f"), -1, 6, 1), error(Errno::kEINVAL));
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.uid, 5u);
    EXPECT_EQ(last.gid, 6u);
    Timespec times[2] = {{100, 5}, {200, 6}};
    World::put(process, kMore, times);
    EXPECT_EQ(call(kUtimensat, kCwd, path("/f"), kMore, 0), 0);
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.accessed.seconds, 100);
    EXPECT_EQ(last.modified.nanoseconds, 6);
    times[0].nanoseconds = 0x3ffffffe;  // UTIME_OMIT
    times[1].nanoseconds = 0x3fffffff;  // UTIME_NOW
    World::put(process, kMore, times);
    EXPECT_EQ(call(kUtimensat, fd, 0, kMore, 0), 0);
    EXPECT_EQ(stat("/f"), 0);
    EXPECT_EQ(last.accessed.seconds, 100);
    EXPECT_EQ(last.modified.seconds, world.system.timers.realtime() / 1'000'000'000);
    times[0].nanoseconds = 1'000'000'000;
    World::put(process, kMore, times);
    EXPECT_EQ(call(kUtimensat, kCwd, path("/f"), kMore, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kUtimensat, kCwd, 0, kMore, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kUtimensat, kCwd, 0, 0, 0), error(Errno::kEFAULT));
    EXPECT_EQ(call(kUtimensat, kCwd, path("/f"), kNowhere, 0), error(Errno::kEFAULT));
    become(1000);
    EXPECT_EQ(call(kFchmod, fd, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kFchown, fd, 1000, -1), error(Errno::kEPERM));
    EXPECT_EQ(call(kUtimensat, kCwd, path("/f"), 0, 0), error(Errno::kEACCES));
    times[0] = times[1] = {1, 1};
    World::put(process, kMore, times);
    EXPECT_EQ(call(kUtimensat, kCwd, path("/f"), kMore, 0), error(Errno::kEPERM));
}

TEST_F(PathCalls, WorkingDirectoryAndRoot) {
    ASSERT_EQ(mkdir("/a"), 0);
    ASSERT_EQ(mkdir("/a/b"), 0);
    EXPECT_EQ(call(kGetcwd, kBytes, 100), 2);
    EXPECT_EQ(call(kChdir, path("a/b")), 0);
    EXPECT_EQ(call(kGetcwd, kBytes, 100), 5);
    EXPECT_EQ(get(kBytes, 5), std::string("/a/b\0", 5));
    EXPECT_EQ(call(kGetcwd, kBytes, 4), error(Errno::kERANGE));
    EXPECT_EQ(call(kGetcwd, kNowhere, 100), error(Errno::kEFAULT));
    EXPECT_EQ(call(kChdir, path("none")), error(Errno::kENOENT));
    int64_t const fd = open("/file");
    EXPECT_EQ(call(kChdir, path("/file")), error(Errno::kENOTDIR));
    EXPECT_EQ(call(kFchdir, fd), error(Errno::kENOTDIR));
    EXPECT_EQ(call(kFchdir, 55), error(Errno::kEBADF));
    int64_t const directory = open("/a", kO_PATH);
    EXPECT_EQ(call(kFchdir, directory), 0);
    EXPECT_EQ(call(kUnlinkat, kCwd, path("b"), 0x200), 0);
    ASSERT_EQ(mkdir("c"), 0);
    EXPECT_EQ(call(kChdir, path("c")), 0);
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/a/c"), 0x200), 0);
    EXPECT_EQ(call(kGetcwd, kBytes, 100), error(Errno::kENOENT));
    EXPECT_EQ(mkdir("x"), error(Errno::kENOENT));
    EXPECT_EQ(call(kChdir, path("..")), 0);
    EXPECT_EQ(call(kChroot, path(".")), 0);
    EXPECT_EQ(call(kGetcwd, kBytes, 100), 2);
    EXPECT_EQ(stat("/file"), error(Errno::kENOENT));
    EXPECT_EQ(call(kUmask, 077), 022);
    EXPECT_EQ(call(kUmask, 022), 077);
    ASSERT_EQ(mkdir("/private", 0700), 0);
    become(1000);
    EXPECT_EQ(call(kChdir, path("/private")), error(Errno::kEACCES));
    EXPECT_EQ(call(kChroot, path("/")), error(Errno::kEPERM));
}

TEST_F(PathCalls, Truncate) {
    int64_t const fd = open("/f");
    ASSERT_EQ(write(fd, "12345"), 5);
    EXPECT_EQ(call(kTruncate, path("/f"), 2), 0);
    EXPECT_EQ(call(kTruncate, path("/f"), -1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kTruncate, path("/"), 0), error(Errno::kEISDIR));
    EXPECT_EQ(call(kTruncate, path("/none"), 0), error(Errno::kENOENT));
    EXPECT_EQ(call(kMknodat, kCwd, path("/fifo"), kS_IFIFO | 0600, 0), 0);
    EXPECT_EQ(call(kTruncate, path("/fifo"), 0), error(Errno::kEINVAL));
    process.limits[kRLIMIT_FSIZE].now = 100;
    process.handlers->actions[kSIGXFSZ - 1].handler = kSIG_IGN;
    EXPECT_EQ(call(kTruncate, path("/f"), 101), error(Errno::kEFBIG));
    EXPECT_EQ(call(kTruncate, path("/f"), 100), 0);
    become(1000);
    EXPECT_EQ(call(kTruncate, path("/f"), 0), error(Errno::kEACCES));
}

TEST_F(PathCalls, MappedPagesGoWithTruncate) {
    int64_t const fd = open("/f");
    ASSERT_EQ(write(fd, std::string(8192, 'x')), 8192);
    auto const at = process.memory->map(0, 8192, kPROT_READ | kPROT_WRITE, kMAP_SHARED, *process.files->get(0), 0);
    ASSERT_TRUE(at.ok());
    EXPECT_EQ(get(*at + 4096, 1), "x");
    put(*at, "shared");
    EXPECT_EQ(call(kLseek, fd, 0, 0), 0);
    EXPECT_EQ(read(fd, 6), "shared");
    EXPECT_EQ(call(kFtruncate, fd, 100), 0);
    char byte = 0;
    EXPECT_FALSE(process.memory->copy_in(&byte, *at + 4096, 1).ok());
    EXPECT_TRUE(process.memory->copy_in(&byte, *at, 1).ok());
}

TEST_F(PathCalls, WhatRunsIsNotWritten) {
    ASSERT_EQ(call(kClose, open("/program")), 0);
    process.executable = walk(process.paths->context, process.credentials, world.system.root, "program", 0)->location;
    EXPECT_EQ(open("/program", kO_WRONLY), error(Errno::kETXTBSY));
    EXPECT_EQ(open("/program", kO_RDONLY | kO_TRUNC), error(Errno::kETXTBSY));
    EXPECT_EQ(call(kTruncate, path("/program"), 0), error(Errno::kETXTBSY));
    EXPECT_EQ(open("/program", kO_RDONLY), 0);
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/program"), 0), 0);
    process.executable = {};
}

TEST_F(PathCalls, Mounts) {
    ASSERT_EQ(mkdir("/m"), 0);
    put(kMore, "tmpfs");
    put(kMore + 0x100, "size=8k,mode=700,nr_inodes=9,uid=3,gid=4");
    EXPECT_EQ(call(kMount, path("none"), path2("/m"), kMore, 0, kMore + 0x100), 0);
    EXPECT_EQ(stat("/m"), 0);
    EXPECT_EQ(last.mode, kS_IFDIR | 0700u);
    EXPECT_EQ(last.uid, 3u);
    int64_t const fd = open("/m/f");
    EXPECT_EQ(write(fd, std::string(12000, 'x')), 8192);
    EXPECT_EQ(call(kUmount2, path("/m"), 0), error(Errno::kEBUSY));
    EXPECT_EQ(call(kClose, fd), 0);
    EXPECT_EQ(call(kMount, 0, path2("/m"), 0, 33, 0), 0);  // remount, read-only
    EXPECT_EQ(open("/m/g"), error(Errno::kEROFS));
    EXPECT_EQ(open("/m/f", kO_RDWR), error(Errno::kEROFS));
    EXPECT_EQ(call(kFaccessat, kCwd, path("/m/f"), 2), error(Errno::kEROFS));
    EXPECT_EQ(call(kFchmodat, kCwd, path("/m/f"), 0), error(Errno::kEROFS));
    EXPECT_EQ(call(kUmount2, path("/m"), 16), error(Errno::kEINVAL));
    EXPECT_EQ(call(kUmount2, path("/m"), 0), 0);
    EXPECT_EQ(call(kUmount2, path("/m"), 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kUmount2, path("/none"), 0), error(Errno::kENOENT));
    put(kMore, "ext4");
    EXPECT_EQ(call(kMount, path("none"), path2("/m"), kMore, 0, 0), error(Errno::kENODEV));
    put(kMore, "tmpfs");
    put(kMore + 0x100, "size=nonsense");
    EXPECT_EQ(call(kMount, path("none"), path2("/m"), kMore, 0, kMore + 0x100), error(Errno::kEINVAL));
    EXPECT_EQ(call(kMount, path("/m"), path2("/none"), 0, 4096, 0), error(Errno::kENOENT));
    become(1000);
    EXPECT_EQ(call(kMount, path("none"), path2("/m"), kMore, 0, 0), error(Errno::kEPERM));
    EXPECT_EQ(call(kUmount2, path("/m"), 0), error(Errno::kEPERM));
}

TEST_F(PathCalls, ExtendedAttributesAreAbsent) {
    ASSERT_EQ(call(kClose, open("/f")), 0);
    EXPECT_EQ(call(5, path("/f"), path2("user.x"), kBytes, 1, 0), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(call(5, path("/f"), path2("user.x"), kBytes, 1, 9), error(Errno::kEINVAL));
    EXPECT_EQ(call(8, path("/f"), path2("user.x"), kBytes, 1), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(call(8, path("/none"), path2("user.x"), kBytes, 1), error(Errno::kENOENT));
    EXPECT_EQ(call(11, path("/f"), kBytes, 100), 0);
    EXPECT_EQ(call(13, 50, kBytes, 100), error(Errno::kEBADF));
}

TEST_F(PathCalls, FifosWaitForTheirOtherSide) {
    special_files.fifo = open_fifo;
    EXPECT_EQ(call(kMknodat, kCwd, path("/fifo"), kS_IFIFO | 0600, 0), 0);
    EXPECT_EQ(open("/fifo", kO_WRONLY | kO_NONBLOCK), error(Errno::kENXIO));
    EXPECT_EQ(open("/fifo", kO_RDONLY), kAsleep);
    Thread& other = world.make_thread(process);
    put(kText2, "/fifo");
    EXPECT_EQ(world.call(other, kOpenat, kCwd, kText2, kO_WRONLY), 0);
    EXPECT_EQ(World::result(thread), 1);
    EXPECT_EQ(write(0, "through"), 7);
    EXPECT_EQ(read(1), "through");
    special_files.fifo = nullptr;
}

}  // namespace
