//! <%= @name %>: keeps a sum.
#![no_std]
use idl::<%= @name %>::<%= @module %>Server;
use kos::prelude::*;
kos::main!(main);

struct Sum(u64);

impl <%= @module %>Server for Sum {
    fn add(&mut self, _: &Call, by: u64) -> Result<u64> {
        self.0 = self.0.checked_add(by).ok_or(Status::INVALID_ARGUMENT)?;
        Ok(self.0)
    }
}

fn main() -> Result {
    kos::info!("<%= @name %> is ready");
    Sum(0).serve()
}
