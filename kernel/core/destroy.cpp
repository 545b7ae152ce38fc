// Deleting and revoking; see destroy.h.
#include "core/destroy.h"

#include "arch/fpu.h"
#include "arch/irq.h"
#include "arch/smp.h"
#include "arch/vspace.h"
#include "core/assert.h"
#include "core/derivation.h"
#include "core/endpoint.h"
#include "core/irq.h"
#include "core/notification.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/thread.h"

namespace keel {

namespace {

// What is left of a capability after its object has been cleaned up.
struct Finalised {
    Cap remainder;           // null, or the zombie that takes the capability's place
    Word irq = kNoIrq;       // interrupt to give back once the slot is empty
    bool again = false;      // not finished: the capability stays as it is; call again
    bool preempted = false;  // likewise, and an interrupt waits
};

void destroy_thread(Tcb& tcb) {
    stall_if_running_elsewhere(this_cpu(), tcb);
    unbind_notification(tcb);
    if (SchedContext* sc = tcb.sched_context) {
        unbind_thread(*sc, tcb);
        if (sc->yielding_from) complete_yield(*sc->yielding_from);
    }
    suspend(tcb);
    fpu_release(tcb);
    forget_debug_thread(tcb);
}

// An object with a waiting queue is emptied in bounded steps.
template <typename Object>
Finalised finalise_queue(Object& object) {
    Finalised result;
    result.again = !cancel_some(object);
    return result;
}

// Objects are cleaned up with their last capability; mappings belong to each capability.
Finalised finalise(Cap& cap, bool final) {
    switch (cap.type()) {
        case CapType::kEndpoint: return final ? finalise_queue(*cap.endpoint()) : Finalised{};
        case CapType::kNotification:
            if (!final) return {};
            if (SchedContext* sc = cap.notification()->sched_context) unbind_notification(*sc);
            if (Tcb* tcb = cap.notification()->bound_tcb) unbind_notification(*tcb);
            return finalise_queue(*cap.notification());
        case CapType::kReply:
            if (final) destroy_reply(*cap.reply());
            return {};
        case CapType::kCNode:
            if (!final) return {};
            return {Cap::zombie(cap.cnode_slots(), cap.cnode_radix(), bit(cap.cnode_radix()))};
        case CapType::kThread: {
            if (!final) return {};
            Tcb& tcb = *cap.thread();
            destroy_thread(tcb);
            return {Cap::zombie(tcb.slots, Cap::kZombieThread, kTcbSlots)};
        }
        case CapType::kSchedContext:
            if (final) destroy_sched_context(*cap.sched_context());
            return {};
        case CapType::kIrqHandler: {
            Finalised result;
            if (final) {
                result.preempted = forget_irq_notification(cap.irq()) == Progress::kPreempted;
                result.irq = cap.irq();
            }
            return result;
        }
        case CapType::kFrame: finalise_frame(cap); return {};
        case CapType::kPageTable:
            if (final) finalise_page_table(cap);
            return {};
        case CapType::kVSpace:
            if (final) finalise_vspace(cap);
            return {};
        case CapType::kAsidPool:
            if (final) finalise_asid_pool(cap);
            return {};
        case CapType::kZombie: return {cap};
        default: return {};
    }
}

// The slot can be emptied: nothing is left, or only the zombie itself in its own first slot.
bool is_removable(const Cap& remainder, const Slot& slot) {
    if (remainder.is_null()) return true;
    Word const left = remainder.zombie_remaining();
    return left == 0 || (left == 1 && remainder.zombie_slots() == &slot);
}

struct FinalisedSlot {
    Progress progress = Progress::kDone;
    bool removable = true;
    Word irq = kNoIrq;
};

FinalisedSlot finalise_slot(Slot& slot, bool exposed);
Progress delete_slot(Slot& slot, bool exposed);

// One step of destroying the container that the zombie in `slot` stands for.
//
// Exposed (the slot is one that user level named): delete the container's last slot. Otherwise the zombie was found
// inside another container; to bound the recursion it changes places with the first slot of its own container, becomes
// unreachable there, and what was in that slot is deleted in its stead.
Progress reduce_zombie(Slot& slot, bool exposed) {
    Cap const zombie = slot.cap;
    Slot* const slots = zombie.zombie_slots();
    Word const left = zombie.zombie_remaining();
    KEEL_ASSERT(left > 0);
    if (!exposed) {
        KEEL_ASSERT(slots != &slot);
        swap_caps(slot, zombie, *slots, slots->cap);
        return Progress::kDone;
    }
    if (delete_slot(slots[left - 1], false) == Progress::kPreempted) return Progress::kPreempted;
    // Deleting may have emptied this slot, or put another zombie here by the exchange described above.
    if (slot.cap.is(CapType::kZombie) && slot.cap.zombie_slots() == slots && slot.cap.zombie_remaining() == left)
        slot.cap.data = left - 1;
    return Progress::kDone;
}

FinalisedSlot finalise_slot(Slot& slot, bool exposed) {
    while (!slot.cap.is_null()) {
        Finalised const result = finalise(slot.cap, is_final(slot));
        if (result.preempted) return {Progress::kPreempted, false, kNoIrq};
        if (!result.again) {
            if (is_removable(result.remainder, slot)) return {Progress::kDone, true, result.irq};
            slot.cap = result.remainder;
            // A container whose only capability is inside itself cannot be reduced from there.
            if (!exposed && result.remainder.zombie_slots() == &slot) return {Progress::kDone, false, kNoIrq};
            if (reduce_zombie(slot, exposed) == Progress::kPreempted) return {Progress::kPreempted, false, kNoIrq};
        }
        if (preemption_point() == Progress::kPreempted) return {Progress::kPreempted, false, kNoIrq};
    }
    return {};
}

Progress delete_slot(Slot& slot, bool exposed) {
    FinalisedSlot const result = finalise_slot(slot, exposed);
    if (result.progress == Progress::kPreempted) return Progress::kPreempted;
    if ((exposed || result.removable) && !slot.cap.is_null()) {
        remove_cap(slot);
        if (result.irq != kNoIrq) release_irq(result.irq);
    }
    return Progress::kDone;
}

unsigned work_units;

}  // namespace

Progress delete_cap(Slot& slot) { return delete_slot(slot, true); }

Progress revoke_children(Slot& slot) {
    for (Slot* next = slot.next(); next && !slot.cap.is_null() && is_parent_of(slot, *next); next = slot.next()) {
        if (delete_slot(*next, true) == Progress::kPreempted) return Progress::kPreempted;
        if (preemption_point() == Progress::kPreempted) return Progress::kPreempted;
    }
    return Progress::kDone;
}

Progress preemption_point() {
    if (++work_units < kWorkUnitsPerPreemptionPoint) return Progress::kDone;
    work_units = 0;
    return interrupt_pending() ? Progress::kPreempted : Progress::kDone;
}

}  // namespace keel
