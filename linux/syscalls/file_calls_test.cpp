// Calls by file descriptor: reading, writing, positions, transfers, locks, control.
#include "testing/file_calls.h"
#include "vfs/fcntl.h"

#include <gtest/gtest.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

class FileTest : public FileCalls {
protected:
    uint64_t vector(std::initializer_list<std::pair<uint64_t, uint64_t>> pieces) {
        uint64_t at = kMore;
        for (auto const& [address, bytes] : pieces) {
            World::put(process, at, address);
            World::put(process, at + 8, bytes);
            at += 16;
        }
        return kMore;
    }
    struct UserLock {
        int16_t type, whence;
        int32_t padding = 0;
        int64_t start, bytes;
        int32_t pid = 0, padding2 = 0;
    };
    int64_t lock(Thread& by, int64_t fd, unsigned command, int type, int64_t start, int64_t bytes, int whence = 0) {
        UserLock const user{static_cast<int16_t>(type), static_cast<int16_t>(whence), 0, start, bytes, 0, 0};
        World::put(by.process, kMore + 0x1000, user);
        return world.call(by, kFcntl, fd, command, kMore + 0x1000);
    }
    // The same memory contents, files and names.
    Thread& fork() {
        Process& child = world.make_process(&process);
        child.files = process.files->copy();
        child.paths = process.paths;
        for (ResourceLimit& limit : child.limits) limit = {~uint64_t{0}, ~uint64_t{0}};
        return World::first(child);
    }
};

TEST_F(FileTest, ReadWriteSeek) {
    int64_t const fd = open("/f");
    EXPECT_EQ(write(fd, "hello world"), 11);
    EXPECT_EQ(call(kLseek, fd, 0, 1), 11);
    EXPECT_EQ(call(kLseek, fd, -5, 2), 6);
    EXPECT_EQ(read(fd), "world");
    EXPECT_EQ(read(fd), "");
    EXPECT_EQ(call(kLseek, fd, -1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kLseek, fd, 0, 5), error(Errno::kEINVAL));
    EXPECT_EQ(call(kLseek, fd, INT64_MAX, 2), error(Errno::kEOVERFLOW));
    EXPECT_EQ(call(kLseek, fd, 11, 3), error(Errno::kENXIO));
    EXPECT_EQ(call(kLseek, fd, 3, 3), 3);
    EXPECT_EQ(call(kLseek, fd, 3, 4), 11);
    EXPECT_EQ(call(kLseek, 40, 0, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kRead, 40, kBytes, 1), error(Errno::kEBADF));
    EXPECT_EQ(call(kLseek, fd, 0, 0), 0);
    EXPECT_EQ(call(kRead, fd, kNowhere, 5), error(Errno::kEFAULT));
    EXPECT_EQ(call(kWrite, fd, kNowhere, 5), error(Errno::kEFAULT));
    EXPECT_EQ(call(kRead, fd, kNowhere, 0), 0);
    // As much as is accessible.
    EXPECT_EQ(call(kWrite, fd, kArea + kAreaBytes - 3, 10), 3);
    int64_t const reader = open("/f", kO_RDONLY), writer = open("/f", kO_WRONLY);
    EXPECT_EQ(call(kWrite, reader, kBytes, 1), error(Errno::kEBADF));
    EXPECT_EQ(call(kRead, writer, kBytes, 1), error(Errno::kEBADF));
    int64_t const appender = open("/f", kO_WRONLY | kO_APPEND);
    EXPECT_EQ(write(appender, "!"), 1);
    EXPECT_EQ(call(kPwrite64, appender, put(kBytes, "?"), 1, 0), 1);  // to the end, too
    EXPECT_EQ(call(kPread64, reader, kBytes, 100, 11), 2);
    EXPECT_EQ(get(kBytes, 2), "!?");
}

TEST_F(FileTest, Vectors) {
    int64_t const fd = open("/f");
    put(kBytes, "abcdefgh");
    EXPECT_EQ(call(kWritev, fd, vector({{kBytes, 3}, {0, 0}, {kBytes + 5, 3}}), 3), 6);
    EXPECT_EQ(call(kPreadv, fd, vector({{kBytes + 0x100, 2}, {kBytes + 0x200, 10}}), 2, 1, 0), 5);
    EXPECT_EQ(get(kBytes + 0x100, 2) + get(kBytes + 0x200, 3), "bcfgh");
    EXPECT_EQ(call(kPwritev, fd, vector({{kBytes, 2}}), 1, 10, 0), 2);
    EXPECT_EQ(call(kLseek, fd, 0, 0), 0);
    EXPECT_EQ(call(kReadv, fd, vector({{kBytes, 4}, {kNowhere, 4}}), 2), 4);
    EXPECT_EQ(call(kReadv, fd, vector({{kBytes, 4}}), 1025), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReadv, fd, vector({{kBytes, uint64_t{1} << 63}}), 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReadv, fd, kNowhere, 1), error(Errno::kEFAULT));
    EXPECT_EQ(call(kPreadv, fd, vector({{kBytes, 4}}), 1, -1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kPreadv2, fd, vector({{kBytes, 4}}), 1, -1, 0, 0), 4);
    EXPECT_EQ(call(kPreadv2, fd, vector({{kBytes, 4}}), 1, 0, 0, 64), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(call(kPwritev2, fd, vector({{kBytes, 1}}), 1, 0, 0, 16), 1);  // RWF_APPEND
    EXPECT_EQ(call(kLseek, fd, 0, 2), 13);
}

TEST_F(FileTest, PositionsOfPipes) {
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kLseek, reader, 0, 0), error(Errno::kESPIPE));
    EXPECT_EQ(call(kPread64, reader, kBytes, 1, 0), error(Errno::kESPIPE));
    EXPECT_EQ(call(kPwrite64, writer, kBytes, 1, 0), error(Errno::kESPIPE));
    EXPECT_EQ(call(kPread64, reader, kBytes, 1, -1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFtruncate, writer, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFallocate, writer, 0, 0, 1), error(Errno::kESPIPE));
    EXPECT_EQ(call(kFsync, writer), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFadvise64, writer, 0, 0, 0), error(Errno::kESPIPE));
}

TEST_F(FileTest, StreamsWait) {
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kRead, reader, kBytes, 10), kAsleep);
    Thread& other = world.make_thread(process);
    put(kMore, "late");
    EXPECT_EQ(world.call(other, kWrite, writer, kMore, 4), 4);
    EXPECT_EQ(World::result(thread), 4);
    EXPECT_EQ(get(kBytes, 4), "late");
    // More than fits: until a reader has taken it.
    EXPECT_EQ(call(kWrite, writer, kArea, 0x20000), kAsleep);
    uint64_t total = 0;
    while (World::result(thread) == kAsleep) {
        int64_t const got = world.call(other, kRead, reader, kMore, 0x8000);
        ASSERT_GT(got, 0);
        total += static_cast<uint64_t>(got);
        ASSERT_LE(total, 0x20000u);
    }
    EXPECT_EQ(World::result(thread), 0x20000);
    EXPECT_EQ(call(kFcntl, reader, kF_SETFL, kO_NONBLOCK), 0);
    while (total < 0x20000) {
        int64_t const got = call(kRead, reader, kMore, 0x8000);
        ASSERT_GT(got, 0);
        total += static_cast<uint64_t>(got);
    }
    EXPECT_EQ(call(kRead, reader, kBytes, 1), error(Errno::kEAGAIN));
    process.handlers->actions[kSIGPIPE - 1].handler = kSIG_IGN;
    EXPECT_EQ(call(kClose, reader), 0);
    EXPECT_EQ(call(kWrite, writer, kBytes, 1), error(Errno::kEPIPE));
}

TEST_F(FileTest, SizeLimit) {
    process.handlers->actions[kSIGXFSZ - 1].handler = kSIG_IGN;
    process.limits[kRLIMIT_FSIZE].now = 10;
    int64_t const fd = open("/f");
    EXPECT_EQ(write(fd, "0123456789abc"), 10);
    EXPECT_EQ(write(fd, "x"), error(Errno::kEFBIG));
    EXPECT_EQ(call(kPwrite64, fd, kBytes, 4, 8), 2);
    EXPECT_EQ(call(kFtruncate, fd, 11), error(Errno::kEFBIG));
    EXPECT_EQ(call(kFallocate, fd, 0, 0, 11), error(Errno::kEFBIG));
    auto const [reader, writer] = pipe();
    EXPECT_EQ(write(writer, "not of files without a size"), 27);
}

TEST_F(FileTest, SizesAndSynchronising) {
    int64_t const fd = open("/f"), reader = open("/f", kO_RDONLY);
    EXPECT_EQ(call(kFtruncate, fd, 5), 0);
    EXPECT_EQ(call(kFtruncate, fd, -1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFtruncate, reader, 5), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFtruncate, 40, 5), error(Errno::kEBADF));
    EXPECT_EQ(call(kFallocate, fd, 0, 0, 10), 0);
    EXPECT_EQ(call(kLseek, fd, 0, 2), 10);
    EXPECT_EQ(call(kFallocate, fd, 1, 0, 100), 0);
    EXPECT_EQ(call(kLseek, fd, 0, 2), 10);
    EXPECT_EQ(call(kFallocate, fd, 3, 0, 5), 0);
    EXPECT_EQ(call(kFallocate, fd, 2, 0, 5), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(call(kFallocate, fd, 8, 0, 5), error(Errno::kEOPNOTSUPP));
    EXPECT_EQ(call(kFallocate, fd, 0, -1, 5), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFallocate, fd, 0, 0, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFallocate, fd, 0, INT64_MAX, 1), error(Errno::kEFBIG));
    EXPECT_EQ(call(kFallocate, reader, 0, 0, 5), error(Errno::kEBADF));
    EXPECT_EQ(call(kFsync, fd), 0);
    EXPECT_EQ(call(kFdatasync, fd), 0);
    EXPECT_EQ(call(kSync), 0);
    EXPECT_EQ(call(kSyncfs, fd), 0);
    EXPECT_EQ(call(kSyncfs, 40), error(Errno::kEBADF));
    EXPECT_EQ(call(kSyncFileRange, fd, 0, 0, 7), 0);
    EXPECT_EQ(call(kSyncFileRange, fd, 0, 0, 8), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFadvise64, fd, 0, 0, 5), 0);
    EXPECT_EQ(call(kFadvise64, fd, 0, 0, 6), error(Errno::kEINVAL));
    EXPECT_EQ(call(kReadahead, fd, 0, 100), 0);
    EXPECT_EQ(call(kReadahead, open("/", kO_RDONLY), 0, 100), error(Errno::kEINVAL));
}

TEST_F(FileTest, Directories) {
    for (int i = 0; i < 20; ++i) ASSERT_EQ(mkdir("/entry" + std::to_string(i)), 0);
    int64_t const fd = open("/", kO_RDONLY | kO_DIRECTORY);
    unsigned entries = 0;
    for (;;) {
        int64_t const got = call(kGetdents64, fd, kBytes, 100);
        ASSERT_GE(got, 0);
        if (got == 0) break;
        for (int64_t at = 0; at < got;) {
            uint64_t const record = kBytes + static_cast<uint64_t>(at);
            uint16_t const bytes = World::get<uint16_t>(process, record + 16);
            ASSERT_EQ(bytes % 8, 0);
            EXPECT_EQ(World::get<uint8_t>(process, record + 18), 4);  // DT_DIR
            ++entries;
            at += bytes;
        }
    }
    EXPECT_EQ(entries, 22u);
    EXPECT_EQ(call(kGetdents64, fd, kBytes, 100), 0);
    EXPECT_EQ(call(kLseek, fd, 0, 0), 0);
    EXPECT_EQ(call(kGetdents64, fd, kBytes, 10), error(Errno::kEINVAL));
    EXPECT_EQ(call(kGetdents64, fd, kNowhere, 1000), error(Errno::kEFAULT));
    EXPECT_EQ(call(kGetdents64, open("/f"), kBytes, 1000), error(Errno::kENOTDIR));
    EXPECT_EQ(call(kGetdents64, 40, kBytes, 1000), error(Errno::kEBADF));
    EXPECT_EQ(call(kLseek, fd, 0, 2), error(Errno::kEINVAL));
    int64_t const removed = open("/entry0", kO_RDONLY);
    EXPECT_EQ(call(kUnlinkat, kCwd, path("/entry0"), 0x200), 0);
    EXPECT_EQ(call(kGetdents64, removed, kBytes, 1000), error(Errno::kENOENT));
}

TEST_F(FileTest, Ioctl) {
    int64_t const fd = open("/f");
    ASSERT_EQ(write(fd, "12345"), 5);
    EXPECT_EQ(call(kLseek, fd, 2, 0), 2);
    EXPECT_EQ(call(kIoctl, fd, 0x541b, kBytes), 0);  // FIONREAD
    EXPECT_EQ(World::get<int32_t>(process, kBytes), 3);
    EXPECT_EQ(call(kIoctl, fd, 0x5451, 0), 0);  // FIOCLEX
    EXPECT_EQ(call(kFcntl, fd, kF_GETFD), 1);
    EXPECT_EQ(call(kIoctl, fd, 0x5450, 0), 0);
    EXPECT_EQ(call(kFcntl, fd, kF_GETFD), 0);
    World::put<int32_t>(process, kBytes, 1);
    EXPECT_EQ(call(kIoctl, fd, 0x5421, kBytes), 0);  // FIONBIO
    EXPECT_TRUE(call(kFcntl, fd, kF_GETFL) & kO_NONBLOCK);
    EXPECT_EQ(call(kIoctl, fd, 0x5421, kNowhere), error(Errno::kEFAULT));
    EXPECT_EQ(call(kIoctl, fd, 0x5401, kBytes), error(Errno::kENOTTY));  // TCGETS
    EXPECT_EQ(call(kIoctl, 40, 0x5401, kBytes), error(Errno::kEBADF));
}

TEST_F(FileTest, Sendfile) {
    int64_t const in = open("/in"), out = open("/out");
    std::string const text(70'000, 'x');
    ASSERT_EQ(write(in, text), 70'000);
    EXPECT_EQ(call(kLseek, in, 10, 0), 10);
    EXPECT_EQ(call(kSendfile, out, in, 0, 100'000), 69'990);
    EXPECT_EQ(call(kLseek, in, 0, 1), 70'000);
    EXPECT_EQ(call(kLseek, out, 0, 1), 69'990);
    World::put<int64_t>(process, kMore, 69'999);
    EXPECT_EQ(call(kSendfile, out, in, kMore, 5), 1);
    EXPECT_EQ(World::get<int64_t>(process, kMore), 70'000);
    EXPECT_EQ(call(kSendfile, out, in, kMore, 5), 0);
    World::put<int64_t>(process, kMore, -1);
    EXPECT_EQ(call(kSendfile, out, in, kMore, 5), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSendfile, out, in, kNowhere, 5), error(Errno::kEFAULT));
    EXPECT_EQ(call(kSendfile, 40, in, 0, 5), error(Errno::kEBADF));
    EXPECT_EQ(call(kSendfile, open("/in", kO_RDONLY), in, 0, 5), error(Errno::kEBADF));
    EXPECT_EQ(call(kSendfile, open("/out", kO_WRONLY | kO_APPEND), in, 0, 5), error(Errno::kEINVAL));
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kSendfile, out, reader, 0, 5), error(Errno::kEINVAL));
    // To a stream that fills up: goes on as it is read.
    World::put<int64_t>(process, kMore, 0);
    EXPECT_EQ(call(kSendfile, writer, in, kMore, 70'000), kAsleep);
    Thread& other = world.make_thread(process);
    EXPECT_EQ(world.call(other, kRead, reader, kArea + 0x28000, 0x10000), 0x10000);
    EXPECT_EQ(World::result(thread), 70'000);
    EXPECT_EQ(World::get<int64_t>(process, kMore), 70'000);
}

TEST_F(FileTest, SpliceAndTee) {
    int64_t const file = open("/f");
    ASSERT_EQ(write(file, "0123456789"), 10);
    auto const [reader, writer] = pipe();
    auto const [reader2, writer2] = pipe();
    World::put<int64_t>(process, kMore, 2);
    EXPECT_EQ(call(kSplice, file, kMore, writer, 0, 5, 0), 5);
    EXPECT_EQ(World::get<int64_t>(process, kMore), 7);
    EXPECT_EQ(call(kTee, reader, writer2, 100, 0), 5);
    EXPECT_EQ(read(reader2), "23456");
    EXPECT_EQ(call(kSplice, reader, 0, file, 0, 100, 0), 5);  // at the file's position
    EXPECT_EQ(call(kPread64, file, kBytes, 20, 0), 15);
    EXPECT_EQ(get(kBytes, 15), "012345678923456");
    EXPECT_EQ(call(kSplice, reader, 0, file, 0, 100, 2), error(Errno::kEAGAIN));
    EXPECT_EQ(call(kSplice, file, 0, file, 0, 1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSplice, reader, kMore, file, 0, 1, 0), error(Errno::kESPIPE));
    EXPECT_EQ(call(kSplice, reader, 0, file, 0, 1, 16), error(Errno::kEINVAL));
    EXPECT_EQ(call(kSplice, reader, 0, 40, 0, 1, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kTee, reader, writer, 1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kTee, file, writer, 1, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kTee, reader, writer2, 1, 2), error(Errno::kEAGAIN));
    put(kBytes, "vector");
    EXPECT_EQ(call(kVmsplice, writer, vector({{kBytes, 6}}), 1, 0), 6);
    EXPECT_EQ(call(kSplice, reader, 0, writer2, 0, 100, 0), 6);
    EXPECT_EQ(read(reader2), "vector");
    EXPECT_EQ(call(kVmsplice, file, vector({{kBytes, 6}}), 1, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kSplice, reader, 0, file, 0, 100, 0), kAsleep);
    Thread& other = world.make_thread(process);
    put(kBytes, "woken");
    EXPECT_EQ(world.call(other, kWrite, writer, kBytes, 5), 5);
    EXPECT_EQ(World::result(thread), 5);
}

TEST_F(FileTest, CopyFileRange) {
    int64_t const in = open("/in"), out = open("/out");
    ASSERT_EQ(write(in, "0123456789"), 10);
    World::put<int64_t>(process, kMore, 3);
    World::put<int64_t>(process, kMore + 8, 1);
    EXPECT_EQ(call(kCopyFileRange, in, kMore, out, kMore + 8, 4, 0), 4);
    EXPECT_EQ(World::get<int64_t>(process, kMore), 7);
    EXPECT_EQ(World::get<int64_t>(process, kMore + 8), 5);
    EXPECT_EQ(read(out), std::string("\0"
                                     "3456",
                                     5));
    EXPECT_EQ(call(kCopyFileRange, in, kMore, in, kMore, 4, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kCopyFileRange, in, 0, out, 0, 4, 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kCopyFileRange, in, 0, out, 0, 4, 0), 0);
    EXPECT_EQ(call(kCopyFileRange, in, 0, open("/in", kO_RDONLY), 0, 4, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kCopyFileRange, open("/", kO_RDONLY), 0, out, 0, 4, 0), error(Errno::kEISDIR));
    auto const [reader, writer] = pipe();
    EXPECT_EQ(call(kCopyFileRange, in, 0, writer, 0, 4, 0), error(Errno::kEINVAL));
}

TEST_F(FileTest, RecordLocks) {
    int64_t const fd = open("/f");
    Thread& child = fork();
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, 10, 10), 0);
    EXPECT_EQ(lock(child, fd, kF_SETLK, kF_WRLCK, 15, 1), error(Errno::kEAGAIN));
    EXPECT_EQ(lock(child, fd, kF_SETLK, kF_RDLCK, 20, 0), 0);
    EXPECT_EQ(lock(child, fd, kF_GETLK, kF_RDLCK, 0, 0), 0);
    auto const found = World::get<UserLock>(child.process, kMore + 0x1000);
    EXPECT_EQ(found.type, kF_WRLCK);
    EXPECT_EQ(found.start, 10);
    EXPECT_EQ(found.bytes, 10);
    EXPECT_EQ(found.pid, process.pid);
    EXPECT_EQ(lock(child, fd, kF_GETLK, kF_RDLCK, 0, 5), 0);
    EXPECT_EQ(World::get<UserLock>(child.process, kMore + 0x1000).type, kF_UNLCK);
    // Waits, and gets it when the other closes any descriptor of the file.
    EXPECT_EQ(lock(child, fd, kF_SETLKW, kF_WRLCK, 10, 1), kAsleep);
    EXPECT_EQ(lock(thread, fd, kF_SETLKW, kF_WRLCK, 30, 1), error(Errno::kEDEADLK));
    EXPECT_EQ(call(kClose, open("/f", kO_RDONLY)), 0);
    EXPECT_EQ(World::result(child), 0);
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, 10, 1), error(Errno::kEAGAIN));
    EXPECT_EQ(lock(thread, fd, kF_SETLK, 7, 0, 1), error(Errno::kEINVAL));
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, 0, 1, 9), error(Errno::kEINVAL));
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, -1, 1), error(Errno::kEINVAL));
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, INT64_MAX, 2), error(Errno::kEOVERFLOW));
    EXPECT_EQ(lock(thread, fd, kF_SETLK, kF_WRLCK, 5, -3), 0);  // bytes 2 to 4
    EXPECT_EQ(lock(child, fd, kF_SETLK, kF_WRLCK, 4, 1), error(Errno::kEAGAIN));
    EXPECT_EQ(lock(child, fd, kF_SETLK, kF_WRLCK, 5, 1), 0);
    int64_t const reader = open("/f", kO_RDONLY), writer = open("/f", kO_WRONLY);
    EXPECT_EQ(lock(thread, reader, kF_SETLK, kF_WRLCK, 1, 1), error(Errno::kEBADF));
    EXPECT_EQ(lock(thread, writer, kF_SETLK, kF_RDLCK, 1, 1), error(Errno::kEBADF));
    EXPECT_EQ(lock(thread, 40, kF_SETLK, kF_RDLCK, 1, 1), error(Errno::kEBADF));
    EXPECT_EQ(call(kFcntl, fd, kF_SETLK, kNowhere), error(Errno::kEFAULT));
}

TEST_F(FileTest, OpenFileLocks) {
    int64_t const one = open("/f"), other = open("/f");
    EXPECT_EQ(lock(thread, one, kF_OFD_SETLK, kF_WRLCK, 0, 0), 0);
    EXPECT_EQ(lock(thread, other, kF_OFD_SETLK, kF_RDLCK, 0, 0), error(Errno::kEAGAIN));
    EXPECT_EQ(lock(thread, other, kF_OFD_GETLK, kF_RDLCK, 0, 0), 0);
    EXPECT_EQ(World::get<UserLock>(process, kMore + 0x1000).pid, -1);
    EXPECT_EQ(lock(thread, other, kF_SETLK, kF_RDLCK, 0, 0), error(Errno::kEAGAIN));
    EXPECT_EQ(call(kClose, one), 0);
    EXPECT_EQ(lock(thread, other, kF_OFD_SETLK, kF_RDLCK, 0, 0), 0);
}

TEST_F(FileTest, Flock) {
    int64_t const one = open("/f"), other = open("/f"), same = call(kDup, one);
    EXPECT_EQ(call(kFlock, one, kLOCK_SH), 0);
    EXPECT_EQ(call(kFlock, other, kLOCK_SH), 0);
    EXPECT_EQ(call(kFlock, other, kLOCK_EX | kLOCK_NB), error(Errno::kEAGAIN));
    EXPECT_EQ(call(kFlock, same, kLOCK_EX), 0);  // the other lost its lock trying
    EXPECT_EQ(call(kFlock, other, 9), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFlock, 40, kLOCK_EX), error(Errno::kEBADF));
    EXPECT_EQ(call(kFlock, other, kLOCK_EX), kAsleep);
    Thread& helper = world.make_thread(process);
    EXPECT_EQ(world.call(helper, kClose, one), 0);
    EXPECT_EQ(World::result(thread), kAsleep);  // the duplicate has it still
    EXPECT_EQ(world.call(helper, kClose, same), 0);
    EXPECT_EQ(World::result(thread), 0);
    EXPECT_EQ(call(kFlock, other, kLOCK_UN), 0);
}

TEST_F(FileTest, Descriptors) {
    int64_t const fd = open("/f");
    EXPECT_EQ(call(kDup, fd), 1);
    EXPECT_EQ(call(kDup, 40), error(Errno::kEBADF));
    EXPECT_EQ(call(kDup3, fd, 10, kO_CLOEXEC), 10);
    EXPECT_EQ(call(kFcntl, 10, kF_GETFD), 1);
    EXPECT_EQ(call(kFcntl, fd, kF_GETFD), 0);
    EXPECT_EQ(call(kDup3, fd, fd, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kDup3, fd, 11, 1), error(Errno::kEINVAL));
    EXPECT_EQ(call(kDup3, fd, 64, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kDup3, fd, -1, 0), error(Errno::kEBADF));
    EXPECT_EQ(call(kFcntl, fd, kF_DUPFD, 5), 5);
    EXPECT_EQ(call(kFcntl, fd, kF_DUPFD_CLOEXEC, 5), 6);
    EXPECT_EQ(call(kFcntl, fd, kF_DUPFD, 64), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFcntl, fd, kF_SETFD, 1), 0);
    EXPECT_EQ(call(kFcntl, fd, kF_GETFD), 1);
    // The position is shared.
    EXPECT_EQ(write(1, "abc"), 3);
    EXPECT_EQ(call(kLseek, fd, 0, 1), 3);
    EXPECT_EQ(call(kFcntl, fd, kF_SETFL, kO_APPEND | kO_NONBLOCK | kO_RDONLY), 0);
    EXPECT_EQ(call(kFcntl, 1, kF_GETFL), static_cast<int64_t>(kO_RDWR | kO_APPEND | kO_NONBLOCK | kO_LARGEFILE));
    EXPECT_EQ(call(kFcntl, fd, 9999), error(Errno::kEINVAL));
    EXPECT_EQ(call(kFcntl, fd, kF_SETOWN, -7), error(Errno::kESRCH));
    EXPECT_EQ(call(kFcntl, fd, kF_SETOWN, -process.group), 0);
    EXPECT_EQ(call(kFcntl, fd, kF_GETOWN), -process.group);
    EXPECT_EQ(call(kFcntl, fd, kF_GETPIPE_SZ), error(Errno::kEBADF));
    EXPECT_EQ(call(kFcntl, fd, kF_GET_SEALS), 1);
    EXPECT_EQ(call(kClose, 1), 0);
    EXPECT_EQ(call(kClose, 1), error(Errno::kEBADF));
    EXPECT_EQ(call(kClose, -1), error(Errno::kEBADF));
    EXPECT_EQ(call(kCloseRange, 5, 6, 8), error(Errno::kEINVAL));
    EXPECT_EQ(call(kCloseRange, 6, 5, 0), error(Errno::kEINVAL));
    EXPECT_EQ(call(kCloseRange, 5, 5, 4), 0);
    EXPECT_EQ(call(kFcntl, 5, kF_GETFD), 1);
    EXPECT_EQ(call(kCloseRange, 4, ~0u, 0), 0);
    EXPECT_EQ(call(kFcntl, 10, kF_GETFD), error(Errno::kEBADF));
    EXPECT_EQ(call(kFcntl, fd, kF_GETFD), 1);
    process.files->limit = 1;
    EXPECT_EQ(call(kDup, fd), error(Errno::kEMFILE));
}

}  // namespace
