// Threads that wait on an endpoint or a notification, by priority and then by arrival; layout in objects.h.
#pragma once

#include "core/objects.h"

namespace keel {

// Both return the new head of the queue, null if it is empty. Bounded by the number of priorities.
Tcb* wait_queue_insert(Tcb* head, Tcb& tcb);
Tcb* wait_queue_remove(Tcb* head, Tcb& tcb);

// What is most common on the fast path, without a call.
inline bool is_only_waiter(const Tcb& head) { return head.wait.next == &head && head.wait.next_group == &head; }
inline void become_only_waiter(Tcb& tcb) {
    tcb.wait.next = tcb.wait.prev = &tcb;
    tcb.wait.next_group = tcb.wait.prev_group = &tcb;
    tcb.wait.group_head = true;
}

}  // namespace keel
