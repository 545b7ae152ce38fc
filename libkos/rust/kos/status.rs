//! Status codes: the one error type of KOS.

use core::fmt;

/// What came of a request. As an error it is never a success; see `kos/status.h` for what each one means.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Status(u32);

/// A value, or why there is none.
pub type Result<T = ()> = core::result::Result<T, Status>;

macro_rules! codes {
    ($($name:ident = $code:ident: $meaning:literal;)*) => {
        impl Status {
            $(
                #[doc = $meaning]
                pub const $name: Status = Status(kos_sys::$code);
            )*

            /// The code's name, as in the header; `"UNKNOWN"` for a number that is none.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Status::$name => stringify!($name),)*
                    _ => "UNKNOWN",
                }
            }
        }
    };
}

codes! {
    OK = KOS_STATUS_OK: "Done.";
    CREATED = KOS_STATUS_CREATED: "Done, and something new exists.";
    PONG = KOS_STATUS_PONG: "Answer to a ping.";
    BAD_REQUEST = KOS_STATUS_BAD_REQUEST: "Unknown label, wrong length, reserved bits set.";
    INVALID_ARGUMENT = KOS_STATUS_INVALID_ARGUMENT: "A value is out of its range.";
    UNAUTHORIZED = KOS_STATUS_UNAUTHORIZED: "The manifest does not allow it.";
    NOT_FOUND = KOS_STATUS_NOT_FOUND: "No such thing.";
    CONFLICT = KOS_STATUS_CONFLICT: "Exists already, or in use.";
    INVALID_TOKEN = KOS_STATUS_INVALID_TOKEN: "No token in this slot, revoked, or used up.";
    AT_TOKEN_LIMIT = KOS_STATUS_AT_TOKEN_LIMIT: "No free token slot.";
    FULL = KOS_STATUS_FULL: "Queue or table has no room; try later.";
    EMPTY = KOS_STATUS_EMPTY: "Nothing there; try later.";
    NOT_ENOUGH_MEMORY = KOS_STATUS_NOT_ENOUGH_MEMORY: "The domain's quota is used up.";
    NO_REPLY = KOS_STATUS_NO_REPLY: "The message wants no answer.";
    TIMEOUT = KOS_STATUS_TIMEOUT: "The deadline has passed.";
    INTERNAL_ERROR = KOS_STATUS_INTERNAL_ERROR: "A bug or a broken device on the other side.";
    UNAVAILABLE = KOS_STATUS_UNAVAILABLE: "Not now: starting, stopping, no device.";
    NOT_IMPLEMENTED = KOS_STATUS_NOT_IMPLEMENTED: "Known, but not here.";
    PEER_GONE = KOS_STATUS_PEER_GONE: "The server died while it had the request, which may or may not have been carried out.";
    PEER_INVALID = KOS_STATUS_PEER_INVALID: "The server answered something that the interface does not allow.";
}

impl Status {
    /// The status with this number.
    pub const fn from_code(code: u32) -> Status {
        Status(code)
    }

    /// Its number.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// One of the successes.
    pub const fn is_ok(self) -> bool {
        self.0 >= 128 && self.0 < 144
    }

    /// The status of an answer as a result. A number that no server may answer is `PEER_INVALID`.
    pub const fn check(self) -> Result {
        if self.is_ok() {
            Ok(())
        } else if self.0 < 144 || self.0 >= 256 {
            Err(Status::PEER_INVALID)
        } else {
            Err(self)
        }
    }

    /// What a server answers for this result of its handler: never a failure that claims to be a success.
    pub(crate) const fn of_handler(result: Result) -> Status {
        match result {
            Ok(()) => Status::OK,
            Err(status) if status.0 >= 144 && status.0 < 256 && status.0 != Status::NO_REPLY.0 => status,
            Err(_) => Status::INTERNAL_ERROR,
        }
    }
}

/// The result of a function of libkos.
pub(crate) fn check(status: kos_sys::kos_status_t) -> Result {
    Status(status).check()
}

impl fmt::Debug for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
