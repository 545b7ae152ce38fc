#![no_std]
use idl::counter::CounterServer;
use kos::prelude::*;
kos::main!(main);
struct Counter(u64);
impl CounterServer for Counter {
    fn add(&mut self, _: &Call, by: u32) -> Result<u64> {
        self.0 += u64::from(by);
        Ok(self.0)
    }
}
fn main() -> Result {
    Counter(0).serve()
}
