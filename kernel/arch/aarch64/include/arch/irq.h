// The interrupt controller. `irq` is a hardware number here; the kernel's index of a private interrupt is per core.
#pragma once

#include "core/config.h"

namespace keel {

// Kernel's index into Kernel::irq_slots: private interrupts of core c at c * kNumPrivateIrqs, shared ones after them.
constexpr Word irq_index(unsigned core, Word irq) {
    return irq < kNumPrivateIrqs ? core * kNumPrivateIrqs + irq : (kMaxCores - 1) * kNumPrivateIrqs + irq;
}
constexpr Word irq_number(Word index) {
    return index < kMaxCores * kNumPrivateIrqs ? index % kNumPrivateIrqs : index - (kMaxCores - 1) * kNumPrivateIrqs;
}

enum class IrqState : uint8_t { kInactive = 0, kSignal = 1, kTimer = 2, kIpi = 3, kReserved = 4 };

constexpr Word kNoIrq = ~Word{0};

// An interrupt waits for this core (also while interrupts are masked): the preemption point's question.
inline bool interrupt_pending() {
    Word isr;
    asm volatile("mrs %0, isr_el1" : "=r"(isr));
    return isr != 0;
}
// Takes the waiting interrupt (kernel index), kNoIrq if it was spurious; complete_irq ends it.
Word take_irq();
void complete_irq(Word index);
void mask_irq(Word index, bool masked);
void set_irq_trigger(Word index, bool edge);
// After a user-level driver has acknowledged its interrupt: let it fire again.
void acknowledge_irq(Word index);

}  // namespace keel
