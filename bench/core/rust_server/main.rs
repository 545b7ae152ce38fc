//! Echo with the Rust bindings.
#![no_std]
use idl::echo::EchoServer;
use kos::prelude::*;
kos::main!(main);

struct Echo;

impl EchoServer for Echo {
    fn add(&mut self, _: &Call, a: u32, b: u32) -> Result<u32> {
        Ok(a.wrapping_add(b))
    }
}

fn main() -> Result {
    Echo.serve()
}
