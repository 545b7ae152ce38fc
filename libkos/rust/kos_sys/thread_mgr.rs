//! `kos/thread_mgr.h`
use crate::{kos_fault_t, kos_status_t, kos_thread_t};
use core::ffi::c_void;

/// Names a thread of a manager.
pub type kos_thread_mgr_id_t = u32;
/// Is told of a fault.
pub type kos_thread_fault_fn_t = unsafe extern "C" fn(cookie: *mut c_void, what: *const kos_thread_mgr_fault_t);

constants! { "kos/thread_mgr.h";
    KOS_THREAD_MGR_NO_LIMIT: u32 = u32::MAX;
}

structures! { "kos/thread_mgr.h";
    struct kos_thread_mgr_fault_t {
        id: kos_thread_mgr_id_t,
        faults: u32,
        limit: u32,
        will_restart: i32,
        fault: *const kos_fault_t,
    }
    struct kos_thread_mgr_entry_t {
        thread: *mut kos_thread_t,
        cookie: *mut c_void,
        fault_fn: Option<kos_thread_fault_fn_t>,
        fault_limit: u32,
        faults: u32,
    }
    struct kos_thread_mgr_t {
        entries: *mut kos_thread_mgr_entry_t,
        capacity: usize,
    }
}

functions! { "kos/thread_mgr.h";
    fn kos_thread_fault_fn_print_faults(cookie: *mut c_void, what: *const kos_thread_mgr_fault_t);
    fn kos_thread_mgr_init(entries: *mut kos_thread_mgr_entry_t, capacity: usize, mgr: *mut kos_thread_mgr_t) -> kos_status_t;
    fn kos_thread_mgr_add(mgr: *mut kos_thread_mgr_t, thread: *mut kos_thread_t, fault_limit: u32, cookie: *mut c_void,
                          fault_fn: Option<kos_thread_fault_fn_t>, id: *mut kos_thread_mgr_id_t) -> kos_status_t;
    fn kos_thread_mgr_remove(mgr: *mut kos_thread_mgr_t, id: kos_thread_mgr_id_t) -> kos_status_t;
    fn kos_thread_mgr_faults(mgr: *const kos_thread_mgr_t, id: kos_thread_mgr_id_t, faults: *mut u32) -> kos_status_t;
    fn kos_thread_mgr_direct_handler(mgr: *mut kos_thread_mgr_t) -> kos_status_t;
    fn kos_thread_mgr_handle_faults(mgr: *mut kos_thread_mgr_t);
}
