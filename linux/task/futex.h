// Futexes: who sleeps on which word of memory.
//
// A word is known by its address space and address, or, in a shared mapping, by its frame, so that processes meet. Who
// waits on one word stands in line; the lines are found by a hash table. Waking takes a waiter out of its line before
// its thread runs, so each wake counts once, whatever else happens to that thread.
#pragma once

#include "base/result.h"
#include "syscalls/progress.h"

#include <stdint.h>

namespace kos::lx {

class AddressSpace;
class Thread;

struct FutexKey {
    uint64_t object = 0, offset = 0;
    bool is_shared = false;
    bool operator==(const FutexKey&) const = default;
};

// kEINVAL (not aligned), kEFAULT.
Result<FutexKey> futex_key(AddressSpace& memory, uint64_t address, bool is_private);

// A thread in line. Leaves when it is destroyed.
class FutexWaiter final : public CallExtra {
public:
    FutexWaiter(Thread& of, const FutexKey& on, uint32_t with) : thread(of), key(on), bits(with) {}
    ~FutexWaiter() override { leave(); }

    void join();  // last in the line of `key`
    void leave();
    void move(const FutexKey& to);  // to the end of another line
    bool is_waiting() const { return is_waiting_; }
    // Takes it out of the line, and lets its thread go on.
    void wake();

    Thread& thread;
    FutexKey key;
    uint32_t bits;
    // For a lock with an owner (PI): gets the lock by being woken. Else waits for a wake.
    bool wants_lock = false;
    // FUTEX_WAIT_REQUEUE_PI: the lock that it may be moved to.
    bool may_be_requeued = false;
    FutexKey lock_key;

private:
    friend class FutexLine;
    bool is_waiting_ = false;
    FutexWaiter* next_ = nullptr;
    FutexWaiter* previous_ = nullptr;
};

// The first one in line from `after` on (nullptr: the beginning); nullptr: no more.
FutexWaiter* next_futex_waiter(const FutexKey& key, const FutexWaiter* after = nullptr);

// Where programs see whether anybody waits at an address of theirs (shim/shim.S: bits 2 to 11 of it are the index):
// numbers of waiters. Before a word is compared with what a waiter expects, he has been counted.
constexpr size_t kFutexCounts = 1024;
void set_futex_counts(uint32_t* counts);

// Wakes at most `most` that wait with one of `bits`, first come first. Returns how many.
uint32_t futex_wake(const FutexKey& key, uint32_t most, uint32_t bits = ~0u);

// Robust futexes (set_robust_list(2)) and clear_tid of a thread that ends.
void futex_thread_ends(Thread& thread);

constexpr uint32_t kFUTEX_WAITERS = 0x8000'0000, kFUTEX_OWNER_DIED = 0x4000'0000, kFUTEX_TID_MASK = 0x3fff'ffff;

// Hands a lock with an owner (PI) whose word is at `address` to the first one that waits for it, or sets it to
// `idle`. kEFAULT.
Status futex_hand_over(AddressSpace& memory, uint64_t address, const FutexKey& key, uint32_t idle);

}  // namespace kos::lx
