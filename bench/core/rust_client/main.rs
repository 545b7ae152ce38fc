//! Measures the crate from its own side: makes `param` calls to the server in Rust, on the time of who asks for it.
#![no_std]
use kos::prelude::*;
use kos::Instant;
kos::main!(main);

struct Client(Connection);

impl Server for Client {
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        let start = Instant::now();
        for number in 0..request.param {
            if self.0.call_words(1, [number, 2, 3])? != [number, 2, 3] {
                return Err(Status::PEER_INVALID);
            }
        }
        answer.param(start.elapsed().as_nanos() as u64);
        Ok(())
    }
}

fn main() -> Result {
    kos::serve(&mut Client(Connection::open("rust_server")?))
}
