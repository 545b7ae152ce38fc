//! Keeps the basin's level: reads the sensor ten times a second and sets the pump's speed.
#![no_std]
use kos::prelude::*;
use kos::time::{sleep, Duration};
kos::main!(main);

mod station;
use station::{Lease, Sensor, Pump};

const HOLD: Duration = Duration::from_millis(500);

/// Per cent of the pump for a level: nothing at the target and below, everything at 100 mm above.
fn speed(level_mm: i32, target_mm: i32) -> u8 {
    (level_mm - target_mm).clamp(0, 100) as u8
}

/// One round. Whoever is restarted meanwhile answers the next one.
fn control(sensor: &Sensor, pump: &Pump, lease: &mut Option<Lease>, target_mm: i32) -> Result {
    let level = sensor.level_mm()?;
    if lease.is_none() {
        *lease = Some(pump.take(HOLD)?);
    }
    if let Some(held) = lease {
        if let Err(status) = held.set_speed(speed(level, target_mm)) {
            *lease = None;
            return Err(status);
        }
    }
    Ok(())
}

fn main() -> Result {
    let (sensor, pump) = (Sensor::open()?, Pump::open()?);
    let target_mm = kos::app::parameter_number("target_mm", 500) as i32;
    let fault_after = kos::app::parameter_number("fault_after", 0);
    let mut lease = None;
    kos::app::ready()?;
    let mut rounds = 0;
    while !kos::app::should_stop() {
        if let Err(status) = control(&sensor, &pump, &mut lease, target_mm) {
            kos::warning!("this round failed: {status}");
        }
        rounds += 1;
        if rounds == fault_after {
            // SAFETY: none; this is the fault that the example shows.
            unsafe { (8 as *mut u32).write_volatile(0) };
        }
        sleep(Duration::from_millis(100))?;
    }
    if let Some(lease) = lease {
        lease.give_back()?;
    }
    Ok(())
}
