// Locks on files.
#include "vfs/locks.h"

#include <algorithm>

namespace kos::lx {

LockWaiter* LockWaiter::first_ = nullptr;

FileLocks::~FileLocks() {
    for (LockWaiter* waiter = LockWaiter::first_; waiter; waiter = waiter->next_) {
        if (waiter->locks_ == this) waiter->locks_ = nullptr;
    }
}

const FileLock* FileLocks::find_conflict(const FileLock& wanted) const {
    for (const FileLock& lock : locks_) {
        if (lock.start > wanted.last) break;
        if (lock.conflicts(wanted)) return &lock;
    }
    return nullptr;
}

Status FileLocks::set(const FileLock& lock) {
    if (find_conflict(lock)) return Errno::kEAGAIN;
    KOS_TRY_STATUS(clear(lock));
    if (locks_.size() >= kLocksMax) return Errno::kENOLCK;
    FileLock merged = lock;
    // Neighbours of the same owner and mode become one.
    std::erase_if(locks_, [&](const FileLock& other) {
        if (other.kind != lock.kind || other.owner != lock.owner || other.is_exclusive != lock.is_exclusive) {
            return false;
        }
        bool const before = other.last != UINT64_MAX && other.last + 1 == merged.start;
        bool const behind = merged.last != UINT64_MAX && merged.last + 1 == other.start;
        if (!before && !behind) return false;
        merged.start = std::min(merged.start, other.start);
        merged.last = std::max(merged.last, other.last);
        return true;
    });
    auto const place =
        std::find_if(locks_.begin(), locks_.end(), [&](const FileLock& other) { return other.start > merged.start; });
    locks_.insert(place, merged);
    // A lock that is shared now instead of exclusive may let others in.
    if (!lock.is_exclusive) queue.wake();
    return {};
}

Status FileLocks::clear(const FileLock& range) {
    std::vector<FileLock> left;
    left.reserve(locks_.size() + 1);
    bool changed = false;
    for (const FileLock& lock : locks_) {
        if (lock.kind != range.kind || lock.owner != range.owner || !lock.overlaps(range)) {
            left.push_back(lock);
            continue;
        }
        changed = true;
        if (lock.start < range.start) {
            left.push_back(lock);
            left.back().last = range.start - 1;
        }
        if (lock.last > range.last) {
            left.push_back(lock);
            left.back().start = range.last + 1;
        }
    }
    if (!changed) return {};
    if (left.size() > kLocksMax) return Errno::kENOLCK;
    std::stable_sort(left.begin(), left.end(),
                     [](const FileLock& one, const FileLock& other) { return one.start < other.start; });
    locks_ = std::move(left);
    queue.wake();
    return {};
}

void FileLocks::release_owner(const void* owner) {
    if (std::erase_if(locks_, [&](const FileLock& lock) { return lock.owner == owner; })) queue.wake();
}

LockWaiter::LockWaiter(FileLocks& locks, const FileLock& wanted) : locks_(&locks), wanted_(wanted), next_(first_) {
    first_ = this;
}

LockWaiter::~LockWaiter() {
    LockWaiter** link = &first_;
    while (*link != this) link = &(*link)->next_;
    *link = next_;
}

bool LockWaiter::would_deadlock(const FileLocks& locks, const FileLock& wanted) {
    const FileLock* obstacle = locks.find_conflict(wanted);
    // Chains longer than this are not followed: the wait is allowed.
    for (unsigned step = 0; step < 16 && obstacle; ++step) {
        if (obstacle->kind != LockKind::kPosix) return false;
        const void* const holder = obstacle->owner;
        if (holder == wanted.owner) return true;
        obstacle = nullptr;
        for (const LockWaiter* waiter = first_; waiter && !obstacle; waiter = waiter->next_) {
            if (waiter->wanted_.owner == holder && waiter->locks_) {
                obstacle = waiter->locks_->find_conflict(waiter->wanted_);
            }
        }
    }
    return false;
}

}  // namespace kos::lx
