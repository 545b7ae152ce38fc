//! The judge of the Rust system test: tries every module of the crate, and looks at how the examples ended.
#![no_std]

mod bindings;
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
    type Step = fn(&mut Records) -> kos::Result;
    let steps: [(&str, Step); 8] = [
        ("bindings", bindings::bindings),
        ("tokens", messages::tokens),
        ("words_and_payload", messages::words_and_payload),
        ("answers", messages::answers),
        ("deferred", messages::deferred),
        ("one_way", messages::one_way),
        ("death", messages::death),
        ("domains", outcomes::domains),
    ];
    for (name, step) in steps {
        let result = step(&mut records);
        records.equal(name, result, Ok(()));
    }
    records.verdict()
}
