// Endpoints: rendezvous of senders and receivers.
#pragma once

#include "core/objects.h"

namespace keel {

struct SendRequest {
    Word badge;
    bool is_blocking;
    bool is_call;
    bool can_grant;
    bool can_grant_reply;
    bool can_donate;
};

// `sender` (the current thread, or one that faulted) sends its message.
void send(Endpoint& endpoint, Tcb& sender, const SendRequest& request);
// `receiver` takes a message from the endpoint that `cap` names, or waits for one; `reply` may be null.
void receive(Tcb& receiver, const Cap& cap, Reply* reply, bool is_blocking);

// Ends whatever the thread waits for; it is inactive afterwards unless it was runnable.
void cancel_ipc(Tcb& tcb);
// Sends a bounded number of waiting threads back to their system call. True when the endpoint is empty.
bool cancel_some(Endpoint& endpoint);
// Sends waiting senders with this badge back to their system call. If it is interrupted, the same call by the same
// thread goes on where it stopped, whatever has happened to the queue meanwhile.
Progress cancel_badged(Endpoint& endpoint, Word badge, Tcb& canceller);
// The thread's interrupted cancellation, if there is one, is forgotten.
void forget_cancellation(Tcb& canceller);
// After a change of priority.
void requeue_waiting(Tcb& tcb, uint8_t new_priority);

}  // namespace keel
