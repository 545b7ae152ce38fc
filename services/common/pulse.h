/*
 * Wakes the server loop of this domain when the counter reaches a time, by a second active thread. Depends on no other
 * domain and no device, so services that must go on when the timer is dead use it. As precise as the domain's period.
 * Target only.
 */
#ifndef KOS_SERVICES_COMMON_PULSE_H_
#define KOS_SERVICES_COMMON_PULSE_H_

#include <kos/app.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <stdint.h>

namespace kos::service {

class Pulse {
public:
    // Makes the thread. Ends the domain if the manifest does not allow it (threads = 2).
    void start() {
        kos_thread_t* thread = nullptr;
        const bool made = kos_thread_create(run, this, 0, &thread) == KOS_STATUS_CREATED;
        if (!made || !kos_status_is_ok(kos_thread_start(thread)))
            kos_stop("threads: expected 2, the second is the clock");
    }

    // `signalled` of the server is called when the counter has reached `ticks`; UINT64_MAX: not at all.
    void wake_at(uint64_t ticks) { __atomic_store_n(&wake_at_, ticks, __ATOMIC_RELEASE); }

private:
    static void run(void* context) {
        auto* pulse = static_cast<Pulse*>(context);
        while (true) {
            kos_thread_yield();
            // Repeated in every period until the server has set a later time: a signal is never lost for good.
            if (kos_time_ticks() >= __atomic_load_n(&pulse->wake_at_, __ATOMIC_ACQUIRE)) kos_thread_signal_server();
        }
    }

    uint64_t wake_at_ = UINT64_MAX;
};

}  // namespace kos::service

#endif
