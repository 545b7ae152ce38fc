//! Signals to the own domain (`kos/signal.h`): a bit each, remembered until somebody takes it.

use kos_sys::{KOS_SIGNAL_STOP, KOS_SIGNAL_USER_0};

/// Appman wants the domain to end itself.
pub const STOP: u64 = KOS_SIGNAL_STOP;
/// A message in one of the queues.
pub const QUEUE: u64 = kos_sys::KOS_SIGNAL_QUEUE;
/// A thread of the domain has a fault.
pub const FAULT: u64 = kos_sys::KOS_SIGNAL_FAULT;
/// A domain that is watched at appman has changed.
pub const DOMAINS: u64 = kos_sys::KOS_SIGNAL_DOMAINS;
/// All user bits, which [`notify_server`] sets.
pub const USER: u64 = 0xffff << KOS_SIGNAL_USER_0;

/// User bit `number` (0..=15), for alarms.
pub const fn user(number: u32) -> u64 {
    assert!(number < 16, "a domain has 16 user bits");
    1 << (KOS_SIGNAL_USER_0 + number)
}

/// Waits until one of `bits` or [`STOP`] has been signalled and takes those. Main thread only; see the header.
pub fn wait(bits: u64) -> u64 {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_signal_wait(bits) }
}

/// As [`wait`], without waiting: 0 if none of them has been signalled.
pub fn poll(bits: u64) -> u64 {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_signal_poll(bits) }
}

/// Calls `signalled` of the domain's server with the bits [`USER`], from any thread. Never blocks.
pub fn notify_server() {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_thread_signal_server() }
}
