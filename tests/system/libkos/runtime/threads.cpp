// Threads of the domain: locks between them, faults that the manager mends, the C++ wrapper.
#include <kos/cpp/all.h>
#include <kos/signal.h>
#include <kos/thread_mgr.h>

#include <stdlib.h>
#include <string.h>

#include "checks.h"

namespace {

constexpr unsigned kWorkers = 2;
constexpr unsigned kRounds = 60;

struct Shared {
    kos_mutex_t mutex;
    kos_semaphore_t units;
    kos_event_t go;
    unsigned counter, inside, too_many, no_memory;
} shared;

thread_local unsigned rounds_here = 0;

void work(void*) {
    kos_event_wait(&shared.go);
    for (unsigned i = 0; i < kRounds; ++i) {
        kos_mutex_lock(&shared.mutex);
        unsigned const seen = shared.counter;
        if (i % 16 == 0) kos_thread_yield();
        shared.counter = seen + 1;
        kos_mutex_unlock(&shared.mutex);
        kos_semaphore_wait(&shared.units);
        if (__atomic_add_fetch(&shared.inside, 1, __ATOMIC_SEQ_CST) > 2) shared.too_many = 1;
        void* const block = malloc(i * 3 + 1);
        if (!block) shared.no_memory = 1;
        if (block) memset(block, 1, i * 3 + 1);
        free(block);
        __atomic_sub_fetch(&shared.inside, 1, __ATOMIC_SEQ_CST);
        kos_semaphore_post(&shared.units);
        ++rounds_here;
    }
    if (rounds_here != kRounds) shared.too_many = 2;
}

// Fails twice, then does what it shall.
struct Job {
    unsigned attempts = 0;
    unsigned told = 0;
    kos_mutex_t mutex = KOS_MUTEX_INIT;
    kos_event_t done = KOS_EVENT_INIT;
} job;
thread_local unsigned fresh = 5;
volatile uintptr_t nowhere = 16;  // the compiler must not know

void fail_twice(void*) {
    kos_mutex_lock(&job.mutex);
    bool const is_fresh = fresh == 5;
    fresh = 6;
    if (++job.attempts < 3) *reinterpret_cast<volatile int*>(nowhere) = 1;
    kos_mutex_unlock(&job.mutex);
    if (is_fresh) kos_event_set(&job.done);
}

void on_fault(void* cookie, const kos_thread_mgr_fault_t* what) {
    kos_thread_fault_fn_print_faults(cookie, what);
    bool const is_right = what->fault->kind == KOS_EXIT_FAULT_MEMORY && what->fault->address == 16 &&
                          what->fault->thread != 0 && what->will_restart;
    if (is_right && kos_mutex_take_from(&job.mutex, static_cast<unsigned>(what->fault->thread)) == KOS_STATUS_OK) {
        ++job.told;
    }
}

}  // namespace

void check_locks() {
    kos_semaphore_init(&shared.units, 2);
    kos_thread_t* threads[kWorkers];
    bool is_good = true;
    for (kos_thread_t*& thread : threads) {
        is_good &= kos_thread_create(work, nullptr, 0, &thread) == KOS_STATUS_CREATED &&
                   kos_status_is_ok(kos_thread_start(thread));
    }
    check("threads start", is_good);
    kos_event_set(&shared.go);
    for (kos_thread_t* thread : threads) is_good &= kos_status_is_ok(kos_thread_join(thread));
    check("threads are joined", is_good);
    check("mutex", shared.counter == kWorkers * kRounds, shared.counter);
    check("semaphore", shared.too_many == 0 && shared.units.word == 2, shared.too_many);
    check("malloc in threads", shared.no_memory == 0);
}

void check_thread_manager() {
    kos_thread_mgr_entry_t entries[2];
    kos_thread_mgr_t mgr;
    kos_status_t const made = kos_thread_mgr_init(entries, 2, &mgr);
    check("manager", made == KOS_STATUS_OK, made);
    kos_thread_t* thread = nullptr;
    kos_thread_mgr_id_t id = 0;
    kos_assert_created(kos_thread_create(fail_twice, nullptr, 0, &thread));
    kos_assert_created(kos_thread_mgr_add(&mgr, thread, 5, nullptr, on_fault, &id));
    kos_assert_ok(kos_thread_start(thread));
    uint64_t const deadline = kos_time_after_us(5000000);
    while (!kos_event_is_set(&job.done) && kos_time_ticks() < deadline) {
        if (kos_signal_poll(KOS_SIGNAL_FAULT)) kos_thread_mgr_handle_faults(&mgr);
        (void)kos_event_wait_until(&job.done, kos_time_after_us(2000));
    }
    check("restarted after two faults", job.attempts == 3 && job.told == 2, job.attempts << 8 | job.told);
    uint32_t faults = 0;
    (void)kos_thread_mgr_faults(&mgr, id, &faults);
    check("faults counted", faults == 2, faults);
    (void)kos_thread_mgr_remove(&mgr, id);
    kos_status_t const joined = kos_thread_join_until(thread, kos_time_after_us(1000000));
    check("then joined", joined == KOS_STATUS_OK, joined);
}

void check_cpp_threads() {
    kos::Guarded<int> total{1};
    {
        kos::Result<kos::Thread> one = kos::Thread::start([&] { total.with([](int& value) { value += 2; }); });
        kos::Result<kos::Thread> two = kos::Thread::start([&] { total.with([](int& value) { value += 4; }); });
        check("C++ threads start", one.ok() && two.ok(), one.status().code());
    }
    check("C++ threads", total.with([](int value) { return value; }) == 7);
}
