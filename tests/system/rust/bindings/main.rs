//! The interface `echo` whole, in Rust with generated bindings: three interfaces on one loop.
#![no_std]

use idl::echo::*;
use kos::idl::{Output, Owned, Received};
use kos::prelude::*;
use kos::token;

kos::main!(main);

const PORT: &str = "rust_bindings";
const TICKET: u64 = 1000; // tokens from here on are tickets, those before sessions

struct Echo {
    names: Vec<String>,
    totals: Vec<u64>,
    tickets: u64,
    noted: (u64, u64),
    waiting: Vec<(Deferred, u64)>,
    session: usize,
    ticket: u64,
}

impl EchoServer for Echo {
    fn add(&mut self, _: &Call, a: u32, b: u32) -> Result<u32> {
        a.checked_add(b).ok_or(Status::INVALID_ARGUMENT)
    }
    fn words(&mut self, _: &Call, a: u64, b: u64, c: u64) -> Result<(u64, u64, u64)> {
        Ok((a, b, c))
    }
    fn data(&mut self, _: &Call, data: &[u8], copy: &mut Output<'_>) -> Result {
        if copy.bytes(data) { Ok(()) } else { Err(Status::INTERNAL_ERROR) }
    }
    fn note(&mut self, _: &Caller, value: u64) {
        self.noted = (self.noted.0 + 1, value);
    }
    fn noted(&mut self, _: &Call) -> Result<(u64, u64)> {
        let waiting: Vec<_> = self.waiting.drain(..).collect();
        for (deferred, value) in waiting {
            echo_answer_later(deferred, value)?;
        }
        Ok(self.noted)
    }
    fn later(&mut self, call: &Call, value: u64) -> Result<u64> {
        self.waiting.push((call.defer()?, value));
        Err(Status::NO_REPLY)
    }
    fn open(&mut self, call: &Call, name: &str) -> Result<Owned<EchoSessionClient>> {
        self.names.push(name.into());
        self.totals.push(0);
        EchoSessionClient::create_token(PORT, self.names.len() as u64, call.domain)
    }
    fn ticket(&mut self, call: &Call) -> Result<Owned<EchoTicketClient>> {
        self.tickets += 1;
        EchoTicketClient::create_token(PORT, TICKET + self.tickets, call.domain)
    }
    fn relay(&mut self, _: &Call, to: Owned<EchoClient>, a: u32, b: u32) -> Result<u32> {
        to.add(a, b)
    }
    fn mine(&mut self, _: &Call, session: Received<EchoSessionClient>) -> Result<u64> {
        match session {
            Received::Own(own) => Ok(own.token),
            Received::Other(_) => Err(Status::INVALID_ARGUMENT),
        }
    }
}

impl EchoSessionServer for Echo {
    fn count(&mut self, _: &Call, by: u32) -> Result<u64> {
        self.totals[self.session] += u64::from(by);
        Ok(self.totals[self.session])
    }
    fn name(&mut self, _: &Call, name: &mut Output<'_>) -> Result {
        if name.bytes(self.names[self.session].as_bytes()) { Ok(()) } else { Err(Status::INTERNAL_ERROR) }
    }
    fn close(&mut self, _: &Call) -> Result {
        token::revoke(PORT, self.session as u64 + 1)
    }
}

impl EchoTicketServer for Echo {
    fn redeem(&mut self, _: &Call) -> Result<u64> {
        Ok(self.ticket)
    }
}

impl Server for Echo {
    const SERVES_WORDS: bool = true;

    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        match request.caller.token {
            0 => echo_dispatch(self, request, answer),
            number if number < TICKET => {
                self.session = number as usize - 1;
                echo_session_dispatch(self, request, answer)
            }
            number => {
                self.ticket = number - TICKET;
                echo_ticket_dispatch(self, request, answer)
            }
        }
    }
    fn call_words(&mut self, call: &Call, label: u64, words: [u64; 3]) -> Option<Result<[u64; 3]>> {
        if call.token == 0 { echo_dispatch_words(self, call, label, words) } else { None }
    }
    fn queued(&mut self, caller: Caller, label: u64, bytes: &[u8]) {
        echo_dispatch_queued(self, &caller, label, bytes);
    }
}

fn main() -> Result {
    let (names, totals, waiting) = (Vec::new(), Vec::new(), Vec::new());
    kos::serve(&mut Echo { names, totals, tickets: 0, noted: (0, 0), waiting, session: 0, ticket: 0 })
}
