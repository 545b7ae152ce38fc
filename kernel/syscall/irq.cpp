// Invocations of IRQControl and IRQHandler capabilities.
#include "core/irq.h"

#include "arch/irq.h"
#include "core/derivation.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

Outcome issue_handler(Invocation& inv) {
    if (inv.length < 3 || !inv.extra[0]) return inv.truncated();
    Word const irq = inv.arg(0);
    if (irq > kMaxIrq) return inv.range_error(0, kMaxIrq);
    Word const index = irq_index(0, irq);
    if (is_irq_taken(index)) return inv.fail(seL4_RevokeFirst);
    Slot* const slot = lookup_target_slot(inv, inv.extra[0]->cap, inv.arg(1), inv.arg(2), false);
    if (!slot || !ensure_empty(inv, *slot)) return Outcome::kError;
    claim_irq(index);
    insert_derived(*inv.slot, *slot, Cap::irq_handler(index));
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_irq_control(Invocation& inv) {
    if (inv.label == seL4_IRQIssueIRQHandler) return issue_handler(inv);
    return invoke_irq_control_arch(inv);
}

Outcome invoke_irq_handler(Invocation& inv) {
    Word const index = inv.cap.irq();
    switch (inv.label) {
        case seL4_IRQAckIRQ: acknowledge_irq(index); return Outcome::kDone;
        case seL4_IRQSetIRQHandler: {
            if (!inv.extra[0]) return inv.truncated();
            Slot& source = *inv.extra[0];
            if (!source.cap.is(CapType::kNotification) || !source.cap.rights().write())
                return inv.invalid_capability(0);
            Cap const cap = source.cap;
            if (forget_irq_notification(index) == Progress::kPreempted) return Outcome::kPreempted;
            // The source may have been what was deleted, if it was the slot itself's last sibling.
            if (same_object(source.cap, cap)) insert_derived(source, kernel.irq_slots[index], cap);
            return Outcome::kDone;
        }
        case seL4_IRQClearIRQHandler:
            return forget_irq_notification(index) == Progress::kPreempted ? Outcome::kPreempted : Outcome::kDone;
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
