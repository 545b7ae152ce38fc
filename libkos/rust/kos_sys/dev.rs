//! `kos/dev.h`
use crate::{c_char, kos_slot_t, kos_status_t};
use core::ffi::c_void;

structures! { "kos/dev.h";
    struct kos_device_t {
        registers: *mut c_void,
        physical: u64,
        size_bytes: u64,
    }
    struct kos_interrupt_t {
        handler: kos_slot_t,
        signal: u64,
        number: u32,
    }
    struct kos_dma_t {
        address: *mut c_void,
        physical: u64,
        size_bytes: u64,
    }
}

functions! { "kos/dev.h";
    fn kos_dev_find(name: *const c_char, device: *mut kos_device_t) -> kos_status_t;
    fn kos_dev_interrupt(name: *const c_char, interrupt: *mut kos_interrupt_t) -> kos_status_t;
    fn kos_dev_interrupt_acknowledge(interrupt: *const kos_interrupt_t);
    fn kos_dev_dma(name: *const c_char, memory: *mut kos_dma_t) -> kos_status_t;
}
