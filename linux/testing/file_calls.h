// A process on a tmpfs root that makes system calls on files, for host tests.
#pragma once

#include "fs/tmpfs.h"
#include "testing/world.h"
#include "vfs/dentry.h"
#include "vfs/pipe.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kos::lx::testing {

enum CallNumber : unsigned {
    kGetcwd = 17,
    kDup = 23,
    kDup3 = 24,
    kFcntl = 25,
    kIoctl = 29,
    kFlock = 32,
    kMknodat = 33,
    kMkdirat = 34,
    kUnlinkat = 35,
    kSymlinkat = 36,
    kLinkat = 37,
    kRenameat = 38,
    kUmount2 = 39,
    kMount = 40,
    kStatfs = 43,
    kFstatfs = 44,
    kTruncate = 45,
    kFtruncate = 46,
    kFallocate = 47,
    kFaccessat = 48,
    kChdir = 49,
    kFchdir = 50,
    kChroot = 51,
    kFchmod = 52,
    kFchmodat = 53,
    kFchownat = 54,
    kFchown = 55,
    kOpenat = 56,
    kClose = 57,
    kPipe2 = 59,
    kGetdents64 = 61,
    kLseek = 62,
    kRead = 63,
    kWrite = 64,
    kReadv = 65,
    kWritev = 66,
    kPread64 = 67,
    kPwrite64 = 68,
    kPreadv = 69,
    kPwritev = 70,
    kSendfile = 71,
    kVmsplice = 75,
    kSplice = 76,
    kTee = 77,
    kReadlinkat = 78,
    kNewfstatat = 79,
    kFstat = 80,
    kSync = 81,
    kFsync = 82,
    kFdatasync = 83,
    kSyncFileRange = 84,
    kUtimensat = 88,
    kUmask = 166,
    kReadahead = 213,
    kFadvise64 = 223,
    kSyncfs = 267,
    kRenameat2 = 276,
    kCopyFileRange = 285,
    kPreadv2 = 286,
    kPwritev2 = 287,
    kStatx = 291,
    kCloseRange = 436,
    kOpenat2 = 437,
    kFaccessat2 = 439,
};

constexpr int kCwd = -100;
// Places in the process's memory.
constexpr uint64_t kText1 = kArea, kText2 = kArea + 0x2000, kBytes = kArea + 0x4000, kMore = kArea + 0x20000,
                   kNowhere = 0x50'0000'0000;

class FileCalls : public ::testing::Test {
protected:
    FileCalls() {
        for (ResourceLimit& limit : process.limits) limit = {~uint64_t{0}, ~uint64_t{0}};
        process.files->limit = 64;
        tmpfs = Tmpfs::create(world.frames, world.system.timers);
        world.system.root = mount_at({}, tmpfs, "root", 0).take();
        process.paths->context.root = process.paths->context.working = world.system.root;
    }
    ~FileCalls() override {
        for (const auto& [pid, of] : world.system.processes()) {
            of->files->close_all(*of);
            of->paths->context = {};
        }
        world.system.root = {};
        Dentry::drop_unused();
    }

    uint64_t put(uint64_t address, std::string_view text) {
        EXPECT_TRUE(process.memory->copy_out(address, text.data(), text.size()).ok());
        EXPECT_TRUE(process.memory->zero(address + text.size(), 1).ok());
        return address;
    }
    std::string get(uint64_t address, size_t bytes) {
        std::string text(bytes, '?');
        EXPECT_TRUE(process.memory->copy_in(text.data(), address, bytes).ok());
        return text;
    }
    uint64_t path(std::string_view text) { return put(kText1, text); }
    uint64_t path2(std::string_view text) { return put(kText2, text); }

    template <class... Arguments>
    int64_t call(unsigned number, Arguments... arguments) {
        return world.call(thread, number, arguments...);
    }
    int64_t open(std::string_view name, uint32_t flags = kO_RDWR | kO_CREAT, Mode mode = 0644) {
        return call(kOpenat, kCwd, path(name), flags, mode);
    }
    int64_t write(int64_t fd, std::string_view text) { return call(kWrite, fd, put(kBytes, text), text.size()); }
    std::string read(int64_t fd, size_t bytes = 4096) {
        int64_t const got = call(kRead, fd, kBytes, bytes);
        return got < 0 ? "error " + std::to_string(-got) : get(kBytes, static_cast<size_t>(got));
    }
    int64_t mkdir(std::string_view name, Mode mode = 0755) { return call(kMkdirat, kCwd, path(name), mode); }
    void become(uint32_t id) {
        Credentials& who = process.credentials;
        who.uid = who.euid = who.suid = who.fsuid = id;
        who.gid = who.egid = who.sgid = who.fsgid = id;
        who.capabilities = who.permitted = 0;
    }
    std::pair<int64_t, int64_t> pipe(uint32_t flags = 0) {
        EXPECT_EQ(call(kPipe2, kBytes, flags), 0);
        return {World::get<int32_t>(process, kBytes), World::get<int32_t>(process, kBytes + 4)};
    }

    World world;
    Process& process = world.make_process();
    Thread& thread = World::first(process);
    Ref<Tmpfs> tmpfs;
};

}  // namespace kos::lx::testing
