// What sync.cpp needs of the system: the calling thread's number, sleep and wake-up. park.cpp for the device, a fake
// for host tests.
#pragma once

#include <kos/sync.h>

namespace kos::sync {

unsigned self();        // number of the calling thread, below KOS_MAX_THREADS
bool spinning_helps();  // several cores: who holds a lock may be running right now
uint64_t now_ticks();
// Sleeps for a moment (at most a millisecond, not past the deadline) without wake-up. False: it cannot (no timer).
bool doze(uint64_t deadline_ticks);
[[noreturn]] void broken(const char* what);

}  // namespace kos::sync
