//! The smallest native application in Rust: it starts, says so, asks the log how much it keeps, and ends.
#![no_std]
use idl::log::LogClient;
use kos::prelude::*;
kos::main!(main);

fn main() -> Result {
    kos::info!("hello from {} in Rust", kos::app::name());
    let (_, kept, _) = LogClient::connect("log")?.status()?;
    kos::info!("the log keeps {kept} lines");
    Ok(())
}
