// The interrupt controller. `irq` is a hardware number here; the kernel's index of a private interrupt is per core.
#pragma once

#include "core/config.h"

namespace keel {

// Kernel's index into Kernel::irq_slots: private interrupts of core c at c * kNumPrivateIrqs, shared ones after them.
constexpr Word irq_index(unsigned core, Word irq) {
    if (kMaxCores == 1) return irq;
    return irq < kNumPrivateIrqs ? core * kNumPrivateIrqs + irq : (kMaxCores - 1) * kNumPrivateIrqs + irq;
}
constexpr Word irq_number(Word index) {
    if (kMaxCores == 1) return index;
    return index < kMaxCores * kNumPrivateIrqs ? index % kNumPrivateIrqs : index - (kMaxCores - 1) * kNumPrivateIrqs;
}
// Core of a private interrupt.
constexpr bool is_private_irq(Word index) { return index < kMaxCores * kNumPrivateIrqs; }
constexpr unsigned irq_core(Word index) { return static_cast<unsigned>(index / kNumPrivateIrqs); }

enum class IrqState : uint8_t { kInactive = 0, kSignal = 1, kTimer = 2, kIpi = 3, kReserved = 4 };

constexpr Word kNoIrq = ~Word{0};

constexpr Word kTimerIrq = 27;  // the virtual timer's private interrupt
constexpr Word kNumSgis = 16;
// Software-generated interrupts that several cores use among themselves: kRequestIpi says that `requests` is set or the
// scheduler has to be looked at; kWakeIpi ends a core's sleep while it waits for another (smp.cpp) and says nothing
// else.
constexpr Word kRequestIpi = 0;
constexpr Word kWakeIpi = 1;

// An interrupt waits for this core (also while interrupts are masked): the preemption point's question.
inline bool interrupt_pending() {
    Word isr;
    asm volatile("mrs %0, isr_el1" : "=r"(isr));
    // I only. A system error that user level provoked stays pending for ever, and must not look like an interrupt that
    // has to be served before long work can go on.
    constexpr Word kIrqPending = 1 << 7;
    return isr & kIrqPending;
}
// Takes the waiting interrupt (kernel index), kNoIrq if it was spurious; complete_irq ends it.
Word take_irq();
void complete_irq(Word index);
void mask_irq(Word index, bool masked);
void set_irq_trigger(Word index, bool edge);
// After a user-level driver has acknowledged its interrupt: let it fire again.
void acknowledge_irq(Word index);

// For the capability: raises a software-generated interrupt on the cores of the mask (bit n: CPU interface n of the
// controller).
void send_sgi(Word irq, Word target_mask);

// Interrupts another core for the kernel: kRequestIpi or kWakeIpi.
void send_ipi(unsigned core, Word ipi);
// Forgets that this core was sent the interrupt; it has not been taken.
void clear_ipi(Word ipi);

// The distributor once, by the first core; then each core its own interface.
void init_interrupt_distributor();
void init_core_interrupts();
// Shared interrupt: which core gets it.
void set_irq_target(Word index, unsigned core);

}  // namespace keel
