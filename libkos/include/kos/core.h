// For the core services only: requests to root that need a right of the manifest, and signals to other domains.
#pragma once

#include <kos/abi.h>
#include <kos/msg.h>
#include <kos/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// Asks root (KOS_ROOT_*). `words` are the arguments, and the answer's afterwards. UNAUTHORIZED without the right that
// the request needs. Does not block longer than root works.
kos_status_t kos_core_root(uint64_t label, uint64_t words[4]);

// Signals the notification in `slot` (kos_startup_signal_t). Never blocks; a slot without one is ignored.
void kos_core_signal(kos_slot_t slot);

#ifdef __cplusplus
}
#endif
