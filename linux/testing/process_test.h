// The fixtures of tests that make system calls: a process beside init, and one that has files.
#pragma once

#include "fs/tmpfs.h"
#include "testing/world.h"

#include <gtest/gtest.h>

namespace kos::lx::testing {

class ProcessTest : public ::testing::Test {
protected:
    World world;
    Process& init = world.make_process();
    Process& process = world.make_process(&init);
    Thread& thread = World::first(process);
};

// A tmpfs is the root of both. SIGPIPE is ignored: what is tested is the error.
class FilesTest : public ProcessTest {
protected:
    void SetUp() override {
        auto root = mount_at(Location(), Tmpfs::create(world.frames, world.system.timers), "root", 0);
        ASSERT_TRUE(root.ok());
        for (Process* one : {&init, &process}) one->paths->context.root = one->paths->context.working = *root;
        process.handlers->actions[kSIGPIPE - 1].handler = kSIG_IGN;
    }
    // Files that a test has left open may refer to their world.
    void TearDown() override {
        constexpr unsigned kClose = 57;
        for (int fd = 0; (fd = process.files->next_open(fd)) >= 0; ++fd) world.call(thread, kClose, fd);
    }
};

}  // namespace kos::lx::testing
