// Per-core state of the architecture, and barriers. The exception entry code relies on the layout of ArchCpu.
#pragma once

#include "core/types.h"

namespace keel {

struct Cpu;
struct Tcb;

struct ArchCpu {
    Word stack_top;    // kernel stack of this core; offset 0, read by entry.S
    Tcb* fpu_owner;    // whose values are in the FPU registers now; null: nobody's
    Word vspace_root;  // TTBR0 as it is loaded: ASID and physical address
    bool fpu_enabled;  // user level may use the FPU: CPACR_EL1 as it is loaded
    bool stalled;      // SMP: another core took the thread away while this one waited for the lock
    Word taken_irq;    // what the interrupt controller's acknowledge register said; needed again to complete it
    // SMP: requests of the core that holds the lock, written by it without this core's consent (smp.cpp).
    volatile Word requests;
    volatile bool sleeping;  // waits for another core with wfi: a kWakeIpi is needed when what it waits for happens
};
static_assert(offsetof(ArchCpu, stack_top) == 0);

// TPIDR_EL1 holds the core's Cpu from initialisation on.
inline Cpu* current_cpu() {
    Cpu* cpu;
    asm("mrs %0, tpidr_el1" : "=r"(cpu));
    return cpu;
}

inline void data_barrier() { asm volatile("dsb sy" ::: "memory"); }
inline void instruction_barrier() { asm volatile("isb" ::: "memory"); }
// Until an interrupt is pending, masked or not.
inline void wait_for_interrupt() {
    // dsb: what was written before (lock, requests) is visible to others while this core sleeps.
    asm volatile("dsb sy\n wfi" ::: "memory");
}

// The end (fault_record.cpp): this core, or the whole machine, for good.
[[noreturn]] void stop_core();
[[noreturn]] void halt_machine();
// Another core has stopped the machine.
bool is_machine_stopping();

}  // namespace keel
