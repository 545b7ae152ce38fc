//! Time (`kos/time.h`): the machine's counter, sleeping, alarms, the wall clock. All but [`Instant`] need the port
//! "timer" in the manifest: `UNAUTHORIZED` otherwise.

use crate::status::check;
use crate::{Result, Status};
pub use core::time::Duration;

const NANOSECONDS: u128 = 1_000_000_000;

/// A point in time: a value of the machine's counter, common to all cores and domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Later than everything: waits without limit.
    pub const FOREVER: Instant = Instant(kos_sys::KOS_FOREVER);

    /// Now.
    pub fn now() -> Instant {
        Instant(counter())
    }

    /// Now and that much more; [`Instant::FOREVER`] if that is beyond the counter.
    pub fn after(duration: Duration) -> Instant {
        Instant::now() + duration
    }

    /// The point at which the counter has this value.
    pub const fn from_ticks(ticks: u64) -> Instant {
        Instant(ticks)
    }

    /// The counter's value.
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// From `earlier` to this; zero if `earlier` is later.
    pub fn duration_since(self, earlier: Instant) -> Duration {
        to_duration(self.0.saturating_sub(earlier.0), hz())
    }

    /// From this to now.
    pub fn elapsed(self) -> Duration {
        Instant::now().duration_since(self)
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(to_ticks(duration, hz())))
    }
}

impl core::ops::Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(to_ticks(duration, hz())))
    }
}

impl core::ops::Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

/// Sleeps at least so long, on nobody's CPU time.
pub fn sleep(duration: Duration) -> Result {
    let us = duration.as_nanos().saturating_add(999) / 1000;
    // SAFETY: no preconditions.
    check(unsafe { kos_sys::kos_delay(us.min(u64::MAX.into()) as u64) })
}

/// Sleeps until then.
pub fn sleep_until(when: Instant) -> Result {
    match when.duration_since(Instant::now()) {
        Duration::ZERO => Ok(()),
        rest => sleep(rest),
    }
}

/// Signals the user bit `number` (0..=15; [`crate::signal::user`]) at `when`; replaces an earlier alarm of the same bit.
pub fn alarm(number: u32, when: Instant) -> Result {
    // 0 is not a time for libkos, but that the alarm is cancelled.
    // SAFETY: no preconditions.
    check(unsafe { kos_sys::kos_time_alarm(number, when.0.max(1)) })
}

/// There will be no alarm of this user bit.
pub fn cancel_alarm(number: u32) -> Result {
    // SAFETY: no preconditions.
    check(unsafe { kos_sys::kos_time_alarm(number, 0) })
}

/// Time since 1970-01-01 UTC; `UNAVAILABLE` while nobody has set the clock.
pub fn wall() -> Result<Duration> {
    let mut ns = 0;
    // SAFETY: `ns` may be written.
    check(unsafe { kos_sys::kos_time_wall_ns(&mut ns) })?;
    Ok(Duration::from_nanos(ns))
}

/// Waits until `is_done` says so, at most until `deadline`: `TIMEOUT`. Asks again after each `pause`.
pub fn poll_until(deadline: Instant, pause: Duration, mut is_done: impl FnMut() -> bool) -> Result {
    while !is_done() {
        if Instant::now() >= deadline {
            return Err(Status::TIMEOUT);
        }
        sleep(pause)?;
    }
    Ok(())
}

#[cfg(not(any(test, kos_host)))]
fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads a register that every thread may read. The isb keeps the read behind what comes before it.
    unsafe { core::arch::asm!("isb", "mrs {}, cntpct_el0", out(reg) ticks, options(nostack, preserves_flags)) };
    ticks
}

#[cfg(any(test, kos_host))]
fn counter() -> u64 {
    crate::fake::counter()
}

fn hz() -> u64 {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_time_hz() }
}

/// Rounded down.
pub(crate) fn to_duration(ticks: u64, hz: u64) -> Duration {
    let rest = u128::from(ticks % hz) * NANOSECONDS / u128::from(hz);
    Duration::new(ticks / hz, rest as u32)
}

/// Rounded up, so that nobody waits too short; the largest number if there are more.
pub(crate) fn to_ticks(duration: Duration, hz: u64) -> u64 {
    let ticks = duration.as_nanos().saturating_mul(hz.into()).saturating_add(NANOSECONDS - 1) / NANOSECONDS;
    ticks.min(u64::MAX.into()) as u64
}
