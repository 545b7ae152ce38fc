// Lines of futex waiters, and what a thread's end means to them.
#include "task/futex.h"

#include "mm/address_space.h"
#include "task/process.h"
#include "task/thread.h"

namespace kos::lx {

// All keys of one hash value share a line; who looks for one key steps over the others.
class FutexLine {
public:
    static FutexLine& of(const FutexKey& key) {
        uint64_t hash = (key.object >> 4) * 0x9e37'79b9'7f4a'7c15u ^ (key.offset >> 2) * 0xc2b2'ae3d'27d4'eb4fu;
        hash ^= hash >> 32;
        return lines_[hash % kLines];
    }
    void add(FutexWaiter& waiter) {
        waiter.previous_ = last_;
        waiter.next_ = nullptr;
        (last_ ? last_->next_ : first_) = &waiter;
        last_ = &waiter;
        waiter.is_waiting_ = true;
    }
    void remove(FutexWaiter& waiter) {
        (waiter.previous_ ? waiter.previous_->next_ : first_) = waiter.next_;
        (waiter.next_ ? waiter.next_->previous_ : last_) = waiter.previous_;
        waiter.next_ = waiter.previous_ = nullptr;
        waiter.is_waiting_ = false;
    }
    FutexWaiter* next(const FutexKey& key, const FutexWaiter* after) const {
        FutexWaiter* waiter = after ? after->next_ : first_;
        while (waiter && !(waiter->key == key)) waiter = waiter->next_;
        return waiter;
    }

private:
    static constexpr size_t kLines = 1024;
    static FutexLine lines_[kLines];
    FutexWaiter* first_ = nullptr;
    FutexWaiter* last_ = nullptr;
};

constinit FutexLine FutexLine::lines_[FutexLine::kLines];

namespace {

uint32_t* shown_counts;

// Waiters of shared memory are found by no address: programs ask the server about those.
void count(const FutexKey& key, uint32_t change) {
    if (key.is_shared || !shown_counts) return;
    __atomic_fetch_add(&shown_counts[key.offset / 4 % kFutexCounts], change, __ATOMIC_SEQ_CST);
    // Partner: the shim's barrier between the program's store and its look at the number.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

constexpr unsigned kRobustMax = 2048;  // as Linux's ROBUST_LIST_LIMIT: the list may be a ring

// A robust futex whose owner has ended.
void owner_died(Thread& thread, uint64_t address, bool has_priority, bool is_pending) {
    AddressSpace& memory = *thread.process.memory;
    if (address % 4 != 0) return;
    auto key = futex_key(memory, address, false);
    auto word = memory.load_word(address);
    if (!key.ok() || !word.ok()) return;
    uint32_t found = *word;
    // Between the store that unlocked it and the wake of who waits.
    if (is_pending && !has_priority && found == 0) {
        futex_wake(*key, 1);
        return;
    }
    for (unsigned tries = 0; tries < 64; ++tries) {
        if ((found & kFUTEX_TID_MASK) != static_cast<uint32_t>(thread.tid)) return;
        uint32_t const desired = (found & kFUTEX_WAITERS) | kFUTEX_OWNER_DIED;
        auto done = memory.exchange_word(address, found, desired, found);
        if (!done.ok()) return;
        if (!*done) continue;
        if (has_priority) {
            (void)futex_hand_over(memory, address, *key, desired).ok();
        } else if (found & kFUTEX_WAITERS) {
            futex_wake(*key, 1);
        }
        return;
    }
}

void walk_robust_list(Thread& thread) {
    AddressSpace& memory = *thread.process.memory;
    struct Head {
        uint64_t next;
        int64_t offset;
        uint64_t pending;
    } head;
    uint64_t const start = thread.robust_list;
    if (!memory.copy_in(&head, start, sizeof head).ok()) return;
    auto die = [&](uint64_t entry, bool is_pending) {
        owner_died(thread, (entry & ~uint64_t{1}) + static_cast<uint64_t>(head.offset), entry & 1, is_pending);
    };
    uint64_t entry = head.next;
    for (unsigned count = 0; count < kRobustMax && (entry & ~uint64_t{1}) != start; ++count) {
        // The entry may be freed by who gets the lock: first its successor.
        uint64_t next = 0;
        bool const has_next = memory.copy_in(&next, entry & ~uint64_t{1}, sizeof next).ok();
        if (entry != head.pending) die(entry, false);
        if (!has_next) return;
        entry = next;
    }
    if (head.pending) die(head.pending, true);
}

}  // namespace

Result<FutexKey> futex_key(AddressSpace& memory, uint64_t address, bool is_private) {
    if (address % 4 != 0) return Errno::kEINVAL;
    if (address >= kUserEnd) return Errno::kEFAULT;
    if (!is_private) {
        const Mapping* const mapping = memory.find(address);
        if (!mapping) return Errno::kEFAULT;
        if (mapping->is_shared()) {
            KOS_TRY(auto const shared, memory.shared_key(address));
            return FutexKey{shared.object, shared.offset, true};
        }
    }
    return FutexKey{reinterpret_cast<uintptr_t>(&memory), address, false};
}

void set_futex_counts(uint32_t* counts) { shown_counts = counts; }

void FutexWaiter::join() {
    leave();
    FutexLine::of(key).add(*this);
    count(key, 1);
}

void FutexWaiter::leave() {
    if (!is_waiting_) return;
    FutexLine::of(key).remove(*this);
    count(key, ~0u);
}

void FutexWaiter::move(const FutexKey& to) {
    leave();
    key = to;
    join();
}

void FutexWaiter::wake() {
    leave();
    thread.wake();
}

FutexWaiter* next_futex_waiter(const FutexKey& key, const FutexWaiter* after) {
    return FutexLine::of(key).next(key, after);
}

uint32_t futex_wake(const FutexKey& key, uint32_t most, uint32_t bits) {
    uint32_t woken = 0;
    FutexWaiter* waiter = next_futex_waiter(key);
    while (waiter && woken < most) {
        FutexWaiter* const next = next_futex_waiter(key, waiter);
        if (waiter->bits & bits && !waiter->wants_lock) {
            waiter->wake();
            ++woken;
        }
        waiter = next;
    }
    return woken;
}

Status futex_hand_over(AddressSpace& memory, uint64_t address, const FutexKey& key, uint32_t idle) {
    FutexWaiter* heir = next_futex_waiter(key);
    while (heir && !heir->wants_lock) heir = next_futex_waiter(key, heir);
    uint32_t desired = idle & ~kFUTEX_WAITERS;
    if (heir) {
        FutexWaiter* other = next_futex_waiter(key, heir);
        while (other && !other->wants_lock) other = next_futex_waiter(key, other);
        desired = static_cast<uint32_t>(heir->thread.tid) | (idle & kFUTEX_OWNER_DIED) | (other ? kFUTEX_WAITERS : 0);
    }
    KOS_TRY(uint32_t found, memory.load_word(address));
    for (unsigned tries = 0; tries < 64; ++tries) {
        KOS_TRY(bool const done, memory.exchange_word(address, found, desired, found));
        if (!done) continue;
        if (heir) heir->wake();
        return {};
    }
    return Errno::kEAGAIN;
}

void futex_thread_ends(Thread& thread) {
    AddressSpace& memory = *thread.process.memory;
    if (thread.robust_list) walk_robust_list(thread);
    thread.robust_list = 0;
    uint64_t const address = thread.clear_tid;
    thread.clear_tid = 0;
    if (!address) return;
    uint32_t const zero = 0;
    if (!memory.copy_out(address, &zero, sizeof zero).ok()) return;
    if (auto key = futex_key(memory, address, false); key.ok()) futex_wake(*key, 1);
}

}  // namespace kos::lx
