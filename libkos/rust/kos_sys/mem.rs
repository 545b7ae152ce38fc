//! `kos/mem.h`
use crate::kos_status_t;
use core::ffi::c_void;

constants! { "kos/mem.h";
    KOS_MEM_READ: u32 = 1;
    KOS_MEM_WRITE: u32 = 2;
    KOS_MEM_EXECUTE: u32 = 4;
}

structures! { "kos/mem.h";
    struct kos_mem_status_t {
        quota_bytes: u64,
        used_bytes: u64,
    }
}

functions! { "kos/mem.h";
    fn kos_mem_map(size_bytes: usize, rights: u32, address: *mut *mut c_void) -> kos_status_t;
    fn kos_mem_unmap(address: *mut c_void, size_bytes: usize) -> kos_status_t;
    fn kos_mem_status(status: *mut kos_mem_status_t) -> kos_status_t;
}
