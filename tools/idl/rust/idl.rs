//! What the generated Rust bindings of interfaces share: the module `idl` of the crate `kos`.
//!
//! No allocation, no panics on what came from outside. `sys` is the crate's view of kos/msg.h: the functions `call`,
//! `call_words`, `send`, `token_delete` below are all that it must offer.
use core::marker::PhantomData;

pub type Status = u32;
pub const OK: Status = 128;
pub const BAD_REQUEST: Status = 144;
pub const INVALID_ARGUMENT: Status = 145;
pub const NOT_ENOUGH_MEMORY: Status = 153;
pub const NO_REPLY: Status = 154;
pub const INTERNAL_ERROR: Status = 160;
pub const NOT_IMPLEMENTED: Status = 162;
pub const PEER_INVALID: Status = 164;

pub fn is_ok(status: Status) -> bool {
    (128..144).contains(&status)
}

/// What a call that did not succeed returns: the server's status, or PEER_INVALID if it is none.
pub fn failure(status: Status) -> Status {
    if (BAD_REQUEST..256).contains(&status) { status } else { PEER_INVALID }
}

/// What a server answers when its handler did not succeed.
pub fn server_failure(status: Status, may_defer: bool) -> Status {
    if status == NO_REPLY && !may_defer { return INTERNAL_ERROR; }
    if (BAD_REQUEST..256).contains(&status) { status } else { INTERNAL_ERROR }
}

/// `kos_msg_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawMessage {
    pub label: u64,
    pub param: u64,
    pub words: [u64; 2],
    pub payload: *const u8,
    pub payload_bytes: u32,
    pub has_words: u8,
    pub reserved: [u8; 3],
    pub token: u64,
}

/// `kos_caller_t`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Caller {
    pub domain: u16,
    pub port: u32,
    pub token: u64,
}

mod sys {
    extern "C" {
        pub fn kos_msg_call(target: u64, message: *mut super::RawMessage) -> u32;
        pub fn kos_msg_call_words(target: u64, label: u64, param: *mut u64, words: *mut u64) -> u32;
        pub fn kos_msg_send(target: u64, label: u64, bytes: *const u8, size: usize) -> u32;
        pub fn kos_msg_token_delete(token: u64) -> u32;
    }
}

/// A message whose payload is borrowed.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub label: u64,
    pub param: u64,
    pub words: [u64; 2],
    pub has_words: bool,
    pub payload: &'a [u8],
    pub token: u64,
}

impl<'a> Message<'a> {
    pub fn new(label: u64) -> Self {
        Message { label, param: 0, words: [0; 2], has_words: false, payload: &[], token: 0 }
    }

    /// The registers as bytes; words that were not sent are zero.
    pub fn registers(&self) -> [u8; 24] {
        let words = if self.has_words { self.words } else { [0; 2] };
        registers_of(self.param, words)
    }

    pub fn set_registers(&mut self, bytes: &[u8; 24], uses_words: bool) {
        let (param, words) = words_of(bytes);
        self.param = param;
        self.words = words;
        self.has_words = uses_words;
    }

    /// # Safety
    /// `raw.payload` must be valid for `raw.payload_bytes` bytes during 'a.
    pub unsafe fn from_raw(raw: &RawMessage) -> Message<'a> {
        let payload: &[u8] = if raw.payload_bytes == 0 {
            &[]
        } else {
            core::slice::from_raw_parts(raw.payload, raw.payload_bytes as usize)
        };
        Message { label: raw.label, param: raw.param, words: raw.words, has_words: raw.has_words != 0, payload, token: raw.token }
    }

    pub fn to_raw(self) -> RawMessage {
        RawMessage {
            label: self.label,
            param: self.param,
            words: self.words,
            payload: self.payload.as_ptr(),
            payload_bytes: self.payload.len() as u32,
            has_words: self.has_words as u8,
            reserved: [0; 3],
            token: self.token,
        }
    }
}

pub fn registers_of(param: u64, words: [u64; 2]) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&param.to_le_bytes());
    bytes[8..16].copy_from_slice(&words[0].to_le_bytes());
    bytes[16..].copy_from_slice(&words[1].to_le_bytes());
    bytes
}

pub fn words_of(bytes: &[u8; 24]) -> (u64, [u64; 2]) {
    (u64::get(&bytes[..8]), [u64::get(&bytes[8..16]), u64::get(&bytes[16..])])
}

/// `kos_msg_call_words`.
pub fn call_words(target: u64, label: u64, registers: &[u8; 24]) -> Result<[u8; 24], Status> {
    let (mut param, mut words) = words_of(registers);
    // SAFETY: both pointers are valid for the call, which keeps neither.
    let status = unsafe { sys::kos_msg_call_words(target, label, &mut param, words.as_mut_ptr()) };
    if !is_ok(status) { return Err(failure(status)); }
    Ok(registers_of(param, words))
}

/// `kos_msg_call`; `read` sees the answer before the next call of this thread can overwrite its payload. An answer that it
/// refuses (None) is PEER_INVALID, and its token is given back.
pub fn call<T>(target: u64, message: &Message<'_>, read: impl FnOnce(&Message<'_>) -> Option<T>) -> Result<T, Status> {
    let mut raw = message.to_raw();
    // SAFETY: the message and its payload are valid for the call.
    let status = unsafe { sys::kos_msg_call(target, &mut raw) };
    if is_ok(status) {
        // SAFETY: libkos's private copy stays as it is until this thread's next call.
        let answer = unsafe { Message::from_raw(&raw) };
        if let Some(value) = read(&answer) { return Ok(value); }
    }
    if raw.token != 0 && raw.token != message.token { token_delete(raw.token); }
    Err(if is_ok(status) { PEER_INVALID } else { failure(status) })
}

/// `kos_msg_send`.
pub fn send(target: u64, label: u64, bytes: &[u8]) -> Result<(), Status> {
    // SAFETY: the bytes are valid for the call.
    let status = unsafe { sys::kos_msg_send(target, label, bytes.as_ptr(), bytes.len()) };
    if is_ok(status) { Ok(()) } else { Err(failure(status)) }
}

pub fn token_delete(token: u64) {
    // SAFETY: no memory is involved. A slot that is not ours is libkos's error to report; there is nobody to tell here.
    let _ = unsafe { sys::kos_msg_token_delete(token) };
}

/// A token for an interface without a type, and what typed ones are made of. Its slot is given back at the end of its life.
pub struct Token(u64);

impl Token {
    pub fn from_slot(slot: u64) -> Token { Token(slot) }
    pub fn slot(&self) -> u64 { self.0 }
    /// The slot is somebody else's now.
    pub fn release(mut self) -> u64 { core::mem::replace(&mut self.0, 0) }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.0 != 0 { token_delete(self.0); }
    }
}

/// A value of fixed size in a message.
pub trait Value: Sized + Copy {
    const BYTES: usize;
    /// None: these bytes are no value of the type. `bytes` has BYTES bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
    fn write(&self, bytes: &mut [u8]);
}

/// Numbers: every pattern of bits is one.
pub trait Number: Value {
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($($type:ty),*) => { $(
        impl Value for $type {
            const BYTES: usize = core::mem::size_of::<$type>();
            fn read(bytes: &[u8]) -> Option<Self> { Some(Self::get(bytes)) }
            fn write(&self, bytes: &mut [u8]) { bytes[..Self::BYTES].copy_from_slice(&self.to_le_bytes()); }
        }
        impl Number for $type {
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
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes[0] { 0 => Some(false), 1 => Some(true), _ => None }
    }
    fn write(&self, bytes: &mut [u8]) { bytes[0] = *self as u8; }
}

/// Data of fixed size.
impl<const N: usize> Value for [u8; N] {
    const BYTES: usize = N;
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut own = [0; N];
        own.copy_from_slice(&bytes[..N]);
        Some(own)
    }
    fn write(&self, bytes: &mut [u8]) { bytes[..N].copy_from_slice(self); }
}

/// Text in a field of N bytes: shorter than that, filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FixedText<const N: usize>([u8; N]);

impl<const N: usize> FixedText<N> {
    /// None: does not fit, or contains a zero.
    pub fn new(text: &str) -> Option<Self> {
        if text.len() >= N || text.as_bytes().contains(&0) { return None; }
        let mut own = [0; N];
        own[..text.len()].copy_from_slice(text.as_bytes());
        Some(FixedText(own))
    }
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
        if !all_zero(&own[end..]) || core::str::from_utf8(&own[..end]).is_err() { return None; }
        Some(FixedText(own))
    }
    fn write(&self, bytes: &mut [u8]) { self.0.write(bytes) }
}

pub fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// UTF-8 without zeros.
pub fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.contains(&0) { return None; }
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
    pub fn read(bytes: &'a [u8], most: usize) -> Option<Self> {
        if bytes.len() % T::BYTES != 0 || bytes.len() / T::BYTES > most { return None; }
        if !bytes.chunks_exact(T::BYTES).all(|element| T::read(element).is_some()) { return None; }
        Some(List { bytes, of: PhantomData })
    }
    pub fn len(&self) -> usize { self.bytes.len() / T::BYTES }
    pub fn is_empty(&self) -> bool { self.bytes.is_empty() }
    pub fn iter(&self) -> impl Iterator<Item = T> + 'a { self.bytes.chunks_exact(T::BYTES).filter_map(T::read) }
    pub fn get(&self, index: usize) -> Option<T> {
        let begin = index.checked_mul(T::BYTES)?;
        T::read(self.bytes.get(begin..begin + T::BYTES)?)
    }
}

/// Copies what a message's variable part contains into the caller's memory.
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
    pub fn new(memory: &'a mut [u8]) -> Self { Output { memory, used: 0 } }
    pub fn len(&self) -> usize { self.used }
    pub fn is_empty(&self) -> bool { self.used == 0 }
    /// Appends; false: no room, and nothing was appended.
    pub fn bytes(&mut self, bytes: &[u8]) -> bool {
        match self.memory.get_mut(self.used..self.used + bytes.len()) {
            Some(target) => target.copy_from_slice(bytes),
            None => return false,
        }
        self.used += bytes.len();
        true
    }
    pub fn push<T: Value>(&mut self, value: &T) -> bool {
        match self.memory.get_mut(self.used..self.used + T::BYTES) {
            Some(target) => value.write(target),
            None => return false,
        }
        self.used += T::BYTES;
        true
    }
}

/// What a dispatch function has put together; the payload is the first bytes of its `memory`.
pub struct Answer {
    pub param: u64,
    pub words: [u64; 2],
    pub has_words: bool,
    pub payload_bytes: usize,
    pub token: u64,
}

impl Answer {
    pub const fn new() -> Self {
        Answer { param: 0, words: [0; 2], has_words: false, payload_bytes: 0, token: 0 }
    }
    pub fn set_registers(&mut self, bytes: &[u8; 24], uses_words: bool) {
        let (param, words) = words_of(bytes);
        self.param = param;
        self.words = words;
        self.has_words = uses_words;
    }
}

impl Default for Answer {
    fn default() -> Self { Answer::new() }
}

/// Refuses a request; its token is given back.
pub fn refuse(request: &Message<'_>, status: Status) -> Status {
    if request.token != 0 { token_delete(request.token); }
    status
}
