//! KOS for applications in Rust: messages, servers, threads, locks, time, devices, without `unsafe` in the application.
//!
//! `kos_sys` is the same as it is in C. What each function costs, when it blocks and what errors it has is said by the
//! header of the same name in `libkos/include/kos/`; here is what Rust adds: owners, lifetimes, `Result`.
//!
//! ```ignore
//! #![no_std]
//! kos::main!(main);
//!
//! fn main() -> kos::Result {
//!     let echo = kos::Connection::open("echo")?;
//!     let [sum, ..] = echo.call_words(1, [41, 0, 0])?;
//!     kos::info!("the answer is {sum}");
//!     Ok(())
//! }
//! ```
//!
//! A panic ends the domain with a record that says where and why; nothing unwinds.
// kos_host: the library for tests of bindings on the host, over the fake libkos.
#![cfg_attr(not(any(test, kos_host)), no_std)]
// For a message when the heap is full; the only unstable feature. Later compilers have a default for it.
#![cfg_attr(not(any(test, kos_host)), feature(alloc_error_handler))]
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

extern crate alloc;

mod name;
#[cfg(not(any(test, kos_host)))]
mod panic;
mod text;

pub mod app;
pub mod device;
pub mod directory;
pub mod idl;
pub mod log;
pub mod memory;
pub mod message;
pub mod net;
pub mod random;
pub mod ring;
pub mod server;
pub mod signal;
pub mod status;
pub mod sync;
pub mod thread;
pub mod time;
pub mod token;

/// Read by the compiler's helpers for atomic operations (libgcc): no, use the instructions that every core has.
#[cfg(not(any(test, kos_host)))]
#[no_mangle]
#[doc(hidden)]
#[allow(non_upper_case_globals)]
pub static __aarch64_have_lse_atomics: u8 = 0;

#[cfg(any(test, kos_host))]
pub mod fake;
#[cfg(test)]
mod tests;

pub use message::{Connection, Message, Reply};
pub use server::{serve, Answer, Call, Caller, Deferred, Request, Server};
pub use status::{Result, Status};
pub use sync::{Event, Mutex, MutexGuard};
pub use time::{Duration, Instant};
pub use token::Token;

/// What most applications want in scope: `use kos::prelude::*;`
pub mod prelude {
    pub use crate::{Answer, Call, Caller, Connection, Deferred, Message, Request, Result, Server, Status, Token};
    pub use alloc::{boxed::Box, format, string::String, vec, vec::Vec};
}
