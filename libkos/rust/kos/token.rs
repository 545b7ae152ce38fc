//! Tokens: capabilities to something that a server has made for a client.

use crate::name::Name;
use crate::status::check;
use crate::{Connection, Result};
use core::fmt;
use core::ops::Deref;
use kos_sys::kos_slot_t;

/// A token of this domain's. Calls through it reach the server with the token's number; dropping it gives the slot back.
pub struct Token {
    target: Connection,
}

/// How often a token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// Until it is revoked.
    Many,
    /// The second request through it is answered `INVALID_TOKEN`.
    Once,
}

impl Token {
    /// Makes a token of the own port `port` for the domain `holder`, whose requests arrive with `number`
    /// (1..2^39-1, the server's choice). `CONFLICT` if the number is in use; `AT_TOKEN_LIMIT`; `NOT_FOUND`: no such port.
    pub fn create(port: &str, number: u64, uses: Uses, holder: u16) -> Result<Token> {
        let name = Name::new(port)?;
        let flags = if uses == Uses::Once { kos_sys::KOS_TOKEN_SINGLE_USE } else { 0 };
        let mut slot = 0;
        // SAFETY: zero-terminated name; `slot` may be written.
        check(unsafe { kos_sys::kos_msg_token_create(name.as_ptr(), number, flags, holder, &mut slot) })?;
        Ok(Token::from_slot(slot))
    }

    pub(crate) const fn from_slot(slot: kos_slot_t) -> Token {
        Token { target: Connection::from_slot(slot) }
    }

    pub(crate) const fn slot(&self) -> kos_slot_t {
        self.target.slot()
    }

    /// Whoever gets the slot owns the token.
    pub(crate) fn into_slot(self) -> kos_slot_t {
        core::mem::ManuallyDrop::new(self).slot()
    }
}

/// Makes every copy of the token `number` of the own port `port` invalid, wherever it is.
pub fn revoke(port: &str, number: u64) -> Result {
    let name = Name::new(port)?;
    // SAFETY: zero-terminated name.
    check(unsafe { kos_sys::kos_msg_token_revoke(name.as_ptr(), number) })
}

impl Deref for Token {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.target
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Token({})", self.slot())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: the slot is this token's alone. Its status is OK always, as msg.h says.
        let deleted = unsafe { kos_sys::kos_msg_token_delete(self.slot()) };
        check(deleted).expect("a token that exists can be deleted");
    }
}
