// What entry.S calls: takes the kernel lock, hands the event to the portable kernel, chooses the thread to resume and,
// while there is none, waits for an interrupt.
#include "arch/trap.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/switch.h"
#include "core/entry.h"
#include "core/scheduler.h"

namespace keel {

namespace {

// Exception classes, ESR_EL1[31:26] (Arm ARM D13.2.37).
constexpr Word kInstructionAbort = 0x20;  // from a lower exception level
constexpr Word kDataAbort = 0x24;

Fault decode_fault(const Tcb& tcb, Word esr, Word far) {
    Fault fault;
    switch (esr >> 26 & 63) {
        case kInstructionAbort:
            fault.type = FaultType::kVm;
            // FAR and pc are the same but for an unaligned pc, which is another exception.
            fault.word[0] = tcb.context.pc;
            fault.word[1] = esr;
            fault.word[2] = 1;
            break;
        case kDataAbort:
            fault.type = FaultType::kVm;
            fault.word[0] = far;
            fault.word[1] = esr;
            fault.word[2] = 0;
            break;
        default:
            fault.type = FaultType::kUserException;
            fault.word[0] = esr;
            fault.word[1] = 0;
            break;
    }
    return fault;
}

// Another core may have run into an entry that one core had to make invalid for a moment to replace it (set_leaf). That
// core held the lock, so the new entry is there by now: nothing has happened, the access is made again. What user level
// may not do even so comes back as another fault.
bool is_fault_over(Word esr, Word far) {
    if constexpr (!kSmp) return false;
    // Status code, ESR_EL1[5:0]: 0b0001LL is a translation fault at level LL. WnR, bit 6, only in data aborts.
    Word const exception_class = esr >> 26 & 63;
    bool const is_abort = exception_class == kInstructionAbort || exception_class == kDataAbort;
    if (!is_abort || (esr & 0x3c) != 4) return false;
    Word result;
    // As user level would translate the address in the address space that is loaded. isb: PAR_EL1 is complete.
    if (exception_class == kDataAbort && esr & 1 << 6) {
        asm volatile("at s1e0w, %1\n isb\n mrs %0, par_el1" : "=r"(result) : "r"(far) : "memory");
    } else {
        asm volatile("at s1e0r, %1\n isb\n mrs %0, par_el1" : "=r"(result) : "r"(far) : "memory");
    }
    return !(result & 1);  // F: the translation failed
}

// Chooses the thread to resume and gives up the lock.
Tcb* leave_kernel(Cpu& cpu) {
    schedule(cpu);
    while (cpu.current == &cpu.idle) {
        unlock_kernel(cpu);
        wait_for_interrupt();
        lock_kernel(cpu);
        cpu.arch.stalled = false;  // there was nothing to stall
        on_interrupt(cpu);
        schedule(cpu);
    }
    unlock_kernel(cpu);
    return cpu.current;
}

// Takes the lock. False if another core stopped the thread meanwhile: its event has not happened (smp.h).
bool enter_kernel(Cpu& cpu) {
    lock_kernel(cpu);
    if constexpr (kSmp) {
        if (cpu.arch.stalled) {
            cpu.arch.stalled = false;
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" {

Tcb* keel_slow_syscall(Cpu* cpu, Tcb* tcb) {
    on_syscall(*cpu, *tcb);
    return leave_kernel(*cpu);
}

Tcb* keel_handle_syscall(Cpu* cpu, Tcb* tcb) {
    return enter_kernel(*cpu) ? keel_slow_syscall(cpu, tcb) : leave_kernel(*cpu);
}

Tcb* keel_handle_irq(Cpu* cpu, Tcb*) {
    // The interrupt is for the core, not for the thread.
    enter_kernel(*cpu);
    on_interrupt(*cpu);
    return leave_kernel(*cpu);
}

Tcb* keel_handle_fault(Cpu* cpu, Tcb* tcb, Word esr, Word far) {
    if (enter_kernel(*cpu) && !is_fault_over(esr, far)) on_fault(*cpu, *tcb, decode_fault(*tcb, esr, far));
    return leave_kernel(*cpu);
}

// On several cores entry.S calls these in place of the fast paths.
Tcb* keel_locked_call(Cpu* cpu, Tcb* tcb) {
    return enter_kernel(*cpu) ? keel_fastpath_call(cpu, tcb) : leave_kernel(*cpu);
}

Tcb* keel_locked_reply_recv(Cpu* cpu, Tcb* tcb) {
    return enter_kernel(*cpu) ? keel_fastpath_reply_recv(cpu, tcb) : leave_kernel(*cpu);
}

}  // extern "C"

[[noreturn]] void start_core(Cpu& cpu) { keel_resume_thread(leave_kernel(cpu)); }

}  // namespace keel
