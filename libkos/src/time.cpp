// Conversions of the counter (kos/time.h).
#include "runtime.h"

#include <kos/time.h>

using namespace kos::runtime;

namespace {

constexpr uint64_t kMicroseconds = 1000000;

}  // namespace

uint64_t kos_time_hz(void) { return startup->counter_hz; }

uint64_t kos_time_us(void) {
    uint64_t const ticks = kos_time_ticks();
    uint64_t const hz = startup->counter_hz;
    return ticks / hz * kMicroseconds + ticks % hz * kMicroseconds / hz;
}

uint64_t kos_time_us_to_ticks(uint64_t us) {
    uint64_t const hz = startup->counter_hz;
    return us / kMicroseconds * hz + us % kMicroseconds * hz / kMicroseconds;
}
