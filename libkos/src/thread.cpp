// Threads of the own domain (kos/thread.h). Root makes and stops them; this gives them their thread-local storage, runs
// their function, and tells who joins.
#include "libc/libc_locks.h"
#include "libc/thread_area.h"
#include "runtime.h"

#include <kos/dir.h>
#include <kos/mem.h>
#include <kos/sync.h>
#include <kos/thread.h>

struct kos_thread {
    kos_thread_fn_t fn;
    void* param;
    void* area;  // thread-local storage; kept for the next thread of this number
    size_t area_bytes;
    uint64_t pointer;  // thread pointer
    uint32_t number;
    uint32_t is_used;
    void* payload;  // made when first needed
    kos_event_t finished;
};

namespace {

using namespace kos::runtime;

kos_thread threads[KOS_MAX_THREADS];

// A new thread has no thread pointer yet, so this much touches nothing thread-local.
[[noreturn]] void run(kos_thread* thread) {
    asm volatile("msr tpidr_el0, %0" : : "r"(thread->pointer) : "memory");
    thread->fn(thread->param);
    kos_event_set(&thread->finished);
    for (;;) kos_thread_park();
}

kos_status_t prepare_area(kos_thread& thread) {
    if (!thread.area) {
        size_t const bytes = kos_tls_bytes(startup);
        kos_status_t const mapped = kos_mem_map(bytes, KOS_MEM_READ | KOS_MEM_WRITE, &thread.area);
        if (!kos_status_is_ok(mapped)) return mapped;
        thread.area_bytes = bytes;
    }
    return KOS_STATUS_OK;
}

}  // namespace

void* kos::runtime::payload_buffer() {
    alignas(16) static unsigned char main_buffer[KOS_PAYLOAD_MAX];
    if (thread_number() == 0) return main_buffer;
    kos_thread_t* const self = kos_thread_self();
    if (!self->payload) {
        void* mapped = nullptr;
        if (!kos_status_is_ok(kos_mem_map(KOS_PAYLOAD_MAX, KOS_MEM_READ | KOS_MEM_WRITE, &mapped))) return nullptr;
        self->payload = mapped;
    }
    return self->payload;
}

kos_status_t kos_thread_create(kos_thread_fn_t fn, void* param, int passive, kos_thread_t** made) {
    for (kos_thread& thread : threads) {
        uint32_t expected = 0;
        bool const is_main = &thread == &threads[0];
        if (is_main ||
            !__atomic_compare_exchange_n(&thread.is_used, &expected, 1u, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            continue;
        }
        kos_status_t status = prepare_area(thread);
        if (kos_status_is_ok(status)) {
            Answer const answer = call_root(KOS_ROOT_THREAD_CREATE, reinterpret_cast<Word>(&run),
                                            reinterpret_cast<Word>(&thread), KOS_THREAD_STACK_BYTES, passive ? 1 : 0);
            status = answer.status;
            thread.number = static_cast<uint32_t>(answer.words[0]);
        }
        if (!kos_status_is_ok(status)) {
            __atomic_store_n(&thread.is_used, 0u, __ATOMIC_RELEASE);
            return status;
        }
        thread.pointer = kos_tls_setup(thread.area, startup, thread.number);
        thread_words(thread.pointer)->pointer = reinterpret_cast<uint64_t>(&thread);
        thread.fn = fn;
        thread.param = param;
        kos_event_reset(&thread.finished);
        *made = &thread;
        return KOS_STATUS_CREATED;
    }
    return KOS_STATUS_FULL;
}

kos_status_t kos_thread_start(kos_thread_t* thread) { return call_root(KOS_ROOT_THREAD_START, thread->number).status; }

kos_status_t kos_thread_restart(kos_thread_t* thread) {
    kos_sync_thread_gone(thread->number);
    server_thread_gone(thread->number);
    kos_event_reset(&thread->finished);
    thread->pointer = kos_tls_setup(thread->area, startup, thread->number);
    thread_words(thread->pointer)->pointer = reinterpret_cast<uint64_t>(thread);
    return call_root_as_self(KOS_ROOT_THREAD_RESTART, thread->number).status;
}

kos_status_t kos_thread_stop(kos_thread_t* thread) {
    // Not in the middle of malloc or of a line: nobody else could go on.
    kos::libc::lock_all();
    kos_status_t const status = call_root_as_self(KOS_ROOT_THREAD_STOP, thread->number).status;
    kos::libc::unlock_all();
    if (!kos_status_is_ok(status)) return status;
    kos_sync_thread_gone(thread->number);
    server_thread_gone(thread->number);
    __atomic_store_n(&thread->is_used, 0u, __ATOMIC_RELEASE);
    return KOS_STATUS_OK;
}

kos_status_t kos_thread_join_until(kos_thread_t* thread, uint64_t deadline_ticks) {
    kos_status_t const status = kos_event_wait_until(&thread->finished, deadline_ticks);
    return kos_status_is_ok(status) ? kos_thread_stop(thread) : status;
}

kos_status_t kos_thread_join(kos_thread_t* thread) {
    kos_event_wait(&thread->finished);
    return kos_thread_stop(thread);
}

void kos_thread_yield(void) { kos::sel4::yield(); }

void kos_thread_signal_server(void) { kos::sel4::signal(KOS_SLOT_NOTIFICATION); }

kos_thread_t* kos_thread_self(void) {
    unsigned const number = thread_number();
    if (number == 0) return &threads[0];
    return reinterpret_cast<kos_thread*>(thread_words(thread_pointer())->pointer);
}

unsigned kos_thread_number(const kos_thread_t* thread) { return thread->number; }
