//! Calls and one-way messages of a client (`kos/msg.h`).

use crate::name::Name;
use crate::status::check;
use crate::{Instant, Result, Status, Token};
use kos_sys::{kos_msg_t, kos_slot_t};

/// A connection to a server's port. It stays valid when the server restarts.
#[repr(transparent)]
pub struct Connection {
    slot: kos_slot_t,
}

/// A request to be sent: `Message::new(label).param(1).payload(b"text")`.
#[derive(Clone, Copy, Default)]
pub struct Message<'a> {
    label: u64,
    param: u64,
    words: Option<[u64; 2]>,
    payload: &'a [u8],
    token: kos_slot_t,
}

impl<'a> Message<'a> {
    /// A message with this label and nothing else.
    pub const fn new(label: u64) -> Self {
        Message { label, param: 0, words: None, payload: &[], token: 0 }
    }

    /// Sets the param.
    #[must_use]
    pub const fn param(mut self, param: u64) -> Self {
        self.param = param;
        self
    }

    /// Sets the two words that travel in registers.
    #[must_use]
    pub const fn words(mut self, words: [u64; 2]) -> Self {
        self.words = Some(words);
        self
    }

    /// Sets the payload, at most `KOS_PAYLOAD_MAX` bytes.
    #[must_use]
    pub const fn payload(mut self, payload: &'a [u8]) -> Self {
        self.payload = payload;
        self
    }

    /// Sends a copy of a token along; the sender keeps its own.
    #[must_use]
    pub fn token(mut self, token: &'a Token) -> Self {
        self.token = token.slot();
        self
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token != 0
    }

    pub(crate) fn as_c(&self) -> Result<kos_msg_t> {
        if self.payload.len() > kos_sys::KOS_PAYLOAD_MAX {
            return Err(Status::INVALID_ARGUMENT);
        }
        Ok(kos_msg_t {
            label: self.label,
            param: self.param,
            words: self.words.unwrap_or_default(),
            payload: self.payload.as_ptr().cast(),
            payload_bytes: self.payload.len() as u32,
            has_words: self.words.is_some().into(),
            reserved: [0; 3],
            token: self.token,
            own: kos_sys::kos_caller_t { domain: 0, port: 0, token: 0 },
        })
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Reply<'a> {
    /// `OK`, `CREATED` or another success.
    pub status: Status,
    /// The param.
    pub param: u64,
    /// The two words, zero if the server has not sent any.
    pub words: [u64; 2],
    /// The payload, in the caller's buffer.
    pub payload: &'a [u8],
    /// The token that came with it.
    pub token: Option<Token>,
}

impl Connection {
    /// The connection to `port`, which the manifest lists under `uses`. Waits until its server is there.
    pub fn open(port: &str) -> Result<Connection> {
        let name = Name::new(port)?;
        let mut slot = 0;
        // SAFETY: zero-terminated name; `slot` may be written.
        check(unsafe { kos_sys::kos_dir_request(name.as_ptr(), &mut slot) })?;
        Ok(Connection { slot })
    }

    /// As [`Connection::open`], waiting until `deadline` at most: `TIMEOUT`.
    pub fn open_until(port: &str, deadline: Instant) -> Result<Connection> {
        let name = Name::new(port)?;
        let mut slot = 0;
        // SAFETY: zero-terminated name; `slot` may be written.
        check(unsafe { kos_sys::kos_dir_request_until(name.as_ptr(), deadline.ticks(), &mut slot) })?;
        Ok(Connection { slot })
    }

    pub(crate) const fn from_slot(slot: kos_slot_t) -> Connection {
        Connection { slot }
    }

    pub(crate) const fn slot(&self) -> kos_slot_t {
        self.slot
    }

    /// Calls with `[param, word, word]` and waits for the same from the server: the fast path, all in registers.
    #[inline]
    pub fn call_words(&self, label: u64, words: [u64; 3]) -> Result<[u64; 3]> {
        let [mut param, mut rest @ ..] = words;
        // SAFETY: param and two words may be read and written.
        check(unsafe { kos_sys::kos_msg_call_words(self.slot, label, &mut param, rest.as_mut_ptr()) })?;
        let [first, second] = rest;
        Ok([param, first, second])
    }

    /// Calls and waits for the answer, whose payload is copied into `buffer` (`PEER_INVALID` if it is longer: the
    /// interface says how long it may be). `PEER_GONE` if the server died with the request.
    pub fn call<'a>(&self, message: &Message<'_>, buffer: &'a mut [u8]) -> Result<Reply<'a>> {
        let mut exchanged = message.as_c()?;
        // SAFETY: the message's payload is readable for its length, and the message may be written.
        let status = unsafe { kos_sys::kos_msg_call(self.slot, &mut exchanged) };
        take_reply(status, message.token, &exchanged, buffer)
    }

    /// As [`Connection::call`], ends with `TIMEOUT` at `deadline`; the server may still carry out the request.
    pub fn call_until<'a>(&self, message: &Message<'_>, buffer: &'a mut [u8], deadline: Instant) -> Result<Reply<'a>> {
        let mut exchanged = message.as_c()?;
        // SAFETY: as call.
        let status = unsafe { kos_sys::kos_msg_call_until(self.slot, &mut exchanged, deadline.ticks()) };
        take_reply(status, message.token, &exchanged, buffer)
    }

    /// One way: puts up to `KOS_QUEUE_INLINE_BYTES` bytes into the connection's queue. Never waits for the server.
    /// `FULL`; `INVALID_ARGUMENT` without a queue or if it is too long.
    pub fn send(&self, label: u64, bytes: &[u8]) -> Result {
        // SAFETY: `bytes` is readable for its length.
        check(unsafe { kos_sys::kos_msg_send(self.slot, label, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Is the server alive? Answered by libkos there.
    pub fn ping(&self) -> Result {
        // SAFETY: no preconditions.
        check(unsafe { kos_sys::kos_msg_ping(self.slot) })
    }
}

/// Takes an answer over from libkos. `sent` is the token that went along: what is in its place then was not received.
fn take_reply<'a>(status: u32, sent: kos_slot_t, answer: &kos_msg_t, buffer: &'a mut [u8]) -> Result<Reply<'a>> {
    // First of all, so that it is dropped whatever else is wrong.
    let token = (answer.token != 0 && answer.token != sent).then(|| Token::from_slot(answer.token));
    check(status)?;
    let bytes = answer.payload_bytes as usize;
    let payload = buffer.get_mut(..bytes).ok_or(Status::PEER_INVALID)?;
    if bytes > 0 {
        // SAFETY: of a successful call, `payload` is libkos's private copy for this thread, valid until its next call.
        payload.copy_from_slice(unsafe { core::slice::from_raw_parts(answer.payload.cast::<u8>(), bytes) });
    }
    Ok(Reply { status: Status::from_code(status), param: answer.param, words: answer.words, payload, token })
}
