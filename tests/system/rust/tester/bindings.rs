//! Generated bindings against a server of the same (../bindings).

use crate::records::Records;
use core::sync::atomic::{AtomicBool, Ordering};
use idl::echo::{EchoClient, EchoSessionClient};
use kos::idl::{Client, Owned};
use kos::prelude::*;
use kos::time::poll_until;
use kos::{thread, Duration, Instant};

pub fn bindings(records: &mut Records) -> Result {
    let echo = EchoClient::connect("rust_bindings")?;
    records.equal("bindings: add", echo.add(40, 2), Ok(42));
    records.equal("bindings: error", echo.add(u32::MAX, 1), Err(Status::INVALID_ARGUMENT));
    records.equal("bindings: words", echo.words(1, u64::MAX, 3), Ok((1, u64::MAX, 3)));
    records.equal("bindings: no handler", echo.null(), Err(Status::NOT_IMPLEMENTED));
    records.equal("bindings: wrong slot", EchoClient::from_slot(511).add(1, 1), Err(Status::INVALID_TOKEN));
    records.equal("bindings: no slot", EchoClient::from_slot(1 << 40).add(1, 1), Err(Status::INVALID_TOKEN));
    let bytes: Vec<u8> = (0..4096).map(|n| n as u8).collect();
    let mut memory = [0; 4096];
    records.equal("bindings: data", echo.data(&bytes, &mut memory).map(|copy| copy == bytes), Ok(true));
    records.equal("bindings: memory", echo.data(&bytes, &mut [0; 9]), Err(Status::NOT_ENOUGH_MEMORY));
    for value in 1..=3 {
        records.equal("bindings: note", echo.note(value), Ok(()));
    }
    let limit = Instant::after(Duration::from_secs(10));
    poll_until(limit, Duration::from_millis(5), || echo.noted() == Ok((3, 3)))?;
    static ANSWERED: AtomicBool = AtomicBool::new(false);
    let waiting = thread::spawn(|| {
        let answer = EchoClient::connect("rust_bindings")?.later(77);
        ANSWERED.store(true, Ordering::SeqCst);
        answer
    })?;
    while !ANSWERED.load(Ordering::SeqCst) {
        echo.noted()?;
        kos::time::sleep(Duration::from_millis(5))?;
    }
    records.equal("bindings: later", waiting.join()?, Ok(77));

    let session: Owned<EchoSessionClient> = echo.open("first")?;
    records.equal("bindings: session", (session.count(5), session.count(6)), (Ok(5), Ok(11)));
    records.equal("bindings: its name", session.name(&mut memory), Ok("first"));
    let second = echo.open("second")?;
    records.equal("bindings: back to its maker", (echo.mine(&session), echo.mine(&second)), (Ok(1), Ok(2)));
    records.equal("bindings: another's", echo.relay(&echo, 1, 2), Err(Status::BAD_REQUEST));
    records.equal("bindings: no session", echo.mine(&EchoSessionClient::from_slot(0)), Err(Status::INVALID_ARGUMENT));
    records.equal("bindings: close", session.close(), Ok(()));
    records.equal("bindings: closed", session.count(1), Err(Status::INVALID_TOKEN));
    let ticket = echo.ticket()?;
    records.equal("bindings: ticket", (ticket.redeem(), ticket.redeem()), (Ok(1), Err(Status::INVALID_TOKEN)));
    Ok(())
}
