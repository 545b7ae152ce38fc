//! The log (`kos/log.h`): `kos::info!("pressure {value} kPa")`, and `error!`, `warning!`, `debug!`.

use crate::status::check;
use crate::text::Text;
use crate::Result;
use core::fmt::{Arguments, Write};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    /// Something is broken.
    Error = kos_sys::KOS_LOG_ERROR,
    /// Something may break.
    Warning = kos_sys::KOS_LOG_WARNING,
    /// What an operator wants to know.
    Info = kos_sys::KOS_LOG_INFO,
    /// What a developer wants to know.
    Debug = kos_sys::KOS_LOG_DEBUG,
}

/// Writes a line of at most `KOS_LOG_TEXT_MAX` bytes; the rest is cut. `FULL` if this domain writes more than its rate.
pub fn write(level: Level, text: Arguments<'_>) -> Result {
    let mut line = Text::<{ kos_sys::KOS_LOG_TEXT_MAX + 1 }>::new();
    // Fails only if a Display implementation does; what it has written by then is logged.
    let _ = line.write_fmt(text);
    let bytes = line.as_bytes();
    // SAFETY: the format takes a length and as many bytes.
    check(unsafe { kos_sys::kos_log(level as u32, b"%.*s\0".as_ptr(), bytes.len() as i32, bytes.as_ptr()) })
}

#[doc(hidden)]
pub fn write_or_count(level: Level, text: Arguments<'_>) {
    // There is nowhere to report it to. The log service counts what it has refused and says so itself.
    let _ = write(level, text);
}

/// Logs a line at level error, formatted as by `format!`.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::log::write_or_count($crate::log::Level::Error, ::core::format_args!($($text)*)) };
}

/// Logs a line at level warning, formatted as by `format!`.
#[macro_export]
macro_rules! warning {
    ($($text:tt)*) => { $crate::log::write_or_count($crate::log::Level::Warning, ::core::format_args!($($text)*)) };
}

/// Logs a line at level info, formatted as by `format!`.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::log::write_or_count($crate::log::Level::Info, ::core::format_args!($($text)*)) };
}

/// Logs a line at level debug, formatted as by `format!`.
#[macro_export]
macro_rules! debug {
    ($($text:tt)*) => { $crate::log::write_or_count($crate::log::Level::Debug, ::core::format_args!($($text)*)) };
}
