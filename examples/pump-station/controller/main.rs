//! Keeps the basin's level: reads the sensor ten times a second and sets the pump's speed.
#![no_std]
use idl::pump::{PumpClient, PumpLeaseClient};
use idl::sensor::{SensorClient, SensorHealth};
use kos::idl::Owned;
use kos::prelude::*;
use kos::time::{sleep, Duration};
kos::main!(main);

/// The pump stops when the lease was not used for so long.
const HOLD_MS: u32 = 500;

/// Per cent of the pump for a level: nothing at the target and below, everything at 100 mm above.
fn speed(level_mm: i32, target_mm: i32) -> u8 {
    (level_mm - target_mm).clamp(0, 100) as u8
}

/// One round. Whoever is restarted meanwhile answers the next one.
fn control(
    sensor: SensorClient,
    pump: PumpClient,
    lease: &mut Option<Owned<PumpLeaseClient>>,
    target_mm: i32,
) -> Result {
    let sample = sensor.latest()?;
    if sample.health != SensorHealth::Good {
        return Err(Status::UNAVAILABLE);
    }
    if lease.is_none() {
        *lease = Some(pump.take(HOLD_MS)?);
    }
    if let Some(held) = lease {
        if let Err(status) = held.set_speed(speed(sample.level_mm, target_mm)) {
            *lease = None;
            return Err(status);
        }
    }
    Ok(())
}

fn main() -> Result {
    let (sensor, pump) = (SensorClient::connect("sensor")?, PumpClient::connect("pump")?);
    let target_mm = kos::app::parameter_number("target_mm", 500) as i32;
    let fault_after = kos::app::parameter_number("fault_after", 0);
    let mut lease = None;
    kos::app::ready()?;
    let mut rounds = 0;
    while !kos::app::should_stop() {
        if let Err(status) = control(sensor, pump, &mut lease, target_mm) {
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
