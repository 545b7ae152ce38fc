//! A client in Rust: of a server in Rust, by words in registers, and of one in C, by payload.
#![no_std]
use kos::prelude::*;
kos::main!(main);

fn main() -> Result {
    let sum = Connection::open("sum")?;
    sum.call_words(1, [20, 0, 0])?;
    let [total, ..] = sum.call_words(1, [22, 0, 0])?;
    let mut buffer = [0; 64];
    let reply = Connection::open("echo")?.call(&Message::new(1).payload(b"from Rust to C"), &mut buffer)?;
    assert_eq!((total, reply.payload), (42, &b"from Rust to C"[..]));
    kos::info!("the sum is {total}, the echo has {} bytes", reply.payload.len());
    Ok(())
}
