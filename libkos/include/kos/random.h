// Random bytes.
#pragma once

#include <kos/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Fills `bytes` with `size_bytes` random bytes, fit for keys. From the port "entropy"; without it in the manifest:
// UNAUTHORIZED. Waits for the entropy service to start and, at boot, for its first seed; later never for longer than
// the call takes. On an error nothing in `bytes` may be used. Thread-safe as far as kos_msg_call is.
kos_status_t kos_random(void* bytes, size_t size_bytes);

#ifdef __cplusplus
}
#endif
