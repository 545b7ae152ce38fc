// /sys as programs that count processors read it.
#include "fs/sys/sys.h"

#include "testing/files.h"

#include <gtest/gtest.h>

namespace kos::lx {
namespace {

using testing::FileWorld;

TEST(Sys, Processors) {
    FileWorld world;
    auto const cpu = [&](const char* name) { return world.read(std::string("/sys/devices/system/cpu/") + name); };
    for (const char* name : {"online", "possible", "present"}) EXPECT_EQ(cpu(name), "0-3\n");
    EXPECT_EQ(cpu("offline"), "\n");
    EXPECT_EQ(cpu("kernel_max"), "255\n");
    EXPECT_EQ(cpu("cpu2/topology/core_id"), "2\n");
    EXPECT_EQ(cpu("cpu2/topology/physical_package_id"), "0\n");
    EXPECT_EQ(cpu("cpu2/topology/thread_siblings_list"), "2\n");
    EXPECT_EQ(cpu("cpu2/topology/thread_siblings"), "4\n");
    EXPECT_EQ(cpu("cpu2/topology/core_siblings_list"), "0-3\n");
    EXPECT_EQ(cpu("cpu2/topology/core_siblings"), "f\n");
    EXPECT_EQ(cpu("cpu4/topology/core_id"), "!2");
    EXPECT_EQ(cpu("cpu/topology/core_id"), "!2");
    EXPECT_EQ(cpu("cpu0/online"), "!2");
    std::vector<std::string> names = world.list("/sys/devices/system/cpu");
    EXPECT_EQ(names.size(), 2 + 8 + 4u);
    EXPECT_EQ(names.back(), "cpu3");
}

TEST(Sys, Memory) {
    FileWorld world;
    EXPECT_EQ(world.read("/sys/devices/system/node/online"), "0\n");
    EXPECT_EQ(world.read("/sys/devices/system/node/node0/cpulist"), "0-3\n");
    EXPECT_EQ(world.link("/sys/devices/system/node/node0/cpu1"), "../../cpu/cpu1");
    EXPECT_EQ(world.read("/sys/devices/system/node/node0/cpu1/topology/core_id"), "1\n");
    EXPECT_EQ(world.read("/sys/kernel/mm/transparent_hugepage/enabled"), "always madvise [never]\n");
}

TEST(Sys, EmptyDirectories) {
    FileWorld world;
    for (const char* name : {"/sys/fs/cgroup", "/sys/class/net", "/sys/class/tty"}) {
        EXPECT_EQ(world.list(name), (std::vector<std::string>{".", ".."})) << name;
    }
    EXPECT_EQ(world.open("/sys/fs/cgroup/cpu").error(), Errno::kENOENT);
    EXPECT_FALSE(world.open("/sys/fs/cgroup/new", kO_WRONLY | kO_CREAT).ok());
}

}  // namespace
}  // namespace kos::lx
