// The counter and the timer, for the host: 62.5 MHz, moved by the test.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Ticks kForever = ~Ticks{0};
constexpr Ticks kTimerPrecision = 0;

Ticks counter();
void set_deadline(Ticks when);

Ticks us_to_ticks(Word us);
Word ticks_to_us(Ticks ticks);
Word max_us();

}  // namespace keel
