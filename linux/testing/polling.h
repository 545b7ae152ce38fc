// For host tests of epoll, ppoll, pselect6: a process with two threads, and the calls.
#pragma once

#include "testing/process_test.h"
#include "vfs/epoll.h"

namespace kos::lx::testing {

constexpr unsigned kEventfd = 19, kEpollCreate = 20, kEpollCtl = 21, kEpollWait = 22, kDup = 23, kFcntl = 25,
                   kClose = 57, kPipe2 = 59, kRead = 63, kWrite = 64, kPselect = 72, kPpoll = 73, kSignalfd = 74,
                   kTimerfdCreate = 85, kTimerfdSettime = 86, kTimerfdGettime = 87, kKill = 129, kSigprocmask = 135,
                   kEpollWait2 = 441, kMemfd = 279, kFtruncate = 46, kSigaction = 134;
constexpr uint64_t kPlace = kArea, kEvents = kArea + 0x1000, kBuffer = kArea + 0x2000, kTime = kArea + 0x3000,
                   kMask = kArea + 0x3100;
constexpr int kAdd = 1, kDelete = 2, kModify = 3;
constexpr Nanoseconds kSecond = 1'000'000'000;

class Polling : public ProcessTest {
protected:
    Thread& other = world.make_thread(process);

    int event(uint32_t value = 0, uint32_t flags = kO_NONBLOCK) {
        return static_cast<int>(world.call(thread, kEventfd, value, flags));
    }
    int64_t write(int fd, uint64_t value = 1) {
        World::put(process, kBuffer, value);
        return world.call(thread, kWrite, fd, kBuffer, 8);
    }
    int64_t read(int fd) { return world.call(thread, kRead, fd, kBuffer, 8); }
    uint64_t value() { return World::get<uint64_t>(process, kBuffer); }
    int epoll() { return static_cast<int>(world.call(thread, kEpollCreate, 0)); }
    int64_t control(int set, int operation, int fd, uint32_t events = kPOLLIN, uint64_t data = 0) {
        World::put(process, kPlace, EpollEvent{events, 0, data});
        return world.call(thread, kEpollCtl, set, operation, fd, kPlace);
    }
    int64_t wait(int set, int timeout = 0, Thread* by = nullptr, int most = 8) {
        return world.call(by ? *by : thread, kEpollWait, set, kEvents, most, timeout, 0, 8);
    }
    EpollEvent got(size_t index = 0) { return World::get<EpollEvent>(process, kEvents + index * sizeof(EpollEvent)); }
    void put_time(Nanoseconds time) { World::put(process, kTime, timespec_of(time)); }
    int64_t ppoll(int fd, uint16_t events, Thread* by = nullptr, bool is_limited = true, uint64_t mask = 0) {
        struct {
            int32_t fd;
            uint16_t events, result;
        } const entry{fd, events, 0xffff};
        World::put(process, kPlace, entry);
        return world.call(by ? *by : thread, kPpoll, kPlace, 1, is_limited ? kTime : 0, mask, 8);
    }
    uint16_t result() { return World::get<uint16_t>(process, kPlace + 6); }
};

}  // namespace kos::lx::testing
