//! How the other domains of the system ended, as appman sees it.

use crate::records::Records;
use idl::appman::{AppmanClient, AppmanReason, AppmanState};
use kos::prelude::*;
use kos::{Duration, Instant};

pub fn domains(records: &mut Records) -> Result {
    let appman = AppmanClient::connect("appman")?;
    for (name, reason) in [
        ("hello_rust", AppmanReason::Done),
        ("rust_client", AppmanReason::Done),
        ("fails_panic", AppmanReason::Assertion),
        ("fails_memory", AppmanReason::Assertion),
        ("fails_error", AppmanReason::Error),
    ] {
        records.equal(name, end_of(appman, name), Ok(reason));
    }
    Ok(())
}

/// The reason for the end of a domain that is not restarted. Waits for it for ten seconds.
fn end_of(appman: AppmanClient, name: &str) -> Result<AppmanReason> {
    let limit = Instant::after(Duration::from_secs(10));
    loop {
        let entry = appman.status(name)?;
        if entry.state == AppmanState::Done {
            return Ok(entry.last_reason);
        }
        if Instant::now() >= limit {
            return Err(Status::TIMEOUT);
        }
        kos::time::sleep(Duration::from_millis(20))?;
    }
}
