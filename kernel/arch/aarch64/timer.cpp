// The kernel's timer: the virtual counter and its comparator (PPI 27). User level has the physical ones.
#include "arch/time.h"

#include "core/abi.h"
#include "core/assert.h"
#include "core/config.h"

namespace keel {

Ticks ticks_numerator;
Ticks ticks_denominator;
TimeLimits time_limits;

namespace {

constexpr Word kMicrosecondsPerSecond = 1000000;

Word greatest_common_divisor(Word a, Word b) {
    while (b != 0) {
        Word const rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

}  // namespace

Ticks us_to_ticks(Word us) { return us * ticks_numerator / ticks_denominator; }

Word ticks_to_us(Ticks ticks) {
    // Without overflow for every argument: the product is formed of the remainder only, which is below the numerator.
    return ticks / ticks_numerator * ticks_denominator + ticks % ticks_numerator * ticks_denominator / ticks_numerator;
}

// The limit that the ABI's reference kernel has: far from any overflow, and the figure is part of a range error.
Word max_us() { return kForever / (ticks_numerator * 1000 / ticks_denominator * 8); }

void init_time() {
    Word frequency;
    asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    KEEL_ASSERT(frequency >= kMicrosecondsPerSecond);
    Word const divisor = greatest_common_divisor(frequency, kMicrosecondsPerSecond);
    ticks_numerator = frequency / divisor;
    ticks_denominator = kMicrosecondsPerSecond / divisor;
    time_limits = {us_to_ticks(kMinBudgetUs), us_to_ticks(kKernelWcetUs)};
}

void init_core_timer() {
    // CNTKCTL_EL1: user level reads CNTPCT (EL0PCTEN) and programs CNTP (EL0PTEN); CNTVCT, CNTV and the event stream
    // are off. This is the contract of the configuration (KernelArmExportPCNTUser, KernelArmExportPTMRUser).
    constexpr Word kEl0PhysicalCounter = 1 << 0;
    constexpr Word kEl0PhysicalTimer = 1 << 9;
    set_deadline(kForever);
    asm volatile(
        "msr cntkctl_el1, %0\n"
        "isb" ::"r"(kEl0PhysicalCounter | kEl0PhysicalTimer)
        : "memory");
}

}  // namespace keel
