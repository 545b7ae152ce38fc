//! Life cycle and description of the own domain (`kos/app.h`).

use crate::name::Name;
use crate::status::check;
use crate::{Result, Status};
use kos_sys::kos_startup_t;

/// Makes `$main`, a function without arguments, the application's entry. It returns nothing, an exit status (`i32`, 0 is
/// good) or a `kos::Result`, whose error is logged and makes the exit status 1.
#[macro_export]
macro_rules! main {
    ($main:path) => {
        #[doc(hidden)]
        #[export_name = "main"]
        pub extern "C" fn kos_application_entry(_: i32, _: *const *const u8) -> i32 {
            $crate::app::Outcome::exit_status($main())
        }
    };
}

/// What an application's main function may return.
pub trait Outcome {
    /// The exit status of the domain.
    fn exit_status(self) -> i32;
}

impl Outcome for () {
    fn exit_status(self) -> i32 {
        0
    }
}

impl Outcome for i32 {
    fn exit_status(self) -> i32 {
        self
    }
}

impl<T: Outcome> Outcome for Result<T> {
    fn exit_status(self) -> i32 {
        match self {
            Ok(outcome) => outcome.exit_status(),
            Err(status) => {
                crate::error!("ends with {status}");
                1
            }
        }
    }
}

fn startup() -> &'static kos_startup_t {
    // SAFETY: root maps the block before the first instruction, nobody writes to it, and it stays for ever.
    unsafe { &*kos_sys::kos_app_startup() }
}

/// The domain's name in the manifest.
pub fn name() -> &'static str {
    let bytes = &startup().name;
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    // The manifest compiler lets ASCII through only.
    core::str::from_utf8(&bytes[..length]).unwrap_or("")
}

/// The domain's number, as others see it in [`crate::Caller`].
pub fn domain() -> u16 {
    startup().domain
}

/// Which start of this domain it is; 1 is the first.
pub fn instance() -> u32 {
    startup().instance
}

/// Cores of the machine.
pub fn cores() -> u32 {
    startup().cores
}

/// Initialisation is done: appman starts those who wait for this domain. [`crate::serve`] does it by itself.
pub fn ready() -> Result {
    // SAFETY: no preconditions.
    check(unsafe { kos_sys::kos_app_ready() })
}

/// Tells the watchdog that the domain works, for main threads without a server loop.
pub fn alive() {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_app_alive() }
}

/// Appman has asked the domain to stop.
pub fn should_stop() -> bool {
    // SAFETY: no preconditions.
    unsafe { kos_sys::kos_app_should_stop() != 0 }
}

/// Ends the domain at once; 0 is good.
pub fn exit(status: i32) -> ! {
    // SAFETY: no preconditions. Nothing is dropped, and all that the domain has goes back to root.
    unsafe { kos_sys::kos_app_exit(status) }
}

/// Value of a key of the manifest's `[parameters]`.
pub fn parameter(key: &str) -> Option<&'static str> {
    let key = Name::new(key).ok()?;
    // SAFETY: zero-terminated name.
    let value = unsafe { kos_sys::kos_app_parameter(key.as_ptr()) };
    // SAFETY: libkos's own text, or null.
    unsafe { startup_text(value) }
}

/// A text of the startup block; none if null.
///
/// # Safety
/// Null, or zero-terminated in the startup block, which stays for ever.
pub(crate) unsafe fn startup_text(value: *const u8) -> Option<&'static str> {
    if value.is_null() {
        return None;
    }
    // SAFETY: by the contract.
    let bytes = unsafe {
        let mut length = 0;
        while *value.add(length) != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(value, length)
    };
    // TOML is UTF-8, so this is one, too.
    core::str::from_utf8(bytes).ok()
}

/// As a decimal or 0x number; `otherwise` if absent. A value that is no number is a mistake in the manifest: ends the
/// domain.
pub fn parameter_number(key: &str, otherwise: u64) -> u64 {
    match Name::new(key) {
        // SAFETY: zero-terminated name.
        Ok(key) => unsafe { kos_sys::kos_app_parameter_number(key.as_ptr(), otherwise) },
        Err(_) => otherwise,
    }
}

/// The manifest's persistent memory of this domain: survives its restarts, all zero at first. Address and length;
/// `NOT_FOUND` if the manifest gives none. What an earlier instance has left may be half written: check it.
pub fn persistent() -> Result<(*mut u8, usize)> {
    match (startup().persistent_base, startup().persistent_bytes) {
        (_, 0) => Err(Status::NOT_FOUND),
        (base, bytes) => Ok((base as *mut u8, bytes as usize)),
    }
}
