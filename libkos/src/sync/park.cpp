// Sleep and wake-up of threads on the device: a notification per thread, made by root (kos_startup_t.park_slot_first).
#include "park.h"

#include "../libc/thread_area.h"
#include "../runtime.h"

#include <kos/time.h>

namespace kos::sync {

namespace {

constexpr uint64_t kDozeUs = 1000;

kos_slot_t slot_of(unsigned thread) {
    const kos_startup_t* const startup = runtime::startup;
    if (startup->park_slot_first == 0 || thread >= startup->threads_max) broken("this domain has no second thread");
    return startup->park_slot_first + thread;
}

}  // namespace

unsigned self() { return runtime::thread_number(); }
bool spinning_helps() { return runtime::startup->cores > 1; }
uint64_t now_ticks() { return kos_time_ticks(); }

bool doze(uint64_t deadline_ticks) {
    uint64_t const now = kos_time_ticks();
    if (now >= deadline_ticks) return true;
    uint64_t const slice = kos_time_us_to_ticks(kDozeUs);
    uint64_t const left = deadline_ticks - now;
    // The rest of a wait that is shorter than a slice, in microseconds, rounded up.
    uint64_t const us = left >= slice ? kDozeUs : left * kDozeUs / slice + 1;
    return kos_status_is_ok(kos_delay(us));
}

void broken(const char* what) { kos_stop(what); }

}  // namespace kos::sync

void kos_thread_park(void) { kos::sel4::recv(kos::sync::slot_of(kos::sync::self()), 0); }

void kos_thread_unpark(unsigned thread_number) { kos::sel4::signal(kos::sync::slot_of(thread_number)); }
