//! Random bytes (`kos/random.h`). Needs the port "entropy" in the manifest: `UNAUTHORIZED` otherwise.

use crate::status::check;
use crate::Result;

/// Fills `bytes`, fit for keys. Waits at boot for the first seed. On an error nothing in `bytes` may be used.
pub fn fill(bytes: &mut [u8]) -> Result {
    // SAFETY: `bytes` may be written for its length.
    check(unsafe { kos_sys::kos_random(bytes.as_mut_ptr().cast(), bytes.len()) })
}

/// A random number, all values equally likely.
pub fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
