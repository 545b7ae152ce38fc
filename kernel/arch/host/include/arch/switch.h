// Switching between threads, for the host: as on AArch64, with the fake FPU and without registers of the machine.
#pragma once

#include "arch/asid.h"
#include "arch/fpu.h"
#include "core/cpu.h"

namespace keel {

void fpu_take(Cpu& cpu, Tcb& next);

inline void fpu_switch_to(Cpu& cpu, Tcb& next) {
    cpu.arch.fpu_enabled = !next.fpu_disabled;
    if (!next.fpu_disabled && cpu.arch.fpu_owner != &next) fpu_take(cpu, next);
}

inline void load_vspace(Cpu& cpu, Word ttbr) { cpu.arch.vspace_root = ttbr; }

inline void activate_vspace(Cpu& cpu, const Tcb& tcb) {
    Word const ttbr = valid_ttbr(tcb.slots[kSlotVSpace].cap);
    load_vspace(cpu, ttbr != 0 ? ttbr : empty_vspace);
}

// The thread pointer registers are in the context only.
inline void save_live_registers(Tcb&) {}
inline void load_live_registers(const Tcb&) {}
inline void set_thread_pointer(Cpu&, Tcb& tcb, Word value) { tcb.context.tpidr = value; }

inline void switch_context(Cpu& cpu, Tcb&, Tcb& to) {
    if (&to == &cpu.idle) return;
    activate_vspace(cpu, to);
    fpu_switch_to(cpu, to);
}

inline Tcb* switch_and_leave(Cpu& cpu, Tcb& from, Tcb& to) {
    cpu.current = &to;
    switch_context(cpu, from, to);
    return &to;
}

}  // namespace keel
