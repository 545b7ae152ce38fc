// What ppoll, pselect6, epoll_pwait and others that wait have in common: time limits and temporary signal masks.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

// struct timespec as a time; kEINVAL if it is not one. Limited to what a clock can show.
Result<Nanoseconds> time_of(const Timespec& timespec);
Result<Nanoseconds> read_time(Call& call, uint64_t address);  // also kEFAULT

// `now` + `span`, at most kNever - 1.
Nanoseconds after(Nanoseconds now, Nanoseconds span);

// Sets the call's temporary signal mask (sigset_t at `address`; 0: none). kEINVAL, kEFAULT.
Status begin_signal_mask(Call& call, uint64_t address, uint64_t bytes);
// At the call's end: back to the mask of before, unless a signal has ended the call (then signal/ does it, after the
// handler's frame is made).
Result<int64_t> end_signal_mask(Call& call, Result<int64_t> result);

}  // namespace kos::lx
