// The port "pump": one client at a time controls the pump, by a token that it has to keep using.
#pragma once

#include "basin.h"

#include <kos/server.h>

// Both are called with the time up to which `basin` is simulated.
kos_status_t pump_call(basin_t* basin, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer);
// Stops the pump if nobody has used the lease for longer than it holds.
void pump_check_lease(basin_t* basin);
