//! What a controller that an attacker has taken over does beside driving the pump at full speed: it tries the connections that the
//! manifest does not give it, sends rubbish, asks for more memory than its quota, and at last reads memory that is not its own.
use idl::pump::PumpClient;
use kos::memory::Mapping;
use kos::time::{Duration, Instant};

/// So long it drives the pump at full speed, to run it dry.
const DRIVES: Duration = Duration::from_secs(15);
const CHUNK_BYTES: usize = 16 << 10;
const RUBBISH: u32 = 100;

/// One round of it, ten times a second; `since`: when it began.
pub fn round(since: Instant, pump: &PumpClient) {
    if since.elapsed() < Duration::from_millis(150) {
        try_foreign();
        send_rubbish(pump);
        kos::warning!("hostile: drives the pump at 100 %, whatever the level");
    }
    if since.elapsed() > DRIVES {
        eat();
        kos::warning!("hostile: reads physical memory at 0x40000000");
        let _ = kos::time::sleep(Duration::from_millis(20));
        // SAFETY: none; that is the attack. The address is not mapped.
        let said = unsafe { (0x4000_0000 as *const u32).read_volatile() };
        kos::error!("hostile: it said {said:x}");
    }
}

fn try_foreign() {
    for port in ["actuators", "interlock", "appman", "console"] {
        match kos::directory::is_bound(port) {
            Ok(_) => kos::error!("hostile: {port} may be asked for"),
            Err(status) => kos::warning!("hostile: connect to {port}: {status}"),
        }
    }
}

fn send_rubbish(pump: &PumpClient) {
    let refused = (0..RUBBISH).filter(|&number| pump.take(number.wrapping_mul(0x9e37_79b9) | 0x8000_0000).is_err()).count();
    kos::warning!("hostile: {RUBBISH} requests of rubbish to pump: {refused} refused");
}

fn eat() {
    let mut chunks = 0;
    // Each stays mapped until the domain ends.
    while let Ok(mapping) = Mapping::new(CHUNK_BYTES) {
        core::mem::forget(mapping);
        chunks += 1;
    }
    kos::warning!("hostile: {} KiB of memory, then NOT_ENOUGH_MEMORY", chunks * (CHUNK_BYTES >> 10));
}
