// kos/sync.h and malloc with threads of the kernel: each sleeps on a notification of its own, as root makes them.
#include <kos/sync.h>

#include <kos/roottask/testing.h>

#include <stdlib.h>
#include <string.h>

#include "fake.h"

using namespace kos::roottask;

namespace {

constexpr unsigned kThreads = 4;
alignas(64) unsigned char areas[kThreads + 1][2048];

struct Work {
    kos_mutex_t mutex;
    kos_condition_t changed;
    kos_semaphore_t units;
    kos_event_t go;
    kos_once_t once;
    unsigned counter, once_runs, inside, most_inside, finished;
    bool heap_is_good;
};
Work work;

void body(unsigned number) {
    libc_test::WithThreadPointer const pointer(areas[number], number);
    kos_event_wait(&work.go);
    kos_once(
        &work.once, [](void* runs) { ++*static_cast<unsigned*>(runs); }, &work.once_runs);
    for (unsigned i = 0; i < 300; ++i) {
        kos_mutex_lock(&work.mutex);
        unsigned const seen = work.counter;
        if (i % 16 == 0) kos::sel4::yield();  // somebody else wants it now
        work.counter = seen + 1;
        kos_mutex_unlock(&work.mutex);

        kos_semaphore_wait(&work.units);
        unsigned const inside = __atomic_add_fetch(&work.inside, 1, __ATOMIC_SEQ_CST);
        if (inside > 2) work.most_inside = inside;
        if (i % 16 == 8) kos::sel4::yield();
        __atomic_sub_fetch(&work.inside, 1, __ATOMIC_SEQ_CST);
        kos_semaphore_post(&work.units);

        auto* const block = static_cast<unsigned char*>(malloc(i * 7 + number));
        if (!block) work.heap_is_good = false;
        if (block) memset(block, static_cast<int>(number), i * 7 + number);
        free(block);
    }
    kos_mutex_lock(&work.mutex);
    ++work.finished;
    kos_condition_broadcast(&work.changed);
    while (work.finished != kThreads) kos_condition_wait(&work.changed, &work.mutex);
    kos_mutex_unlock(&work.mutex);
}

}  // namespace

KOS_TEST(locks_between_threads) {
    kos_startup_t& startup = libc_test::startup();
    startup.threads_max = kThreads + 1;
    startup.cores = static_cast<uint32_t>(t.nodes());
    startup.park_slot_first = t.make_many(seL4_NotificationObject, 0, kThreads + 1);
    work = Work{};
    work.heap_is_good = true;
    kos_semaphore_init(&work.units, 2);
    Thread threads[kThreads];
    for (unsigned n = 0; n < kThreads; ++n) {
        ThreadOptions options;
        options.priority = kBelowMain;
        options.node = n % t.nodes();
        options.budget = {.budget_us = 1000, .period_us = 1000};
        ASSERT_TRUE(t.create(threads[n], options));
        // Number 0 is the main thread's: the one that runs this.
        ASSERT_OK(threads[n].start([n] { body(n + 1); }));
    }
    {
        libc_test::WithThreadPointer const pointer(areas[0], 0);
        kos_event_set(&work.go);
    }
    for (Thread& thread : threads) thread.join();
    EXPECT_EQ(work.counter, kThreads * 300);
    EXPECT_EQ(work.once_runs, 1u);
    EXPECT_EQ(work.most_inside, 0u);
    EXPECT_EQ(work.finished, kThreads);
    EXPECT_TRUE(work.heap_is_good);
    EXPECT_EQ(work.mutex.word, 0u);
    EXPECT_EQ(work.units.word, 2u);
}
