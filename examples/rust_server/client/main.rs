//! A client in Rust: of a server in Rust, by words in registers, and of one in C, by payload.
#![no_std]
use idl::{echo::EchoClient, sum::SumClient};
use kos::prelude::*;
kos::main!(main);

fn main() -> Result {
    let (sum, echo) = (SumClient::connect("sum")?, EchoClient::connect("echo")?);
    sum.add(20)?;
    let (total, mut memory) = (sum.add(22)?, [0; 64]);
    let copy = echo.data(b"from Rust to C", &mut memory)?;
    assert_eq!((total, copy), (42, &b"from Rust to C"[..]));
    kos::info!("the sum is {total}, the echo has {} bytes", copy.len());
    Ok(())
}
