// FIFOs and inotify by their calls, on a tmpfs.
#include "testing/process_test.h"
#include "tty/pty.h"
#include "vfs/inotify.h"
#include "vfs/operations.h"

#include <string.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kInotifyInit = 26, kAddWatch = 27, kRemoveWatch = 28, kIoctl = 29, kMknodat = 33, kMkdirat = 34,
                   kUnlinkat = 35, kFtruncate = 46, kFchmodat = 53, kOpenat = 56, kClose = 57, kPipe2 = 59, kRead = 63,
                   kWrite = 64, kSplice = 76, kTee = 77, kRenameat = 276;
constexpr uint64_t kName = kArea, kOther = kArea + 0x400, kBuffer = kArea + 0x1000;
constexpr int kHere = -100;

struct Seen {
    int32_t number;
    uint32_t mask, cookie;
    std::string name;
};

class Events : public FilesTest {
protected:
    Thread& other = world.make_thread(process);
    int watcher = -1;

    void SetUp() override {
        FilesTest::SetUp();
        process.limits[kRLIMIT_FSIZE] = {~uint64_t{0}, ~uint64_t{0}};
        register_terminals();
        watcher = static_cast<int>(world.call(thread, kInotifyInit, kO_NONBLOCK));
        ASSERT_GE(watcher, 0);
    }

    uint64_t put(const char* name, uint64_t place = kName) {
        EXPECT_TRUE(process.memory->copy_out(place, name, strlen(name) + 1).ok());
        return place;
    }
    int open(const char* name, uint32_t flags, Thread* by = nullptr) {
        int64_t const fd = world.call(by ? *by : thread, kOpenat, kHere, put(name), flags, 0644);
        return fd == kAsleep ? -10000 : static_cast<int>(fd);
    }
    int64_t close(int fd) { return world.call(thread, kClose, fd); }
    int64_t watch(const char* name, uint32_t mask) { return world.call(thread, kAddWatch, watcher, put(name), mask); }
    std::vector<Seen> seen(size_t room = 4096) {
        std::vector<Seen> list;
        int64_t const bytes = world.call(thread, kRead, watcher, kBuffer, room);
        for (int64_t at = 0; at < bytes;) {
            uint64_t const place = kBuffer + static_cast<uint64_t>(at);
            Seen one{World::get<int32_t>(process, place),
                     World::get<uint32_t>(process, place + 4),
                     World::get<uint32_t>(process, place + 8),
                     {}};
            uint32_t const length = World::get<uint32_t>(process, place + 12);
            std::string name(length, '\0');
            EXPECT_TRUE(process.memory->copy_in(name.data(), place + 16, length).ok());
            one.name = name.c_str();
            EXPECT_EQ(length % 16, 0u);
            list.push_back(one);
            at += 16 + length;
        }
        return list;
    }
};

TEST_F(Events, InotifyErrors) {
    EXPECT_EQ(world.call(thread, kInotifyInit, 1), error(Errno::kEINVAL));
    EXPECT_EQ(watch("/none", kIN_CREATE), error(Errno::kENOENT));
    EXPECT_EQ(watch("/", 0), error(Errno::kEINVAL));
    EXPECT_EQ(watch("/", kIN_CREATE | kIN_MASK_ADD | kIN_MASK_CREATE), error(Errno::kEINVAL));
    close(open("/file", kO_CREAT | kO_RDWR));
    EXPECT_EQ(watch("/file", kIN_MODIFY | kIN_ONLYDIR), error(Errno::kENOTDIR));
    EXPECT_EQ(world.call(thread, kRemoveWatch, watcher, 5), error(Errno::kEINVAL));
    int const event = static_cast<int>(world.call(thread, 19, 0, 0));
    EXPECT_EQ(world.call(thread, kAddWatch, event, put("/"), kIN_CREATE), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kRead, watcher, kBuffer, 100), error(Errno::kEAGAIN));
    EXPECT_EQ(watch("/", kIN_CREATE), 1);
    EXPECT_EQ(watch("/", kIN_CREATE | kIN_MASK_CREATE), error(Errno::kEEXIST));
    EXPECT_EQ(watch("/", kIN_DELETE), 1);
    EXPECT_EQ(watch("/file", kIN_MODIFY), 2);
}

TEST_F(Events, InotifyTellsWhatHappensInADirectory) {
    EXPECT_EQ(watch("/", kIN_ALL_EVENTS), 1);
    int const fd = open("/file", kO_CREAT | kO_RDWR);
    World::put(process, kBuffer, 1);
    EXPECT_EQ(world.call(thread, kWrite, fd, kBuffer, 4), 4);
    EXPECT_EQ(world.call(thread, kWrite, fd, kBuffer, 4), 4);  // the same once more: one event
    close(fd);
    EXPECT_EQ(world.call(thread, kRenameat, kHere, put("/file"), kHere, put("/name", kOther), 0), 0);
    EXPECT_EQ(world.call(thread, kMkdirat, kHere, put("/dir"), 0755), 0);
    EXPECT_EQ(world.call(thread, kUnlinkat, kHere, put("/name"), 0), 0);
    auto const list = seen();
    ASSERT_EQ(list.size(), 8u);
    EXPECT_EQ(list[0].mask, kIN_CREATE);
    EXPECT_EQ(list[0].name, "file");
    EXPECT_EQ(list[1].mask, kIN_OPEN);
    EXPECT_EQ(list[2].mask, kIN_MODIFY);
    EXPECT_EQ(list[3].mask, kIN_CLOSE_WRITE);
    EXPECT_EQ(list[4].mask, kIN_MOVED_FROM);
    EXPECT_EQ(list[5].mask, kIN_MOVED_TO);
    EXPECT_EQ(list[5].name, "name");
    EXPECT_EQ(list[4].cookie, list[5].cookie);
    EXPECT_NE(list[4].cookie, 0u);
    EXPECT_EQ(list[6].mask, kIN_CREATE | kIN_ISDIR);
    EXPECT_EQ(list[7].mask, kIN_DELETE);
}

TEST_F(Events, InotifyOfOneFile) {
    close(open("/file", kO_CREAT | kO_RDWR));
    EXPECT_EQ(watch("/file", kIN_DELETE_SELF | kIN_ATTRIB), 1);
    EXPECT_EQ(world.call(thread, kFchmodat, kHere, put("/file"), 0600), 0);
    EXPECT_EQ(world.call(thread, kUnlinkat, kHere, put("/file"), 0), 0);
    auto const list = seen();
    ASSERT_GE(list.size(), 3u);
    EXPECT_EQ(list[0].mask, kIN_ATTRIB);
    EXPECT_EQ(list[list.size() - 2].mask, kIN_DELETE_SELF);
    EXPECT_EQ(list.back().mask, kIN_IGNORED);
    EXPECT_EQ(world.call(thread, kRemoveWatch, watcher, 1), error(Errno::kEINVAL));
}

TEST_F(Events, InotifyOnceAndRemoval) {
    EXPECT_EQ(watch("/", kIN_CREATE | kIN_ONESHOT), 1);
    close(open("/a", kO_CREAT | kO_RDWR));
    close(open("/b", kO_CREAT | kO_RDWR));
    auto list = seen();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[1].mask, kIN_IGNORED);
    EXPECT_EQ(watch("/", kIN_CREATE), 2);
    EXPECT_EQ(world.call(thread, kRemoveWatch, watcher, 2), 0);
    list = seen();
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0].mask, kIN_IGNORED);
    EXPECT_EQ(list[0].number, 2);
}

TEST_F(Events, InotifyRoomAndOverflow) {
    EXPECT_EQ(watch("/", kIN_CREATE | kIN_DELETE), 1);
    close(open("/a", kO_CREAT | kO_RDWR));
    EXPECT_EQ(world.call(thread, kRead, watcher, kBuffer, 31), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kIoctl, watcher, 0x541B, kOther), 0);
    EXPECT_EQ(World::get<int32_t>(process, kOther), 32);
    for (size_t i = 0; i < Watcher::kEventsMax; ++i) {
        world.call(thread, kUnlinkat, kHere, put("/a"), 0);
        close(open("/a", kO_CREAT | kO_RDWR));
    }
    std::vector<Seen> all, some;
    while (!(some = seen(0x10000)).empty()) all.insert(all.end(), some.begin(), some.end());
    EXPECT_EQ(all.size(), Watcher::kEventsMax + 1);
    EXPECT_EQ(all.back().mask, kIN_Q_OVERFLOW);
    EXPECT_EQ(all.back().number, -1);
}

TEST_F(Events, FifosWaitForEachOther) {
    EXPECT_EQ(world.call(thread, kMknodat, kHere, put("/fifo"), kS_IFIFO | 0644, 0), 0);
    EXPECT_EQ(open("/fifo", kO_WRONLY | kO_NONBLOCK), error(Errno::kENXIO));
    EXPECT_EQ(open("/fifo", kO_RDONLY, &other), -10000);
    int const writer = open("/fifo", kO_WRONLY);
    ASSERT_GE(writer, 0);
    int const reader = static_cast<int>(World::result(other));
    ASSERT_GE(reader, 0);
    World::put(process, kBuffer, 77);
    EXPECT_EQ(world.call(thread, kWrite, writer, kBuffer, 4), 4);
    EXPECT_EQ(world.call(thread, kRead, reader, kBuffer, 10), 4);
    close(writer);
    EXPECT_EQ(world.call(thread, kRead, reader, kBuffer, 10), 0);
    int const again = open("/fifo", kO_WRONLY | kO_NONBLOCK);
    EXPECT_GE(again, 0);
    close(reader);
    EXPECT_EQ(world.call(thread, kWrite, again, kBuffer, 4), error(Errno::kEPIPE));
    close(again);
    // A reader that does not wait has not been hung up on yet.
    int const patient = open("/fifo", kO_RDONLY | kO_NONBLOCK);
    EXPECT_EQ((*process.files->get(patient))->poll(), 0u);
    EXPECT_EQ(world.call(thread, kRead, patient, kBuffer, 4), 0);
    int const both = open("/fifo", kO_RDWR);
    EXPECT_GE(both, 0);
    close(both);
    EXPECT_EQ((*process.files->get(patient))->poll(), kPOLLHUP);
}

TEST_F(Events, SpliceAndTee) {
    EXPECT_EQ(world.call(thread, kPipe2, kOther, kO_NONBLOCK), 0);
    EXPECT_EQ(world.call(thread, kPipe2, kOther + 8, kO_NONBLOCK), 0);
    int const in = World::get<int32_t>(process, kOther + 4), out = World::get<int32_t>(process, kOther);
    int const in2 = World::get<int32_t>(process, kOther + 12), out2 = World::get<int32_t>(process, kOther + 8);
    World::put(process, kBuffer, uint64_t{0x1122334455667788});
    EXPECT_EQ(world.call(thread, kWrite, in, kBuffer, 8), 8);
    EXPECT_EQ(world.call(thread, kTee, out, in2, 100, 0), 8);
    EXPECT_EQ(world.call(thread, kSplice, out, 0, in2, 0, 3, 0), 3);
    EXPECT_EQ(world.call(thread, kRead, out, kBuffer, 100), 5);
    EXPECT_EQ(world.call(thread, kRead, out2, kBuffer, 100), 11);
    EXPECT_EQ(World::get<uint64_t>(process, kBuffer), 0x1122334455667788u);
}

}  // namespace
