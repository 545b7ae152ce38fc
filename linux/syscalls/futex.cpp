// futex(2) and robust lists.
#include "task/futex.h"
#include "syscalls/families.h"
#include "syscalls/time.h"
#include "task/system.h"

namespace kos::lx {

namespace {

constexpr uint32_t kWAIT = 0, kWAKE = 1, kREQUEUE = 3, kCMP_REQUEUE = 4, kWAKE_OP = 5, kLOCK_PI = 6, kUNLOCK_PI = 7,
                   kTRYLOCK_PI = 8, kWAIT_BITSET = 9, kWAKE_BITSET = 10, kWAIT_REQUEUE_PI = 11, kCMP_REQUEUE_PI = 12,
                   kLOCK_PI2 = 13;
constexpr uint32_t kPRIVATE_FLAG = 128, kCLOCK_REALTIME_FLAG = 256;

struct Arguments {
    uint64_t address, second;
    uint32_t operation, value, third, count;
    bool is_private, is_realtime;
    uint64_t timeout;
};

// First execution: the deadline, if there is one. `is_absolute`: a time of the clock, else from now on.
Status take_timeout(Call& call, const Arguments& in, bool is_absolute) {
    if (!in.timeout || call.progress.is_again) return {};
    KOS_TRY(Nanoseconds const time, read_timespec(call, in.timeout));
    Timers& timers = call.process().system.timers;
    if (!is_absolute) {
        call.set_deadline(later(timers.now(), time));
    } else {
        call.set_deadline(in.is_realtime ? monotonic_of_realtime(timers, time) : time);
    }
    return {};
}

FutexWaiter* waiter_of(Call& call) { return static_cast<FutexWaiter*>(call.progress.extra.get()); }

// Sleeps until the waiter is woken; kETIMEDOUT.
Result<int64_t> sleep_in_line(Call& call, bool has_timeout) {
    if (!waiter_of(call)->is_waiting()) return 0;
    Errno const error = call.sleep(has_timeout ? Call::Interrupted::kRestartNoHandler : Call::Interrupted::kRestart);
    if (error != Errno::kRetry) waiter_of(call)->leave();
    return error;
}

Result<int64_t> wait(Call& call, const Arguments& in, uint32_t bits, bool is_absolute) {
    if (bits == 0) return Errno::kEINVAL;
    if (!call.progress.extra) {
        KOS_TRY_STATUS(take_timeout(call, in, is_absolute));
        KOS_TRY(FutexKey const key, futex_key(call.memory(), in.address, in.is_private));
        // In line before the word is read: see set_futex_counts.
        auto waiter = std::make_unique<FutexWaiter>(call.thread, key, bits);
        waiter->join();
        KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
        if (word != in.value) return Errno::kEAGAIN;
        call.progress.extra = std::move(waiter);
    }
    return sleep_in_line(call, in.timeout != 0);
}

Result<int64_t> wake(Call& call, const Arguments& in, uint32_t bits) {
    if (bits == 0) return Errno::kEINVAL;
    KOS_TRY(FutexKey const key, futex_key(call.memory(), in.address, in.is_private));
    // Linux wakes one for 0 and for what is negative as an int.
    uint32_t const most = static_cast<int32_t>(in.value) <= 0 ? 1 : in.value;
    return futex_wake(key, most, bits);
}

Result<int64_t> requeue(Call& call, const Arguments& in, bool compares) {
    if (static_cast<int32_t>(in.value) < 0 || static_cast<int32_t>(in.count) < 0) return Errno::kEINVAL;
    KOS_TRY(FutexKey const from, futex_key(call.memory(), in.address, in.is_private));
    KOS_TRY(FutexKey const to, futex_key(call.memory(), in.second, in.is_private));
    if (compares) {
        KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
        if (word != in.third) return Errno::kEAGAIN;
    }
    uint32_t const woken = in.value ? futex_wake(from, in.value) : 0;
    uint32_t moved = 0;
    FutexWaiter* waiter = next_futex_waiter(from);
    while (waiter && moved < in.count) {
        FutexWaiter* const next = next_futex_waiter(from, waiter);
        if (!waiter->wants_lock && !waiter->may_be_requeued) {
            if (!(from == to)) waiter->move(to);
            ++moved;
        }
        waiter = next;
    }
    return woken + moved;
}

// FUTEX_WAKE_OP: `third` says how the second word changes and what its old value is compared with.
Result<int64_t> wake_operation(Call& call, const Arguments& in) {
    AddressSpace& memory = call.memory();
    KOS_TRY(FutexKey const first, futex_key(memory, in.address, in.is_private));
    KOS_TRY(FutexKey const second, futex_key(memory, in.second, in.is_private));
    uint32_t const operation = in.third >> 28 & 7, comparison = in.third >> 24 & 15;
    auto const sign_extend = [](uint32_t bits) { return static_cast<int32_t>(bits << 20) >> 20; };
    int32_t argument = sign_extend(in.third >> 12 & 0xfff);
    int32_t const compared = sign_extend(in.third & 0xfff);
    if (in.third >> 31) argument = static_cast<int32_t>(uint32_t{1} << (argument & 31));
    if (operation > 4 || comparison > 5) return Errno::kENOSYS;

    KOS_TRY(uint32_t old, memory.load_word(in.second));
    for (unsigned tries = 0;; ++tries) {
        uint32_t const bits = static_cast<uint32_t>(argument);
        uint32_t const desired = operation == 0   ? bits
                                 : operation == 1 ? old + bits
                                 : operation == 2 ? old | bits
                                 : operation == 3 ? old & ~bits
                                                  : old ^ bits;
        uint32_t const expected = old;
        KOS_TRY(bool const done, memory.exchange_word(in.second, expected, desired, old));
        if (done) {
            old = expected;
            break;
        }
        if (tries >= 1000) return Errno::kEAGAIN;
    }
    int32_t const value = static_cast<int32_t>(old);
    bool const holds = comparison == 0   ? value == compared
                       : comparison == 1 ? value != compared
                       : comparison == 2 ? value < compared
                       : comparison == 3 ? value <= compared
                       : comparison == 4 ? value > compared
                                         : value >= compared;
    int64_t woken = futex_wake(first, static_cast<int32_t>(in.value) <= 0 ? 1 : in.value);
    if (holds) woken += futex_wake(second, static_cast<int32_t>(in.count) <= 0 ? 1 : in.count);
    return woken;
}

// --- Locks with an owner. No priority is inherited: threads have none here.

// Takes a free lock for `thread`, or marks it as waited for. True: taken. kEDEADLK: it has it already; kESRCH: its
// owner does not exist.
Result<bool> take_lock(Call& call, Thread& thread, uint64_t address) {
    AddressSpace& memory = call.memory();
    uint32_t const own = static_cast<uint32_t>(thread.tid);
    KOS_TRY(uint32_t word, memory.load_word(address));
    for (unsigned tries = 0; tries < 1000; ++tries) {
        uint32_t const owner = word & kFUTEX_TID_MASK;
        if (owner == own) return Errno::kEDEADLK;
        if (owner && !call.process().system.find_thread(static_cast<int>(owner))) return Errno::kESRCH;
        // A dead owner's lock: who takes it sees that it has to be repaired.
        uint32_t const desired = owner ? word | kFUTEX_WAITERS : own | (word & (kFUTEX_OWNER_DIED | kFUTEX_WAITERS));
        KOS_TRY(bool const done, memory.exchange_word(address, word, desired, word));
        if (done) return owner == 0;
    }
    return Errno::kEAGAIN;
}

Result<int64_t> lock(Call& call, const Arguments& in) {
    if (!call.progress.extra) {
        KOS_TRY_STATUS(take_timeout(call, in, true));
        KOS_TRY(FutexKey const key, futex_key(call.memory(), in.address, in.is_private));
        KOS_TRY(bool const is_taken, take_lock(call, call.thread, in.address));
        if (is_taken) return 0;
        auto waiter = std::make_unique<FutexWaiter>(call.thread, key, ~0u);
        waiter->wants_lock = true;
        waiter->join();
        call.progress.extra = std::move(waiter);
    }
    return sleep_in_line(call, false);
}

Result<int64_t> try_lock(Call& call, const Arguments& in) {
    KOS_TRY_STATUS(futex_key(call.memory(), in.address, in.is_private));
    KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
    uint32_t const owner = word & kFUTEX_TID_MASK;
    if (owner == static_cast<uint32_t>(call.thread.tid)) return Errno::kEDEADLK;
    if (owner) return call.process().system.find_thread(static_cast<int>(owner)) ? Errno::kEAGAIN : Errno::kESRCH;
    KOS_TRY(bool const is_taken, take_lock(call, call.thread, in.address));
    return is_taken ? Result<int64_t>{0} : Errno::kEAGAIN;
}

Result<int64_t> unlock(Call& call, const Arguments& in) {
    KOS_TRY(FutexKey const key, futex_key(call.memory(), in.address, in.is_private));
    KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
    if ((word & kFUTEX_TID_MASK) != static_cast<uint32_t>(call.thread.tid)) return Errno::kEPERM;
    KOS_TRY_STATUS(futex_hand_over(call.memory(), in.address, key, 0));
    return 0;
}

// Condition variables of such locks: waits on one word, and has the lock at `second` when it goes on.
Result<int64_t> wait_requeue(Call& call, const Arguments& in) {
    if (in.address == in.second) return Errno::kEINVAL;
    if (!call.progress.extra) {
        KOS_TRY_STATUS(take_timeout(call, in, true));
        KOS_TRY(FutexKey const key, futex_key(call.memory(), in.address, in.is_private));
        KOS_TRY(FutexKey const lock_key, futex_key(call.memory(), in.second, in.is_private));
        auto waiter = std::make_unique<FutexWaiter>(call.thread, key, ~0u);
        waiter->may_be_requeued = true;
        waiter->lock_key = lock_key;
        waiter->join();
        KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
        if (word != in.value) return Errno::kEAGAIN;
        call.progress.extra = std::move(waiter);
    }
    // Interrupted while it waits for the lock: the lock has to be had first; before that: once more, as Linux says.
    return sleep_in_line(call, in.timeout != 0);
}

Result<int64_t> requeue_to_lock(Call& call, const Arguments& in) {
    if (in.value != 1 || static_cast<int32_t>(in.count) < 0) return Errno::kEINVAL;
    KOS_TRY(FutexKey const from, futex_key(call.memory(), in.address, in.is_private));
    KOS_TRY(FutexKey const to, futex_key(call.memory(), in.second, in.is_private));
    if (from == to) return Errno::kEINVAL;
    KOS_TRY(uint32_t const word, call.memory().load_word(in.address));
    if (word != in.third) return Errno::kEAGAIN;
    int64_t changed = 0;
    uint32_t moved = 0;
    FutexWaiter* waiter = next_futex_waiter(from);
    for (bool is_first = true; waiter && (is_first || moved < in.count); is_first = false) {
        FutexWaiter* const next = next_futex_waiter(from, waiter);
        if (!waiter->may_be_requeued || !(waiter->lock_key == to))
            return changed ? Result<int64_t>{changed} : Errno::kEINVAL;
        KOS_TRY(bool const is_taken, take_lock(call, waiter->thread, in.second));
        if (is_taken) {
            waiter->wake();
        } else {
            waiter->may_be_requeued = false;
            waiter->wants_lock = true;
            waiter->move(to);
            if (!is_first) ++moved;
        }
        ++changed;
        waiter = next;
    }
    return changed;
}

Result<int64_t> futex(Call& call) {
    uint32_t const raw = call.argument_as<uint32_t>(1);
    uint32_t const operation = raw & ~(kPRIVATE_FLAG | kCLOCK_REALTIME_FLAG);
    Arguments in{.address = call.argument(0),
                 .second = call.argument(4),
                 .operation = operation,
                 .value = call.argument_as<uint32_t>(2),
                 .third = call.argument_as<uint32_t>(5),
                 .count = call.argument_as<uint32_t>(3),
                 .is_private = (raw & kPRIVATE_FLAG) != 0,
                 .is_realtime = (raw & kCLOCK_REALTIME_FLAG) != 0,
                 .timeout = call.argument(3)};
    if (in.is_realtime && operation != kWAIT && operation != kWAIT_BITSET && operation != kWAIT_REQUEUE_PI &&
        operation != kLOCK_PI2) {
        return Errno::kENOSYS;
    }
    switch (operation) {
        case kWAIT: return wait(call, in, ~0u, false);
        case kWAIT_BITSET: return wait(call, in, in.third, true);
        case kWAKE: return wake(call, in, ~0u);
        case kWAKE_BITSET: return wake(call, in, in.third);
        case kREQUEUE: return requeue(call, in, false);
        case kCMP_REQUEUE: return requeue(call, in, true);
        case kWAKE_OP: return wake_operation(call, in);
        case kLOCK_PI: in.is_realtime = true; return lock(call, in);
        case kLOCK_PI2: return lock(call, in);
        case kTRYLOCK_PI: return try_lock(call, in);
        case kUNLOCK_PI: return unlock(call, in);
        case kWAIT_REQUEUE_PI: return wait_requeue(call, in);
        case kCMP_REQUEUE_PI: return requeue_to_lock(call, in);
        default: return Errno::kENOSYS;
    }
}

constexpr uint64_t kRobustHeadBytes = 24;

Result<int64_t> set_robust_list(Call& call) {
    if (call.argument(1) != kRobustHeadBytes) return Errno::kEINVAL;
    call.thread.robust_list = call.argument(0);
    call.thread.robust_list_bytes = kRobustHeadBytes;
    return 0;
}

Result<int64_t> get_robust_list(Call& call) {
    int const tid = call.argument_as<int>(0);
    Thread* const thread = tid == 0 ? &call.thread : call.process().system.find_thread(tid);
    if (!thread) return Errno::kESRCH;
    if (&thread->process != &call.process() && !call.process().credentials.has_capability(kCAP_SYS_PTRACE)) {
        return Errno::kEPERM;
    }
    KOS_TRY_STATUS(call.write_user(call.argument(2), kRobustHeadBytes));
    KOS_TRY_STATUS(call.write_user(call.argument(1), thread->robust_list));
    return 0;
}

// Number, name, handler, support, what is missing.
constexpr SystemCall kTable[] = {
    {98, "futex", futex, Support::kPartial,
     "locks with priority inheritance (FUTEX_LOCK_PI and relatives) inherit no priority; no FUTEX_FD"},
    {99, "set_robust_list", set_robust_list, Support::kFull, ""},
    {100, "get_robust_list", get_robust_list, Support::kFull, ""},
};

}  // namespace

const std::span<const SystemCall> kFutexCalls = kTable;

}  // namespace kos::lx
