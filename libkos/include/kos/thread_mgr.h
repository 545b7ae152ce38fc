// A supervisor inside a domain: restarts the domain's other threads after a fault, up to a limit.
//
// Without a manager, the fault of any thread ends the domain. With one, root stops the thread, writes the fault record,
// and leaves the rest to the manager, which runs in the main thread: it calls the thread's fault function and restarts
// the thread at its function, with its parameter, fresh thread-local variables and an empty stack. What the thread held
// stays as it is: give locks back in the fault function (kos_mutex_take_from). A fault beyond the limit, of a thread
// that the manager does not know, or inside malloc ends the domain after all, and appman decides. The main thread's own
// faults always do.
//
//     kos_thread_mgr_entry_t entries[2];
//     kos_thread_mgr_t mgr;
//     kos_thread_mgr_init(entries, 2, &mgr);
//     kos_thread_create(worker, NULL, 0, &thread);
//     kos_thread_mgr_add(&mgr, thread, 5, NULL, kos_thread_fault_fn_print_faults, NULL);
//     kos_thread_start(thread);
//     kos_app_ready();
//     return kos_thread_mgr_direct_handler(&mgr);
#pragma once

#include <kos/abi.h>
#include <kos/status.h>
#include <kos/thread.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t kos_thread_mgr_id_t;

#define KOS_THREAD_MGR_NO_LIMIT UINT32_MAX

// What a fault function is told.
typedef struct {
    kos_thread_mgr_id_t id;
    uint32_t faults;       // of this thread, with this one
    uint32_t limit;        // as given to kos_thread_mgr_add
    int32_t will_restart;  // 0: the limit is exceeded, the domain ends after this
    const kos_fault_t* fault;
} kos_thread_mgr_fault_t;

// Called in the main thread while the thread is stopped, before it is restarted.
typedef void (*kos_thread_fault_fn_t)(void* cookie, const kos_thread_mgr_fault_t* what);

// Writes a line about the fault to the log.
void kos_thread_fault_fn_print_faults(void* cookie, const kos_thread_mgr_fault_t* what);

// Memory of the caller's; the members are the manager's.
typedef struct {
    kos_thread_t* thread;  // NULL: free
    void* cookie;
    kos_thread_fault_fn_t fault_fn;
    uint32_t fault_limit;
    uint32_t faults;
} kos_thread_mgr_entry_t;

typedef struct {
    kos_thread_mgr_entry_t* entries;
    size_t capacity;
} kos_thread_mgr_t;

// Makes a manager of up to `capacity` threads, and this domain look after its threads' faults. One per domain.
// INVALID_ARGUMENT: no entries, or more than KOS_MAX_THREADS.
kos_status_t kos_thread_mgr_init(kos_thread_mgr_entry_t* entries, size_t capacity, kos_thread_mgr_t* mgr);

// `thread` is restarted after each of its first `fault_limit` faults. `fault_fn` and `id` may be NULL. CREATED; FULL;
// CONFLICT: it has this thread already; INVALID_ARGUMENT: no thread, or the main thread.
kos_status_t kos_thread_mgr_add(kos_thread_mgr_t* mgr, kos_thread_t* thread, uint32_t fault_limit, void* cookie,
                                kos_thread_fault_fn_t fault_fn, kos_thread_mgr_id_t* id);

// Before the thread is stopped or joined. NOT_FOUND.
kos_status_t kos_thread_mgr_remove(kos_thread_mgr_t* mgr, kos_thread_mgr_id_t id);

// How many faults the thread has had. NOT_FOUND.
kos_status_t kos_thread_mgr_faults(const kos_thread_mgr_t* mgr, kos_thread_mgr_id_t id, uint32_t* faults);

// Main thread without a server loop: looks after the threads until the domain is asked to stop, then OK. Blocks.
kos_status_t kos_thread_mgr_direct_handler(kos_thread_mgr_t* mgr);

// Main thread with a server loop: call it in `signalled` when KOS_SIGNAL_FAULT is among the bits. Deals with all faults
// that there are. Never blocks.
void kos_thread_mgr_handle_faults(kos_thread_mgr_t* mgr);

#ifdef __cplusplus
}
#endif
