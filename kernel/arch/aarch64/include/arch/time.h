// The counter and the timer: 64-bit ticks since boot, one deadline per core.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Ticks kForever = ~Ticks{0};

// Counter frequency, set at boot from CNTFRQ_EL0; the conversions are exact for the rates in use (62.5 MHz).
extern Ticks ticks_per_second;
inline Ticks counter() {
    Ticks value;
    asm volatile("isb\n mrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}
// The timer interrupt of this core fires when the counter reaches `when`, or at once if it has.
void set_deadline(Ticks when);

Ticks us_to_ticks(Word us);
Word ticks_to_us(Ticks ticks);
Word max_us();  // largest argument of us_to_ticks that does not overflow half the range of Ticks

// A little less than the time between setting a deadline and its interrupt being useful.
constexpr Ticks kTimerPrecision = 0;

}  // namespace keel
