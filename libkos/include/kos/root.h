// Requests to root as they are (kos_root_label in abi.h), for core services and for what has no function of its own.
#pragma once

#include <kos/abi.h>
#include <kos/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// Makes one request; words[4] are the arguments and become the answer's. Runs on the caller's time, never waits for
// another domain. Labels from KOS_ROOT_DOMAIN_START on need the right "control" (UNAUTHORIZED otherwise).
kos_status_t kos_root_request(enum kos_root_label label, uint64_t words[4]);

// Signals the notification in `slot` of the startup block (kos_startup_signal_t, kos_startup_ring_t). Never blocks.
void kos_root_signal(uint64_t slot);

// An empty slot of the domain's ordinary CNode, for domains with kernel_objects (kos_startup_kernel_t) that have no
// CNode of their own yet. FULL: there is none.
kos_status_t kos_root_slot_take(uint64_t* slot);

#ifdef __cplusplus
}
#endif
