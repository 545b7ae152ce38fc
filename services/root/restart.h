// Restart of the machine: on the supervisor's request, and when root itself cannot go on (panic in boot.h).
#pragma once

#include "domain.h"

namespace root {

// Restarts the machine by PSCI, if the kernel lets root make secure monitor calls. UNAVAILABLE: it does not.
kos_status_t restart_machine();

}  // namespace root
