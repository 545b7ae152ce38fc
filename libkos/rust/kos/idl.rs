//! What the generated bindings of interfaces (`idl/`) share. Applications use the modules of the crate `idl`, which the build
//! makes of the schemas that `kos_rust_app(... INTERFACES ...)` names.
//!
//! No allocation, no panics on what came from outside: decoders answer `None`.

use crate::status::check;
use crate::token::Uses;
use crate::{Caller, Connection, Deferred, Request, Result, Status, Token};
use core::marker::PhantomData;
use core::ops::Deref;
use kos_sys::kos_msg_t;

/// A message that bindings put together or take apart; its payload is borrowed.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub label: u64,
    pub param: u64,
    pub words: [u64; 2],
    pub has_words: bool,
    pub payload: &'a [u8],
    pub token: u64,
    pub is_own: bool,
}

/// Param and words as bytes, as the schema lays them out.
#[doc(hidden)]
pub type Registers = [u8; 24];

#[doc(hidden)]
impl<'a> Message<'a> {
    #[inline]
    pub fn new(label: u64) -> Self {
        Message { label, param: 0, words: [0; 2], has_words: false, payload: &[], token: 0, is_own: false }
    }

    #[inline]
    pub fn of_words(words: [u64; 3]) -> Self {
        let [param, word0, word1] = words;
        Message { param, words: [word0, word1], has_words: true, ..Message::new(0) }
    }

    pub fn of_request(request: &Request<'a>) -> Self {
        Message {
            label: request.label,
            param: request.param,
            words: request.words.unwrap_or_default(),
            has_words: request.words.is_some(),
            payload: request.payload,
            token: request.token_slot(),
            is_own: request.own.is_some(),
        }
    }

    /// Param, word 0 or word 1. Words that were not sent are zero.
    #[inline]
    pub fn register(&self, index: u32) -> u64 {
        match index {
            0 => self.param,
            1 if self.has_words => self.words[0],
            2 if self.has_words => self.words[1],
            _ => 0,
        }
    }

    /// All of them.
    #[inline]
    pub fn registers(&self) -> Registers {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.register(0).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.register(1).to_le_bytes());
        bytes[16..].copy_from_slice(&self.register(2).to_le_bytes());
        bytes
    }

    #[inline]
    pub fn set_registers(&mut self, bytes: &Registers, uses_words: bool) {
        let [param, word0, word1] = words_of(bytes);
        self.param = param;
        self.words = [word0, word1];
        self.has_words = uses_words;
    }

    /// # Safety
    /// `raw.payload` must be valid for `raw.payload_bytes` bytes during 'a.
    unsafe fn from_raw(raw: &kos_msg_t) -> Message<'a> {
        let payload: &[u8] = if raw.payload_bytes == 0 {
            &[]
        } else {
            // SAFETY: as the caller promises.
            unsafe { core::slice::from_raw_parts(raw.payload.cast::<u8>(), raw.payload_bytes as usize) }
        };
        Message {
            label: raw.label,
            param: raw.param,
            words: raw.words,
            has_words: raw.has_words != 0,
            payload,
            token: raw.token,
            is_own: false,
        }
    }

    fn to_raw(self) -> kos_msg_t {
        kos_msg_t {
            label: self.label,
            param: self.param,
            words: self.words,
            payload: self.payload.as_ptr().cast(),
            payload_bytes: self.payload.len() as u32,
            has_words: self.has_words.into(),
            reserved: [0; 3],
            token: self.token,
            own: kos_sys::kos_caller_t { domain: 0, port: 0, token: 0 },
        }
    }
}

#[doc(hidden)]
#[inline]
pub fn words_of(bytes: &Registers) -> [u64; 3] {
    [u64::get(&bytes[..8]), u64::get(&bytes[8..16]), u64::get(&bytes[16..])]
}

/// `kos_idl_call_words` of `kos/idl.h`: the same code, in Rust.
#[cfg(all(target_arch = "aarch64", not(any(test, kos_host))))]
#[inline]
fn exchange(target: u64, label: u64, words: [u64; 3]) -> Result<[u64; 3]> {
    const OK_TAG: u64 = (Status::OK.code() as u64) << 12 | 4;
    if target >= 1 << kos_sys::KOS_CSPACE_BITS || label >= kos_sys::KOS_LABEL_PING.into() {
        return exchange_in_memory(target, label, words);
    }
    let [mut param, mut word0, mut word1] = words;
    let mut tag = label << 12 | 4;
    let mut metadata = kos_sys::KOS_METADATA_WORDS;
    // SAFETY: the function changes these registers and nothing else of this thread; every domain has the slot `target`, so
    // that the call is none that is a fault. Memory: other threads run meanwhile, as in every call.
    unsafe {
        core::arch::asm!(
            "bl kos_call_registers",
            inout("x0") target => _,
            inout("x1") tag,
            inout("x2") param,
            inout("x3") metadata,
            inout("x4") word0,
            inout("x5") word1,
            out("x7") _,
            out("lr") _,
        );
    }
    if (tag ^ OK_TAG) | (metadata & !kos_sys::KOS_METADATA_WORDS) != 0 {
        // SAFETY: no preconditions.
        check(unsafe { kos_sys::kos_msg_words_status(tag, metadata) })?;
    }
    Ok([param, word0, word1])
}

#[cfg(not(all(target_arch = "aarch64", not(any(test, kos_host)))))]
use exchange_in_memory as exchange;

fn exchange_in_memory(target: u64, label: u64, words: [u64; 3]) -> Result<[u64; 3]> {
    Connection::from_slot(target).call_words(label, words)
}

/// A call in registers.
#[doc(hidden)]
#[inline]
pub fn call_words(target: u64, label: u64, registers: &Registers) -> Result<Message<'static>> {
    exchange(target, label, words_of(registers)).map(Message::of_words)
}

/// A call with a message; `read` sees the answer before the next call of this thread can overwrite its payload. An answer
/// that it refuses (None) is `PEER_INVALID`, and its token is given back.
#[doc(hidden)]
pub fn call<T>(target: u64, message: &Message<'_>, read: impl FnOnce(&Message<'_>) -> Option<T>) -> Result<T> {
    let mut raw = message.to_raw();
    // SAFETY: the message and its payload are valid for the call.
    let status = check(unsafe { kos_sys::kos_msg_call(target, &mut raw) });
    if status.is_ok() {
        // SAFETY: libkos's private copy stays as it is until this thread's next call.
        let answer = unsafe { Message::from_raw(&raw) };
        if let Some(value) = read(&answer) {
            return Ok(value);
        }
    }
    if raw.token != 0 && raw.token != message.token {
        drop(Token::from_slot(raw.token));
    }
    status.and(Err(Status::PEER_INVALID))
}

/// A one-way message.
#[doc(hidden)]
pub fn send(target: u64, label: u64, bytes: &[u8]) -> Result {
    Connection::from_slot(target).send(label, bytes)
}

/// Answers a deferred caller. `token`: given away.
#[doc(hidden)]
pub fn answer(deferred: Deferred, message: &Message<'_>, token: Option<Token>) -> Result {
    let mut raw = message.to_raw();
    raw.token = token.map_or(0, Token::into_slot);
    deferred.send(raw)
}

// --- Clients and tokens

/// A client of one interface: a value that can be copied. What it calls is a connection or a token.
pub trait Client: Copy {
    /// Over a slot of this domain.
    fn from_slot(slot: u64) -> Self;
    /// Its slot.
    fn slot(&self) -> u64;
}

/// Asks the directory for `port`; waits until it is bound.
#[doc(hidden)]
pub fn connect<C: Client>(port: &str) -> Result<C> {
    Connection::open(port).map(|connection| C::from_slot(connection.slot()))
}

/// A token for `C` on the own port `port`, for domain `holder`.
#[doc(hidden)]
pub fn create_token<C: Client>(port: &str, number: u64, uses: Uses, holder: u16) -> Result<Owned<C>> {
    Token::create(port, number, uses, holder).map(Owned::from_token)
}

/// A client of any interface: what a `Capability` is.
#[derive(Clone, Copy)]
pub struct AnyClient {
    slot: u64,
}

impl Client for AnyClient {
    fn from_slot(slot: u64) -> Self {
        AnyClient { slot }
    }
    fn slot(&self) -> u64 {
        self.slot
    }
}

/// A token for the interface of `C`, which this domain holds: gives its slot back at the end of its life.
pub struct Owned<C> {
    client: C,
    token: Token,
}

impl<C: Client> Owned<C> {
    /// A token whose interface the application knows.
    pub fn from_token(token: Token) -> Self {
        Owned { client: C::from_slot(token.slot()), token }
    }

    /// The token without its interface.
    pub fn into_token(self) -> Token {
        self.token
    }

    /// The same for all interfaces.
    pub fn into_any(self) -> Owned<AnyClient> {
        Owned::from_token(self.token)
    }
}

impl<C> Deref for Owned<C> {
    type Target = C;
    fn deref(&self) -> &C {
        &self.client
    }
}

/// A token in a request that may be one of the server's own (`$Kos.own`).
pub enum Received<C> {
    /// The server has made it: for which domain, port and number.
    Own(Caller),
    /// Somebody else's.
    Other(Owned<C>),
}

/// The token of an answer.
#[doc(hidden)]
pub fn received<C: Client>(answer: &Message<'_>) -> Option<Owned<C>> {
    (answer.token != 0).then(|| Owned::from_token(Token::from_slot(answer.token)))
}

/// The token of a request that was checked to have one.
#[doc(hidden)]
pub fn take<C: Client>(request: &Request<'_>) -> Option<Owned<C>> {
    request.take_token().map(Owned::from_token)
}

#[doc(hidden)]
pub fn take_received<C: Client>(request: &Request<'_>) -> Option<Received<C>> {
    request.own.map(Received::Own).or_else(|| take(request).map(Received::Other))
}

// --- Values

/// A value of fixed size in a message.
pub trait Value: Sized + Copy {
    /// Its size.
    const BYTES: usize;
    /// None: these bytes are no value of the type. `bytes` has BYTES bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
    /// Into the first BYTES bytes.
    fn write(&self, bytes: &mut [u8]);
}

/// Numbers: every pattern of bits is one.
#[doc(hidden)]
pub trait Number: Value {
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => { $(
        impl Value for $type {
            const BYTES: usize = core::mem::size_of::<$type>();
            #[inline]
            fn read(bytes: &[u8]) -> Option<Self> {
                Some(Self::get(bytes))
            }
            #[inline]
            fn write(&self, bytes: &mut [u8]) {
                bytes[..Self::BYTES].copy_from_slice(&self.to_le_bytes());
            }
        }
        impl Number for $type {
            #[inline]
            fn get(bytes: &[u8]) -> Self {
                let mut own = [0; core::mem::size_of::<$type>()];
                own.copy_from_slice(&bytes[..core::mem::size_of::<$type>()]);
                <$type>::from_le_bytes(own)
            }
        }
    )* };
}
number!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

impl Value for bool {
    const BYTES: usize = 1;
    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes[0] {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    #[inline]
    fn write(&self, bytes: &mut [u8]) {
        bytes[0] = *self as u8;
    }
}

/// Data of fixed size.
impl<const N: usize> Value for [u8; N] {
    const BYTES: usize = N;
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut own = [0; N];
        own.copy_from_slice(&bytes[..N]);
        Some(own)
    }
    fn write(&self, bytes: &mut [u8]) {
        bytes[..N].copy_from_slice(self);
    }
}

/// Text in a field of N bytes: shorter than that, filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FixedText<const N: usize>([u8; N]);

impl<const N: usize> FixedText<N> {
    /// None: does not fit, or contains a zero.
    pub fn new(text: &str) -> Option<Self> {
        if text.len() >= N || text.as_bytes().contains(&0) {
            return None;
        }
        let mut own = [0; N];
        own[..text.len()].copy_from_slice(text.as_bytes());
        Some(FixedText(own))
    }

    /// Without the zeros.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(N);
        core::str::from_utf8(&self.0[..end]).unwrap_or("")
    }
}

impl<const N: usize> Value for FixedText<N> {
    const BYTES: usize = N;
    fn read(bytes: &[u8]) -> Option<Self> {
        let own = <[u8; N]>::read(bytes)?;
        let end = own.iter().position(|byte| *byte == 0)?;
        if !all_zero(&own[end..]) || core::str::from_utf8(&own[..end]).is_err() {
            return None;
        }
        Some(FixedText(own))
    }
    fn write(&self, bytes: &mut [u8]) {
        self.0.write(bytes)
    }
}

#[doc(hidden)]
#[inline]
pub fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |seen, byte| seen | byte) == 0
}

/// UTF-8 without zeros.
#[doc(hidden)]
pub fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.contains(&0) {
        return None;
    }
    core::str::from_utf8(bytes).ok()
}

/// A list in a message, checked.
#[derive(Clone, Copy)]
pub struct List<'a, T: Value> {
    bytes: &'a [u8],
    of: PhantomData<T>,
}

impl<'a, T: Value + 'a> List<'a, T> {
    /// None: not whole, too long, or an element that is no value.
    #[doc(hidden)]
    pub fn read(bytes: &'a [u8], most: usize) -> Option<Self> {
        if bytes.len() % T::BYTES != 0 || bytes.len() / T::BYTES > most {
            return None;
        }
        if !bytes.chunks_exact(T::BYTES).all(|element| T::read(element).is_some()) {
            return None;
        }
        Some(List { bytes, of: PhantomData })
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / T::BYTES
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements.
    pub fn iter(&self) -> impl Iterator<Item = T> + 'a {
        self.bytes.chunks_exact(T::BYTES).filter_map(T::read)
    }

    /// One of them.
    pub fn get(&self, index: usize) -> Option<T> {
        let begin = index.checked_mul(T::BYTES)?;
        T::read(self.bytes.get(begin..begin + T::BYTES)?)
    }
}

/// Copies what a message's variable part contains into the caller's memory.
#[doc(hidden)]
pub fn keep<'b>(bytes: &[u8], memory: &'b mut [u8]) -> Option<&'b [u8]> {
    let target = memory.get_mut(..bytes.len())?;
    target.copy_from_slice(bytes);
    Some(target)
}

/// Where a server's handler puts a result of variable length.
pub struct Output<'a> {
    memory: &'a mut [u8],
    used: usize,
}

impl<'a> Output<'a> {
    #[doc(hidden)]
    pub fn new(memory: &'a mut [u8]) -> Self {
        Output { memory, used: 0 }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Nothing so far.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Appends; false: no room, and nothing was appended.
    #[must_use]
    pub fn bytes(&mut self, bytes: &[u8]) -> bool {
        match self.memory.get_mut(self.used..self.used + bytes.len()) {
            Some(target) => target.copy_from_slice(bytes),
            None => return false,
        }
        self.used += bytes.len();
        true
    }

    /// Appends an element, as [`Output::bytes`].
    #[must_use]
    pub fn push<T: Value>(&mut self, value: &T) -> bool {
        match self.memory.get_mut(self.used..self.used + T::BYTES) {
            Some(target) => value.write(target),
            None => return false,
        }
        self.used += T::BYTES;
        true
    }
}
