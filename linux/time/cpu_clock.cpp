#include "time/cpu_clock.h"

#include <algorithm>

namespace kos::lx {

Nanoseconds CpuClock::look(Nanoseconds before, Nanoseconds charged, Nanoseconds after, bool is_running) {
    charged_ += charged;
    if (charged > 0) running_since_ = kNever;
    Nanoseconds uncharged = 0;
    if (running_since_ != kNever)
        uncharged = std::clamp<Nanoseconds>(before - running_since_, 0, kUnchargedMost);
    else if (is_running)
        running_since_ = after;
    shown_ = std::max(shown_, charged_ + uncharged);
    return shown_;
}

}  // namespace kos::lx
