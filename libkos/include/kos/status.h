// Status codes: one space for every answer in KOS, shaped after HTTP's classes.
//
// The answer's label of every message is one of these. seL4 errors never appear here: libkos and root translate them.
// C, C++ and (through the binding) Rust and Elixir use the same numbers.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#include <stdint.h>

typedef uint32_t kos_status_t;

// Macros rather than an enumeration, so that their type is kos_status_t in C and in C++.
// Success
#define KOS_STATUS_OK ((kos_status_t)128)       // done
#define KOS_STATUS_CREATED ((kos_status_t)129)  // done, and something new exists
#define KOS_STATUS_PONG ((kos_status_t)130)     // answer to kos_msg_ping

// The caller asked for something that cannot be done
#define KOS_STATUS_BAD_REQUEST ((kos_status_t)144)        // unknown label, wrong length, reserved bits set
#define KOS_STATUS_INVALID_ARGUMENT ((kos_status_t)145)   // a value is out of its range
#define KOS_STATUS_UNAUTHORIZED ((kos_status_t)146)       // the manifest does not allow it
#define KOS_STATUS_NOT_FOUND ((kos_status_t)147)          // no such thing
#define KOS_STATUS_CONFLICT ((kos_status_t)148)           // exists already, or in use
#define KOS_STATUS_INVALID_TOKEN ((kos_status_t)149)      // no token in this slot, revoked, or used up
#define KOS_STATUS_AT_TOKEN_LIMIT ((kos_status_t)150)     // no free token slot
#define KOS_STATUS_FULL ((kos_status_t)151)               // queue or table has no room; try later
#define KOS_STATUS_EMPTY ((kos_status_t)152)              // nothing there; try later
#define KOS_STATUS_NOT_ENOUGH_MEMORY ((kos_status_t)153)  // the domain's quota is used up
#define KOS_STATUS_NO_REPLY ((kos_status_t)154)           // the message wants no answer
#define KOS_STATUS_TIMEOUT ((kos_status_t)155)            // the deadline has passed

// The other side could not do it
#define KOS_STATUS_INTERNAL_ERROR ((kos_status_t)160)   // a bug or a broken device there
#define KOS_STATUS_UNAVAILABLE ((kos_status_t)161)      // not now: starting, stopping, no device
#define KOS_STATUS_NOT_IMPLEMENTED ((kos_status_t)162)  // known, but not here
// The server died while it had the request; the request may or may not have been carried out.
#define KOS_STATUS_PEER_GONE ((kos_status_t)163)
#define KOS_STATUS_PEER_INVALID ((kos_status_t)164)  // the server answered something that the interface does not allow

static inline int kos_status_is_ok(kos_status_t status) { return status >= 128 && status < 144; }

// "OK", "NOT_FOUND", ...; "UNKNOWN" for other numbers. Static storage.
const char* kos_status_name(kos_status_t status);

#ifdef __cplusplus
}
#endif
