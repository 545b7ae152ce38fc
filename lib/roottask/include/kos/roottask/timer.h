// Reading the physical counter, which this configuration lets user level read.
#pragma once

#include <stdint.h>

namespace kos::roottask {

inline uint64_t counter_ticks() {
    uint64_t ticks;
    // isb: the read must not move up before what is measured (Arm ARM, D11.2.1 "accessing the counter").
    asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

inline uint64_t counter_frequency_hz() {
    uint64_t frequency;
    asm("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency;
}

inline uint64_t ticks_to_us(uint64_t ticks) { return ticks * 1000000 / counter_frequency_hz(); }
inline uint64_t us_to_ticks(uint64_t us) { return us * counter_frequency_hz() / 1000000; }
inline uint64_t now_us() { return ticks_to_us(counter_ticks()); }

// Keeps the processor busy for so long by the counter, whether or not the thread runs all that time.
inline void spin_us(uint64_t us) {
    uint64_t end = counter_ticks() + us_to_ticks(us);
    while (counter_ticks() < end) {
    }
}

}  // namespace kos::roottask
