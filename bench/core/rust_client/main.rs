//! Measures the Rust bindings from their own side: makes as many calls to the server in Rust as it is asked for, on the time
//! of who asks.
#![no_std]
use idl::echo::EchoClient;
use kos::prelude::*;
use kos::Instant;
kos::main!(main);

struct Client(EchoClient);

impl Server for Client {
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        let start = Instant::now();
        for number in 0..request.param as u32 {
            if self.0.add(number, 5)? != number + 5 {
                return Err(Status::PEER_INVALID);
            }
        }
        answer.param(start.elapsed().as_nanos() as u64);
        Ok(())
    }
}

fn main() -> Result {
    kos::serve(&mut Client(EchoClient::connect("rust_server")?))
}
