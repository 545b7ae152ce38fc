//! Threads of the own domain (`kos/thread.h`). The manifest's `threads` says how many there may be.

use crate::status::check;
use crate::{Instant, Result};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use kos_sys::kos_thread_t;

/// Bytes of a thread's stack; a guard page lies below.
pub const STACK_BYTES: usize = kos_sys::KOS_THREAD_STACK_BYTES;

/// Where a thread leaves its result. Written by the thread before it ends, read by who has joined it, never by both.
struct Packet<T>(UnsafeCell<Option<T>>);

// SAFETY: see Packet: joining is what orders the two accesses.
unsafe impl<T: Send> Sync for Packet<T> {}
// SAFETY: as Sync.
unsafe impl<T: Send> Send for Packet<T> {}

struct Start<F, T> {
    run: F,
    packet: Arc<Packet<T>>,
}

/// A thread that runs. Dropping it lets the thread go on, but its place among the manifest's `threads` is taken for good:
/// join it.
#[must_use = "a thread that nobody joins keeps its place"]
pub struct JoinHandle<T> {
    thread: *mut kos_thread_t,
    packet: Arc<Packet<T>>,
}

// SAFETY: libkos's functions on threads are thread-safe, and the result may be sent.
unsafe impl<T: Send> Send for JoinHandle<T> {}

/// Runs `run` in a new thread. `FULL` (manifest's `threads`), `NOT_ENOUGH_MEMORY`. A panic in it ends the domain.
pub fn spawn<F, T>(run: F) -> Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let packet = Arc::new(Packet(UnsafeCell::new(None)));
    let start = Box::into_raw(Box::new(Start { run, packet: Arc::clone(&packet) }));
    let mut thread = core::ptr::null_mut();
    // SAFETY: `begin` expects this Start and takes it over when it runs, once; `thread` may be written.
    let mut result = check(unsafe { kos_sys::kos_thread_create(begin::<F, T>, start.cast(), 0, &mut thread) });
    if result.is_ok() {
        // SAFETY: just created.
        result = check(unsafe { kos_sys::kos_thread_start(thread) });
        if result.is_err() {
            // SAFETY: created and never started. The first error is the one that says why.
            let _ = unsafe { kos_sys::kos_thread_stop(thread) };
        }
    }
    match result {
        Ok(()) => Ok(JoinHandle { thread, packet }),
        Err(status) => {
            // SAFETY: the thread has never run, so the Start is still ours.
            drop(unsafe { Box::from_raw(start) });
            Err(status)
        }
    }
}

unsafe extern "C" fn begin<F: FnOnce() -> T, T>(start: *mut c_void) {
    // SAFETY: `spawn` made it of a Box, for this thread alone.
    let start = unsafe { Box::from_raw(start.cast::<Start<F, T>>()) };
    let Start { run, packet } = *start;
    let result = run();
    // SAFETY: nobody reads it before this thread has been joined.
    unsafe { *packet.0.get() = Some(result) };
}

impl<T> JoinHandle<T> {
    /// Waits until the thread has ended.
    pub fn join(self) -> Result<T> {
        self.join_until(Instant::FOREVER).map_err(|(_, status)| status)
    }

    /// Until `deadline` at most: the handle back, with `TIMEOUT`.
    pub fn join_until(self, deadline: Instant) -> core::result::Result<T, (Self, crate::Status)> {
        // SAFETY: joined once, because success takes self.
        match check(unsafe { kos_sys::kos_thread_join_until(self.thread, deadline.ticks()) }) {
            Err(status) => Err((self, status)),
            Ok(()) => {
                // SAFETY: the thread has ended, so this is the only access.
                let result = unsafe { (*self.packet.0.get()).take() };
                Ok(result.expect("a thread that has ended by itself leaves its result"))
            }
        }
    }

    /// The thread's number; 0 is the main thread.
    pub fn number(&self) -> u32 {
        // SAFETY: it has not been joined.
        unsafe { kos_sys::kos_thread_number(self.thread) }
    }
}

/// Number of the calling thread; 0 is the main thread.
pub fn current_number() -> u32 {
    // SAFETY: the calling thread exists.
    unsafe { kos_sys::kos_thread_number(kos_sys::kos_thread_self()) }
}

/// Gives up the rest of the calling thread's CPU time in this period.
pub fn yield_now() {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_thread_yield() }
}
