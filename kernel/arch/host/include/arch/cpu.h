// Per-core state of the architecture, for the host: the members that portable code and the shared AArch64 code use.
#pragma once

#include "core/types.h"

namespace keel {

struct Cpu;
struct Tcb;

struct ArchCpu {
    Tcb* fpu_owner;    // whose values are in the fake FPU registers; null: nobody's
    Word vspace_root;  // TTBR0 as it is loaded
    bool fpu_enabled;  // user level may use the FPU
};

// The core that the test acts as (arch/host/fake_machine.h).
Cpu* current_cpu();

inline void data_barrier() {}
inline void instruction_barrier() {}

// Both end the test program.
[[noreturn]] void stop_core();
[[noreturn]] void halt_machine();

}  // namespace keel
