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
static_assert(offsetof(FpuContext, fpsr) == 512 && offsetof(FpuContext, fpcr) == 520);  // fpu.S

// fpu_switch_to, called when a thread becomes the running one, is in arch/switch.h.

// The thread's values are in memory afterwards and in no core's registers: before reading, destroying or migrating, and
// before Tcb::fpu_disabled changes (the next fpu_switch_to then brings the registers in line).
void fpu_release(Tcb& tcb);

// fpu.S
extern "C" void keel_fpu_save(FpuContext* to);
extern "C" void keel_fpu_load(const FpuContext* from);

}  // namespace keel
