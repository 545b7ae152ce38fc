//! The judge of the Rust system test: tries every module of the crate, and looks at how the examples ended.
#![no_std]

mod local;
mod messages;
mod outcomes;
mod records;

use records::Records;

kos::main!(main);

fn main() -> kos::Result {
    kos::app::ready()?;
    let mut records = Records::begin()?;
    local::description(&mut records);
    local::heap(&mut records);
    local::threads(&mut records);
    local::locks(&mut records);
    local::time(&mut records);
    local::devices(&mut records);
    messages::words_and_payload(&mut records)?;
    messages::answers(&mut records)?;
    messages::tokens(&mut records)?;
    messages::deferred(&mut records)?;
    messages::one_way(&mut records)?;
    messages::death(&mut records)?;
    outcomes::domains(&mut records)?;
    records.verdict()
}
