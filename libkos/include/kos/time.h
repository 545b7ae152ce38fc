// Time: the counter, sleeping, the wall clock.
#pragma once

#include <kos/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The machine's counter: monotonic, common to all cores and domains, kos_time_hz() ticks per second.
#ifdef __aarch64__
static inline uint64_t kos_time_ticks(void) {
    uint64_t ticks;
    // isb: the read is not made ahead of what comes before it.
    __asm__ volatile("isb\n mrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks;
}
#else
uint64_t kos_time_ticks(void);  // unit tests on the build machine bring their own
#endif
uint64_t kos_time_hz(void);

uint64_t kos_time_us(void);                             // microseconds since boot
static inline uint64_t kos_time_after_us(uint64_t us);  // the counter in `us` microseconds

// Sleeps at least so long, on nobody's CPU time. Uses the port "timer"; without it in the manifest: UNAUTHORIZED.
kos_status_t kos_delay(uint64_t microseconds);

// Signals bit KOS_SIGNAL_USER_0 + `user_bit` of this domain when the counter reaches `deadline_ticks`; replaces an
// earlier alarm of the same bit. 0 cancels it.
kos_status_t kos_time_alarm(unsigned user_bit, uint64_t deadline_ticks);

// For loops that wait for the domain's notification themselves (kos_server_run does it): after KOS_SIGNAL_ALARM, the
// user bits whose alarms have expired.
uint64_t kos_time_alarm_bits(void);

// Nanoseconds since 1970-01-01 UTC; UNAVAILABLE while nobody has set the clock.
kos_status_t kos_time_wall_ns(uint64_t* ns);

uint64_t kos_time_us_to_ticks(uint64_t us);
static inline uint64_t kos_time_after_us(uint64_t us) { return kos_time_ticks() + kos_time_us_to_ticks(us); }

#ifdef __cplusplus
}
#endif
