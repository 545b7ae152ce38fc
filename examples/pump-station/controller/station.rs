//! The interfaces `sensor` and `pump` (idl/), as far as the controller needs them. Everything that comes from the servers
//! is checked here.

use kos::prelude::*;
use kos::time::Duration;

/// The port `sensor`.
pub struct Sensor(Connection);

impl Sensor {
    /// Waits until the sensor is there.
    pub fn open() -> Result<Sensor> {
        Connection::open("sensor").map(Sensor)
    }

    /// The basin's level as last measured; `UNAVAILABLE` if the measurement is not good.
    pub fn level_mm(&self) -> Result<i32> {
        const LATEST: u64 = 1;
        let [_ticks, level_and_flow, temperature_and_health] = self.0.call_words(LATEST, [0; 3])?;
        match temperature_and_health >> 32 {
            0 => Ok(level_and_flow as u32 as i32),
            1 | 2 => Err(Status::UNAVAILABLE),
            _ => Err(Status::PEER_INVALID),
        }
    }
}

/// The port `pump`.
pub struct Pump(Connection);

impl Pump {
    /// Waits until the pump is there.
    pub fn open() -> Result<Pump> {
        Connection::open("pump").map(Pump)
    }

    /// The right to control the pump, lost when it is not used for `hold`.
    pub fn take(&self, hold: Duration) -> Result<Lease> {
        const TAKE: u64 = 2;
        let request = Message::new(TAKE).param(hold.as_millis() as u64);
        self.0.call(&request, &mut [])?.token.map(Lease).ok_or(Status::PEER_INVALID)
    }
}

/// The right to control the pump.
pub struct Lease(Token);

impl Lease {
    /// 0 to 100 per cent.
    pub fn set_speed(&self, percent: u8) -> Result {
        const SET_SPEED: u64 = 1;
        self.0.call_words(SET_SPEED, [percent.into(), 0, 0]).map(|_| ())
    }

    /// Stops the pump.
    pub fn give_back(self) -> Result {
        const GIVE_BACK: u64 = 3;
        self.0.call_words(GIVE_BACK, [0; 3]).map(|_| ())
    }
}
