//! `kos/root.h`
use crate::{kos_root_label, kos_status_t};

functions! { "kos/root.h";
    fn kos_root_request(label: kos_root_label, words: *mut u64) -> kos_status_t;
    fn kos_root_signal(slot: u64);
    fn kos_root_slot_take(slot: *mut u64) -> kos_status_t;
}
