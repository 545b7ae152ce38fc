// Reply objects and the call stacks that scheduling contexts travel along.
#pragma once

#include "core/objects.h"

namespace keel {

// `caller` waits for an answer through `reply`; if `can_donate` and the callee is passive, it runs on the caller's
// context until the reply.
void push_reply(Tcb& caller, Tcb& callee, Reply& reply, bool can_donate);
// Undoes what receiving with a reply object set up.
void unlink_reply(Reply& reply, Tcb& tcb);
// The caller does not wait any more; the context comes back to it if it is on top of its call stack.
void remove_reply(Reply& reply);
// A waiting caller gives up (suspended, destroyed): the call chain is cut above and below it.
void abandon_call(Tcb& caller);
// `sender` answers; nothing happens if nobody waits for it.
void answer(Tcb& sender, Reply& reply, bool can_grant);
void destroy_reply(Reply& reply);

}  // namespace keel
