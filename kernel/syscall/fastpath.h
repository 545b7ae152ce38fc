// Fast paths that the ordinary system call entry tries first; Call and ReplyRecv are entered from arch/trap.h directly.
#pragma once

#include "core/objects.h"

namespace keel {

// Send or NBSend to a notification for which nobody waits: done if true comes back, else nothing has happened.
bool signal_fast(Tcb& tcb);

}  // namespace keel
