// Interrupt invocations that depend on the controller: trigger mode, core, software-generated interrupts.
#include <sel4/abi.h>

#include "arch/irq.h"
#include "core/derivation.h"
#include "core/irq.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

constexpr Word kMaxSgiTarget = 7;  // CPU interfaces that a GICv2 can have, less one

// Target core, or kAnyCore for the call that does not name one.
constexpr Word kAnyCore = ~Word{0};

Outcome issue_handler(Invocation& inv, Word irq, bool edge, Word index, Word depth, Word core) {
    Word const kernel_index = irq_index(core == kAnyCore ? 0 : static_cast<unsigned>(core), irq);
    if (is_irq_taken(kernel_index)) return inv.fail(seL4_RevokeFirst);
    Slot* const target = lookup_target_slot(inv, inv.extra[0]->cap, index, depth, false);
    if (!target) return Outcome::kError;
    if (!ensure_empty(inv, *target)) return Outcome::kError;

    set_irq_trigger(kernel_index, edge);
    if (kSmp && core != kAnyCore && irq >= kNumPrivateIrqs) set_irq_target(kernel_index, static_cast<unsigned>(core));
    claim_irq(kernel_index);
    insert_original(*inv.slot, *target, Cap::irq_handler(kernel_index));
    return Outcome::kDone;
}

Outcome issue_with_trigger(Invocation& inv) {
    if (inv.length < 4 || !inv.extra[0]) return inv.truncated();
    Word const irq = inv.arg(0);
    // On several cores a private interrupt needs its core.
    if (kSmp && irq < kNumPrivateIrqs) return inv.illegal_operation();
    if (irq > kMaxIrq) return inv.range_error(0, kMaxIrq);
    return issue_handler(inv, irq, inv.arg(1) != 0, inv.arg(2), inv.arg(3), kAnyCore);
}

Outcome issue_for_core(Invocation& inv) {
    // Observed on the reference kernel: the length of the message does not count, words that were not sent are what the
    // registers and the buffer hold.
    if (!inv.extra[0] || !inv.buffer) return inv.truncated();
    Word const irq = inv.arg(0);
    Word const core = inv.arg(4);
    if (irq > kMaxIrq) return inv.range_error(0, kMaxIrq);
    if (core >= kMaxCores) return inv.invalid_argument(0);
    return issue_handler(inv, irq, inv.arg(1) != 0, inv.arg(2), inv.arg(3), core);
}

Outcome issue_sgi_signal(Invocation& inv) {
    if (inv.length < 4 || !inv.extra[0]) return inv.truncated();
    Word const irq = inv.arg(0);
    Word const target_core = inv.arg(1);
    if (irq >= kNumSgis) return inv.range_error(0, kNumSgis - 1);
    if (target_core > kMaxSgiTarget) return inv.invalid_argument(1);
    Slot* const target = lookup_target_slot(inv, inv.extra[0]->cap, inv.arg(2), inv.arg(3), false);
    if (!target) return Outcome::kError;
    if (!ensure_empty(inv, *target)) return Outcome::kError;
    insert_original(*inv.slot, *target, Cap::sgi_signal(irq, target_core));
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_irq_control_arch(Invocation& inv) {
    switch (inv.label) {
        case seL4_ARMIRQIssueIRQHandlerTrigger: return issue_with_trigger(inv);
        case seL4_ARMIRQIssueSGISignal_OneNode:
            if constexpr (kSmp) return issue_for_core(inv);
            return issue_sgi_signal(inv);
        default: return inv.illegal_operation();
    }
}

Outcome invoke_sgi_signal(Invocation& inv) {
    send_sgi(inv.cap.sgi_irq(), bit(static_cast<unsigned>(inv.cap.sgi_target())));
    return Outcome::kDone;
}

}  // namespace keel
