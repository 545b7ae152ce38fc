//! `kos/random.h`
use crate::kos_status_t;
use core::ffi::c_void;

functions! { "kos/random.h";
    fn kos_random(bytes: *mut c_void, size_bytes: usize) -> kos_status_t;
}
