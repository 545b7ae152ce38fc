//! `kos/log.h`
use crate::{c_char, c_int, c_uint, kos_status_t};

/// `enum kos_log_level`
pub type kos_log_level = c_uint;

constants! { "kos/log.h";
    KOS_LOG_ERROR: kos_log_level = 1;
    KOS_LOG_WARNING: kos_log_level = 2;
    KOS_LOG_INFO: kos_log_level = 3;
    KOS_LOG_DEBUG: kos_log_level = 4;
}

// Variable arguments: written out, and compared as the list says.
extern "C" {
    /// `kos_log` of `kos/log.h`.
    pub fn kos_log(level: kos_log_level, format: *const c_char, ...) -> kos_status_t;
    /// `kos_printf` of `kos/log.h`.
    pub fn kos_printf(format: *const c_char, ...) -> c_int;
}

/// Name, result and argument types of every function of the header.
#[cfg(kos_sys_check)]
pub const FUNCTIONS: &[(&str, &str, &[&str])] = &[
    ("kos_log", "kos_status_t", &["kos_log_level", "*const c_char", "..."]),
    ("kos_printf", "c_int", &["*const c_char", "..."]),
];
