// See kos/thread_mgr.h: which thread a fault belongs to, whether it is restarted, and the end of the domain if not.
#include "thread_mgr_system.h"

#include <kos/app.h>
#include <kos/log.h>
#include <kos/signal.h>
#include <kos/thread_mgr.h>

namespace {

const char* name_of(uint64_t kind) {
    switch (kind) {
        case KOS_EXIT_FAULT_MEMORY: return "memory";
        case KOS_EXIT_FAULT_CAPABILITY: return "capability";
        case KOS_EXIT_FAULT_INSTRUCTION: return "instruction";
        case KOS_EXIT_FAULT_SYSCALL: return "unknown system call";
        case KOS_EXIT_HUNG: return "time";
        default: return "other";
    }
}

kos_thread_mgr_entry_t* find(const kos_thread_mgr_t* mgr, uint64_t thread_number) {
    for (size_t i = 0; i < mgr->capacity; ++i) {
        kos_thread_mgr_entry_t& entry = mgr->entries[i];
        if (entry.thread && kos_thread_number(entry.thread) == thread_number) return &entry;
    }
    return nullptr;
}

kos_thread_mgr_entry_t* entry_of(const kos_thread_mgr_t* mgr, kos_thread_mgr_id_t id) {
    return id < mgr->capacity && mgr->entries[id].thread ? &mgr->entries[id] : nullptr;
}

void handle(kos_thread_mgr_t* mgr, const kos_fault_t& fault) {
    kos_thread_mgr_entry_t* const entry = find(mgr, fault.thread);
    if (!entry) kos_stop("fault of a thread that the thread manager does not know");
    if (entry->faults != UINT32_MAX) ++entry->faults;
    bool const will_restart = entry->fault_limit == KOS_THREAD_MGR_NO_LIMIT || entry->faults <= entry->fault_limit;
    if (entry->fault_fn) {
        kos_thread_mgr_fault_t const what{static_cast<kos_thread_mgr_id_t>(entry - mgr->entries), entry->faults,
                                          entry->fault_limit, will_restart, &fault};
        entry->fault_fn(entry->cookie, &what);
    }
    if (!will_restart) kos_stop("a thread has had more faults than its limit");
    // The function may have taken the thread out of the manager.
    if (!entry->thread) return;
    if (!kos_status_is_ok(kos_thread_restart(entry->thread))) kos_stop("a thread with a fault cannot be restarted");
}

}  // namespace

void kos_thread_fault_fn_print_faults(void*, const kos_thread_mgr_fault_t* what) {
    const kos_fault_t& fault = *what->fault;
    // The log may refuse it when the domain writes too much; root's own record of the fault is there all the same.
    (void)kos_log(KOS_LOG_ERROR, "thread %u: %s fault at %#llx, address %#llx, detail %#llx; %u of %u, %s",
                  static_cast<unsigned>(fault.thread), name_of(fault.kind), static_cast<unsigned long long>(fault.ip),
                  static_cast<unsigned long long>(fault.address), static_cast<unsigned long long>(fault.detail),
                  what->faults, what->limit, what->will_restart ? "restarted" : "the domain ends");
}

kos_status_t kos_thread_mgr_init(kos_thread_mgr_entry_t* entries, size_t capacity, kos_thread_mgr_t* mgr) {
    if (!entries || capacity == 0 || capacity > KOS_MAX_THREADS) return KOS_STATUS_INVALID_ARGUMENT;
    for (size_t i = 0; i < capacity; ++i) entries[i] = kos_thread_mgr_entry_t{};
    *mgr = {entries, capacity};
    return kos::thread_mgr::look_after_faults();
}

kos_status_t kos_thread_mgr_add(kos_thread_mgr_t* mgr, kos_thread_t* thread, uint32_t fault_limit, void* cookie,
                                kos_thread_fault_fn_t fault_fn, kos_thread_mgr_id_t* id) {
    if (!thread || kos_thread_number(thread) == 0) return KOS_STATUS_INVALID_ARGUMENT;
    if (find(mgr, kos_thread_number(thread))) return KOS_STATUS_CONFLICT;
    for (size_t i = 0; i < mgr->capacity; ++i) {
        if (mgr->entries[i].thread) continue;
        mgr->entries[i] = {thread, cookie, fault_fn, fault_limit, 0};
        if (id) *id = static_cast<kos_thread_mgr_id_t>(i);
        return KOS_STATUS_CREATED;
    }
    return KOS_STATUS_FULL;
}

kos_status_t kos_thread_mgr_remove(kos_thread_mgr_t* mgr, kos_thread_mgr_id_t id) {
    kos_thread_mgr_entry_t* const entry = entry_of(mgr, id);
    if (!entry) return KOS_STATUS_NOT_FOUND;
    *entry = {};
    return KOS_STATUS_OK;
}

kos_status_t kos_thread_mgr_faults(const kos_thread_mgr_t* mgr, kos_thread_mgr_id_t id, uint32_t* faults) {
    const kos_thread_mgr_entry_t* const entry = entry_of(mgr, id);
    if (!entry) return KOS_STATUS_NOT_FOUND;
    *faults = entry->faults;
    return KOS_STATUS_OK;
}

void kos_thread_mgr_handle_faults(kos_thread_mgr_t* mgr) {
    // One fault per thread at most, unless a restarted one has the next already: that comes with the next signal.
    for (unsigned i = 0; i < KOS_MAX_THREADS; ++i) {
        kos_fault_t fault{};
        kos_status_t const status = kos::thread_mgr::next_fault(&fault);
        if (status == KOS_STATUS_EMPTY) return;
        if (!kos_status_is_ok(status)) kos_stop("root does not tell the faults of this domain's threads");
        handle(mgr, fault);
    }
}

kos_status_t kos_thread_mgr_direct_handler(kos_thread_mgr_t* mgr) {
    for (;;) {
        kos_thread_mgr_handle_faults(mgr);
        if (kos_signal_wait(KOS_SIGNAL_FAULT) & KOS_SIGNAL_STOP) return KOS_STATUS_OK;
    }
}
