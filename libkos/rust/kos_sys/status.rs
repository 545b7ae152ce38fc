//! `kos/status.h`
use crate::c_char;

/// A status code.
pub type kos_status_t = u32;

constants! { "kos/status.h";
    KOS_STATUS_OK: kos_status_t = 128;
    KOS_STATUS_CREATED: kos_status_t = 129;
    KOS_STATUS_PONG: kos_status_t = 130;
    KOS_STATUS_BAD_REQUEST: kos_status_t = 144;
    KOS_STATUS_INVALID_ARGUMENT: kos_status_t = 145;
    KOS_STATUS_UNAUTHORIZED: kos_status_t = 146;
    KOS_STATUS_NOT_FOUND: kos_status_t = 147;
    KOS_STATUS_CONFLICT: kos_status_t = 148;
    KOS_STATUS_INVALID_TOKEN: kos_status_t = 149;
    KOS_STATUS_AT_TOKEN_LIMIT: kos_status_t = 150;
    KOS_STATUS_FULL: kos_status_t = 151;
    KOS_STATUS_EMPTY: kos_status_t = 152;
    KOS_STATUS_NOT_ENOUGH_MEMORY: kos_status_t = 153;
    KOS_STATUS_NO_REPLY: kos_status_t = 154;
    KOS_STATUS_TIMEOUT: kos_status_t = 155;
    KOS_STATUS_INTERNAL_ERROR: kos_status_t = 160;
    KOS_STATUS_UNAVAILABLE: kos_status_t = 161;
    KOS_STATUS_NOT_IMPLEMENTED: kos_status_t = 162;
    KOS_STATUS_PEER_GONE: kos_status_t = 163;
    KOS_STATUS_PEER_INVALID: kos_status_t = 164;
}

functions! { "kos/status.h";
    fn kos_status_name(status: kos_status_t) -> *const c_char;
}
