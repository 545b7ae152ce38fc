//! How the other domains of the system ended, as appman sees it (`kos/ports.h`).

use crate::records::Records;
use kos::prelude::*;
use kos::{Duration, Instant};

/// `KOS_APPMAN_STATUS`, the answer's `kos_appman_entry_t`, and reasons of `kos_exit_reason`.
const STATUS: u64 = 2;
const STATE_AT: usize = 34;
const REASON_AT: usize = 35;
const ENTRY_BYTES: usize = 48;
const STATE_DONE: u8 = 5;
const DONE: u8 = 1;
const ERROR: u8 = 2;
const ASSERT: u8 = 3;

pub fn domains(records: &mut Records) -> Result {
    let appman = Connection::open("appman")?;
    for (name, reason) in [
        ("hello_rust", DONE),
        ("rust_client", DONE),
        ("fails_panic", ASSERT),
        ("fails_memory", ASSERT),
        ("fails_error", ERROR),
    ] {
        records.equal(name, end_of(&appman, name), Ok(reason));
    }
    Ok(())
}

/// The reason for the end of a domain that is not restarted. Waits for it for ten seconds.
fn end_of(appman: &Connection, name: &str) -> Result<u8> {
    let limit = Instant::after(Duration::from_secs(10));
    loop {
        let mut buffer = [0; ENTRY_BYTES];
        let reply = appman.call(&Message::new(STATUS).payload(name.as_bytes()), &mut buffer)?;
        let entry: &[u8; ENTRY_BYTES] = reply.payload.try_into().map_err(|_| Status::PEER_INVALID)?;
        if entry[STATE_AT] == STATE_DONE {
            return Ok(entry[REASON_AT]);
        }
        if Instant::now() >= limit {
            return Err(Status::TIMEOUT);
        }
        kos::time::sleep(Duration::from_millis(20))?;
    }
}
