#![no_std]
use idl::counter::CounterClient;
use kos::prelude::*;
kos::main!(main);
fn main() -> Result {
    let counter = CounterClient::connect("counter")?;
    kos::info!("total {}", counter.add(5)?);
    Ok(())
}
