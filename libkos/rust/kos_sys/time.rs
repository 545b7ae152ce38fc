//! `kos/time.h`. The counter is read by `kos::time`.
use crate::{c_uint, kos_status_t};

functions! { "kos/time.h";
    fn kos_time_hz() -> u64;
    fn kos_time_us() -> u64;
    fn kos_delay(microseconds: u64) -> kos_status_t;
    fn kos_time_alarm(user_bit: c_uint, deadline_ticks: u64) -> kos_status_t;
    fn kos_time_alarm_bits() -> u64;
    fn kos_time_wall_ns(ns: *mut u64) -> kos_status_t;
    fn kos_time_us_to_ticks(us: u64) -> u64;
}
