// Threads that wait on an endpoint or a notification, by priority and then by arrival; layout in objects.h.
#pragma once

#include "core/objects.h"

namespace keel {

// Both return the new head of the queue, null if it is empty. Bounded by the number of priorities.
Tcb* wait_queue_insert(Tcb* head, Tcb& tcb);
Tcb* wait_queue_remove(Tcb* head, Tcb& tcb);

}  // namespace keel
