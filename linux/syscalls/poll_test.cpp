// epoll, ppoll and pselect6 with eventfd, timerfd and pipes, by their calls.
#include "testing/polling.h"
#include "vfs/timerfd.h"

#include <random>

using namespace kos::lx;
using namespace kos::lx::testing;

namespace {

TEST_F(Polling, EventfdCounts) {
    EXPECT_EQ(world.call(thread, kEventfd, 0, 2), error(Errno::kEINVAL));
    int const fd = event(5);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(value(), 5u);
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));
    EXPECT_EQ(world.call(thread, kRead, fd, kBuffer, 7), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kWrite, fd, kBuffer, 7), error(Errno::kEINVAL));
    EXPECT_EQ(write(fd, ~uint64_t{0}), error(Errno::kEINVAL));
    EXPECT_EQ(write(fd, ~uint64_t{0} - 1), 8);
    EXPECT_EQ(write(fd, 1), error(Errno::kEAGAIN));
    EXPECT_EQ((*process.files->get(fd))->poll(), kPOLLIN);
    EXPECT_EQ(world.call(thread, kRead, fd, 0x10, 8), error(Errno::kEFAULT));
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(value(), ~uint64_t{0} - 1);
    int const semaphore = event(2, kO_NONBLOCK | 1);
    EXPECT_EQ(read(semaphore), 8);
    EXPECT_EQ(value(), 1u);
    EXPECT_EQ(read(semaphore), 8);
    EXPECT_EQ(read(semaphore), error(Errno::kEAGAIN));
    int const blocking = event(0, 0);
    EXPECT_EQ(world.call(other, kRead, blocking, kBuffer + 64, 8), kAsleep);
    EXPECT_EQ(write(blocking, 3), 8);
    EXPECT_EQ(World::result(other), 8);
}

TEST_F(Polling, EpollErrors) {
    int const set = epoll(), fd = event();
    EXPECT_EQ(world.call(thread, kEpollCreate, 1), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, kAdd, 99), error(Errno::kEBADF));
    EXPECT_EQ(control(99, kAdd, fd), error(Errno::kEBADF));
    EXPECT_EQ(control(fd, kAdd, set), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, kAdd, set), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, 7, fd), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, kModify, fd), error(Errno::kENOENT));
    EXPECT_EQ(control(set, kDelete, fd), error(Errno::kENOENT));
    EXPECT_EQ(world.call(thread, kEpollCtl, set, kAdd, fd, 0x10), error(Errno::kEFAULT));
    EXPECT_EQ(world.call(thread, kEpollCtl, set, kDelete, fd, 0x10), error(Errno::kENOENT));
    EXPECT_EQ(control(set, kAdd, fd), 0);
    EXPECT_EQ(control(set, kAdd, fd), error(Errno::kEEXIST));
    int const memory = static_cast<int>(world.call(thread, kMemfd, kPlace + 0x800, 0));
    ASSERT_GE(memory, 0);
    EXPECT_EQ(control(set, kAdd, memory), error(Errno::kEPERM));
    EXPECT_EQ(wait(set, 0, nullptr, 0), error(Errno::kEINVAL));
    EXPECT_EQ(wait(fd), error(Errno::kEINVAL));
    write(fd);
    EXPECT_EQ(world.call(thread, kEpollWait, set, 0x10, 8, 0, 0, 8), error(Errno::kEFAULT));
    EXPECT_EQ(wait(set), 1);
}

TEST_F(Polling, LevelIsToldAgainEdgeIsNot) {
    int const set = epoll(), level = event(), edge = event();
    EXPECT_EQ(control(set, kAdd, level, kPOLLIN, 1), 0);
    EXPECT_EQ(control(set, kAdd, edge, kPOLLIN | kEPOLLET, 2), 0);
    EXPECT_EQ(wait(set), 0);
    write(level);
    write(edge);
    EXPECT_EQ(wait(set), 2);
    EXPECT_EQ(wait(set), 1);
    EXPECT_EQ(got().data, 1u);
    EXPECT_EQ(got().events, kPOLLIN);
    write(edge);
    EXPECT_EQ(wait(set), 2);
    EXPECT_EQ(read(level), 8);
    EXPECT_EQ(wait(set), 0);
    // Changing arms an edge anew.
    EXPECT_EQ(control(set, kModify, edge, kPOLLIN | kEPOLLET, 3), 0);
    EXPECT_EQ(wait(set), 1);
    EXPECT_EQ(got().data, 3u);
}

TEST_F(Polling, OneShotIsToldOnce) {
    int const set = epoll(), fd = event();
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN | kEPOLLONESHOT), 0);
    write(fd);
    EXPECT_EQ(wait(set), 1);
    write(fd);
    EXPECT_EQ(wait(set), 0);
    EXPECT_EQ(control(set, kModify, fd, kPOLLIN | kEPOLLONESHOT, 4), 0);
    EXPECT_EQ(wait(set), 1);
    EXPECT_EQ(control(set, kModify, fd, kEPOLLONESHOT), 0);
    EXPECT_EQ(wait(set), 0);
    // It still leaves with its file.
    EXPECT_EQ(control(set, kModify, fd, kPOLLIN | kEPOLLONESHOT), 0);
    EXPECT_EQ(wait(set), 1);
    EXPECT_EQ(world.call(thread, kClose, fd), 0);
    EXPECT_EQ(event(1), fd);
    EXPECT_EQ(control(set, kModify, fd), error(Errno::kENOENT));
}

TEST_F(Polling, WaitersWakeAndTimesEnd) {
    int const set = epoll(), fd = event();
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN, 7), 0);
    EXPECT_EQ(wait(set, -1, &other), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(got().data, 7u);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(wait(set, 20, &other), kAsleep);
    world.pass(19'000'000);
    EXPECT_EQ(World::result(other), kAsleep);
    world.pass(1'000'000);
    EXPECT_EQ(World::result(other), 0);
    put_time(kSecond);
    EXPECT_EQ(world.call(other, kEpollWait2, set, kEvents, 8, kTime, 0, 8), kAsleep);
    world.pass(kSecond);
    EXPECT_EQ(World::result(other), 0);
    World::put(process, kTime, Timespec{0, kSecond});
    EXPECT_EQ(world.call(other, kEpollWait2, set, kEvents, 8, kTime, 0, 8), error(Errno::kEINVAL));
}

TEST_F(Polling, MembersGoWithTheirFileNotWithTheirDescriptor) {
    int const set = epoll(), fd = event();
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN, 1), 0);
    int const copy = static_cast<int>(world.call(thread, kDup, fd));
    EXPECT_EQ(world.call(thread, kClose, fd), 0);
    write(copy);
    EXPECT_EQ(wait(set), 1);
    EXPECT_EQ(world.call(thread, kClose, copy), 0);
    EXPECT_EQ(wait(set), 0);
    // The set first.
    int const second = event();
    EXPECT_EQ(control(set, kAdd, second), 0);
    EXPECT_EQ(world.call(thread, kClose, set), 0);
    EXPECT_EQ(write(second), 8);
}

TEST_F(Polling, SetsInSets) {
    int const inner = epoll(), outer = epoll(), fd = event();
    EXPECT_EQ(control(outer, kAdd, inner, kPOLLIN, 9), 0);
    EXPECT_EQ(control(inner, kAdd, fd, kPOLLIN, 1), 0);
    EXPECT_EQ(wait(outer, -1, &other), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(got().data, 9u);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(wait(outer), 0);
    EXPECT_EQ(control(inner, kAdd, outer), error(Errno::kELOOP));
    int last = outer;
    for (int i = 0; i < 3; ++i) {
        int const next = epoll();
        EXPECT_EQ(control(next, kAdd, last), 0);
        last = next;
    }
    EXPECT_EQ(control(epoll(), kAdd, last), error(Errno::kELOOP));
    EXPECT_EQ(world.call(thread, kClose, inner), 0);
    write(fd);
    EXPECT_EQ(wait(outer), 0);
}

TEST_F(Polling, Exclusive) {
    int const set = epoll(), fd = event(), inner = epoll();
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN | kEPOLLEXCLUSIVE | kEPOLLONESHOT), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, kAdd, inner, kPOLLIN | kEPOLLEXCLUSIVE), error(Errno::kEINVAL));
    EXPECT_EQ(control(set, kAdd, fd, kPOLLIN | kEPOLLEXCLUSIVE), 0);
    EXPECT_EQ(control(set, kModify, fd, kPOLLIN), error(Errno::kEINVAL));
    write(fd);
    EXPECT_EQ(wait(set), 1);
}

TEST_F(Polling, EveryMemberGetsItsTurn) {
    int const set = epoll();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(control(set, kAdd, event(1), kPOLLIN, i), 0);
    uint64_t seen = 0;
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(wait(set, 0, nullptr, 1), 1);
        seen |= 1u << got().data;
    }
    EXPECT_EQ(seen, 15u);
}

// Random operations on a set against what each member's state says.
TEST_F(Polling, EpollAgreesWithAModel) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    constexpr int kFiles = 6;
    struct Model {
        int fd;
        bool is_member = false, is_edge = false, is_once = false, is_armed = false, has_edge = false;
        uint64_t count = 0;
    } models[kFiles];
    int const set = epoll();
    for (Model& model : models) model.fd = event();
    for (int step = 0; step < 5000; ++step) {
        size_t const index = random() % kFiles;
        Model& model = models[index];
        switch (random() % 6) {
            case 0:
            case 1: {
                uint32_t const mode = random() % 4;
                uint32_t const events = kPOLLIN | (mode & 1 ? kEPOLLET : 0) | (mode & 2 ? kEPOLLONESHOT : 0);
                int const operation = model.is_member ? kModify : kAdd;
                ASSERT_EQ(control(set, operation, model.fd, events, index), 0);
                model.is_member = model.is_armed = true;
                model.is_edge = mode & 1;
                model.is_once = mode & 2;
                model.has_edge = model.count > 0;
                break;
            }
            case 2:
                ASSERT_EQ(control(set, kDelete, model.fd), model.is_member ? 0 : error(Errno::kENOENT));
                model.is_member = model.is_armed = false;
                break;
            case 3:
                ASSERT_EQ(write(model.fd), 8);
                ++model.count;
                model.has_edge = true;
                break;
            case 4:
                ASSERT_EQ(read(model.fd), model.count ? 8 : error(Errno::kEAGAIN));
                model.count = 0;
                break;
            default: {
                uint64_t expected = 0;
                for (size_t i = 0; i < kFiles; ++i) {
                    Model& one = models[i];
                    bool const is_told = one.is_member && one.is_armed && one.count && (!one.is_edge || one.has_edge);
                    if (is_told && one.is_once) one.is_armed = false;
                    if (is_told) expected |= 1u << i;
                    if (one.is_member && one.is_armed) one.has_edge = false;
                }
                int64_t const count = wait(set);
                uint64_t found = 0;
                for (int64_t i = 0; i < count; ++i) found |= 1u << got(static_cast<size_t>(i)).data;
                ASSERT_EQ(found, expected) << "step " << step;
            }
        }
    }
}

// Sets in sets whose members and themselves come and go.
TEST_F(Polling, RandomLivesOfSets) {
    const char* const given = getenv("KOS_TEST_SEED");
    unsigned const seed = given ? static_cast<unsigned>(strtoul(given, nullptr, 0)) : std::random_device{}();
    printf("KOS_TEST_SEED=%u\n", seed);
    std::mt19937 random(seed);
    int fds[12];
    for (size_t i = 0; i < 12; ++i) fds[i] = i < 6 ? epoll() : event();
    for (int step = 0; step < 20000; ++step) {
        size_t const index = random() % 12;
        int const member = fds[index], set = fds[random() % 6];
        uint32_t const events = (random() & 5) | (random() % 2 ? kEPOLLET : 0) | (random() % 3 ? 0 : kEPOLLONESHOT);
        switch (random() % 6) {
            case 0:
            case 1: control(set, 1 + static_cast<int>(random() % 3), member, events, member); break;
            case 2: wait(set); break;
            case 3: write(fds[6 + random() % 6]); break;
            case 4: read(fds[6 + random() % 6]); break;
            default:
                if (random() % 4) break;
                world.call(thread, kClose, member);
                fds[index] = index < 6 ? epoll() : event();
        }
    }
}

TEST_F(Polling, Ppoll) {
    int const fd = event();
    put_time(0);
    EXPECT_EQ(ppoll(fd, kPOLLIN), 0);
    EXPECT_EQ(result(), 0);
    EXPECT_EQ(ppoll(fd, kPOLLIN | kPOLLOUT), 1);
    EXPECT_EQ(result(), kPOLLOUT);
    EXPECT_EQ(ppoll(77, kPOLLIN), 1);
    EXPECT_EQ(result(), kPOLLNVAL);
    EXPECT_EQ(ppoll(-1, kPOLLIN), 0);
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other, false), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(result(), kPOLLIN);
    EXPECT_EQ(read(fd), 8);
    put_time(3 * kSecond);
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other), kAsleep);
    world.pass(kSecond);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(World::get<Timespec>(process, kTime).seconds, 2);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other), kAsleep);
    world.pass(2 * kSecond);
    EXPECT_EQ(World::result(other), 0);
    EXPECT_EQ(World::get<Timespec>(process, kTime).seconds, 0);
    World::put(process, kTime, Timespec{-1, 0});
    EXPECT_EQ(ppoll(fd, kPOLLIN), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPpoll, kPlace, 100000, 0, 0, 8), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kPpoll, 0x10, 1, 0, 0, 8), error(Errno::kEFAULT));
}

TEST_F(Polling, TemporaryMasks) {
    int const fd = event();
    World::put(process, kMask, SignalSet{signal_bit(kSIGUSR1)});
    EXPECT_EQ(world.call(thread, kPpoll, kPlace, 0, 0, kMask, 4), error(Errno::kEINVAL));
    EXPECT_EQ(thread.signals.blocked, 0u);
    EXPECT_EQ(ppoll(fd, kPOLLIN, &other, false, kMask), kAsleep);
    EXPECT_EQ(other.signals.blocked, signal_bit(kSIGUSR1));
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(other.signals.blocked, 0u);
    EXPECT_FALSE(other.signals.has_saved_mask);
}

TEST_F(Polling, Pselect) {
    int const fd = event();
    auto select = [&](Thread& by, uint64_t bits, uint64_t read_set, uint64_t write_set, uint64_t time) {
        World::put(process, kPlace, bits);
        World::put(process, kPlace + 8, bits);
        return world.call(by, kPselect, 64, read_set, write_set, 0, time, 0);
    };
    put_time(0);
    uint64_t const bit = uint64_t{1} << fd;
    EXPECT_EQ(select(thread, bit, kPlace, 0, kTime), 0);
    EXPECT_EQ(World::get<uint64_t>(process, kPlace), 0u);
    EXPECT_EQ(select(thread, bit, kPlace, kPlace + 8, kTime), 1);
    EXPECT_EQ(World::get<uint64_t>(process, kPlace), 0u);
    EXPECT_EQ(World::get<uint64_t>(process, kPlace + 8), bit);
    EXPECT_EQ(select(thread, uint64_t{1} << 60, kPlace, 0, kTime), error(Errno::kEBADF));
    EXPECT_EQ(world.call(thread, kPselect, -1, 0, 0, 0, 0, 0), error(Errno::kEINVAL));
    EXPECT_EQ(select(other, bit, kPlace, 0, 0), kAsleep);
    write(fd);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(World::get<uint64_t>(process, kPlace), bit);
    EXPECT_EQ(world.call(other, kPselect, 0, 0, 0, 0, 0, 0), kAsleep);
}

// --- timerfd

struct UserTimer {
    Timespec interval, value;
};

TEST_F(Polling, Timerfd) {
    EXPECT_EQ(world.call(thread, kTimerfdCreate, 55, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kTimerfdCreate, 1, 1), error(Errno::kEINVAL));
    int const fd = static_cast<int>(world.call(thread, kTimerfdCreate, kCLOCK_MONOTONIC, kO_NONBLOCK));
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));
    World::put(process, kTime, UserTimer{timespec_of(0), timespec_of(kSecond)});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, 0, kTime, 0), 0);
    EXPECT_EQ(world.call(thread, kTimerfdGettime, fd, kTime + 64), 0);
    EXPECT_EQ(World::get<UserTimer>(process, kTime + 64).value.seconds, 1);
    int const set = epoll();
    EXPECT_EQ(control(set, kAdd, fd), 0);
    EXPECT_EQ(wait(set, -1, &other), kAsleep);
    world.pass(kSecond);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(value(), 1u);
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));

    World::put(process, kTime, UserTimer{timespec_of(kSecond), timespec_of(kSecond)});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, 0, kTime, 0), 0);
    world.pass(kSecond * 7 / 2);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(value(), 3u);
    world.pass(kSecond / 2);
    EXPECT_EQ(read(fd), 8);
    EXPECT_EQ(value(), 1u);
    // Disarmed; the setting before is told.
    World::put(process, kTime, UserTimer{});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, 0, kTime, kTime + 64), 0);
    EXPECT_EQ(World::get<UserTimer>(process, kTime + 64).interval.seconds, 1);
    EXPECT_EQ(World::get<UserTimer>(process, kTime + 64).value.seconds, 1);
    world.pass(10 * kSecond);
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));
    // The past expires at once.
    World::put(process, kTime, UserTimer{timespec_of(0), timespec_of(1)});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, kTFD_TIMER_ABSTIME, kTime, 0), 0);
    world.pass(0);
    EXPECT_EQ(read(fd), 8);
    World::put(process, kTime, UserTimer{timespec_of(0), {0, -1}});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, 0, kTime, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kTimerfdSettime, set, 0, kTime + 64, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kRead, fd, kBuffer, 4), error(Errno::kEINVAL));
}

TEST_F(Polling, TimersFollowTheClock) {
    int const fd = static_cast<int>(world.call(thread, kTimerfdCreate, kCLOCK_REALTIME, kO_NONBLOCK));
    int const cancelled = static_cast<int>(world.call(thread, kTimerfdCreate, kCLOCK_REALTIME, kO_NONBLOCK));
    Nanoseconds const now = world.system.timers.realtime();
    World::put(process, kTime, UserTimer{timespec_of(0), timespec_of(now + 100 * kSecond)});
    EXPECT_EQ(world.call(thread, kTimerfdSettime, fd, kTFD_TIMER_ABSTIME, kTime, 0), 0);
    EXPECT_EQ(world.call(thread, kTimerfdSettime, cancelled, 3, kTime, 0), 0);
    world.pass(kSecond);
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));
    world.system.timers.set_realtime(now + 99 * kSecond);
    EXPECT_EQ(read(cancelled), error(Errno::kECANCELED));
    EXPECT_EQ(read(cancelled), error(Errno::kEAGAIN));
    EXPECT_EQ(read(fd), error(Errno::kEAGAIN));
    world.pass(kSecond);
    EXPECT_EQ(read(fd), 8);
}

// --- signalfd

TEST_F(Polling, Signalfd) {
    World::put(process, kMask, SignalSet{signal_bit(kSIGUSR1) | signal_bit(kSIGUSR2)});
    EXPECT_EQ(world.call(thread, kSignalfd, -1, kMask, 4, 0), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSignalfd, -1, kMask, 8, 1), error(Errno::kEINVAL));
    EXPECT_EQ(world.call(thread, kSigprocmask, 0, kMask, 0, 8), 0);
    EXPECT_EQ(world.call(other, kSigprocmask, 0, kMask, 0, 8), 0);
    int const fd = static_cast<int>(world.call(thread, kSignalfd, -1, kMask, 8, kO_NONBLOCK));
    EXPECT_EQ(world.call(thread, kSignalfd, fd, kMask, 8, 0), fd);
    EXPECT_EQ(world.call(thread, kRead, fd, kBuffer, 128), error(Errno::kEAGAIN));
    EXPECT_EQ(world.call(thread, kRead, fd, kBuffer, 127), error(Errno::kEINVAL));
    int const set = epoll();
    EXPECT_EQ(control(set, kAdd, fd), 0);
    EXPECT_EQ(wait(set, -1, &other), kAsleep);
    EXPECT_EQ(world.call(thread, kKill, process.pid, kSIGUSR1), 0);
    EXPECT_EQ(World::result(other), 1);
    EXPECT_EQ(world.call(thread, kKill, process.pid, kSIGUSR2), 0);
    EXPECT_EQ(world.call(thread, kRead, fd, kBuffer, 400), 256);
    EXPECT_EQ(World::get<uint32_t>(process, kBuffer), static_cast<uint32_t>(kSIGUSR1));
    EXPECT_EQ(World::get<uint32_t>(process, kBuffer + 12), static_cast<uint32_t>(process.pid));
    EXPECT_EQ(World::get<uint32_t>(process, kBuffer + 128), static_cast<uint32_t>(kSIGUSR2));
    EXPECT_EQ(wait(set), 0);
    EXPECT_EQ(world.call(thread, kSignalfd, set, kMask, 8, 0), error(Errno::kEINVAL));
}

// --- memfd

TEST_F(Polling, MemoryFiles) {
    constexpr unsigned kAddSeals = 1033, kGetSeals = 1034;
    process.limits[kRLIMIT_FSIZE] = {~uint64_t{0}, ~uint64_t{0}};
    World::put(process, kPlace, uint32_t{'x'});
    EXPECT_EQ(world.call(thread, kMemfd, kPlace, 0x100), error(Errno::kEINVAL));
    int const fd = static_cast<int>(world.call(thread, kMemfd, kPlace, 2));
    EXPECT_EQ(world.call(thread, kFtruncate, fd, 8192), 0);
    EXPECT_EQ(write(fd, 42), 8);
    EXPECT_EQ((*process.files->get(fd))->anonymous_name(), "/memfd:x (deleted)");
    EXPECT_EQ((*process.files->get(fd))->attributes()->size, 8192u);
    EXPECT_EQ(world.call(thread, kFcntl, fd, kGetSeals, 0), 0);
    EXPECT_EQ(world.call(thread, kFcntl, fd, kAddSeals, 4), 0);  // F_SEAL_GROW
    EXPECT_EQ(world.call(thread, kFtruncate, fd, 16384), error(Errno::kEPERM));
    int const plain = static_cast<int>(world.call(thread, kMemfd, kPlace, 0));
    EXPECT_EQ(world.call(thread, kFcntl, plain, kAddSeals, 4), error(Errno::kEPERM));
    for (uint64_t i = 0; i < 250; ++i) World::put(process, kPlace + i, uint8_t{'a'});
    World::put(process, kPlace + 250, uint8_t{0});
    EXPECT_EQ(world.call(thread, kMemfd, kPlace, 0), error(Errno::kEINVAL));
    World::put(process, kPlace + 249, uint8_t{0});
    EXPECT_GE(world.call(thread, kMemfd, kPlace, 0), 0);
}

}  // namespace
