//! `kos/app.h`. `main` is the application's.
use crate::{c_char, c_int, kos_startup_t, kos_status_t};

functions! { "kos/app.h";
    fn kos_app_startup() -> *const kos_startup_t;
    fn kos_app_ready() -> kos_status_t;
    fn kos_app_alive();
    fn kos_app_should_stop() -> c_int;
    fn kos_app_exit(status: c_int) -> !;
    fn kos_app_parameter(key: *const c_char) -> *const c_char;
    fn kos_app_parameter_number(key: *const c_char, otherwise: u64) -> u64;
    fn kos_stop(reason: *const c_char) -> !;
    fn kos_assert_failed(what: *const c_char, file: *const c_char, line: c_int) -> !;
}
