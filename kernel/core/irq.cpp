// Interrupts; see irq.h.
#include "core/irq.h"

#include "arch/irq.h"
#include "core/destroy.h"
#include "core/notification.h"

namespace keel {

bool is_irq_taken(Word index) { return kernel.irq_state[index] != static_cast<uint8_t>(IrqState::kInactive); }

void claim_irq(Word index) {
    kernel.irq_state[index] = static_cast<uint8_t>(IrqState::kSignal);
    mask_irq(index, false);
}

void release_irq(Word index) {
    kernel.irq_state[index] = static_cast<uint8_t>(IrqState::kInactive);
    mask_irq(index, true);
}

Progress forget_irq_notification(Word index) { return delete_cap(kernel.irq_slots[index]); }

void deliver_irq(Word index) {
    Cap const& cap = kernel.irq_slots[index].cap;
    if (cap.is(CapType::kNotification) && cap.rights().write()) signal(*cap.notification(), cap.badge());
}

}  // namespace keel
