// Pipes by their calls, and against a model.
#include "vfs/pipe.h"

#include "testing/process_test.h"

#include <stdlib.h>

#include <deque>
#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kFcntl = 25, kIoctl = 29, kClose = 57, kPipe2 = 59, kRead = 63, kWrite = 64, kFstat = 80;
constexpr unsigned kGetFlags = 3, kSetFlags = 4, kSetPipeSize = 1031, kGetPipeSize = 1032;
constexpr uint64_t kFds = kArea, kBuffer = kArea + 0x1000, kBigBytes = 0x20000;

class Pipes : public ProcessTest {
protected:
    int reader = -1, writer = -1;

    void open(uint32_t flags = 0) {
        ASSERT_EQ(world.call(thread, kPipe2, kFds, flags), 0);
        reader = World::get<int32_t>(process, kFds);
        writer = World::get<int32_t>(process, kFds + 4);
    }
    int64_t write(uint64_t bytes, Thread* by = nullptr) {
        return world.call(by ? *by : thread, kWrite, writer, kBuffer, bytes);
    }
    int64_t read(uint64_t bytes, Thread* by = nullptr) {
        return world.call(by ? *by : thread, kRead, reader, kBuffer, bytes);
    }
    uint32_t poll(int fd) { return (*process.files->get(fd))->poll(); }
    void ignore_sigpipe() { process.handlers->actions[kSIGPIPE - 1].handler = kSIG_IGN; }
};

TEST_F(Pipes, RefusesFlagsAndBadMemory) {
    EXPECT_EQ(world.call(thread, kPipe2, kFds, 1), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPipe2, kFds, kO_EXCL), error(Errno::kENOPKG));
    EXPECT_EQ(world.call(thread, kPipe2, 0x10, 0), error(Errno::kEFAULT));
    EXPECT_EQ(process.files->next_open(0), -1);
    process.files->limit = 1;
    EXPECT_EQ(world.call(thread, kPipe2, kFds, 0), error(Errno::kEMFILE));
    EXPECT_EQ(process.files->next_open(0), -1);
}

TEST_F(Pipes, CloseOnExecAndNonBlocking) {
    open(kO_CLOEXEC | kO_NONBLOCK);
    EXPECT_TRUE(process.files->close_on_exec(reader));
    EXPECT_TRUE(process.files->close_on_exec(writer));
    EXPECT_EQ(read(1), error(Errno::kEAGAIN));
    EXPECT_TRUE(world.call(thread, kFcntl, reader, kGetFlags, 0) & kO_NONBLOCK);
}

TEST_F(Pipes, BytesGoThroughAndReadersWait) {
    open();
    Thread& other = world.make_thread(process);
    EXPECT_EQ(read(10, &other), kAsleep);
    World::put(process, kBuffer, uint64_t{0x1122334455667788});
    EXPECT_EQ(write(8), 8);
    EXPECT_EQ(World::result(other), 8);
    EXPECT_EQ(World::get<uint64_t>(process, kBuffer), 0x1122334455667788u);
    EXPECT_EQ(read(0), 0);
    EXPECT_EQ(write(0), 0);
}

TEST_F(Pipes, WrongEndsAndPositions) {
    open();
    EXPECT_EQ(world.call(thread, kRead, writer, kBuffer, 1), error(Errno::kEBADF));
    EXPECT_EQ(world.call(thread, kWrite, reader, kBuffer, 1), error(Errno::kEBADF));
    EXPECT_EQ(world.call(thread, 62, reader, 0, 0), error(Errno::kESPIPE));
    EXPECT_EQ(world.call(thread, 67, reader, kBuffer, 1, 0), error(Errno::kESPIPE));
    EXPECT_EQ(write(5), 5);
    EXPECT_EQ(world.call(thread, kRead, reader, 0x10, 1), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kWrite, writer, 0x10, 1), error(Errno::kEFAULT));
    EXPECT_EQ(read(10), 5);
}

TEST_F(Pipes, EndOfFileAndBrokenPipe) {
    open();
    EXPECT_EQ(write(3), 3);
    EXPECT_EQ(world.call(thread, kClose, writer), 0);
    EXPECT_EQ(poll(reader), kPOLLIN | kPOLLRDNORM | kPOLLHUP);
    EXPECT_EQ(read(10), 3);
    EXPECT_EQ(poll(reader), kPOLLHUP);
    EXPECT_EQ(read(10), 0);

    open();
    EXPECT_EQ(world.call(thread, kClose, reader), 0);
    EXPECT_EQ(poll(writer), kPOLLOUT | kPOLLWRNORM | kPOLLERR);
    ignore_sigpipe();
    EXPECT_EQ(write(1), error(Errno::kEPIPE));
}

TEST_F(Pipes, WaitersLearnOfTheOtherSidesEnd) {
    open();
    Thread& other = world.make_thread(process);
    EXPECT_EQ(read(1, &other), kAsleep);
    EXPECT_EQ(world.call(thread, kClose, writer), 0);
    EXPECT_EQ(World::result(other), 0);
    ignore_sigpipe();
    open();
    EXPECT_EQ(write(65536), 65536);
    EXPECT_EQ(write(1, &other), kAsleep);
    EXPECT_EQ(world.call(thread, kClose, reader), 0);
    EXPECT_EQ(World::result(other), error(Errno::kEPIPE));
}

TEST_F(Pipes, SmallWritesAreAllOrNothing) {
    open(kO_NONBLOCK);
    EXPECT_EQ(write(65536 - 100), 65536 - 100);
    EXPECT_EQ(write(4096), error(Errno::kEAGAIN));
    EXPECT_EQ(write(101), error(Errno::kEAGAIN));
    EXPECT_EQ(write(100), 100);
    EXPECT_EQ(poll(writer), 0u);
    EXPECT_EQ(read(4095), 4095);
    EXPECT_EQ(poll(writer), 0u);
    EXPECT_EQ(read(1), 1);
    EXPECT_EQ(poll(writer), kPOLLOUT | kPOLLWRNORM);
    EXPECT_EQ(write(5000), 4096);
    EXPECT_EQ(write(5000), error(Errno::kEAGAIN));
}

TEST_F(Pipes, LongWritesGoOnAsTheReaderReads) {
    open();
    Thread& other = world.make_thread(process);
    EXPECT_EQ(write(kBigBytes, &other), kAsleep);
    uint64_t total = 0;
    while (World::result(other) == kAsleep) {
        int64_t const got = read(10000);
        ASSERT_GT(got, 0);
        total += static_cast<uint64_t>(got);
        ASSERT_LT(total, kBigBytes + 1);
    }
    EXPECT_EQ(World::result(other), static_cast<int64_t>(kBigBytes));
    ASSERT_EQ(world.call(thread, kClose, writer), 0);
    while (int64_t const got = read(10000)) total += static_cast<uint64_t>(got);
    EXPECT_EQ(total, kBigBytes);
}

TEST_F(Pipes, PacketsStayApart) {
    open(kO_DIRECT | kO_NONBLOCK);
    EXPECT_EQ(write(10), 10);
    EXPECT_EQ(write(20), 20);
    EXPECT_EQ(read(100), 10);
    EXPECT_EQ(read(5), 5);  // the rest is lost
    EXPECT_EQ(read(100), error(Errno::kEAGAIN));
    EXPECT_EQ(write(5000), 5000);
    EXPECT_EQ(read(6000), 4096);
    EXPECT_EQ(read(6000), 904);
}

TEST_F(Pipes, Sizes) {
    open(kO_NONBLOCK);
    EXPECT_EQ(world.call(thread, kFcntl, writer, kGetPipeSize, 0), 65536);
    EXPECT_EQ(world.call(thread, kFcntl, writer, kSetPipeSize, 5000), 8192);
    EXPECT_EQ(write(10000), 8192);
    EXPECT_EQ(world.call(thread, kFcntl, reader, kSetPipeSize, 1), error(Errno::kEBUSY));
    EXPECT_EQ(world.call(thread, kFcntl, reader, kSetPipeSize, 1 << 20), 1 << 20);
    EXPECT_EQ(world.call(thread, kFcntl, reader, kSetPipeSize, (1 << 20) + 1), error(Errno::kEPERM));
    EXPECT_EQ(world.call(thread, kFcntl, reader, kSetPipeSize, 0xffffffffu), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kIoctl, reader, 0x541B, kFds), 0);
    EXPECT_EQ(World::get<int32_t>(process, kFds), 8192);
}

TEST_F(Pipes, MemoryRunsOut) {
    open(kO_NONBLOCK);
    EXPECT_EQ(write(10), 10);  // the program's page is there now
    world.frames.set_quota(world.frames.used() + 2);
    ASSERT_EQ(world.call(thread, kRead, reader, kBuffer, 10), 10);
    EXPECT_EQ(write(4096), 4096);
    World::put(process, kBuffer, 0);
    world.frames.set_quota(world.frames.used());
    EXPECT_EQ(write(4096), error(Errno::kENOMEM));
    world.frames.set_quota(1 << 20);
    EXPECT_EQ(write(4096), 4096);
}

TEST_F(Pipes, StatSaysFifo) {
    open();
    EXPECT_EQ((*process.files->get(reader))->attributes()->mode, kS_IFIFO | 0600u);
    EXPECT_EQ((*process.files->get(reader))->attributes()->inode, (*process.files->get(writer))->attributes()->inode);
    EXPECT_EQ((*process.files->get(reader))->anonymous_name().substr(0, 6), "pipe:[");
}

TEST_F(Pipes, PeekLeavesTheBytes) {
    open();
    World::put(process, kBuffer, uint64_t{0x0807060504030201});
    EXPECT_EQ(write(8), 8);
    uint8_t bytes[8];
    LocalBuffer buffer(bytes, 8);
    EXPECT_EQ(*(*process.files->get(reader))->peek(buffer, 3), 5u);
    EXPECT_EQ(bytes[0], 4);
    EXPECT_EQ(read(8), 8);
    LocalBuffer empty(bytes, 8);
    EXPECT_EQ((*process.files->get(reader))->peek(empty, 0).error(), Errno::kEAGAIN);
}

// Random operations against a queue of bytes; what may be written is the pages' business, so the model only checks
// order, bounds, and atomicity.
TEST_F(Pipes, AgreesWithAModel) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    open(kO_NONBLOCK);
    std::deque<uint8_t> model;
    uint8_t next = 0;
    std::vector<uint8_t> bytes;
    for (int step = 0; step < 20000; ++step) {
        size_t const size = random() % (random() % 4 ? 300 : 20000);
        if (random() % 2) {
            bytes.resize(size);
            uint8_t value = next;
            for (uint8_t& byte : bytes) byte = value++;
            ASSERT_TRUE(process.memory->copy_out(kBuffer, bytes.data(), size).ok());
            int64_t const written = write(size);
            if (written < 0) {
                ASSERT_EQ(written, error(Errno::kEAGAIN));
                ASSERT_GE(model.size() + 4096 + 4096, 0x1000u);
                continue;
            }
            if (size <= Pipe::kPipeBuf) {
                ASSERT_EQ(written, static_cast<int64_t>(size));
            }
            model.insert(model.end(), bytes.begin(), bytes.begin() + written);
            next = static_cast<uint8_t>(next + written);
            ASSERT_LE(model.size(), 65536u);
        } else {
            int64_t const got = read(size);
            if (size == 0) {
                ASSERT_EQ(got, 0);
                continue;
            }
            if (model.empty()) {
                ASSERT_EQ(got, error(Errno::kEAGAIN));
                continue;
            }
            ASSERT_EQ(got, static_cast<int64_t>(std::min(size, model.size())));
            bytes.resize(static_cast<size_t>(got));
            ASSERT_TRUE(process.memory->copy_in(bytes.data(), kBuffer, bytes.size()).ok());
            ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), model.begin())) << "step " << step;
            model.erase(model.begin(), model.begin() + got);
        }
        ASSERT_EQ(poll(reader) & kPOLLIN, model.empty() ? 0u : kPOLLIN);
        if (poll(writer) & kPOLLOUT) {
            ASSERT_LE(model.size(), 65536u - 1);
        }
    }
}

}  // namespace
