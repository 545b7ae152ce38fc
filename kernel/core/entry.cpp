// Kernel entry by fault and interrupt; see entry.h. System calls are in syscall/syscall.cpp.
#include "core/entry.h"

#include "arch/irq.h"
#include "core/fault.h"
#include "core/irq.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

void on_fault(Cpu& cpu, Tcb& tcb, const Fault& fault) {
    update_time(cpu);
    // Without budget the fault waits too: the instruction is executed again.
    if (!check_budget(cpu)) {
        if (tcb.is_runnable()) set_state(tcb, ThreadState::kRestart);
        return;
    }
    raise_fault(tcb, fault);
}

void on_interrupt(Cpu& cpu) {
    update_time(cpu);
    Word const index = take_irq();
    if (index != kNoIrq) {
        auto const state = static_cast<IrqState>(kernel.irq_state[index]);
        if (state != IrqState::kTimer && state != IrqState::kIpi) mask_irq(index, true);
        // Before anything else: as long as it is active no other interrupt gets through to this core, not even the one
        // that ends its wait for another core, and waking a thread may need such a wait.
        complete_irq(index);
        switch (state) {
            case IrqState::kSignal: deliver_irq(index); break;
            case IrqState::kTimer: cpu.reprogram_timer = true; break;
            case IrqState::kIpi: reschedule(cpu); break;
            case IrqState::kInactive:
            case IrqState::kReserved: break;
        }
    }
    check_budget(cpu);
}

}  // namespace keel
