//! The smallest native application in Rust: it starts, says so, and ends.
#![no_std]

kos::main!(main);

fn main() {
    kos::info!("hello from {} in Rust", kos::app::name());
}
