// Parents and children, groups, sessions, identity, limits.
#include "task/relations.h"

#include "signal/signals.h"
#include "task/pid_file.h"
#include "testing/world.h"

#include <gtest/gtest.h>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

constexpr unsigned kWaitid = 95, kExit = 93, kExitGroup = 94, kSetpgid = 154, kGetpgid = 155, kGetsid = 156,
                   kSetsid = 157, kGetppid = 173, kWait4 = 260, kPrctl = 167, kPrlimit = 261, kPidfdOpen = 434,
                   kPidfdSend = 424, kPidfdGetfd = 438, kSetresuid = 147, kSetuid = 146, kCapget = 90, kCapset = 91,
                   kSetgroups = 159, kGetgroups = 158, kGetaffinity = 123, kSetaffinity = 122, kGetpriority = 141,
                   kSetpriority = 140, kSigaction = 134, kGetrusage = 165, kSetscheduler = 119, kGetscheduler = 120,
                   kReadv = 270, kWritev = 271;
constexpr uint64_t kScratch = kArea + 0x100;

class Relations : public ::testing::Test {
protected:
    World world;
    Process& init = world.make_process();
    Process& parent = world.make_process(&init);
    Process& child = world.make_process(&parent);
    Thread& thread = World::first(parent);
    Thread& first = World::first(init);

    int64_t wait4(Thread& of, int pid, int options) { return world.call(of, kWait4, pid, kScratch, options, 0); }
    int status(Process& of) { return World::get<int32_t>(of, kScratch); }
    void exit(Process& process, int code) { world.call(World::first(process), kExitGroup, code); }
    void ignore_children(uint64_t handler, uint64_t flags) {
        SignalAction action;
        action.handler = handler;
        action.flags = flags;
        set_action(parent, kSIGCHLD, action);
    }
};

TEST_F(Relations, WaitingForAnEnd) {
    int const pid = child.pid;
    EXPECT_EQ(wait4(thread, -1, 1), 0);
    EXPECT_EQ(wait4(thread, pid, 0), kAsleep);
    World::machine(World::first(child)).used = 1'500'000'000;
    exit(child, 3);
    EXPECT_EQ(World::result(thread), pid);
    EXPECT_EQ(status(parent), 3 << 8);
    EXPECT_EQ(wait4(thread, -1, 0), error(Errno::kECHILD));
    EXPECT_EQ(world.system.find_process(pid), nullptr);
    EXPECT_EQ(world.call(thread, kGetrusage, -1, kScratch), 0);
    EXPECT_EQ(World::get<int64_t>(parent, kScratch), 1);
    EXPECT_EQ(World::get<int64_t>(parent, kScratch + 8), 500'000);
}

TEST_F(Relations, WhichChildIsMeant) {
    Process& second = world.make_process(&parent);
    second.group = second.pid;
    exit(second, 1);
    EXPECT_EQ(wait4(thread, child.pid, 1), 0);
    EXPECT_EQ(wait4(thread, 0, 1), 0);
    EXPECT_EQ(wait4(thread, 4711, 1), error(Errno::kECHILD));
    EXPECT_EQ(wait4(thread, -second.pid, 0x10), error(Errno::kEINVAL));
    EXPECT_EQ(wait4(thread, INT32_MIN, 0), error(Errno::kESRCH));
    int const pid = second.pid;
    EXPECT_EQ(wait4(thread, -pid, 1), pid);
    // Clone children are seen with __WCLONE or __WALL only.
    Process& clone = world.make_process(&parent);
    clone.exit_signal = 0;
    int const clone_pid = clone.pid;
    exit(clone, 0);
    EXPECT_EQ(wait4(thread, clone_pid, 1), error(Errno::kECHILD));
    EXPECT_EQ(wait4(thread, clone_pid, static_cast<int>(0x8000'0000)), clone_pid);
}

TEST_F(Relations, WaitidTellsAllAndCanLeaveItThere) {
    int const pid = child.pid;
    world.call(World::first(child), 129, pid, kSIGTERM);
    constexpr int kExited = 4, kNowait = 0x0100'0000, kNohang = 1;
    for (int options : {kExited | kNowait, kExited}) {
        EXPECT_EQ(world.call(thread, kWaitid, 1, pid, kScratch, options, 0), 0);
        EXPECT_EQ(World::get<int32_t>(parent, kScratch), kSIGCHLD);
        EXPECT_EQ(World::get<int32_t>(parent, kScratch + 8), kCLD_KILLED);
        EXPECT_EQ(World::get<int32_t>(parent, kScratch + 16), pid);
        EXPECT_EQ(World::get<int32_t>(parent, kScratch + 24), kSIGTERM);
    }
    EXPECT_EQ(world.call(thread, kWaitid, 0, 0, kScratch, kExited, 0), error(Errno::kECHILD));
    world.make_process(&parent);
    EXPECT_EQ(world.call(thread, kWaitid, 0, 0, kScratch, kExited | kNohang, 0), 0);
    EXPECT_EQ(World::get<int32_t>(parent, kScratch), 0);
    EXPECT_EQ(world.call(thread, kWaitid, 0, 0, kScratch, 0, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kWaitid, 9, 0, kScratch, kExited, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kWaitid, 1, 0, kScratch, kExited, 0), error(Errno::kEINVAL));
}

TEST_F(Relations, AParentThatIgnoresSigchldHasNoZombies) {
    int const pid = child.pid;
    ignore_children(kSIG_IGN, 0);
    EXPECT_EQ(wait4(thread, -1, 0), kAsleep);
    exit(child, 0);
    EXPECT_EQ(World::result(thread), error(Errno::kECHILD));
    EXPECT_EQ(world.system.find_process(pid), nullptr);
    EXPECT_EQ(parent.signals.pending.set, 0u);
    // SA_NOCLDWAIT: no zombie, but the signal.
    ignore_children(0x1234000, kSA_NOCLDWAIT);
    parent.signals.pending = {};
    thread.signals.blocked = signal_bit(kSIGCHLD);
    Process& second = world.make_process(&parent);
    exit(second, 0);
    EXPECT_TRUE(parent.children.empty());
    EXPECT_EQ(parent.signals.pending.set, signal_bit(kSIGCHLD));
    EXPECT_EQ(parent.signals.pending.queue.front().code, kCLD_EXITED);
}

TEST_F(Relations, NoSigchldForStopsWithNocldstop) {
    ignore_children(0x1234000, kSA_NOCLDSTOP);
    thread.signals.blocked = signal_bit(kSIGCHLD);
    send_signal(child, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    EXPECT_TRUE(child.signals.is_stopped);
    EXPECT_EQ(parent.signals.pending.set, 0u);
}

TEST_F(Relations, OrphansGoToTheSubreaperOrTheFirst) {
    Process& grandchild = world.make_process(&child);
    Ref<Process> const held(&child);
    exit(child, 0);
    EXPECT_EQ(grandchild.parent, &init);
    EXPECT_EQ(world.call(World::first(grandchild), kGetppid), init.pid);

    Process& middle = world.make_process(&parent);
    Process& leaf = world.make_process(&middle);
    Process& dead_leaf = world.make_process(&middle);
    int const dead_pid = dead_leaf.pid;
    exit(dead_leaf, 9);
    EXPECT_EQ(world.call(thread, kPrctl, 36, 1, 0, 0, 0), 0);
    exit(middle, 0);
    EXPECT_EQ(leaf.parent, &parent);
    EXPECT_EQ(wait4(thread, dead_pid, 0), dead_pid);
    EXPECT_EQ(status(parent), 9 << 8);
}

TEST_F(Relations, WhatTheFirstProcessAdoptsLeavesNoZombies) {
    Process& grandchild = world.make_process(&child);
    Process& dead = world.make_process(&child);
    int const pid = grandchild.pid, dead_pid = dead.pid, child_pid = child.pid;
    exit(dead, 0);
    exit(child, 0);
    EXPECT_EQ(world.system.find_process(dead_pid), nullptr);
    exit(grandchild, 0);
    EXPECT_EQ(world.system.find_process(pid), nullptr);
    EXPECT_EQ(wait4(thread, child_pid, 0), child_pid);
    // Its own children wait for it, and all do if it asks for them.
    int const parent_pid = parent.pid;
    init.is_subreaper = true;
    Process& orphan = world.make_process(&parent);
    int const orphan_pid = orphan.pid;
    exit(parent, 1);
    exit(orphan, 2);
    EXPECT_EQ(wait4(first, orphan_pid, 0), orphan_pid);
    EXPECT_EQ(wait4(first, parent_pid, 0), parent_pid);
}

TEST_F(Relations, TheParentsDeathIsASignal) {
    EXPECT_EQ(world.call(World::first(child), kPrctl, 1, kSIGKILL), 0);
    Ref<Process> const held(&child);
    exit(parent, 0);
    world.system.run_ready();
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_EQ(held->wait_status, kSIGKILL);
}

TEST_F(Relations, TheLastThreadsEndIsTheProcesss) {
    Ref<Process> const held(&child);
    Thread& second = world.make_thread(child);
    world.call(World::first(child), kExit, 1);
    EXPECT_EQ(held->state, ProcessState::kAlive);
    world.call(second, kExit, 2);
    EXPECT_EQ(held->state, ProcessState::kZombie);
    EXPECT_EQ(held->wait_status, 2 << 8);
}

TEST_F(Relations, GroupsAndSessions) {
    Thread& of_child = World::first(child);
    EXPECT_EQ(world.call(thread, kSetpgid, child.pid, 0), 0);
    EXPECT_EQ(world.call(thread, kGetpgid, child.pid), child.pid);
    EXPECT_EQ(world.call(of_child, kSetpgid, 0, parent.group), 0);
    EXPECT_EQ(world.call(of_child, kSetpgid, 0, 4711), error(Errno::kEPERM));
    EXPECT_EQ(world.call(of_child, kSetpgid, parent.pid, 0), error(Errno::kESRCH));
    EXPECT_EQ(world.call(of_child, kSetpgid, 0, -1), error(Errno::kEINVAL));
    child.has_executed = true;
    EXPECT_EQ(world.call(thread, kSetpgid, child.pid, 0), error(Errno::kEACCES));
    EXPECT_EQ(world.call(of_child, kSetsid), child.pid);
    EXPECT_EQ(world.call(of_child, kSetsid), error(Errno::kEPERM));
    EXPECT_EQ(world.call(of_child, kGetsid, 0), child.pid);
    EXPECT_EQ(world.call(of_child, kSetpgid, 0, 0), error(Errno::kEPERM));
    EXPECT_EQ(world.call(thread, kGetsid, 4711), error(Errno::kESRCH));
}

TEST_F(Relations, AnOrphanedGroupWithStoppedMembersIsHungUp) {
    world.call(World::first(child), kSetpgid, 0, 0);
    Process& member = world.make_process(&child);
    Ref<Process> const held(&member);
    send_signal(member, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    ASSERT_TRUE(member.signals.is_stopped);
    // The child's end leaves the group to init, which is outside but in the session: not orphaned.
    exit(child, 0);
    EXPECT_TRUE(held->signals.is_stopped);
    init.session = make_ref<Session>(init.pid);
    Process& again = world.make_process(&parent);
    again.group = again.pid;
    Process& stopped = world.make_process(&again);
    Ref<Process> const held_too(&stopped);
    send_signal(stopped, user_signal(kSIGSTOP, init));
    world.system.run_ready();
    exit(again, 0);
    world.system.run_ready();
    EXPECT_EQ(held_too->wait_status, kSIGHUP);
}

TEST_F(Relations, ProcessDescriptors) {
    int64_t const fd = world.call(thread, kPidfdOpen, child.pid, 0);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(world.call(thread, kPidfdOpen, 4711, 0), error(Errno::kESRCH));
    EXPECT_EQ(world.call(thread, kPidfdOpen, 0, 0), error(Errno::kEINVAL));
    Ref<File> const file = *parent.files->get(static_cast<int>(fd));
    EXPECT_EQ(file->poll(), 0u);
    EXPECT_TRUE(parent.files->close_on_exec(static_cast<int>(fd)));
    EXPECT_EQ(world.call(thread, kPidfdSend, fd, 0, 0, 0), 0);
    EXPECT_EQ(world.call(thread, kPidfdGetfd, fd, 0, 0), error(Errno::kEBADF));
    EXPECT_EQ(world.call(thread, kWaitid, 3, fd, kScratch, 4, 0), kAsleep);
    int const pid = child.pid;
    exit(child, 0);
    EXPECT_EQ(World::result(thread), 0);
    EXPECT_EQ(World::get<int32_t>(parent, kScratch + 16), pid);
    EXPECT_EQ(file->poll(), kPOLLIN | kPOLLRDNORM);
    EXPECT_EQ(world.call(thread, kPidfdSend, fd, kSIGTERM, 0, 0), error(Errno::kESRCH));
}

TEST_F(Relations, ChangingTheUserGivesUpCapabilities) {
    EXPECT_EQ(world.call(thread, kSetresuid, 1000, 1000, 1000), 0);
    EXPECT_EQ(parent.credentials.capabilities, 0u);
    EXPECT_EQ(world.call(thread, kSetuid, 0), error(Errno::kEPERM));
    EXPECT_EQ(world.call(thread, kSetgroups, 0, 0), error(Errno::kEPERM));
    EXPECT_EQ(world.call(thread, kSetresuid, -1, 1000, -1), 0);
    // Only the effective one changes: it can come back.
    Thread& other = World::first(child);
    EXPECT_EQ(world.call(other, kSetresuid, -1, 1000, -1), 0);
    EXPECT_EQ(child.credentials.capabilities, 0u);
    EXPECT_EQ(world.call(other, kSetresuid, -1, 0, -1), 0);
    EXPECT_EQ(child.credentials.capabilities, Credentials::kAllCapabilities);
}

TEST_F(Relations, CapabilitiesByNumber) {
    World::put(parent, kScratch, uint64_t{0x2008'0522});
    EXPECT_EQ(world.call(thread, kCapget, kScratch, kScratch + 64), 0);
    EXPECT_EQ(World::get<uint32_t>(parent, kScratch + 64), 0xffff'ffffu);
    EXPECT_EQ(World::get<uint32_t>(parent, kScratch + 64 + 12), 0x1ffu);
    World::put(parent, kScratch + 64 + 4, uint32_t{0});  // permitted, less than effective
    EXPECT_EQ(world.call(thread, kCapset, kScratch, kScratch + 64), error(Errno::kEPERM));
    World::put(parent, kScratch + 64, uint32_t{0});
    EXPECT_EQ(world.call(thread, kCapset, kScratch, kScratch + 64), 0);
    EXPECT_FALSE(parent.credentials.has_capability(kCAP_KILL));
    World::put(parent, kScratch, uint64_t{1});
    EXPECT_EQ(world.call(thread, kCapget, kScratch, kScratch + 64), error(Errno::kEINVAL));
    EXPECT_EQ(World::get<uint32_t>(parent, kScratch), 0x2008'0522u);
}

TEST_F(Relations, Limits) {
    EXPECT_EQ(world.call(thread, kPrlimit, 0, 7, 0, kScratch), 0);
    EXPECT_EQ(World::get<uint64_t>(parent, kScratch + 8), 4096u);
    World::put(parent, kScratch, ResourceLimit{100, 50});
    EXPECT_EQ(world.call(thread, kPrlimit, 0, 7, kScratch, 0), error(Errno::kEINVAL));
    World::put(parent, kScratch, ResourceLimit{100, 1 << 30});
    EXPECT_EQ(world.call(thread, kPrlimit, 0, 7, kScratch, 0), error(Errno::kEPERM));
    World::put(parent, kScratch, ResourceLimit{100, 200});
    EXPECT_EQ(world.call(thread, kPrlimit, child.pid, 7, kScratch, 0), 0);
    EXPECT_EQ(child.files->limit, 100);
    EXPECT_EQ(world.call(thread, kPrlimit, 0, 16, 0, kScratch), error(Errno::kEINVAL));
    parent.credentials.capabilities = 0;
    World::put(parent, kScratch, ResourceLimit{100, 5000});
    EXPECT_EQ(world.call(thread, kPrlimit, 0, 7, kScratch, 0), error(Errno::kEPERM));
}

TEST_F(Relations, Scheduling) {
    EXPECT_EQ(world.call(thread, kGetaffinity, 0, 128, kScratch), 8);
    EXPECT_EQ(World::get<uint64_t>(parent, kScratch), 15u);
    EXPECT_EQ(world.call(thread, kGetaffinity, 0, 7, kScratch), error(Errno::kEINVAL));
    World::put(parent, kScratch, uint64_t{0x102});
    EXPECT_EQ(world.call(thread, kSetaffinity, 0, 8, kScratch), 0);
    EXPECT_EQ(World::machine(thread).affinity, 2u);
    World::put(parent, kScratch, uint64_t{0x100});
    EXPECT_EQ(world.call(thread, kSetaffinity, 0, 8, kScratch), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSetpriority, 0, 0, 5), 0);
    EXPECT_EQ(world.call(thread, kGetpriority, 0, 0), 15);
    World::put(parent, kScratch, int32_t{1});
    EXPECT_EQ(world.call(thread, kSetscheduler, 0, 0, kScratch), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSetscheduler, 0, 1, kScratch), 0);
    EXPECT_EQ(world.call(thread, kGetscheduler, 0), 1);
    EXPECT_EQ(world.call(thread, kGetscheduler, 4711), error(Errno::kESRCH));
}

TEST_F(Relations, Control) {
    World::put(parent, kScratch, "a name that is too long");
    EXPECT_EQ(world.call(thread, kPrctl, 15, kScratch), 0);
    EXPECT_STREQ(thread.name, "a name that is ");
    EXPECT_EQ(world.call(thread, kPrctl, 16, kScratch + 64), 0);
    EXPECT_EQ(World::get<char>(parent, kScratch + 64 + 14), ' ');
    EXPECT_EQ(world.call(thread, kPrctl, 38, 1, 0, 0, 0), 0);
    EXPECT_EQ(world.call(thread, kPrctl, 39, 0, 0, 0, 0), 1);
    EXPECT_EQ(world.call(thread, kPrctl, 38, 0, 0, 0, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPrctl, 23, 5), 1);
    EXPECT_EQ(world.call(thread, kPrctl, 23, 64), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPrctl, 1, 65), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPrctl, 12345), error(Errno::kEINVAL));
}

TEST_F(Relations, OtherProcesssMemory) {
    World::put(child, kArea + 0x5000, uint64_t{0x1122334455667788});
    struct Piece {
        uint64_t address, bytes;
    };
    World::put(parent, kScratch, Piece{kArea + 0x6000, 8});
    World::put(parent, kScratch + 16, Piece{kArea + 0x5000, 4});
    World::put(parent, kScratch + 32, Piece{kArea + 0x5004, 100});
    EXPECT_EQ(world.call(thread, kReadv, child.pid, kScratch, 1, kScratch + 16, 2, 0), 8);
    EXPECT_EQ(World::get<uint64_t>(parent, kArea + 0x6000), 0x1122334455667788u);
    World::put(parent, kArea + 0x6000, uint64_t{42});
    EXPECT_EQ(world.call(thread, kWritev, child.pid, kScratch, 1, kScratch + 16, 2, 0), 8);
    EXPECT_EQ(World::get<uint64_t>(child, kArea + 0x5000), 42u);
    World::put(parent, kScratch + 16, Piece{0x20000, 4});
    EXPECT_EQ(world.call(thread, kReadv, child.pid, kScratch, 1, kScratch + 16, 1, 0), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kReadv, 4711, kScratch, 1, kScratch + 16, 1, 0), error(Errno::kESRCH));
    EXPECT_EQ(world.call(thread, kReadv, child.pid, kScratch, 1, kScratch + 16, 1025, 0), error(Errno::kEINVAL));
}

}  // namespace
