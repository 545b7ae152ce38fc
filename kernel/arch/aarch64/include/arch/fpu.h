// Floating point and SIMD registers of a thread.
#pragma once

#include "core/types.h"

namespace keel {

struct Cpu;
struct Tcb;

struct alignas(16) FpuContext {
    uint8_t q[32][16];
    Word fpsr;
    Word fpcr;
};

// Called when `next` becomes the running thread of `cpu`: saves the owner's registers if they are not the next
// thread's, loads the next thread's, and lets user level use the FPU or not (Tcb::fpu_disabled).
void fpu_switch_to(Cpu& cpu, Tcb& next);
// The thread's values are in memory afterwards and in no core's registers: before reading, destroying or migrating.
void fpu_release(Tcb& tcb);

}  // namespace keel
