// Threads of the own domain. The manifest's `threads` says how many there may be.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kos_thread kos_thread_t;
typedef void (*kos_thread_fn_t)(void* param);

// Makes a stopped thread that will run fn(param). passive = 1: it has no CPU time of its own and must be a server
// (server.h). Stack: KOS_THREAD_STACK_BYTES with a guard page. Errors: FULL (manifest's `threads`), NOT_ENOUGH_MEMORY.
enum { KOS_THREAD_STACK_BYTES = 16384 };
kos_status_t kos_thread_create(kos_thread_fn_t fn, void* param, int passive, kos_thread_t** thread);
kos_status_t kos_thread_start(kos_thread_t* thread);

// Waits until fn has returned (or the thread was stopped), then frees it.
kos_status_t kos_thread_join(kos_thread_t* thread);
kos_status_t kos_thread_join_until(kos_thread_t* thread, uint64_t deadline_ticks);

// Ends another thread wherever it is. Locks that it holds stay locked.
kos_status_t kos_thread_stop(kos_thread_t* thread);

// A thread that has had a fault begins again: fn(param), empty stack, initial thread-local variables. For fault
// functions and managers (thread_mgr.h). Errors: CONFLICT (it has no fault). Inside malloc it had the heap locked: ends
// the domain.
kos_status_t kos_thread_restart(kos_thread_t* thread);

// Gives up the rest of the calling thread's CPU time in this period; with time of its own it goes on in the next.
void kos_thread_yield(void);

// Signals the KOS_SIGNAL_USER bits of the own domain: its server loop calls `signalled`. From any thread; never blocks.
void kos_thread_signal_server(void);

kos_thread_t* kos_thread_self(void);
unsigned kos_thread_number(const kos_thread_t* thread);  // 0 is the main thread

#ifdef __cplusplus
}
#endif
