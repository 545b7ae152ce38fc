// The counter and the timer: 64-bit ticks since boot, one deadline per core.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Ticks kForever = ~Ticks{0};

// Frequency of the counter (CNTFRQ_EL0) as a reduced fraction: `ticks_numerator` ticks are `ticks_denominator` us.
// 62.5 MHz: 125/2.
extern Ticks ticks_numerator;
extern Ticks ticks_denominator;

inline Ticks counter() {
    Ticks value;
    // isb: the read must not be executed before the instructions in front of it (Arm ARM, D11.1.2).
    asm volatile("isb\n mrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

// The timer interrupt of this core fires when the counter reaches `when`, or at once if it has. kForever: never.
inline void set_deadline(Ticks when) {
    // CNTV_CTL_EL0: ENABLE, not IMASK. Off for "never": a comparator in the very far future would do on hardware, but a
    // simulator that jumps to the next event when all cores are idle would jump there.
    if (when == kForever) {
        asm volatile("msr cntv_ctl_el0, xzr" ::: "memory");
    } else {
        asm volatile("msr cntv_cval_el0, %0\n msr cntv_ctl_el0, %1" ::"r"(when), "r"(Word{1}) : "memory");
    }
}

// Rounds down. The argument is at most max_us().
Ticks us_to_ticks(Word us);
Word ticks_to_us(Ticks ticks);
Word max_us();  // longest period; a few of them added to a time do not overflow

// The two lengths that nearly every kernel entry compares with, in ticks; set by init_time().
struct TimeLimits {
    Ticks min_budget;   // what is left of a budget below this is not worth a switch
    Ticks kernel_wcet;  // a replenishment this close is as good as there
};
extern TimeLimits time_limits;

// Once at boot, then per core.
void init_time();
void init_core_timer();

}  // namespace keel
