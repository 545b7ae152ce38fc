//! `kos/ring.h`. The core (`kos/ring_core.h`) is inline functions of C, which Rust reaches through `kos_ring_*`.
use crate::{c_char, c_int, kos_status_t};
use core::ffi::c_void;

structures! { "kos/ring.h";
    struct kos_ring_core_t {
        own: *mut c_void,
        peer: *mut c_void,
        data: *mut u8,
        size: u64,
        position: u64,
        offset: u64,
        peer_position: u64,
        reserved_bytes: u64,
        reserved_room: u64,
        epoch: u32,
        peer_epoch: u32,
        is_producer: u8,
        is_met: u8,
        is_broken: u8,
        must_wake: u8,
    }
    struct kos_ring_t {
        core: kos_ring_core_t,
        signal_slot: u64,
        signal: u64,
        memory: *mut c_void,
        memory_bytes: u64,
        is_held: u64,
    }
    struct kos_ring_memory_t {
        address: *mut c_void,
        size_bytes: u64,
        physical: u64,
        signal_slot: u64,
        signal: u64,
    }
}

functions! { "kos/ring.h";
    fn kos_ring_open(name: *const c_char, ring: *mut kos_ring_t) -> kos_status_t;
    fn kos_ring_memory(name: *const c_char, memory: *mut kos_ring_memory_t) -> kos_status_t;
    fn kos_ring_open_part(memory: *const kos_ring_memory_t, offset: usize, size_bytes: usize, is_producer: c_int, ring: *mut kos_ring_t) -> kos_status_t;
    fn kos_ring_reset(ring: *mut kos_ring_t);
    fn kos_ring_write(ring: *mut kos_ring_t, bytes: *const c_void, count: usize, done: *mut usize) -> kos_status_t;
    fn kos_ring_read(ring: *mut kos_ring_t, bytes: *mut c_void, count: usize, done: *mut usize) -> kos_status_t;
    fn kos_ring_record_max(ring: *const kos_ring_t) -> usize;
    fn kos_ring_send(ring: *mut kos_ring_t, tag: u32, bytes: *const c_void, count: usize) -> kos_status_t;
    fn kos_ring_receive(ring: *mut kos_ring_t, bytes: *mut c_void, count: usize, length: *mut usize, tag: *mut u32) -> kos_status_t;
    fn kos_ring_peek(ring: *mut kos_ring_t, payload: *mut *const c_void, length: *mut usize, tag: *mut u32) -> kos_status_t;
    fn kos_ring_release(ring: *mut kos_ring_t) -> kos_status_t;
    fn kos_ring_reserve(ring: *mut kos_ring_t, count: usize, payload: *mut *mut c_void) -> kos_status_t;
    fn kos_ring_commit(ring: *mut kos_ring_t, count: usize, tag: u32) -> kos_status_t;
    fn kos_ring_wait(ring: *mut kos_ring_t, wanted: usize) -> kos_status_t;
    fn kos_ring_wait_until(ring: *mut kos_ring_t, wanted: usize, deadline_ticks: u64) -> kos_status_t;
    fn kos_ring_record_needs(ring: *const kos_ring_t, count: usize) -> usize;
    fn kos_ring_hold(ring: *mut kos_ring_t);
    fn kos_ring_wake(ring: *mut kos_ring_t);
    fn kos_ring_prepare_wait(ring: *mut kos_ring_t, wanted: usize) -> c_int;
}
