// The counter and the timer, for the host: 62.5 MHz, moved by the test.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Ticks kForever = ~Ticks{0};

Ticks counter();
void set_deadline(Ticks when);

Ticks us_to_ticks(Word us);
Word ticks_to_us(Ticks ticks);
Word max_us();

// The two lengths that nearly every kernel entry compares with, in ticks; set by init_time().
struct TimeLimits {
    Ticks min_budget;   // what is left of a budget below this is not worth a switch
    Ticks kernel_wcet;  // a replenishment this close is as good as there
};
extern TimeLimits time_limits;

}  // namespace keel
