//! `kos/server.h`
use crate::{c_char, kos_caller_t, kos_msg_t, kos_slot_t, kos_status_t, kos_words_t};
use core::ffi::c_void;

/// Handler of a request.
pub type kos_server_call_fn_t = unsafe extern "C" fn(
    server: *mut kos_server_t,
    caller: *const kos_caller_t,
    request: *const kos_msg_t,
    answer: *mut kos_msg_t,
) -> kos_status_t;
/// Handler of a one-way message.
pub type kos_server_queued_fn_t = unsafe extern "C" fn(
    server: *mut kos_server_t,
    caller: *const kos_caller_t,
    label: u64,
    bytes: *const c_void,
    size_bytes: usize,
);
/// Handler of a request that is words only.
pub type kos_server_call_words_fn_t = unsafe extern "C" fn(
    server: *mut kos_server_t,
    caller: *const kos_caller_t,
    label: u64,
    param: u64,
    word0: u64,
    word1: u64,
    answer: *mut kos_words_t,
) -> kos_status_t;
/// Handler of signals.
pub type kos_server_signalled_fn_t = unsafe extern "C" fn(server: *mut kos_server_t, bits: u64);

structures! { "kos/server.h";
    struct kos_deferred_t {
        reply: kos_slot_t,
        caller: kos_caller_t,
    }
    struct kos_server_t {
        call: Option<kos_server_call_fn_t>,
        queued: Option<kos_server_queued_fn_t>,
        signalled: Option<kos_server_signalled_fn_t>,
        context: *mut c_void,
        call_words: Option<kos_server_call_words_fn_t>,
    }
}

functions! { "kos/server.h";
    fn kos_server_run(server: *mut kos_server_t) -> kos_status_t;
    fn kos_server_port_name(port: u32) -> *const c_char;
    fn kos_server_defer(server: *mut kos_server_t, caller: *const kos_caller_t, deferred: *mut kos_deferred_t) -> kos_status_t;
    fn kos_server_answer(deferred: *const kos_deferred_t, status: kos_status_t, answer: *const kos_msg_t);
}
