// Locks on files: fcntl(2)'s of a process (POSIX) and of an open file (OFD), and flock(2)'s.
//
// An owner is an address: the FdTable for POSIX locks (processes that share descriptors share locks), the File for the
// others. Nothing waits here: kEAGAIN, and `queue` is woken whenever a lock goes.
#pragma once

#include "base/result.h"
#include "base/wait_queue.h"

#include <stdint.h>

#include <vector>

namespace kos::lx {

enum class LockKind : uint8_t { kPosix, kOpenFile, kFlock };

struct FileLock {
    LockKind kind = LockKind::kPosix;
    bool is_exclusive = false;
    const void* owner = nullptr;
    int pid = 0;  // of POSIX locks, for F_GETLK; -1 else
    uint64_t start = 0, last = UINT64_MAX;

    bool overlaps(const FileLock& other) const { return start <= other.last && other.start <= last; }
    // fcntl's two kinds exclude each other, flock's only its own.
    bool conflicts(const FileLock& other) const {
        return (kind == LockKind::kFlock) == (other.kind == LockKind::kFlock) &&
               (owner != other.owner || kind != other.kind) && (is_exclusive || other.is_exclusive) && overlaps(other);
    }
};

class FileLocks {
public:
    static constexpr size_t kLocksMax = 4096;  // per file

    ~FileLocks();
    // The first lock that is in the way, or nullptr.
    const FileLock* find_conflict(const FileLock& wanted) const;
    // Sets it; the owner's earlier locks of that kind and range become this one. kEAGAIN, kENOLCK.
    Status set(const FileLock& lock);
    // Frees the range of the owner's locks of this kind. kENOLCK: a lock would fall into two, and there are too many.
    Status clear(const FileLock& range);
    void release_owner(const void* owner);
    bool is_empty() const { return locks_.empty(); }
    WaitQueue queue;

private:
    std::vector<FileLock> locks_;  // by start
};

// A thread that waits for a POSIX lock (F_SETLKW): exists while it does. Refused (kEDEADLK) if the one it would wait
// for waits, perhaps through others, for it.
class LockWaiter {
public:
    LockWaiter(FileLocks& locks, const FileLock& wanted);
    ~LockWaiter();
    LockWaiter(const LockWaiter&) = delete;
    LockWaiter& operator=(const LockWaiter&) = delete;

    static bool would_deadlock(const FileLocks& locks, const FileLock& wanted);

private:
    friend class FileLocks;
    const FileLocks* locks_;  // nullptr once they are gone
    FileLock wanted_;
    LockWaiter* next_;
    static LockWaiter* first_;
};

}  // namespace kos::lx
