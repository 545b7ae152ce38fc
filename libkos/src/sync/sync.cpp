// See kos/sync.h. Each object is a word that changes by compare-and-swap only; waiting threads are bits in it.
//
// The protocol is the same everywhere: a thread that must wait puts its bit into the word in the same step in which it
// finds that it must wait. Whoever lets it go takes the bit out (a hand-over: the lock, unit or event is the waiter's
// from that step on) and then unparks it. The waiter sleeps until its bit is gone. So a wake-up is never lost, and a
// stray one (from an earlier wait) only costs a look at the word.
//
// Memory order: taking a bit out is a release, seeing it gone an acquire; that pair carries what was written before.
#include "park.h"

#include <kos/dir.h>

namespace kos::sync {

namespace {

constexpr unsigned kSpins = 200;

// What each thread waits for, for kos_sync_thread_gone. Written by the thread itself only, while it runs.
enum class Kind : uint32_t { kNothing, kMutex, kCondition, kSemaphore, kSemaphoreQueued, kEvent, kOnce };
struct Waiting {
    uint32_t kind;
    void* object;
};
Waiting waiting[KOS_MAX_THREADS];

void note(Kind kind, void* object) {
    Waiting& mine = waiting[self()];
    mine.object = object;
    __atomic_store_n(&mine.kind, static_cast<uint32_t>(kind), __ATOMIC_RELEASE);
}

template <typename T>
T load(const T* word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

template <typename T>
bool swap(T* word, T& expected, T desired) {
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

// The first waiter after `last`, counted round robin.
unsigned next_after(uint32_t waiters, unsigned last) {
    uint32_t const above = last + 1 < 32 ? waiters & ~0u << (last + 1) : 0;
    return static_cast<unsigned>(__builtin_ctz(above ? above : waiters));
}

// Sleeps until `is_done` or the deadline. False: the deadline came first.
template <typename Done>
bool sleep_until(uint64_t deadline, const Done& is_done) {
    if (spinning_helps()) {
        for (unsigned i = 0; i < kSpins; ++i) {
            if (is_done()) return true;
        }
    }
    while (!is_done()) {
        if (deadline == KOS_FOREVER) {
            kos_thread_park();
        } else if (now_ticks() >= deadline || !doze(deadline)) {
            return is_done();
        }
    }
    return true;
}

// --- Mutex: bits 31..16 number of the owner + 1, 0: free; bits 15..0 waiters. Waiters only while it is owned.
static_assert(KOS_MAX_THREADS <= 16);
constexpr uint32_t kWaiters = 0xffff;
uint32_t owned_by(unsigned thread) { return (thread + 1) << 16; }

// Hands it to the next waiter, or frees it. `owner` is who has it now.
void pass_on(kos_mutex_t* mutex, unsigned owner) {
    uint32_t seen = load(&mutex->word);
    for (;;) {
        uint32_t const waiters = seen & kWaiters;
        if (!waiters) {
            if (swap(&mutex->word, seen, 0u)) return;
            continue;
        }
        unsigned const next = next_after(waiters, owner);
        if (swap(&mutex->word, seen, owned_by(next) | (waiters & ~(1u << next)))) {
            kos_thread_unpark(next);
            return;
        }
    }
}

bool lock_until(kos_mutex_t* mutex, uint64_t deadline) {
    unsigned const me = self();
    uint32_t seen = 0;
    if (swap(&mutex->word, seen, owned_by(me))) return true;
    note(Kind::kMutex, mutex);
    for (;;) {
        if ((seen & ~kWaiters) == owned_by(me)) broken("a thread locks a mutex that it holds already");
        if (!(seen & ~kWaiters)) {
            if (!swap(&mutex->word, seen, owned_by(me))) continue;
            note(Kind::kNothing, nullptr);
            return true;
        }
        if (swap(&mutex->word, seen, seen | 1u << me)) break;
    }
    auto const is_mine = [&] { return (load(&mutex->word) & ~kWaiters) == owned_by(me); };
    bool done = sleep_until(deadline, is_mine);
    for (seen = load(&mutex->word); !done;) {
        // The hand-over may come just now: then it is ours after all.
        if ((seen & ~kWaiters) == owned_by(me)) {
            done = true;
        } else if (swap(&mutex->word, seen, seen & ~(1u << me))) {
            break;
        }
    }
    note(Kind::kNothing, nullptr);
    return done;
}

// --- Sets of waiters in the low bits of a word, for all others.

// Takes one's own bit out again. False: somebody has let us go meanwhile.
template <typename T>
bool withdraw(T* word, T bit) {
    return (__atomic_fetch_and(word, ~bit, __ATOMIC_ACQ_REL) & bit) != 0;
}

void wake_all(uint32_t waiters) {
    for (; waiters; waiters &= waiters - 1) kos_thread_unpark(static_cast<unsigned>(__builtin_ctz(waiters)));
}

bool condition_wait(kos_condition_t* condition, kos_mutex_t* mutex, uint64_t deadline) {
    uint32_t const bit = 1u << self();
    note(Kind::kCondition, condition);
    __atomic_fetch_or(&condition->waiters, bit, __ATOMIC_ACQ_REL);
    kos_mutex_unlock(mutex);
    bool done = sleep_until(deadline, [&] { return !(load(&condition->waiters) & bit); });
    if (!done) done = !withdraw(&condition->waiters, bit);
    note(Kind::kNothing, nullptr);
    kos_mutex_lock(mutex);
    return done;
}

// --- Semaphore: bits 31..0 count, 47..32 waiters. Waiters only while the count is 0.
constexpr uint64_t kCountMask = 0xffffffff;
constexpr unsigned kSemaphoreWaiters = 32;

bool semaphore_wait(kos_semaphore_t* semaphore, uint64_t deadline) {
    uint64_t const bit = uint64_t{1} << (kSemaphoreWaiters + self());
    uint64_t seen = load(&semaphore->word);
    note(Kind::kSemaphore, semaphore);
    for (;;) {
        bool const has_unit = (seen & kCountMask) != 0;
        if (swap(&semaphore->word, seen, has_unit ? seen - 1 : seen | bit)) {
            if (!has_unit) break;
            note(Kind::kNothing, nullptr);
            return true;
        }
    }
    note(Kind::kSemaphoreQueued, semaphore);
    bool done = sleep_until(deadline, [&] { return !(load(&semaphore->word) & bit); });
    if (!done) done = !withdraw(&semaphore->word, bit);
    note(Kind::kNothing, nullptr);
    return done;
}

// --- Event and once: bits 15..0 waiters, then the state.
constexpr uint32_t kEventSet = 1u << 16;
constexpr uint32_t kOnceDone = 1u << 16;
constexpr uint32_t kOnceRunning = 1u << 17;
constexpr unsigned kOnceRunnerShift = 24;

bool event_wait(kos_event_t* event, uint64_t deadline) {
    uint32_t const bit = 1u << self();
    uint32_t seen = load(&event->word);
    if (seen & kEventSet) return true;
    note(Kind::kEvent, event);
    while (!(seen & kEventSet)) {
        if (swap(&event->word, seen, seen | bit)) break;
    }
    bool done = true;
    if (!(seen & kEventSet)) {
        done = sleep_until(deadline, [&] { return !(load(&event->word) & bit); });
        if (!done) done = !withdraw(&event->word, bit);
    }
    note(Kind::kNothing, nullptr);
    return done;
}

}  // namespace

}  // namespace kos::sync

using namespace kos::sync;

void kos_mutex_lock(kos_mutex_t* mutex) { lock_until(mutex, KOS_FOREVER); }

kos_status_t kos_mutex_lock_until(kos_mutex_t* mutex, uint64_t deadline_ticks) {
    return lock_until(mutex, deadline_ticks) ? KOS_STATUS_OK : KOS_STATUS_TIMEOUT;
}

kos_status_t kos_mutex_try_lock(kos_mutex_t* mutex) {
    uint32_t seen = 0;
    return swap(&mutex->word, seen, owned_by(self())) ? KOS_STATUS_OK : KOS_STATUS_CONFLICT;
}

void kos_mutex_unlock(kos_mutex_t* mutex) {
    unsigned const me = self();
    if ((load(&mutex->word) & ~kWaiters) != owned_by(me)) broken("a thread unlocks a mutex that it does not hold");
    pass_on(mutex, me);
}

int kos_mutex_holder(const kos_mutex_t* mutex) { return static_cast<int>(load(&mutex->word) >> 16) - 1; }

kos_status_t kos_mutex_take_from(kos_mutex_t* mutex, unsigned thread_number) {
    if ((load(&mutex->word) & ~kWaiters) != owned_by(thread_number)) return KOS_STATUS_CONFLICT;
    pass_on(mutex, thread_number);
    return KOS_STATUS_OK;
}

void kos_condition_wait(kos_condition_t* condition, kos_mutex_t* mutex) {
    condition_wait(condition, mutex, KOS_FOREVER);
}

kos_status_t kos_condition_wait_until(kos_condition_t* condition, kos_mutex_t* mutex, uint64_t deadline_ticks) {
    return condition_wait(condition, mutex, deadline_ticks) ? KOS_STATUS_OK : KOS_STATUS_TIMEOUT;
}

void kos_condition_signal(kos_condition_t* condition) {
    uint32_t seen = load(&condition->waiters);
    while (seen) {
        unsigned const next = next_after(seen, __atomic_load_n(&condition->last, __ATOMIC_RELAXED));
        if (swap(&condition->waiters, seen, seen & ~(1u << next))) {
            __atomic_store_n(&condition->last, next, __ATOMIC_RELAXED);
            kos_thread_unpark(next);
            return;
        }
    }
}

void kos_condition_broadcast(kos_condition_t* condition) {
    wake_all(__atomic_exchange_n(&condition->waiters, 0, __ATOMIC_ACQ_REL));
}

void kos_semaphore_init(kos_semaphore_t* semaphore, uint32_t count) {
    __atomic_store_n(&semaphore->word, uint64_t{count}, __ATOMIC_RELEASE);
}

void kos_semaphore_wait(kos_semaphore_t* semaphore) { semaphore_wait(semaphore, KOS_FOREVER); }

kos_status_t kos_semaphore_wait_until(kos_semaphore_t* semaphore, uint64_t deadline_ticks) {
    return semaphore_wait(semaphore, deadline_ticks) ? KOS_STATUS_OK : KOS_STATUS_TIMEOUT;
}

kos_status_t kos_semaphore_try_wait(kos_semaphore_t* semaphore) {
    uint64_t seen = load(&semaphore->word);
    while (seen & kCountMask) {
        if (swap(&semaphore->word, seen, seen - 1)) return KOS_STATUS_OK;
    }
    return KOS_STATUS_EMPTY;
}

kos_status_t kos_semaphore_post(kos_semaphore_t* semaphore) {
    uint64_t seen = load(&semaphore->word);
    for (;;) {
        auto const waiters = static_cast<uint32_t>(seen >> kSemaphoreWaiters);
        if (!waiters) {
            if ((seen & kCountMask) == kCountMask) return KOS_STATUS_FULL;
            if (swap(&semaphore->word, seen, seen + 1)) return KOS_STATUS_OK;
            continue;
        }
        unsigned const next = next_after(waiters, self());
        if (swap(&semaphore->word, seen, seen & ~(uint64_t{1} << (kSemaphoreWaiters + next)))) {
            kos_thread_unpark(next);
            return KOS_STATUS_OK;
        }
    }
}

void kos_event_set(kos_event_t* event) {
    wake_all(__atomic_exchange_n(&event->word, kEventSet, __ATOMIC_ACQ_REL) & kWaiters);
}

void kos_event_reset(kos_event_t* event) { __atomic_fetch_and(&event->word, ~kEventSet, __ATOMIC_ACQ_REL); }

int kos_event_is_set(const kos_event_t* event) { return (load(&event->word) & kEventSet) != 0; }

void kos_event_wait(kos_event_t* event) { event_wait(event, KOS_FOREVER); }

kos_status_t kos_event_wait_until(kos_event_t* event, uint64_t deadline_ticks) {
    return event_wait(event, deadline_ticks) ? KOS_STATUS_OK : KOS_STATUS_TIMEOUT;
}

void kos_once(kos_once_t* once, void (*fn)(void* param), void* param) {
    unsigned const me = self();
    uint32_t seen = load(&once->word);
    for (;;) {
        if (seen & kOnceDone) return;
        if (!(seen & kOnceRunning)) {
            if (!swap(&once->word, seen, (seen & kWaiters) | kOnceRunning | me << kOnceRunnerShift)) continue;
            fn(param);
            wake_all(__atomic_exchange_n(&once->word, kOnceDone, __ATOMIC_ACQ_REL) & kWaiters);
            return;
        }
        if (seen >> kOnceRunnerShift == me) broken("kos_once is called by the function that it runs");
        note(Kind::kOnce, once);
        if (swap(&once->word, seen, seen | 1u << me)) {
            sleep_until(KOS_FOREVER, [&] { return !(load(&once->word) & 1u << me); });
            seen = load(&once->word);
        }
        note(Kind::kNothing, nullptr);
    }
}

void kos_sync_thread_gone(unsigned thread_number) {
    Waiting& its = waiting[thread_number];
    auto const kind = static_cast<Kind>(load(&its.kind));
    uint32_t const bit = 1u << thread_number;
    switch (kind) {
        case Kind::kNothing: break;
        case Kind::kMutex: {
            auto* const mutex = static_cast<kos_mutex_t*>(its.object);
            if (!withdraw(&mutex->word, bit)) kos_mutex_take_from(mutex, thread_number);
            break;
        }
        case Kind::kCondition: {
            auto* const condition = static_cast<kos_condition_t*>(its.object);
            // It has used up a signal that somebody else is waiting for.
            if (!withdraw(&condition->waiters, bit)) kos_condition_signal(condition);
            break;
        }
        case Kind::kSemaphore:
        case Kind::kSemaphoreQueued: {
            auto* const semaphore = static_cast<kos_semaphore_t*>(its.object);
            bool const waits = withdraw(&semaphore->word, uint64_t{1} << (kSemaphoreWaiters + thread_number));
            // A unit was handed to it that it has not used.
            if (!waits && kind == Kind::kSemaphoreQueued) kos_semaphore_post(semaphore);
            break;
        }
        case Kind::kEvent: withdraw(&static_cast<kos_event_t*>(its.object)->word, bit); break;
        case Kind::kOnce: withdraw(&static_cast<kos_once_t*>(its.object)->word, bit); break;
    }
    __atomic_store_n(&its.kind, static_cast<uint32_t>(Kind::kNothing), __ATOMIC_RELEASE);
}
