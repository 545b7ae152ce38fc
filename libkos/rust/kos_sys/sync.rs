//! `kos/sync.h`. Zeroed memory is a free mutex, an event that is not set, a semaphore of 0.
use crate::{c_int, c_uint, kos_status_t, kos_thread_fn_t};
use core::ffi::c_void;

structures! { "kos/sync.h";
    struct kos_mutex_t {
        word: u32,
    }
    struct kos_condition_t {
        waiters: u32,
        last: u32,
    }
    struct kos_semaphore_t {
        word: u64,
    }
    struct kos_event_t {
        word: u32,
    }
    struct kos_once_t {
        word: u32,
    }
}

functions! { "kos/sync.h";
    fn kos_mutex_lock(mutex: *mut kos_mutex_t);
    fn kos_mutex_lock_until(mutex: *mut kos_mutex_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_mutex_try_lock(mutex: *mut kos_mutex_t) -> kos_status_t;
    fn kos_mutex_unlock(mutex: *mut kos_mutex_t);
    fn kos_mutex_holder(mutex: *const kos_mutex_t) -> c_int;
    fn kos_mutex_take_from(mutex: *mut kos_mutex_t, thread_number: c_uint) -> kos_status_t;
    fn kos_condition_wait(condition: *mut kos_condition_t, mutex: *mut kos_mutex_t);
    fn kos_condition_wait_until(condition: *mut kos_condition_t, mutex: *mut kos_mutex_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_condition_signal(condition: *mut kos_condition_t);
    fn kos_condition_broadcast(condition: *mut kos_condition_t);
    fn kos_semaphore_init(semaphore: *mut kos_semaphore_t, count: u32);
    fn kos_semaphore_wait(semaphore: *mut kos_semaphore_t);
    fn kos_semaphore_wait_until(semaphore: *mut kos_semaphore_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_semaphore_try_wait(semaphore: *mut kos_semaphore_t) -> kos_status_t;
    fn kos_semaphore_post(semaphore: *mut kos_semaphore_t) -> kos_status_t;
    fn kos_event_set(event: *mut kos_event_t);
    fn kos_event_reset(event: *mut kos_event_t);
    fn kos_event_is_set(event: *const kos_event_t) -> c_int;
    fn kos_event_wait(event: *mut kos_event_t);
    fn kos_event_wait_until(event: *mut kos_event_t, deadline_ticks: u64) -> kos_status_t;
    fn kos_once(once: *mut kos_once_t, run: kos_thread_fn_t, param: *mut c_void);
    fn kos_thread_park();
    fn kos_thread_unpark(thread_number: c_uint);
    fn kos_sync_thread_gone(thread_number: c_uint);
}
