// Times as system calls give and take them.
#pragma once

#include "syscalls/call.h"

namespace kos::lx {

constexpr Nanoseconds kSecond = 1'000'000'000;

// Sums and sums of seconds that stay below kNever.
constexpr Nanoseconds later(Nanoseconds now, Nanoseconds by) { return by > kNever - 1 - now ? kNever - 1 : now + by; }
// kEINVAL unless seconds >= 0 and 0 <= nanoseconds < 10^9. Times beyond 292 years count as that.
Result<Nanoseconds> nanoseconds_of(const Timespec& time);
Result<Nanoseconds> read_timespec(Call& call, uint64_t address);  // kEFAULT too

constexpr int kCLOCK_REALTIME = 0, kCLOCK_MONOTONIC = 1, kCLOCK_PROCESS_CPUTIME_ID = 2, kCLOCK_THREAD_CPUTIME_ID = 3,
              kCLOCK_MONOTONIC_RAW = 4, kCLOCK_REALTIME_COARSE = 5, kCLOCK_MONOTONIC_COARSE = 6, kCLOCK_BOOTTIME = 7,
              kCLOCK_REALTIME_ALARM = 8, kCLOCK_BOOTTIME_ALARM = 9, kCLOCK_TAI = 11;

// What a clock shows, CPU clocks (also of other processes) among them. kEINVAL.
Result<Nanoseconds> clock_now(Thread& thread, int clock);
// When the realtime clock, as it is set now, will show `time`.
Nanoseconds monotonic_of_realtime(Timers& timers, Nanoseconds time);

}  // namespace kos::lx
