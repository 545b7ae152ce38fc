// Configuration of threads; see thread_config.h.
#include "syscall/thread_config.h"

#include "arch/switch.h"
#include "arch/vspace.h"
#include "core/cspace.h"
#include "core/derivation.h"
#include "core/destroy.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

namespace {

// A capability that moves into one of the thread's own slots.
struct NewCap {
    Cap cap;
    Slot* source = nullptr;  // null: the slot stays empty
};

bool derive_for_slot(Invocation& inv, NewCap& result) {
    switch (derive(*result.source, result.cap)) {
        case Derivation::kOk: return true;
        case Derivation::kRevokeFirst: inv.fail(seL4_RevokeFirst); return false;
        case Derivation::kIllegal: inv.illegal_operation(); return false;
    }
    return false;
}

// Address 0 means: no buffer.
bool check_buffer(Invocation& inv, Word address, Slot& slot, NewCap& result) {
    if (address == 0) return true;
    result = {slot.cap, &slot};
    if (!derive_for_slot(inv, result)) return false;
    if (!result.cap.is(CapType::kFrame) || result.cap.frame_is_device()) {
        inv.illegal_operation();
        return false;
    }
    if (!is_aligned(address, seL4_IPCBufferSizeBits)) {
        inv.fail(seL4_AlignmentError);
        return false;
    }
    return true;
}

// The last capability to a container is not replaced: that would destroy the container, which may take long. One that
// is being destroyed already is no different.
bool holds_last_of_container(const Slot& slot) {
    bool const is_container =
        slot.cap.is(CapType::kCNode) || slot.cap.is(CapType::kThread) || slot.cap.is(CapType::kZombie);
    return is_container && is_final(slot);
}

bool check_spaces(Invocation& inv, Tcb& tcb, Slot& cspace_slot, Word cspace_data, Slot& vspace_slot, Word vspace_data,
                  NewCap& cspace, NewCap& vspace) {
    if (holds_last_of_container(tcb.slots[kSlotCSpace]) || holds_last_of_container(tcb.slots[kSlotVSpace])) {
        inv.illegal_operation();
        return false;
    }
    cspace = {cspace_slot.cap, &cspace_slot};
    if (cspace_data != 0) cspace.cap = with_data(cspace.cap, cspace_data, false);
    if (!derive_for_slot(inv, cspace)) return false;
    if (!cspace.cap.is(CapType::kCNode)) {
        inv.illegal_operation();
        return false;
    }
    vspace = {vspace_slot.cap, &vspace_slot};
    if (vspace_data != 0) vspace.cap = with_data(vspace.cap, vspace_data, false);
    if (!derive_for_slot(inv, vspace)) return false;
    if (!is_valid_vspace(vspace.cap)) {
        inv.illegal_operation();
        return false;
    }
    return true;
}

bool check_handler(Invocation& inv, Slot& slot, Word number, NewCap& result) {
    Cap const& cap = slot.cap;
    result = {};
    if (cap.is_null()) return true;
    if (!cap.is(CapType::kEndpoint) || !cap.rights().write() || !(cap.rights().grant() || cap.rights().grant_reply())) {
        inv.invalid_capability(number);
        return false;
    }
    result = {cap, &slot};
    return derive_for_slot(inv, result);
}

bool check_authority(Invocation& inv, Tcb*& authority) {
    if (!inv.extra[0]->cap.is(CapType::kThread)) {
        inv.invalid_capability(1);
        return false;
    }
    authority = inv.extra[0]->cap.thread();
    return true;
}

bool check_priority(Invocation& inv, const Tcb& authority, Word priority) {
    if (priority <= authority.max_controlled_priority) return true;
    inv.range_error(seL4_MinPrio, authority.max_controlled_priority);
    return false;
}

// Replaces what a thread's slot holds. Deleting the old capability may take long and may even delete the source or
// the invoked capability; then nothing is installed.
Progress install(const Invocation& inv, Tcb& tcb, TcbSlot which, const NewCap& replacement) {
    Slot& slot = tcb.slots[which];
    if (delete_cap(slot) == Progress::kPreempted) return Progress::kPreempted;
    if (!replacement.source) return Progress::kDone;
    bool const unchanged = same_object(replacement.source->cap, replacement.cap) && same_object(inv.cap, inv.slot->cap);
    if (unchanged) insert_derived(*replacement.source, slot, replacement.cap);
    return Progress::kDone;
}

Progress install_spaces(const Invocation& inv, Tcb& tcb, const NewCap& cspace, const NewCap& vspace) {
    if (install(inv, tcb, kSlotCSpace, cspace) == Progress::kPreempted) return Progress::kPreempted;
    if (install(inv, tcb, kSlotVSpace, vspace) == Progress::kPreempted) return Progress::kPreempted;
    // The caller itself goes on in the address space that is loaded until the next switch of threads.
    return Progress::kDone;
}

Progress install_buffer(const Invocation& inv, Tcb& tcb, Word address, const NewCap& buffer) {
    // The old buffer goes first, so that an address never applies to the wrong frame.
    if (delete_cap(tcb.slots[kSlotBuffer]) == Progress::kPreempted) return Progress::kPreempted;
    tcb.buffer_address = UserAddr{address};
    if (install(inv, tcb, kSlotBuffer, buffer) == Progress::kPreempted) return Progress::kPreempted;
    if (&tcb == inv.cpu.current) reschedule(inv.cpu);
    return Progress::kDone;
}

Outcome from_progress(Progress progress) {
    return progress == Progress::kPreempted ? Outcome::kPreempted : Outcome::kDone;
}

}  // namespace

Outcome configure(Invocation& inv, Tcb& tcb) {
    if (inv.length < 3 || !inv.extra[0] || !inv.extra[1] || !inv.extra[2]) return inv.truncated();
    Word const address = inv.arg(2);
    NewCap buffer, cspace, vspace;
    if (!check_buffer(inv, address, *inv.extra[2], buffer)) return Outcome::kError;
    if (!check_spaces(inv, tcb, *inv.extra[0], inv.arg(0), *inv.extra[1], inv.arg(1), cspace, vspace))
        return Outcome::kError;
    if (install_spaces(inv, tcb, cspace, vspace) == Progress::kPreempted) return Outcome::kPreempted;
    return from_progress(install_buffer(inv, tcb, address, buffer));
}

Outcome set_space(Invocation& inv, Tcb& tcb) {
    if (inv.length < 2 || !inv.extra[0] || !inv.extra[1] || !inv.extra[2]) return inv.truncated();
    NewCap handler, cspace, vspace;
    if (!check_spaces(inv, tcb, *inv.extra[1], inv.arg(0), *inv.extra[2], inv.arg(1), cspace, vspace))
        return Outcome::kError;
    if (!check_handler(inv, *inv.extra[0], 1, handler)) return Outcome::kError;
    if (install(inv, tcb, kSlotFaultHandler, handler) == Progress::kPreempted) return Outcome::kPreempted;
    return from_progress(install_spaces(inv, tcb, cspace, vspace));
}

Outcome set_ipc_buffer(Invocation& inv, Tcb& tcb) {
    if (inv.length < 1 || !inv.extra[0]) return inv.truncated();
    Word const address = inv.arg(0);
    NewCap buffer;
    if (!check_buffer(inv, address, *inv.extra[0], buffer)) return Outcome::kError;
    return from_progress(install_buffer(inv, tcb, address, buffer));
}

Outcome set_priority(Invocation& inv, Tcb& tcb) {
    if (inv.length < 1 || !inv.extra[0]) return inv.truncated();
    Word const priority = inv.arg(0);
    Tcb* authority;
    if (!check_authority(inv, authority) || !check_priority(inv, *authority, priority)) return Outcome::kError;
    set_priority(tcb, static_cast<uint8_t>(priority));
    return Outcome::kDone;
}

Outcome set_max_priority(Invocation& inv, Tcb& tcb) {
    if (inv.length < 1 || !inv.extra[0]) return inv.truncated();
    Word const priority = inv.arg(0);
    Tcb* authority;
    if (!check_authority(inv, authority) || !check_priority(inv, *authority, priority)) return Outcome::kError;
    tcb.max_controlled_priority = static_cast<uint8_t>(priority);
    return Outcome::kDone;
}

Outcome set_sched_params(Invocation& inv, Tcb& tcb) {
    if (inv.length < 2 || !inv.extra[0] || !inv.extra[1] || !inv.extra[2]) return inv.truncated();
    Word const max_priority = inv.arg(0);
    Word const priority = inv.arg(1);
    Tcb* authority;
    if (!check_authority(inv, authority) || !check_priority(inv, *authority, max_priority) ||
        !check_priority(inv, *authority, priority))
        return Outcome::kError;
    Cap const& context = inv.extra[1]->cap;
    SchedContext* sc = nullptr;
    if (context.is(CapType::kSchedContext)) {
        sc = context.sched_context();
        // The context that the thread has already may be named again.
        if (tcb.sched_context && tcb.sched_context != sc) return inv.illegal_operation();
        if (sc->tcb && sc->tcb != &tcb) return inv.illegal_operation();
        if (is_blocked(tcb) && !is_released(*sc)) return inv.illegal_operation();
    } else if (!context.is_null()) {
        return inv.invalid_capability(2);
    } else if (&tcb == inv.cpu.current) {
        return inv.illegal_operation();
    }
    NewCap handler;
    if (!check_handler(inv, *inv.extra[2], 3, handler)) return Outcome::kError;

    if (install(inv, tcb, kSlotFaultHandler, handler) == Progress::kPreempted) return Outcome::kPreempted;
    tcb.max_controlled_priority = static_cast<uint8_t>(max_priority);
    set_priority(tcb, static_cast<uint8_t>(priority));
    if (tcb.sched_context == sc) return Outcome::kDone;
    if (sc)
        bind_thread(*sc, tcb);
    else
        unbind_thread(*tcb.sched_context, tcb);
    return Outcome::kDone;
}

Outcome set_timeout_endpoint(Invocation& inv, Tcb& tcb) {
    if (!inv.extra[0]) return inv.truncated();
    NewCap handler;
    if (!check_handler(inv, *inv.extra[0], 1, handler)) return Outcome::kError;
    return from_progress(install(inv, tcb, kSlotTimeoutHandler, handler));
}

}  // namespace keel
