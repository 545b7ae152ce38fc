// Notifications: words of flags that threads signal, poll and wait for.
#pragma once

#include "core/objects.h"

namespace keel {

void signal(Notification& notification, Word badge);
// Takes the accumulated flags, or waits for them.
void wait_for_signal(Tcb& tcb, Notification& notification, bool is_blocking);
// The active notification's flags go to the thread; a passive thread borrows the notification's context.
void take_signal(Notification& notification, Tcb& tcb);

void bind_notification(Tcb& tcb, Notification& notification);
void unbind_notification(Tcb& tcb);

void cancel_wait(Tcb& tcb);
// Sends a bounded number of waiting threads back to their system call. True when nobody waits any more.
bool cancel_some(Notification& notification);

}  // namespace keel
