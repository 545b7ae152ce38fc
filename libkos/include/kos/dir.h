// The directory: introduces clients to servers by port name.
//
// Which ports a domain may serve or use says its manifest; everything else is UNAUTHORIZED. Thread-safe.
#pragma once

#include <kos/msg.h>

#ifdef __cplusplus
extern "C" {
#endif

// Server: from now on look-ups of `port` succeed. Undone by kos_dir_unbind and by the end of the domain.
kos_status_t kos_dir_bind(const char* port);
kos_status_t kos_dir_unbind(const char* port);

// Client: is `port` bound? OK, NOT_FOUND or UNAUTHORIZED. Never waits.
kos_status_t kos_dir_query(const char* port);

// Client: the connection to `port`. Waits until it is bound, at most until the counter reaches `deadline_ticks`
// (0: NOT_FOUND at once; KOS_FOREVER: no limit). Later requests for the same port give the same slot at once. The
// connection stays valid when the server restarts. Errors: UNAUTHORIZED, TIMEOUT, NOT_FOUND.
kos_status_t kos_dir_request_until(const char* port, uint64_t deadline_ticks, kos_slot_t* connection);
kos_status_t kos_dir_request(const char* port, kos_slot_t* connection);  // waits without limit

#define KOS_FOREVER UINT64_MAX

#ifdef __cplusplus
}
#endif
