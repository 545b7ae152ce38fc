// Reply objects; see reply.h.
#include "core/reply.h"

#include "core/assert.h"
#include "core/endpoint.h"
#include "core/fault.h"
#include "core/ipc.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"

namespace keel {

void push_reply(Tcb& caller, Tcb& callee, Reply& reply, bool can_donate) {
    SchedContext* const sc = caller.sched_context;
    reply.tcb = &caller;
    caller.reply = &reply;
    set_state(caller, ThreadState::kBlockedOnReply);
    if (!sc || callee.sched_context || !can_donate) return;
    Reply* const below = sc->reply;
    reply.prev = below;
    if (below) {
        below->next = &reply;
        below->owner = nullptr;
    }
    reply.next = nullptr;
    reply.owner = sc;
    sc->reply = &reply;
    donate(*sc, callee);
}

void unlink_reply(Reply& reply, Tcb& tcb) {
    reply.tcb = nullptr;
    tcb.reply = nullptr;
    set_state(tcb, ThreadState::kInactive);
}

void remove_reply(Reply& reply) {
    Tcb& caller = *reply.tcb;
    if (SchedContext* sc = reply.owner) {
        // Top of the stack: the context goes back to this caller.
        sc->reply = reply.prev;
        if (reply.prev) {
            reply.prev->next = nullptr;
            reply.prev->owner = sc;
        }
        if (!caller.sched_context) donate(*sc, caller);
    } else {
        if (reply.next) reply.next->prev = reply.prev;
        if (reply.prev) reply.prev->next = reply.next;
    }
    reply.owner = nullptr;
    reply.prev = reply.next = nullptr;
    unlink_reply(reply, caller);
}

void abandon_call(Tcb& caller) {
    Reply& reply = *caller.reply;
    if (SchedContext* sc = reply.owner) sc->reply = nullptr;
    if (reply.next) reply.next->prev = nullptr;
    if (reply.prev) reply.prev->next = nullptr;
    reply.owner = nullptr;
    reply.prev = reply.next = nullptr;
    unlink_reply(reply, caller);
}

void answer(Tcb& sender, Reply& reply, bool can_grant) {
    if (!reply.tcb || reply.tcb->state != ThreadState::kBlockedOnReply) return;
    Tcb& receiver = *reply.tcb;
    remove_reply(reply);
    if (SchedContext* sc = receiver.sched_context; sc && sc->sporadic && sc != this_cpu().current_sc)
        refill_unblock(*sc, this_cpu().now);
    FaultType const fault = receiver.fault.type;
    if (fault == FaultType::kNone) {
        transfer_message(sender, nullptr, 0, can_grant, receiver);
        set_state(receiver, ThreadState::kRunning);
    } else {
        bool const resumes = apply_fault_reply(sender, receiver);
        receiver.fault.type = FaultType::kNone;
        set_state(receiver, resumes ? ThreadState::kRestart : ThreadState::kInactive);
    }
    SchedContext* const sc = receiver.sched_context;
    if (!sc || !receiver.is_runnable() || sc->refill_max == 0) return;
    if (refill_ready(*sc, this_cpu().now) && refill_sufficient(*sc, 0)) {
        make_ready(receiver);
    } else if (fault != FaultType::kTimeout && has_timeout_handler(receiver)) {
        raise_timeout(receiver, sc->badge);
    } else {
        postpone(*sc);
    }
}

void destroy_reply(Reply& reply) {
    if (!reply.tcb) return;
    if (reply.tcb->state == ThreadState::kBlockedOnReply)
        remove_reply(reply);
    else
        cancel_ipc(*reply.tcb);
}

}  // namespace keel
