//! `kos/msg.h`
use crate::{c_char, kos_status_t};
use core::ffi::c_void;

/// A capability slot of this domain; 0 is none.
pub type kos_slot_t = u64;
/// The slot of a token.
pub type kos_token_t = kos_slot_t;

constants! { "kos/msg.h";
    KOS_TOKEN_SINGLE_USE: u32 = 1 << 5;
}

structures! { "kos/msg.h";
    struct kos_caller_t {
        domain: u16,
        port: u32,
        token: u64,
    }
    struct kos_words_t {
        param: u64,
        words: [u64; 2],
    }
    struct kos_msg_t {
        label: u64,
        param: u64,
        words: [u64; 2],
        payload: *const c_void,
        payload_bytes: u32,
        has_words: u8,
        reserved: [u8; 3],
        token: kos_token_t,
        own: kos_caller_t,
    }
}

functions! { "kos/msg.h";
    fn kos_msg_call(target: kos_slot_t, message: *mut kos_msg_t) -> kos_status_t;
    fn kos_msg_call_words(target: kos_slot_t, label: u64, param: *mut u64, words: *mut u64) -> kos_status_t;
    fn kos_msg_words_status(tag: u64, metadata: u64) -> kos_status_t;
    fn kos_msg_call_until(target: kos_slot_t, message: *mut kos_msg_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_msg_call_words_until(target: kos_slot_t, label: u64, param: *mut u64, words: *mut u64, deadline_ticks: u64) -> kos_status_t;
    fn kos_msg_send(connection: kos_slot_t, label: u64, bytes: *const c_void, size_bytes: usize) -> kos_status_t;
    fn kos_msg_ping(target: kos_slot_t) -> kos_status_t;
    fn kos_msg_token_create(port: *const c_char, number: u64, flags: u32, holder: u16, token: *mut kos_token_t) -> kos_status_t;
    fn kos_msg_token_revoke(port: *const c_char, number: u64) -> kos_status_t;
    fn kos_msg_token_delete(token: kos_token_t) -> kos_status_t;
}
