// The devices of memory and chance, by their nodes.
#include "fs/dev/dev.h"

#include "testing/files.h"
#include "vfs/devices.h"

#include <gtest/gtest.h>

#include <array>

namespace kos::lx {
namespace {

using testing::FileWorld;

TEST(Devices, Numbers) {
    EXPECT_EQ(make_device(1, 3), 0x103u);
    EXPECT_EQ(major_of(make_device(259, 70000)), 259u);
    EXPECT_EQ(minor_of(make_device(259, 70000)), 70000u);
    EXPECT_EQ(major_of(make_device(0xfffff123, 0xffffffff)), 0xfffff123u);
    EXPECT_EQ(minor_of(make_device(0xfffff123, 0xffffffff)), 0xffffffffu);
}

TEST(Devices, Null) {
    FileWorld world;
    EXPECT_EQ(world.read("/dev/null"), "");
    EXPECT_EQ(*world.write("/dev/null", "text"), 4u);
    auto const file = FileWorld::must(world.open("/dev/null", kO_RDWR));
    EXPECT_EQ(*file->seek(1000, 0), 0u);
    EXPECT_FALSE(file->can_poll());  // epoll: EPERM
    EXPECT_EQ(file->page(0, false).ok(), false);
    EXPECT_EQ(file->attributes()->device_number, make_device(1, 3));
    EXPECT_EQ(file->attributes()->mode, kS_IFCHR | 0666u);
}

TEST(Devices, ZeroAndFull) {
    FileWorld world;
    std::array<char, 5000> bytes;
    bytes.fill('x');
    auto const zero = FileWorld::must(world.open("/dev/zero", kO_RDWR));
    LocalBuffer to(bytes.data(), bytes.size());
    EXPECT_EQ(*zero->read(to), bytes.size());
    EXPECT_EQ(bytes, (std::array<char, 5000>{}));
    EXPECT_EQ(*world.write("/dev/zero", "text"), 4u);
    auto const full = FileWorld::must(world.open("/dev/full", kO_RDWR));
    bytes.fill('x');
    LocalBuffer again(bytes.data(), bytes.size());
    EXPECT_EQ(*full->read(again), bytes.size());
    EXPECT_EQ(bytes, (std::array<char, 5000>{}));
    EXPECT_EQ(world.write("/dev/full", "x").error(), Errno::kENOSPC);
}

TEST(Devices, Random) {
    FileWorld world;
    for (const char* name : {"/dev/random", "/dev/urandom"}) {
        auto const file = FileWorld::must(world.open(name));
        std::array<char, 1500> bytes{};
        LocalBuffer to(bytes.data(), bytes.size());
        EXPECT_EQ(*file->read(to), bytes.size());
        EXPECT_NE(bytes, (std::array<char, 1500>{}));
        EXPECT_EQ(file->poll() & kPOLLIN, kPOLLIN);
    }
    EXPECT_EQ(*world.write("/dev/urandom", "seed"), 4u);
}

TEST(Devices, KmsgGoesToTheLog) {
    FileWorld world;
    EXPECT_EQ(*world.write("/dev/kmsg", "<6>hello\x1b[2J\n"), 13u);
    ASSERT_EQ(world.platform.reports.size(), 1u);
    EXPECT_EQ(world.platform.reports[0], "<6>hello [2J");
    EXPECT_EQ(world.write("/dev/kmsg", std::string(2000, 'x')).error(), Errno::kEINVAL);
}

TEST(Devices, NodesAnywhereLeadToTheRegistry) {
    FileWorld world;
    PathUser const user{world.context(), world.process->credentials};
    FileWorld::must(make_node(user, world.context().root, "/tmp/mine", kS_IFCHR | 0666, make_device(1, 5)));
    EXPECT_EQ(world.read("/tmp/mine", 16).substr(0, 4), std::string(4, '\0'));
    FileWorld::must(make_node(user, world.context().root, "/tmp/none", kS_IFCHR | 0666, make_device(200, 5)));
    EXPECT_EQ(world.open("/tmp/none").error(), Errno::kENXIO);
    // mem, kmem, port.
    FileWorld::must(make_node(user, world.context().root, "/tmp/mem", kS_IFCHR | 0666, make_device(1, 1)));
    EXPECT_EQ(world.open("/tmp/mem").error(), Errno::kENXIO);
    FileWorld::must(make_node(user, world.context().root, "/tmp/disk", kS_IFBLK | 0666, make_device(8, 0)));
    EXPECT_EQ(world.open("/tmp/disk").error(), Errno::kENXIO);
    EXPECT_EQ(world.open("/dev/mem").error(), Errno::kENOENT);
}

TEST(Devices, NamesOfDev) {
    FileWorld world;
    EXPECT_EQ(world.link("/dev/fd"), "/proc/self/fd");
    EXPECT_EQ(world.link("/dev/stdin"), "/proc/self/fd/0");
    EXPECT_EQ(world.find("/dev/shm").inode()->attributes()->mode, kS_IFDIR | kS_ISVTX | 0777u);
    EXPECT_EQ(world.find("/dev/pts").inode()->type(), kS_IFDIR);
    EXPECT_EQ(world.find("/dev/ptmx").inode()->attributes()->device_number, make_device(5, 2));
    EXPECT_EQ(world.find("/dev/tty").inode()->attributes()->device_number, make_device(5, 0));
}

}  // namespace
}  // namespace kos::lx
