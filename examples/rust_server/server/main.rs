//! A server in Rust: keeps a sum.
#![no_std]
use idl::sum::SumServer;
use kos::prelude::*;
kos::main!(main);

struct Sum(u64);
impl SumServer for Sum {
    fn add(&mut self, _: &Call, by: u64) -> Result<u64> {
        self.0 = self.0.checked_add(by).ok_or(Status::INVALID_ARGUMENT)?;
        Ok(self.0)
    }
}
fn main() -> Result {
    Sum(0).serve()
}
