// Endpoints; see endpoint.h.
#include "core/endpoint.h"

#include "core/assert.h"
#include "core/destroy.h"
#include "core/ipc.h"
#include "core/notification.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "core/wait_queue.h"

namespace keel {

namespace {

// The waiter behind `tcb`, null at the end. Only group heads know the next group; a group is a ring, so the last
// thread's neighbour is its head.
Tcb* next_waiter(const Endpoint& endpoint, const Tcb& tcb) {
    Tcb* const next = tcb.wait.next;
    if (!next->wait.group_head) return next;
    Tcb* const group = next->wait.next_group;
    return group == endpoint.head() ? nullptr : group;
}

void remove_waiter(Endpoint& endpoint, Tcb& tcb) {
    if (Tcb* canceller = endpoint.canceller; canceller && canceller->cancel_next == &tcb)
        canceller->cancel_next = next_waiter(endpoint, tcb);
    endpoint.set(wait_queue_remove(endpoint.head(), tcb), endpoint.state());
    tcb.wait_object = nullptr;
}

Tcb& take_first(Endpoint& endpoint) {
    Tcb& tcb = *endpoint.head();
    remove_waiter(endpoint, tcb);
    return tcb;
}

void enqueue(Endpoint& endpoint, Tcb& tcb, EndpointState state) {
    tcb.wait_object = &endpoint;
    endpoint.set(wait_queue_insert(endpoint.head(), tcb), state);
}

// After a call has been delivered: the caller waits for its reply, its time travels with the call to a passive callee.
void link_call(Tcb& caller, Tcb& callee, Reply* reply, bool may_reply, bool can_donate) {
    if (reply && may_reply)
        push_reply(caller, callee, *reply, can_donate);
    else
        set_state(caller, ThreadState::kInactive);
}

void wake_with_context(Tcb& tcb) {
    if (SchedContext* sc = tcb.sched_context; sc && sc->sporadic && sc != this_cpu().current_sc)
        refill_unblock(*sc, this_cpu().now);
}

}  // namespace

void send(Endpoint& endpoint, Tcb& sender, const SendRequest& request) {
    if (endpoint.state() != EndpointState::kReceiving) {
        if (!request.is_blocking) return;
        set_state(sender, ThreadState::kBlockedOnSend);
        sender.wait_badge = request.badge;
        sender.wait_can_grant = request.can_grant;
        sender.wait_can_grant_reply = request.can_grant_reply;
        sender.wait_is_call = request.is_call;
        enqueue(endpoint, sender, EndpointState::kSending);
        return;
    }
    Tcb& receiver = take_first(endpoint);
    transfer_message(sender, &endpoint, request.badge, request.can_grant, receiver);
    Reply* const reply = receiver.reply;
    if (reply) unlink_reply(*reply, receiver);
    if (request.is_call || sender.fault.type != FaultType::kNone)
        link_call(sender, receiver, reply, request.can_grant || request.can_grant_reply, request.can_donate);
    else if (request.can_donate && !receiver.sched_context && sender.sched_context)
        donate(*sender.sched_context, receiver);
    wake_with_context(receiver);
    set_state(receiver, ThreadState::kRunning);
    make_ready(receiver);
}

void receive(Tcb& receiver, const Cap& cap, Reply* reply, bool is_blocking) {
    Endpoint& endpoint = *cap.endpoint();
    // A reply object in use by another caller is taken away from it.
    if (reply && reply->tcb && reply->tcb != &receiver) cancel_ipc(*reply->tcb);

    Notification* const bound = receiver.bound_notification;
    if (bound && bound->state == NotificationState::kActive) {
        take_signal(*bound, receiver);
        return;
    }
    // Also if a message is there already: the receiver may then be lent its caller's context.
    if (is_blocking) return_lent_context(bound, receiver);
    if (endpoint.state() != EndpointState::kSending) {
        if (!is_blocking) {
            receiver.context.cap_or_badge() = 0;
            return;
        }
        set_state(receiver, ThreadState::kBlockedOnReceive);
        receiver.wait_can_grant = cap.rights().grant();
        receiver.reply = reply;
        if (reply) reply->tcb = &receiver;
        enqueue(endpoint, receiver, EndpointState::kReceiving);
        return;
    }
    Tcb& sender = take_first(endpoint);
    bool const is_call = sender.wait_is_call;
    transfer_message(sender, &endpoint, sender.wait_badge, sender.wait_can_grant, receiver);
    wake_with_context(sender);
    if (is_call || sender.fault.type != FaultType::kNone) {
        bool const can_donate = sender.sched_context && sender.fault.type != FaultType::kTimeout;
        link_call(sender, receiver, reply, sender.wait_can_grant || sender.wait_can_grant_reply, can_donate);
    } else {
        set_state(sender, ThreadState::kRunning);
        make_ready(sender);
    }
}

void cancel_ipc(Tcb& tcb) {
    tcb.fault.type = FaultType::kNone;
    switch (tcb.state) {
        case ThreadState::kBlockedOnSend:
        case ThreadState::kBlockedOnReceive: {
            remove_waiter(*static_cast<Endpoint*>(tcb.wait_object), tcb);
            if (tcb.reply) unlink_reply(*tcb.reply, tcb);
            set_state(tcb, ThreadState::kInactive);
            break;
        }
        case ThreadState::kBlockedOnNotification: cancel_wait(tcb); break;
        case ThreadState::kBlockedOnReply: abandon_call(tcb); break;
        default: break;
    }
}

namespace {

// A thread whose endpoint goes away tries its system call again, unless it was there because of a fault.
void restart_waiter(Tcb& tcb) {
    if (tcb.reply) unlink_reply(*tcb.reply, tcb);
    if (tcb.fault.type != FaultType::kNone) {
        set_state(tcb, ThreadState::kInactive);
        return;
    }
    set_state(tcb, ThreadState::kRestart);
    wake_with_context(tcb);
    if (tcb.sched_context) resume_context(*tcb.sched_context);
    make_ready(tcb);
}

}  // namespace

bool cancel_some(Endpoint& endpoint) {
    if (endpoint.canceller) forget_cancellation(*endpoint.canceller);
    for (unsigned i = 0; i < kWorkUnitsPerPreemptionPoint && endpoint.head(); ++i) restart_waiter(take_first(endpoint));
    return !endpoint.head();
}

void forget_cancellation(Tcb& canceller) {
    if (!canceller.cancel_endpoint) return;
    canceller.cancel_endpoint->canceller = nullptr;
    canceller.cancel_endpoint = nullptr;
    canceller.cancel_next = nullptr;
}

Progress cancel_badged(Endpoint& endpoint, Word badge, Tcb& canceller) {
    bool const goes_on = canceller.cancel_endpoint == &endpoint && canceller.cancel_badge == badge;
    Tcb* tcb = goes_on ? canceller.cancel_next : endpoint.head();
    forget_cancellation(canceller);
    if (endpoint.state() != EndpointState::kSending) return Progress::kDone;
    while (tcb) {
        Tcb* const next = next_waiter(endpoint, *tcb);
        if (tcb->wait_badge == badge) {
            remove_waiter(endpoint, *tcb);
            restart_waiter(*tcb);
        }
        tcb = next;
        if (tcb && preemption_point() == Progress::kPreempted) {
            // One interrupted cancellation per endpoint is remembered; another thread's starts over.
            if (endpoint.canceller) forget_cancellation(*endpoint.canceller);
            endpoint.canceller = &canceller;
            canceller.cancel_endpoint = &endpoint;
            canceller.cancel_next = tcb;
            canceller.cancel_badge = badge;
            return Progress::kPreempted;
        }
    }
    return Progress::kDone;
}

void requeue_waiting(Tcb& tcb, uint8_t new_priority) {
    switch (tcb.state) {
        case ThreadState::kBlockedOnSend:
        case ThreadState::kBlockedOnReceive: {
            auto& endpoint = *static_cast<Endpoint*>(tcb.wait_object);
            EndpointState const state = endpoint.state();
            remove_waiter(endpoint, tcb);
            tcb.wait_object = &endpoint;
            tcb.priority = new_priority;
            endpoint.set(wait_queue_insert(endpoint.head(), tcb), state);
            break;
        }
        case ThreadState::kBlockedOnNotification: {
            auto& notification = *static_cast<Notification*>(tcb.wait_object);
            notification.head = wait_queue_remove(notification.head, tcb);
            tcb.priority = new_priority;
            notification.head = wait_queue_insert(notification.head, tcb);
            break;
        }
        default: tcb.priority = new_priority; break;
    }
}

}  // namespace keel
