//! Server in Rust: answers with what it got.
#![no_std]
use kos::prelude::*;
kos::main!(main);

struct Echo;

impl Server for Echo {
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        answer.param(request.param).words(request.words.unwrap_or_default()).payload(request.payload);
        Ok(())
    }
}

fn main() -> Result {
    kos::serve(&mut Echo)
}
