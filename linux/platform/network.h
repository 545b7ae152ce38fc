// The domain's link to the router, if the manifest gives one ([network]): rings, addresses, names.
#pragma once

#include "task/system.h"

#include <kos/abi.h>

namespace kos::lx {

// Brings the link and the host's name. A domain without [network] has loopback alone. kEINVAL: a parameter is no
// address; kENODEV: a ring is missing.
Status open_network(System& system, const kos_startup_t& startup);
// The bits of the domain's notification with which the link tells that there is something to do; 0: no link.
uint64_t network_signals();
// One of them has come.
void network_signalled(System& system);

// At the end of each call and signal: wakes the router, now or later (Network::settle). `runner`: the thread that goes
// on now, or nullptr. `at_once`: never later.
void network_settle(System& system, const Thread* runner, bool at_once);
// Something was sent since. After calls whose thread goes on in any case nothing else need be settled.
bool network_is_unsettled(System& system);

// The lines of /etc/hosts and /etc/resolv.conf that the root's own do not have: localhost, the host's name, the name
// server.
Status write_network_files(System& system);

}  // namespace kos::lx
