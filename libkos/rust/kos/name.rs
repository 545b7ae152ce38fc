//! Names of ports, devices and parameters on their way to C: zero-terminated, at most `KOS_MAX_NAME` bytes.

use crate::{Result, Status};
use kos_sys::{c_char, KOS_MAX_NAME};

pub(crate) struct Name([u8; KOS_MAX_NAME + 1]);

impl Name {
    /// `INVALID_ARGUMENT` for what the manifest could not contain either.
    pub fn new(text: &str) -> Result<Name> {
        let bytes = text.as_bytes();
        if bytes.len() > KOS_MAX_NAME || bytes.contains(&0) {
            return Err(Status::INVALID_ARGUMENT);
        }
        let mut name = [0; KOS_MAX_NAME + 1];
        name[..bytes.len()].copy_from_slice(bytes);
        Ok(Name(name))
    }

    pub fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr()
    }
}
