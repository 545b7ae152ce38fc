// Switching between threads: what is not saved by the exception entry code. Inline, because it is a good part of the
// fast path.
#pragma once

#include "arch/asid.h"
#include "arch/fpu.h"
#include "arch/smp.h"
#include "core/cpu.h"

namespace keel {

// fpu.cpp: `next` uses the FPU and does not own its registers.
void fpu_take(Cpu& cpu, Tcb& next);

[[gnu::always_inline]] inline void set_fpu_access(Cpu& cpu, bool enabled) {
    cpu.arch.fpu_enabled = enabled;
    // CPACR_EL1.FPEN: 0b01 traps EL0 only, 0b11 traps nothing. No isb: the exception return synchronises, and the
    // kernel itself may use the FPU in both settings.
    Word const value = Word{enabled ? 3u : 1u} << 20;
    asm volatile("msr cpacr_el1, %0" ::"r"(value) : "memory");
}

// Lets `next` use the FPU with its own values, or not at all (Tcb::fpu_disabled). In the latter case the registers keep
// their owner's values, out of reach, so that a client that calls a server without FPU finds them in place.
inline void fpu_switch_to(Cpu& cpu, Tcb& next) {
    if (next.fpu_disabled) {
        if (cpu.arch.fpu_enabled) set_fpu_access(cpu, false);
        return;
    }
    if (!cpu.arch.fpu_enabled) set_fpu_access(cpu, true);
    if (cpu.arch.fpu_owner != &next) fpu_take(cpu, next);
}

[[gnu::always_inline]] inline void load_vspace(Cpu& cpu, Word ttbr) {
    if (cpu.arch.vspace_root == ttbr) return;
    cpu.arch.vspace_root = ttbr;
    // No isb: the kernel does not touch user addresses, and the exception return synchronises. No invalidation: user
    // entries are tagged with the ASID.
    asm volatile("msr ttbr0_el1, %0" ::"r"(ttbr) : "memory");
}

// Loads the thread's address space, or an empty one if its VSpace capability has no valid ASID.
[[gnu::always_inline]] inline void activate_vspace(Cpu& cpu, const Tcb& tcb) {
    Word const ttbr = valid_ttbr(tcb.slots[kSlotVSpace].cap);
    load_vspace(cpu, ttbr != 0 ? ttbr : empty_vspace);
}

// The registers that user level or the kernel sets without an exception: they live in the machine while the thread
// runs. `tcb` is the running thread of this core in all three.
inline void save_live_registers(Tcb& tcb) { asm volatile("mrs %0, tpidr_el0" : "=r"(tcb.context.tpidr)); }
inline void load_live_registers(const Tcb& tcb) {
    asm volatile("msr tpidr_el0, %0\n msr tpidrro_el0, %1" ::"r"(tcb.context.tpidr), "r"(tcb.context.tpidrro));
}

// TPIDR_EL0 of any thread that does not run on another core.
inline void set_thread_pointer(Cpu& cpu, Tcb& tcb, Word value) {
    tcb.context.tpidr = value;
    if (cpu.current == &tcb) asm volatile("msr tpidr_el0, %0" ::"r"(value));
}

// `to` becomes the running thread in place of `from`. The idle thread has no address space and no registers: it runs
// in whatever is loaded, so that the next thread finds its own if it is the same as before.
inline void switch_context(Cpu& cpu, Tcb& from, Tcb& to) {
    if (&from != &cpu.idle) save_live_registers(from);
    if (&to == &cpu.idle) return;
    load_live_registers(to);
    activate_vspace(cpu, to);
    fpu_switch_to(cpu, to);
}

// The end of a fast path: switches between two threads of user level, gives up the kernel lock, and returns the thread
// for entry.S. A tail call where the FPU's registers have to change hands, so that the fast path needs no stack frame.
extern "C" Tcb* keel_take_fpu_and_leave(Cpu* cpu, Tcb* to);

[[gnu::always_inline]] inline Tcb* switch_and_leave(Cpu& cpu, Tcb& from, Tcb& to) {
    cpu.current = &to;
    save_live_registers(from);
    load_live_registers(to);
    activate_vspace(cpu, to);
    if (to.fpu_disabled) {
        if (cpu.arch.fpu_enabled) set_fpu_access(cpu, false);
    } else {
        if (!cpu.arch.fpu_enabled) set_fpu_access(cpu, true);
        if (cpu.arch.fpu_owner != &to) return keel_take_fpu_and_leave(&cpu, &to);
    }
    unlock_kernel(cpu);
    return &to;
}

}  // namespace keel
