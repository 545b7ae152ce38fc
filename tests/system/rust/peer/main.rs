//! A server in Rust that does what the tester asks for: everything that an answer can have.
#![no_std]

use kos::prelude::*;
use kos::ring::Ring;
use kos::token::{self, Uses};

kos::main!(main);

struct Peer {
    text: [u8; 3],
    waiting: Vec<Deferred>,
    queued: u64,
    last: u64,
    ring: Ring,
    ring_sum: u64,
}

impl Server for Peer {
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        match request.label {
            // What it got, without a copy.
            1 => drop(answer.param(request.param + 1).words(request.words.unwrap_or_default()).payload(request.payload)),
            // Something of its own.
            2 => drop(answer.payload(&self.text)),
            // Something that is gone when the handler returns.
            3 => drop(answer.copy(&[request.param as u8; 100])),
            4 => drop(answer.status(Status::CREATED)),
            5 => return Err(Status::from_code(request.param as u32)),
            6 => {
                let uses = if request.param == 0 { Uses::Many } else { Uses::Once };
                answer.token(Token::create("rust_peer", 77 + request.param, uses, request.caller.domain)?);
            }
            7 => drop(answer.param(request.caller.token).words([request.caller.domain.into(), 0])),
            8 => token::revoke("rust_peer", request.param)?,
            // A token that the caller has: called through, and dropped.
            9 => {
                let theirs = request.take_token().ok_or(Status::INVALID_TOKEN)?;
                answer.param(theirs.call_words(4, [0, 0, 0])?[0]);
            }
            10 => self.waiting.push(request.defer()?),
            11 => {
                answer.param(self.waiting.len() as u64);
                for (number, deferred) in self.waiting.drain(..).enumerate() {
                    deferred.answer(&Message::new(0).param(number as u64).payload(b"later"))?;
                }
            }
            // Forgotten callers are answered INTERNAL_ERROR.
            12 => self.waiting.clear(),
            13 => self.waiting.drain(..).for_each(|deferred| deferred.fail(Status::UNAVAILABLE)),
            14 => drop(answer.param(self.queued).words([self.last, self.ring_sum])),
            16 => drop(answer.param(self.waiting.len() as u64)),
            // A token that this domain has made.
            17 => {
                let own = request.own.ok_or(Status::NOT_FOUND)?;
                answer.param(own.token).words([own.port.into(), own.domain.into()]);
            }
            15 => drop(answer.copy(&[0; 5000])),
            _ => return Err(Status::BAD_REQUEST),
        }
        Ok(())
    }

    fn queued(&mut self, _: Caller, _: u64, bytes: &[u8]) {
        self.queued += 1;
        self.last = bytes.iter().map(|byte| u64::from(*byte)).sum();
    }

    fn signalled(&mut self, bits: u64) {
        if bits & self.ring.signal() != 0 {
            self.empty_ring();
        }
    }
}

impl Peer {
    fn empty_ring(&mut self) {
        let mut buffer = [0; 64];
        loop {
            match self.ring.receive(&mut buffer) {
                Ok(record) => self.ring_sum += u64::from(record.tag) * record.bytes.len() as u64,
                Err(Status::EMPTY) if !self.ring.prepare_wait(1) => return,
                Err(Status::EMPTY | Status::PEER_GONE) => {}
                Err(status) => return kos::error!("ring: {status}"),
            }
        }
    }
}

fn main() -> Result {
    let mut peer =
        Peer { text: *b"own", waiting: Vec::new(), queued: 0, last: 0, ring: Ring::open("samples")?, ring_sum: 0 };
    peer.empty_ring();
    kos::serve(&mut peer)
}
