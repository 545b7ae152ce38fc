//! The directory (`kos/dir.h`), for what [`crate::Connection::open`] and [`crate::serve`] do not do already.

use crate::name::Name;
use crate::status::check;
use crate::{Result, Status};

/// Server: from now on look-ups of the own port `port` succeed.
pub fn bind(port: &str) -> Result {
    let name = Name::new(port)?;
    // SAFETY: zero-terminated name.
    check(unsafe { kos_sys::kos_dir_bind(name.as_ptr()) })
}

/// Server: from now on look-ups of `port` wait again.
pub fn unbind(port: &str) -> Result {
    let name = Name::new(port)?;
    // SAFETY: zero-terminated name.
    check(unsafe { kos_sys::kos_dir_unbind(name.as_ptr()) })
}

/// Client: is `port` bound? Never waits. `UNAUTHORIZED` if the manifest does not list it.
pub fn is_bound(port: &str) -> Result<bool> {
    let name = Name::new(port)?;
    // SAFETY: zero-terminated name.
    match check(unsafe { kos_sys::kos_dir_query(name.as_ptr()) }) {
        Ok(()) => Ok(true),
        Err(Status::NOT_FOUND) => Ok(false),
        Err(status) => Err(status),
    }
}
