//! `kos/thread.h`
use crate::{c_int, c_uint, kos_status_t};
use core::ffi::c_void;

/// A thread; only its address is known here.
#[repr(C)]
pub struct kos_thread_t {
    nothing: [u8; 0],
}
/// What a thread runs.
pub type kos_thread_fn_t = unsafe extern "C" fn(param: *mut c_void);

constants! { "kos/thread.h";
    KOS_THREAD_STACK_BYTES: usize = 16384;
}

functions! { "kos/thread.h";
    fn kos_thread_create(run: kos_thread_fn_t, param: *mut c_void, passive: c_int, thread: *mut *mut kos_thread_t) -> kos_status_t;
    fn kos_thread_start(thread: *mut kos_thread_t) -> kos_status_t;
    fn kos_thread_join(thread: *mut kos_thread_t) -> kos_status_t;
    fn kos_thread_join_until(thread: *mut kos_thread_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_thread_stop(thread: *mut kos_thread_t) -> kos_status_t;
    fn kos_thread_restart(thread: *mut kos_thread_t) -> kos_status_t;
    fn kos_thread_yield();
    fn kos_thread_signal_server();
    fn kos_thread_self() -> *mut kos_thread_t;
    fn kos_thread_number(thread: *const kos_thread_t) -> c_uint;
}
