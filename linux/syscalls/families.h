// The tables that find_system_call is made of; each is at the end of syscalls/FAMILY.cpp, in order of the numbers.
#pragma once

#include "syscalls/call.h"

#include <span>

namespace kos::lx {

extern const std::span<const SystemCall> kFileCalls;        // read, write, lseek, ioctl, sync, sendfile, splice, locks
extern const std::span<const SystemCall> kPathCalls;        // openat, stat, links, rename, mount, working directory
extern const std::span<const SystemCall> kDescriptorCalls;  // dup, fcntl, close
extern const std::span<const SystemCall> kPollCalls;        // epoll, ppoll, pselect6
extern const std::span<const SystemCall> kEventCalls;       // pipe2, eventfd, timerfd, signalfd, inotify, memfd
extern const std::span<const SystemCall> kSocketCalls;
extern const std::span<const SystemCall> kMemoryCalls;
extern const std::span<const SystemCall> kTaskCalls;      // clone, execve, exit
extern const std::span<const SystemCall> kRelationCalls;  // wait, groups and sessions, identity, limits, scheduling
extern const std::span<const SystemCall> kSignalCalls;
extern const std::span<const SystemCall> kTimeCalls;  // clocks, sleeping, interval and POSIX timers
extern const std::span<const SystemCall> kFutexCalls;
extern const std::span<const SystemCall> kSharedMemoryCalls;  // System V IPC
extern const std::span<const SystemCall> kSemaphoreCalls;
extern const std::span<const SystemCall> kMessageCalls;
extern const std::span<const SystemCall> kPosixQueueCalls;
extern const std::span<const SystemCall> kSystemCalls;  // uname, sysinfo, random, syslog, reboot

}  // namespace kos::lx
