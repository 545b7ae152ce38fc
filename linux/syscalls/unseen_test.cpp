// Results of epoll, ppoll and pselect6 whose thread has not run yet (vfs/unseen.h).
#include "testing/polling.h"

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

class Unseen : public Polling {
protected:
    int const set = epoll();
    Unseen() { World::machine(other).runs_at_once = false; }
    // `other` has an event of a new descriptor, and has not run since.
    int told(uint32_t events = kPOLLIN) {
        int const fd = event();
        EXPECT_EQ(control(set, kAdd, fd, events, static_cast<uint64_t>(fd)), 0);
        EXPECT_EQ(wait(set, 20, &other), kAsleep);
        write(fd);
        EXPECT_EQ(World::result(other), 1);
        return fd;
    }
    // It makes another call, so it has seen the result of the one before.
    void run_other() { EXPECT_EQ(world.call(other, kRead, 77, kBuffer, 8), error(Errno::kEBADF)); }
    int64_t close(int fd) { return world.call(thread, kClose, fd); }
};

TEST_F(Unseen, EpollKnowsNothingOfADescriptorThatWasClosed) {
    int const fd = told();
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), kAsleep);
    EXPECT_EQ(event(), fd);
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN, 42), 0);
    EXPECT_EQ(World::result(other), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(got().data, 42u);
    EXPECT_EQ(control(set, kModify, fd, 0, 42), 0);
    EXPECT_EQ(World::result(other), kAsleep);
    EXPECT_EQ(control(set, kModify, fd, kPOLLIN, 43), 0);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(got().data, 43u);
    EXPECT_EQ(control(set, kDelete, fd), 0);
    EXPECT_EQ(World::result(other), kAsleep);
    world.pass(20'000'000);  // the time it had from the beginning
    EXPECT_EQ(World::result(other), 0);
}

TEST_F(Unseen, WhatWasSeenStays) {
    int fd = told();
    run_other();
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), error(Errno::kEBADF));
    fd = told();
    World::machine(other).runs_at_once = true;
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), 1);
    // Other members, the set itself, and the descriptor of a file that goes on.
    World::machine(other).runs_at_once = false;
    fd = told();
    int const another = event(), copy = static_cast<int>(world.call(thread, kDup, fd));
    EXPECT_EQ(control(set, kAdd, another), 0);
    EXPECT_EQ(close(another), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(close(set), 0);
    EXPECT_EQ(close(copy), 0);
    EXPECT_EQ(World::result(other), 1);
}

TEST_F(Unseen, EdgesAndOneShotsAreGivenOnce) {
    for (uint32_t const mode : {kEPOLLET, kEPOLLONESHOT, kEPOLLET | kEPOLLONESHOT}) {
        int const fd = told(kPOLLIN | mode);
        EXPECT_EQ(wait(set), 0);  // they are the other's
        EXPECT_EQ(control(set, kModify, fd, kPOLLIN | mode, 9), 0);
        EXPECT_EQ(World::result(other), 1);
        EXPECT_EQ(got().data, 9u);
        EXPECT_EQ(wait(set), 0);
        run_other();
        EXPECT_EQ(wait(set), 0);
        EXPECT_EQ(close(fd), 0);
    }
}

// Two members are given together; when one goes, the other's edge and one-shot are given again, once.
TEST_F(Unseen, TheRestIsGivenAgain) {
    for (uint32_t const mode : {kEPOLLET, kEPOLLONESHOT, 0u}) {
        int const inner = epoll(), kept = event(), gone = event();
        EXPECT_EQ(control(inner, kAdd, kept, kPOLLIN | mode, 1), 0);
        EXPECT_EQ(control(inner, kAdd, gone, kPOLLIN | mode, 2), 0);
        World::put(process, kTime, timespec_of(Nanoseconds{1'000'000}));
        EXPECT_EQ(world.call(other, kEpollWait2, inner, kEvents, 8, kTime, 0, 8), kAsleep);
        // Both before it is executed again.
        for (int const fd : {kept, gone}) {
            World::put(process, kBuffer, uint64_t{1});
            thread.call_number = kWrite;
            uint64_t const list[] = {static_cast<uint64_t>(fd), kBuffer, 8};
            for (unsigned i = 0; i < 3; ++i) thread.call_arguments[i] = list[i];
            world.system.execute_call(thread);
        }
        world.system.run_ready();
        EXPECT_EQ(World::result(other), 2);
        EXPECT_EQ(close(gone), 0);
        EXPECT_EQ(World::result(other), 1);
        EXPECT_EQ(got().data, 1u);
        run_other();
        EXPECT_EQ(wait(inner), mode ? 0 : 1);
    }
}

TEST_F(Unseen, SignalsEndTheWaitThatGoesOn) {
    int const fd = told();
    World::put(process, kPlace, SignalAction{kArea, 0, 0});
    EXPECT_EQ(world.call(thread, kSigaction, kSIGUSR1, kPlace, 0, 8), 0);
    World::put(process, kMask, signal_bit(kSIGUSR1));
    EXPECT_EQ(world.call(thread, kSigprocmask, 0, kMask, 0, 8), 0);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), kAsleep);
    EXPECT_EQ(world.call(thread, kKill, process.pid, kSIGUSR1), 0);
    EXPECT_EQ(other.state, ThreadState::kRunning);
    EXPECT_EQ(other.registers.pc, kShim + 0x1000);  // the handler's entry
}

TEST_F(Unseen, PpollAndPselect) {
    int fd = event();
    put_time(kSecond);
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(result(), kPOLLNVAL);
    run_other();
    fd = event();
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other), kAsleep);
    write(fd);
    int const empty = event();
    EXPECT_EQ(world.call(thread, 24, empty, fd, 0), fd);  // dup3
    EXPECT_EQ(World::result(other), kAsleep);
    world.pass(kSecond);
    EXPECT_EQ(World::result(other), 0);

    uint64_t const bit = uint64_t{1} << fd;
    World::put(process, kPlace, bit);
    World::put(process, kPlace + 8, uint64_t{0});
    EXPECT_EQ(world.call(other, kPselect, 64, kPlace, kPlace + 8, 0, 0, 0), kAsleep);
    for (int round = 0; round < 2; ++round) {
        write(fd);
        EXPECT_EQ(World::result(other), 1);
        EXPECT_EQ(World::get<uint64_t>(process, kPlace), bit);
        World::put(process, kPlace, uint64_t{0});  // what was asked for is remembered
        EXPECT_EQ(world.call(thread, 24, event(), fd, 0), fd);
        EXPECT_EQ(World::result(other), kAsleep);
    }
}

}  // namespace
