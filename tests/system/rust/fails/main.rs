//! Ends by a mistake, as its parameter says. The tester looks at the reason that appman has for it.
#![no_std]

use kos::prelude::*;

kos::main!(main);

fn main() -> Result {
    match kos::app::parameter("how") {
        Some("panic") => panic!("on purpose: {}", 42),
        Some("memory") => {
            let mut blocks = Vec::new();
            loop {
                blocks.push(vec![1u8; 4096]);
            }
        }
        _ => Err(Status::CONFLICT),
    }
}
