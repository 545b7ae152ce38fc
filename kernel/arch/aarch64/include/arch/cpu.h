// Per-core state of the architecture, and barriers. The exception entry code relies on the layout of ArchCpu.
#pragma once

#include "core/types.h"

namespace keel {

struct Cpu;
struct Tcb;

struct ArchCpu {
    Word stack_top;       // kernel stack of this core; offset 0, read by entry.S
    Tcb* fpu_owner;       // whose values are in the FPU registers now; null: nobody's
    Word vspace_root;     // TTBR0 as it is loaded: ASID and physical address
    // SMP: see arch/smp.h. Written by other cores without the lock.
    volatile Word in_kernel;
    volatile Word requests;
};
static_assert(offsetof(ArchCpu, stack_top) == 0);

inline Cpu* current_cpu() {
    Cpu* cpu;
    asm volatile("mrs %0, tpidr_el1" : "=r"(cpu));
    return cpu;
}

inline void data_barrier() { asm volatile("dsb sy" ::: "memory"); }
inline void instruction_barrier() { asm volatile("isb" ::: "memory"); }

}  // namespace keel
