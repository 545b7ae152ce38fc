// Locks and signals between the threads of one domain.
//
// Every object is one or two words without a pointer: zero-initialised memory is a free mutex, an event that is not
// set, a semaphore of 0. Waiters are a set of thread numbers in the word itself, so nothing is allocated, no list can
// be damaged, and no operation holds an inner lock that a preempted thread could keep. A thread that has to wait sleeps
// in the kernel (kos_thread_park). Who waits longest counted by thread number, round robin, is next: at most
// KOS_MAX_THREADS - 1 others come first. There is no priority inheritance, because a domain cannot change priorities;
// keep locked sections short and never call another domain inside one. All functions are thread-safe, none fails except
// as stated.
//
// Times are values of the counter (time.h); KOS_FOREVER waits without limit. Waiting with a limit needs the port
// "timer" in the manifest and notices that it was woken up to a millisecond late.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>
#include <kos/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Mutex: not recursive. Locking it twice and unlocking another thread's are mistakes that end the domain.
typedef struct {
    uint32_t word;
} kos_mutex_t;
#define KOS_MUTEX_INIT \
    { 0 }

void kos_mutex_lock(kos_mutex_t* mutex);
kos_status_t kos_mutex_lock_until(kos_mutex_t* mutex, uint64_t deadline_ticks);  // TIMEOUT
kos_status_t kos_mutex_try_lock(kos_mutex_t* mutex);                             // CONFLICT: somebody has it
void kos_mutex_unlock(kos_mutex_t* mutex);

// Number of the thread that holds it now, -1 if none.
int kos_mutex_holder(const kos_mutex_t* mutex);

// Unlocks it for a thread that has been stopped or restarted while it held it; what it protects may be half changed.
// CONFLICT: that thread does not hold it.
kos_status_t kos_mutex_take_from(kos_mutex_t* mutex, unsigned thread_number);

// --- Condition variable. As everywhere, check the condition again after waiting.
typedef struct {
    uint32_t waiters;
    uint32_t last;  // the thread that was woken last, for the round robin
} kos_condition_t;
#define KOS_CONDITION_INIT \
    { 0, 0 }

void kos_condition_wait(kos_condition_t* condition, kos_mutex_t* mutex);
// TIMEOUT: nobody has signalled. The mutex is locked again in any case, without limit.
kos_status_t kos_condition_wait_until(kos_condition_t* condition, kos_mutex_t* mutex, uint64_t deadline_ticks);
void kos_condition_signal(kos_condition_t* condition);  // wakes one
void kos_condition_broadcast(kos_condition_t* condition);

// --- Semaphore.
typedef struct {
    uint64_t word;
} kos_semaphore_t;
#define KOS_SEMAPHORE_INIT(count) \
    { (uint64_t)(uint32_t)(count) }

void kos_semaphore_init(kos_semaphore_t* semaphore, uint32_t count);
void kos_semaphore_wait(kos_semaphore_t* semaphore);
kos_status_t kos_semaphore_wait_until(kos_semaphore_t* semaphore, uint64_t deadline_ticks);  // TIMEOUT
kos_status_t kos_semaphore_try_wait(kos_semaphore_t* semaphore);                             // EMPTY
kos_status_t kos_semaphore_post(kos_semaphore_t* semaphore);                                 // FULL at 2^32 - 1

// --- Event: once set, everybody passes until it is reset.
typedef struct {
    uint32_t word;
} kos_event_t;
#define KOS_EVENT_INIT \
    { 0 }

void kos_event_set(kos_event_t* event);
void kos_event_reset(kos_event_t* event);
int kos_event_is_set(const kos_event_t* event);
void kos_event_wait(kos_event_t* event);
kos_status_t kos_event_wait_until(kos_event_t* event, uint64_t deadline_ticks);  // TIMEOUT

// --- Once: the first caller runs `fn`, the others wait until it has returned. Calling it again from `fn` ends the
// domain. A thread that is stopped inside `fn` leaves the others waiting.
typedef struct {
    uint32_t word;
} kos_once_t;
#define KOS_ONCE_INIT \
    { 0 }

void kos_once(kos_once_t* once, void (*fn)(void* param), void* param);

// --- What all of them are built on.

// Sleeps until somebody has unparked the calling thread since its last kos_thread_park; returns at once if that has
// already happened. May also return without a reason: check what you wait for. Other primitives above use it too.
void kos_thread_park(void);
void kos_thread_unpark(unsigned thread_number);

// For whoever stops or restarts a thread (thread.cpp), after it has been stopped: takes it out of what it waits for, so
// that no lock or unit is handed to it; one that was just being handed to it goes on to the next.
void kos_sync_thread_gone(unsigned thread_number);

#ifdef __cplusplus
}
#endif
