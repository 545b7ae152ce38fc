// The CPU time of one thread, from what the kernel says of its scheduling context.
//
// The kernel charges time to a scheduling context when a core turns from it to another one, and when a slice ends: what
// has run since the last charge is in no answer. As long as nothing was charged since a moment at which the context is
// known to have been a core's current one, it has been so all the time since, and that time is added. What ran between
// a charge and the first look after it is shown with the next charge, at most one slice later, and never if the thread
// ends before. So the clock may be behind by a slice, and never goes back.
#pragma once

#include "time/clock.h"

namespace kos::lx {

class CpuClock {
public:
    // Not more than this is added to what was charged: the context may have been left and come back to in less time
    // than the kernel tells (1 us).
    static constexpr Nanoseconds kUnchargedMost = 10'000'000;

    // The kernel was asked between `before` and `after`: `charged` since it was last asked. `is_running`: it was
    // asked by a core whose current context this is. Returns the time used so far.
    Nanoseconds look(Nanoseconds before, Nanoseconds charged, Nanoseconds after, bool is_running);
    // The thread has been stopped: its context is no core's current one.
    void stopped() { running_since_ = kNever; }

private:
    Nanoseconds charged_ = 0;
    Nanoseconds running_since_ = kNever;  // without a charge; kNever: not known
    Nanoseconds shown_ = 0;
};

}  // namespace kos::lx
