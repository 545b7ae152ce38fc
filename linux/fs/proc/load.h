// How busy the system was: the load of /proc/loadavg and sysinfo(2), and processor time as /proc/stat counts it.
#pragma once

#include "time/clock.h"

#include <stdint.h>

namespace kos::lx {

class System;

// What the processors have done for programs since the system began.
Nanoseconds busy_time(const System& system);

// Of the last 1, 5 and 15 minutes, in 1/2048. From the processor time that was used between the calls of this function,
// since nothing here runs by itself every few seconds.
struct Load {
    uint64_t of[3] = {};
};
const Load& load_average(System& system);

}  // namespace kos::lx
