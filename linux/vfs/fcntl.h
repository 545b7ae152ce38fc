// Numbers of fcntl(2), flock(2) and fallocate(2): asm-generic/fcntl.h, linux/{fcntl,falloc}.h of linux-libc-dev.
#pragma once

#include <stdint.h>

namespace kos::lx {

constexpr unsigned kF_DUPFD = 0, kF_GETFD = 1, kF_SETFD = 2, kF_GETFL = 3, kF_SETFL = 4, kF_GETLK = 5, kF_SETLK = 6,
                   kF_SETLKW = 7, kF_SETOWN = 8, kF_GETOWN = 9, kF_SETSIG = 10, kF_GETSIG = 11, kF_SETOWN_EX = 15,
                   kF_GETOWN_EX = 16, kF_GETOWNER_UIDS = 17, kF_OFD_GETLK = 36, kF_OFD_SETLK = 37, kF_OFD_SETLKW = 38,
                   kF_SETLEASE = 1024, kF_GETLEASE = 1025, kF_NOTIFY = 1026, kF_DUPFD_CLOEXEC = 1030,
                   kF_SETPIPE_SZ = 1031, kF_GETPIPE_SZ = 1032, kF_ADD_SEALS = 1033, kF_GET_SEALS = 1034;
constexpr int kF_RDLCK = 0, kF_WRLCK = 1, kF_UNLCK = 2;
constexpr int kLOCK_SH = 1, kLOCK_EX = 2, kLOCK_NB = 4, kLOCK_UN = 8;
constexpr uint32_t kF_SEAL_SEAL = 1, kF_SEAL_SHRINK = 2, kF_SEAL_GROW = 4, kF_SEAL_WRITE = 8, kF_SEAL_FUTURE_WRITE = 16;
constexpr uint32_t kFALLOC_FL_KEEP_SIZE = 1, kFALLOC_FL_PUNCH_HOLE = 2;
constexpr uint64_t kFileBytesMax = INT64_MAX;  // of file offsets

}  // namespace kos::lx
