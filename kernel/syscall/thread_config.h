// The TCB invocations that set what a thread may use and how it is scheduled; used by syscall/thread.cpp only.
#pragma once

#include "syscall/invocation.h"

namespace keel {

Outcome configure(Invocation& inv, Tcb& tcb);
Outcome set_space(Invocation& inv, Tcb& tcb);
Outcome set_ipc_buffer(Invocation& inv, Tcb& tcb);
Outcome set_priority(Invocation& inv, Tcb& tcb);
Outcome set_max_priority(Invocation& inv, Tcb& tcb);
Outcome set_sched_params(Invocation& inv, Tcb& tcb);
Outcome set_timeout_endpoint(Invocation& inv, Tcb& tcb);

}  // namespace keel
