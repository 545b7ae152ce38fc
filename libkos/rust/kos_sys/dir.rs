//! `kos/dir.h`
use crate::{c_char, kos_slot_t, kos_status_t};

constants! { "kos/dir.h";
    KOS_FOREVER: u64 = u64::MAX;
}

functions! { "kos/dir.h";
    fn kos_dir_bind(port: *const c_char) -> kos_status_t;
    fn kos_dir_unbind(port: *const c_char) -> kos_status_t;
    fn kos_dir_query(port: *const c_char) -> kos_status_t;
    fn kos_dir_request_until(port: *const c_char, deadline_ticks: u64, connection: *mut kos_slot_t) -> kos_status_t;
    fn kos_dir_request(port: *const c_char, connection: *mut kos_slot_t) -> kos_status_t;
}
