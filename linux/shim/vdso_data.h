// The shim's data page: offsets in bytes, for assembly and C++.
#pragma once

#define VDSO_SEQUENCE 0          // u32; odd while the server writes
#define VDSO_MULTIPLIER 8        // u64: 2^32 * nanoseconds per tick of the counter
#define VDSO_REALTIME_OFFSET 16  // i64: ns, realtime minus monotonic

// Bit n: the clock with number n (clock_gettime(2)).
#define VDSO_REALTIME_CLOCKS 0x21   // REALTIME, REALTIME_COARSE
#define VDSO_MONOTONIC_CLOCKS 0xd2  // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME
#define VDSO_CLOCK_LAST 7
