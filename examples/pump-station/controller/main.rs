//! Keeps the basin's level: reads the sensor ten times a second and sets the pump's speed.
#![no_std]
mod hostile;

use idl::controller::{controller_dispatch, controller_dispatch_words, ControllerServer, ControllerState};
use idl::part::{part_dispatch, part_dispatch_words, PartHow, PartServer};
use idl::pump::{PumpClient, PumpLeaseClient};
use idl::sensor::{SensorClient, SensorHealth};
use kos::idl::Owned;
use kos::prelude::*;
use kos::time::{alarm, Duration, Instant};
kos::main!(main);

/// The pump stops when the lease was not used for so long.
const HOLD_MS: u32 = 500;
const ROUND: Duration = Duration::from_millis(100);
/// Number of the alarm.
const TICK: u32 = 0;
/// What operators may set.
const TARGETS_MM: core::ops::RangeInclusive<i32> = 300..=700;

/// Per cent of the pump for a level: nothing at the target and below, everything at 100 mm above.
fn speed(level_mm: i32, target_mm: i32) -> u8 {
    (level_mm - target_mm).clamp(0, 100) as u8
}

struct Controller {
    sensor: SensorClient,
    pump: PumpClient,
    lease: Option<Owned<PumpLeaseClient>>,
    state: ControllerState,
    fault_after: u32,
    is_trial_allowed: bool,
    trial: Option<PartHow>,
    hostile_since: Option<Instant>,
}

impl Controller {
    /// One round. Whoever is restarted meanwhile answers the next one.
    fn control(&mut self) -> Result {
        let sample = self.sensor.latest()?;
        if sample.health != SensorHealth::Good {
            return Err(Status::UNAVAILABLE);
        }
        self.state.level_mm = sample.level_mm;
        self.drive(speed(sample.level_mm, self.state.target_mm))
    }

    fn drive(&mut self, percent: u8) -> Result {
        self.state.percent = percent;
        if self.lease.is_none() {
            self.lease = Some(self.pump.take(HOLD_MS)?);
        }
        if let Some(held) = &self.lease {
            if let Err(status) = held.set_speed(percent) {
                self.lease = None;
                return Err(status);
            }
        }
        Ok(())
    }

    fn round(&mut self) {
        let done = if let Some(since) = self.hostile_since {
            hostile::round(since, &self.pump);
            self.drive(100)
        } else {
            self.control()
        };
        if let Err(status) = done {
            self.state.failed += 1;
            // Not each time: an outage is one event.
            if self.state.failed % 10 == 1 {
                kos::warning!("this round failed: {status}");
            }
        }
        self.state.rounds += 1;
        if self.state.rounds == self.fault_after {
            crash();
        }
    }

    fn begin_trial(&mut self) {
        match self.trial.take() {
            Some(PartHow::Crash) => crash(),
            Some(PartHow::Hang) => loop {
                core::hint::spin_loop();
            },
            Some(PartHow::Compromise) => self.hostile_since = Some(Instant::now()),
            None => (),
        }
    }
}

fn crash() {
    // SAFETY: none; this is the fault that the example shows.
    unsafe { (8 as *mut u32).write_volatile(0) };
}

impl ControllerServer for Controller {
    fn state(&mut self, _: &Call) -> Result<ControllerState> {
        Ok(self.state)
    }
    fn set_target(&mut self, _: &Call, mm: i32) -> Result {
        if !TARGETS_MM.contains(&mm) {
            return Err(Status::INVALID_ARGUMENT);
        }
        self.state.target_mm = mm;
        Ok(())
    }
}

impl PartServer for Controller {
    fn memory(&mut self, _: &Call) -> Result<(u64, u64)> {
        let usage = kos::memory::usage()?;
        Ok((usage.quota_bytes, usage.used_bytes))
    }
    fn trial(&mut self, _: &Call, how: PartHow) -> Result {
        if !self.is_trial_allowed {
            return Err(Status::UNAVAILABLE);
        }
        self.trial = Some(how);
        Ok(())
    }
}

/// Which of the two interfaces a call is for.
fn is_part(caller: &Caller) -> bool {
    kos::server::port_name(caller.port) == Some("controller_part")
}

impl Server for Controller {
    const SERVES_WORDS: bool = true;

    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        if is_part(&request.caller) {
            part_dispatch(self, request, answer)
        } else {
            controller_dispatch(self, request, answer)
        }
    }
    fn call_words(&mut self, call: &Call, label: u64, words: [u64; 3]) -> Option<Result<[u64; 3]>> {
        if is_part(call) {
            part_dispatch_words(self, call, label, words)
        } else {
            controller_dispatch_words(self, call, label, words)
        }
    }
    fn signalled(&mut self, bits: u64) {
        if bits & (1 << TICK) == 0 {
            return;
        }
        if alarm(TICK, Instant::after(ROUND)).is_err() {
            kos::error!("no timer");
        }
        self.begin_trial();
        self.round();
    }
}

fn main() -> Result {
    let target_mm = kos::app::parameter_number("target_mm", 500) as i32;
    let mut controller = Controller {
        sensor: SensorClient::connect("sensor")?,
        pump: PumpClient::connect("pump")?,
        lease: None,
        state: ControllerState { target_mm, level_mm: 0, rounds: 0, failed: 0, percent: 0 },
        fault_after: kos::app::parameter_number("fault_after", 0) as u32,
        is_trial_allowed: kos::app::parameter_number("trials", 0) != 0,
        trial: None,
        hostile_since: None,
    };
    alarm(TICK, Instant::after(ROUND))?;
    kos::serve(&mut controller)?;
    if let Some(lease) = controller.lease.take() {
        lease.give_back()?;
    }
    Ok(())
}
