//! A server in Rust: keeps a sum.
#![no_std]
use kos::prelude::*;
kos::main!(main);

struct Sum(u64);

impl Server for Sum {
    fn call(&mut self, request: &Request, answer: &mut Answer) -> Result {
        self.0 = self.0.checked_add(request.param).ok_or(Status::INVALID_ARGUMENT)?;
        answer.param(self.0);
        Ok(())
    }
}

fn main() -> Result {
    kos::serve(&mut Sum(0))
}
