// Load averages (load.h).
#include "fs/proc/load.h"

#include "fs/proc/nodes.h"

#include <algorithm>

namespace kos::lx {

Nanoseconds busy_time(const System& system) {
    Nanoseconds sum = 0;
    for (const auto& [pid, process] : system.processes()) {
        // Children that were waited for are counted by who waited.
        sum += proc::processor_time(*process) + process->children_time;
    }
    return sum;
}

const Load& load_average(System& system) {
    constexpr Nanoseconds kStep = 5'000'000'000;
    // Per step of 5 s the old load keeps this share of 2048: exp(-5 s / 1, 5, 15 min).
    constexpr uint64_t kKept[] = {1884, 2014, 2037};
    static Load load;  // of the only system
    static Nanoseconds last = 0, last_busy = 0;
    Nanoseconds const now = system.timers.now(), span = now - last;
    if (span < kStep) return load;
    Nanoseconds const busy = busy_time(system);
    uint64_t const running = busy > last_busy ? static_cast<uint64_t>((busy - last_busy) / (span / 2048)) : 0;
    for (Nanoseconds steps = std::min<Nanoseconds>(span / kStep, 2000); steps > 0; --steps) {
        for (int i = 0; i < 3; ++i) load.of[i] = (load.of[i] * kKept[i] + running * (2048 - kKept[i])) / 2048;
    }
    last = now;
    last_busy = busy;
    return load;
}

}  // namespace kos::lx
