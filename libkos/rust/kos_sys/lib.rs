//! The C interface of libkos as it is: numbers, structures and functions of `libkos/include/kos/*.h`, one module per
//! header, every name as there. The headers document them.
//!
//! Applications use the crate `kos`, which is safe. Nothing here is checked at run time; that it agrees with the headers
//! in every value, size, offset and prototype, and that nothing is missing, is what `check_layout.py` checks.
#![no_std]
#![allow(non_camel_case_types)]
#![deny(missing_docs)]

#[macro_use]
mod declare;

// `core::ffi` has them only in later compilers. AArch64's `char` is unsigned.
/// `char`
pub type c_char = u8;
/// `int`
pub type c_int = i32;
/// `unsigned`
pub type c_uint = u32;

pub mod abi;
pub mod app;
pub mod dev;
pub mod dir;
pub mod log;
pub mod mem;
pub mod msg;
pub mod net;
pub mod ports;
pub mod random;
pub mod ring;
pub mod root;
pub mod server;
pub mod signal;
pub mod status;
pub mod stdlib;
pub mod sync;
pub mod thread;
pub mod thread_mgr;
pub mod time;

pub use abi::*;
pub use app::*;
pub use dev::*;
pub use dir::*;
pub use log::*;
pub use mem::*;
pub use msg::*;
pub use net::*;
pub use ports::*;
pub use random::*;
pub use ring::*;
pub use root::*;
pub use server::*;
pub use signal::*;
pub use status::*;
pub use stdlib::*;
pub use sync::*;
pub use thread::*;
pub use thread_mgr::*;
pub use time::*;
