// Notifications; see notification.h.
#include "core/notification.h"

#include "core/endpoint.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "core/wait_queue.h"

namespace keel {

namespace {

Tcb& take_first(Notification& notification) {
    Tcb& tcb = *notification.head;
    notification.head = wait_queue_remove(&tcb, tcb);
    if (!notification.head) notification.state = NotificationState::kIdle;
    tcb.wait_object = nullptr;
    return tcb;
}

void deliver(Notification& notification, Tcb& tcb, Word badge) {
    set_state(tcb, ThreadState::kRunning);
    tcb.context.cap_or_badge() = badge;
    lend_context(notification, tcb);
    if (SchedContext* sc = tcb.sched_context) {
        if (sc->sporadic && sc != this_cpu().current_sc) refill_unblock(*sc, this_cpu().now);
        make_ready(tcb);
    }
}

}  // namespace

void signal(Notification& notification, Word badge) {
    switch (notification.state) {
        case NotificationState::kWaiting: deliver(notification, take_first(notification), badge); break;
        case NotificationState::kActive: notification.badge |= badge; break;
        case NotificationState::kIdle: {
            Tcb* const bound = notification.bound_tcb;
            if (bound && bound->state == ThreadState::kBlockedOnReceive) {
                cancel_ipc(*bound);
                deliver(notification, *bound, badge);
                break;
            }
            notification.badge = badge;
            notification.state = NotificationState::kActive;
            break;
        }
    }
}

void take_signal(Notification& notification, Tcb& tcb) {
    tcb.context.cap_or_badge() = notification.badge;
    notification.state = NotificationState::kIdle;
    lend_context(notification, tcb);
    if (SchedContext* sc = tcb.sched_context;
        sc && sc->sporadic && sc == notification.sched_context && sc != this_cpu().current_sc)
        refill_unblock(*sc, this_cpu().now);
}

void wait_for_signal(Tcb& tcb, Notification& notification, bool is_blocking) {
    if (notification.state == NotificationState::kActive) {
        take_signal(notification, tcb);
        return;
    }
    if (!is_blocking) {
        tcb.context.cap_or_badge() = 0;
        return;
    }
    return_lent_context(&notification, tcb);
    set_state(tcb, ThreadState::kBlockedOnNotification);
    tcb.wait_object = &notification;
    notification.head = wait_queue_insert(notification.head, tcb);
    notification.state = NotificationState::kWaiting;
}

void bind_notification(Tcb& tcb, Notification& notification) {
    tcb.bound_notification = &notification;
    notification.bound_tcb = &tcb;
}

void unbind_notification(Tcb& tcb) {
    if (!tcb.bound_notification) return;
    tcb.bound_notification->bound_tcb = nullptr;
    tcb.bound_notification = nullptr;
}

void cancel_wait(Tcb& tcb) {
    auto& notification = *static_cast<Notification*>(tcb.wait_object);
    notification.head = wait_queue_remove(notification.head, tcb);
    if (!notification.head) notification.state = NotificationState::kIdle;
    tcb.wait_object = nullptr;
    set_state(tcb, ThreadState::kInactive);
}

bool cancel_some(Notification& notification) {
    for (unsigned i = 0; i < kWorkUnitsPerPreemptionPoint && notification.head; ++i) {
        Tcb& tcb = take_first(notification);
        set_state(tcb, ThreadState::kRestart);
        if (SchedContext* sc = tcb.sched_context) {
            if (sc->sporadic && sc != this_cpu().current_sc) refill_unblock(*sc, this_cpu().now);
            resume_context(*sc);
        }
        make_ready(tcb);
    }
    return !notification.head;
}

}  // namespace keel
