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

enum {
    // Success
    KOS_STATUS_OK = 128,       // done
    KOS_STATUS_CREATED = 129,  // done, and something new exists
    KOS_STATUS_PONG = 130,     // answer to kos_msg_ping

    // The caller asked for something that cannot be done
    KOS_STATUS_BAD_REQUEST = 144,       // unknown label, wrong length, reserved bits set
    KOS_STATUS_INVALID_ARGUMENT = 145,  // a value is out of its range
    KOS_STATUS_UNAUTHORIZED = 146,      // the manifest does not allow it
    KOS_STATUS_NOT_FOUND = 147,         // no such thing
    KOS_STATUS_CONFLICT = 148,          // exists already, or in use
    KOS_STATUS_INVALID_TOKEN = 149,     // no token in this slot, revoked, or used up
    KOS_STATUS_AT_TOKEN_LIMIT = 150,    // no free token slot
    KOS_STATUS_FULL = 151,              // queue or table has no room; try later
    KOS_STATUS_EMPTY = 152,             // nothing there; try later
    KOS_STATUS_NOT_ENOUGH_MEMORY = 153, // the domain's quota is used up
    KOS_STATUS_NO_REPLY = 154,          // the message wants no answer
    KOS_STATUS_TIMEOUT = 155,           // the deadline has passed

    // The other side could not do it
    KOS_STATUS_INTERNAL_ERROR = 160,   // a bug or a broken device there
    KOS_STATUS_UNAVAILABLE = 161,      // not now: starting, stopping, no device
    KOS_STATUS_NOT_IMPLEMENTED = 162,  // known, but not here
    KOS_STATUS_PEER_GONE = 163,        // the server died while it had the request; it may or may not have been done
    KOS_STATUS_PEER_INVALID = 164,     // the server answered something that the interface does not allow
};

static inline int kos_status_is_ok(kos_status_t status) { return status >= 128 && status < 144; }

// "OK", "NOT_FOUND", ...; "UNKNOWN" for other numbers. Static storage.
const char* kos_status_name(kos_status_t status);

#ifdef __cplusplus
}
#endif
