//! Servers (`kos/server.h`): implement [`Server`] and call [`serve`].

use crate::status::check;
use crate::{Message, Result, Status, Token};
use core::cell::Cell;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicBool, Ordering};
use core::ops::Deref;
use kos_sys::{kos_caller_t, kos_deferred_t, kos_msg_t, kos_server_t, kos_words_t, KOS_PAYLOAD_MAX};

/// The name of this domain's own port with the number that a [`Caller`] has; none for any other number.
pub fn port_name(port: u32) -> Option<&'static str> {
    // SAFETY: libkos's own text in the startup block, or null.
    unsafe { crate::app::startup_text(kos_sys::kos_server_port_name(port)) }
}

/// Who calls, as the kernel says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Caller {
    /// Number of the calling domain (for tokens: of the domain that the token was made for).
    pub domain: u16,
    /// Number of the port.
    pub port: u32,
    /// Number of the token, 0 for the connection itself.
    pub token: u64,
}

impl Caller {
    pub(crate) fn from_c(caller: &kos_caller_t) -> Caller {
        Caller { domain: caller.domain, port: caller.port, token: caller.token }
    }
}

/// A request that is being served, without its contents: who calls, and whether it is answered now or later.
pub struct Call<'a> {
    caller: &'a kos_caller_t,
    server: *mut kos_server_t,
    is_deferred: Cell<bool>,
}

impl Call<'_> {
    /// The caller will be answered later, by the [`Deferred`]; what the handler returns now is ignored. Only in servers
    /// with `passive = false`. `FULL` if all `replies` of the manifest are taken; `CONFLICT` the second time.
    pub fn defer(&self) -> Result<Deferred> {
        let mut deferred = kos_deferred_t { reply: 0, caller: *self.caller };
        // SAFETY: both pointers are libkos's own of this very request, which is being handled.
        check(unsafe { kos_sys::kos_server_defer(self.server, self.caller, &mut deferred) })?;
        self.is_deferred.set(true);
        Ok(Deferred { deferred, is_answered: false, this_thread: PhantomData })
    }
}

impl Deref for Call<'_> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        // SAFETY: the same members in the same order, both as in C.
        unsafe { &*(self.caller as *const kos_caller_t).cast::<Caller>() }
    }
}

/// A request as it has arrived: well-formed, but its contents are whatever the caller wants.
pub struct Request<'a> {
    /// Who calls.
    pub caller: Caller,
    /// What to do.
    pub label: u64,
    /// The param.
    pub param: u64,
    /// The two words, if the caller has sent any.
    pub words: Option<[u64; 2]>,
    /// The payload: a private copy.
    pub payload: &'a [u8],
    /// The token that came is one that this domain has made for a port of its own: which, and for whom.
    pub own: Option<Caller>,
    token: Cell<Option<Token>>,
    call: &'a Call<'a>,
}

/// The answer to a request, empty at first: `answer.param(1).payload(&self.text)`.
pub struct Answer<'a> {
    message: kos_msg_t,
    token: Option<Token>,
    status: Status,
    borrowed: PhantomData<&'a [u8]>,
}

/// What an application serves. The handlers run one at a time, in the thread that called [`serve`].
///
/// An answer may borrow from the server and from the request: then write the lifetimes as they are here. A handler that
/// only copies can leave them out: `fn call(&mut self, request: &Request, answer: &mut Answer) -> Result`.
pub trait Server {
    /// Whether there is a [`Server::call_words`].
    const SERVES_WORDS: bool = false;

    /// A request. An error is the answer's status; what was put into `answer` is not sent then.
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result;

    /// As [`Server::call`], for requests that are label, param and words only, whose answer is so, too; faster. `None`,
    /// having done nothing, leaves the request to `call`.
    fn call_words(&mut self, call: &Call<'_>, label: u64, words: [u64; 3]) -> Option<Result<[u64; 3]>> {
        let _ = (call, label, words);
        None
    }

    /// A one-way message from a client's queue.
    fn queued(&mut self, caller: Caller, label: u64, bytes: &[u8]) {
        let _ = (caller, label, bytes);
    }

    /// Signals: interrupts, rings, alarms, user bits, the request to stop (see [`crate::signal`]).
    fn signalled(&mut self, bits: u64) {
        let _ = bits;
    }
}

impl<'a> Request<'a> {
    /// The token that came with the request; whoever takes it owns it. Dropped after the handler otherwise.
    pub fn take_token(&self) -> Option<Token> {
        self.token.take()
    }

    pub(crate) fn token_slot(&self) -> u64 {
        let token = self.token.take();
        let slot = token.as_ref().map_or(0, Token::slot);
        self.token.set(token);
        slot
    }

    /// The request without its contents.
    pub fn call(&self) -> &Call<'a> {
        self.call
    }

    /// As [`Call::defer`].
    pub fn defer(&self) -> Result<Deferred> {
        self.call.defer()
    }
}

impl<'a> Answer<'a> {
    fn empty() -> Self {
        Answer { message: EMPTY, token: None, status: Status::OK, borrowed: PhantomData }
    }

    /// Another success than `OK`.
    pub fn status(&mut self, status: Status) -> &mut Self {
        self.status = if status.is_ok() { status } else { Status::INTERNAL_ERROR };
        self
    }

    /// Sets the param.
    pub fn param(&mut self, param: u64) -> &mut Self {
        self.message.param = param;
        self
    }

    /// Sets the two words.
    pub fn words(&mut self, words: [u64; 2]) -> &mut Self {
        self.message.words = words;
        self.message.has_words = 1;
        self
    }

    /// Sets the payload without a copy: from the server or from the request. Longer ones than the port's are answered
    /// `INTERNAL_ERROR`.
    pub fn payload(&mut self, payload: &'a [u8]) -> &mut Self {
        self.message.payload = payload.as_ptr().cast();
        self.message.payload_bytes = payload.len().min(u32::MAX as usize) as u32;
        self
    }

    /// Sets the payload to a copy of `payload`; too long ones as in [`Answer::payload`].
    pub fn copy(&mut self, payload: &[u8]) -> &mut Self {
        let bytes = payload.len().min(KOS_PAYLOAD_MAX);
        // SAFETY: there is one Answer at a time, in the thread that serves (see `serve`), so nobody else uses the buffer;
        // `payload` cannot be in it, because nobody is given a reference to it.
        unsafe {
            let buffer = core::ptr::addr_of_mut!(COPY).cast::<u8>();
            buffer.copy_from_nonoverlapping(payload.as_ptr(), bytes);
            self.message.payload = buffer as *const c_void;
        }
        self.message.payload_bytes = payload.len().min(u32::MAX as usize) as u32;
        self
    }

    /// Gives a token to the caller: libkos drops it once the answer is sent.
    pub fn token(&mut self, token: Token) -> &mut Self {
        self.token = Some(token);
        self
    }

    /// Where generated bindings put a payload together.
    #[doc(hidden)]
    pub fn memory(&mut self) -> &mut [u8; KOS_PAYLOAD_MAX] {
        // SAFETY: as `copy`; the reference lives as long as this Answer is borrowed, so there is no second one.
        unsafe { &mut *core::ptr::addr_of_mut!(COPY) }
    }

    /// The payload is the first bytes of `memory`.
    #[doc(hidden)]
    pub fn payload_in_memory(&mut self, bytes: usize) {
        self.message.payload = (self.memory() as *const [u8; KOS_PAYLOAD_MAX]).cast::<c_void>();
        self.message.payload_bytes = bytes as u32;
    }
}

const EMPTY: kos_msg_t = kos_msg_t {
    label: 0,
    param: 0,
    words: [0; 2],
    payload: core::ptr::null(),
    payload_bytes: 0,
    has_words: 0,
    reserved: [0; 3],
    token: 0,
    own: kos_caller_t { domain: 0, port: 0, token: 0 },
};

/// Payloads that [`Answer::copy`] has copied, until libkos has sent them.
static mut COPY: [u8; KOS_PAYLOAD_MAX] = [0; KOS_PAYLOAD_MAX];

/// A caller that is answered later. Whoever drops it unanswered answers `INTERNAL_ERROR`: nobody is left waiting.
pub struct Deferred {
    deferred: kos_deferred_t,
    is_answered: bool,
    /// Reply objects belong to the serving thread: not Send.
    this_thread: PhantomData<*mut ()>,
}

impl Deferred {
    /// Who waits.
    pub fn caller(&self) -> Caller {
        Caller::from_c(&self.deferred.caller)
    }

    /// Answers with success; the message's label counts for nothing. Never blocks. A caller that has gone meanwhile is no
    /// error. `INVALID_ARGUMENT`, answered `INTERNAL_ERROR`: a payload longer than any port's, or a token, which an answer
    /// gives away ([`Deferred::answer_with`]).
    pub fn answer(self, message: &Message<'_>) -> Result {
        if message.has_token() {
            return Err(Status::INVALID_ARGUMENT);
        }
        self.send(message.as_c()?)
    }

    /// As [`Deferred::answer`], and gives a token to the caller.
    pub fn answer_with(self, message: &Message<'_>, token: Token) -> Result {
        if message.has_token() {
            return Err(Status::INVALID_ARGUMENT);
        }
        let mut message = message.as_c()?;
        message.token = token.into_slot();
        self.send(message)
    }

    pub(crate) fn send(mut self, message: kos_msg_t) -> Result {
        self.is_answered = true;
        // SAFETY: the reply object is this deferred's alone and used once; the payload is readable until this returns.
        unsafe { kos_sys::kos_server_answer(&self.deferred, Status::OK.code(), &message) }
        Ok(())
    }

    /// Answers with an error; `INTERNAL_ERROR` for a status that is none.
    pub fn fail(mut self, status: Status) {
        self.refuse(status);
    }

    fn refuse(&mut self, status: Status) {
        self.is_answered = true;
        let status = Status::of_handler(Err(status));
        // SAFETY: as answer.
        unsafe { kos_sys::kos_server_answer(&self.deferred, status.code(), core::ptr::null()) }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        if !self.is_answered {
            self.refuse(Status::INTERNAL_ERROR);
        }
    }
}

/// What `kos_server_t::context` points to while `serve` runs.
struct Serving<'s, S> {
    server: &'s mut S,
}

/// Binds all ports of this domain, says that it is ready, and serves until the domain is asked to stop. With `passive` in
/// the manifest, the thread runs on its callers' time from then on. `CONFLICT` if the domain serves already.
pub fn serve<S: Server>(server: &mut S) -> Result {
    static IS_SERVING: AtomicBool = AtomicBool::new(false);
    if IS_SERVING.swap(true, Ordering::Acquire) {
        return Err(Status::CONFLICT);
    }
    let mut serving = Serving { server };
    let mut loop_ = kos_server_t {
        call: Some(call::<S>),
        queued: Some(queued::<S>),
        signalled: Some(signalled::<S>),
        context: core::ptr::addr_of_mut!(serving).cast::<c_void>(),
        call_words: if S::SERVES_WORDS { Some(call_words::<S>) } else { None },
    };
    // SAFETY: the functions expect a Serving<S>, which lives until the loop has returned and which nobody else
    // touches meanwhile.
    let status = unsafe { kos_sys::kos_server_run(&mut loop_) };
    IS_SERVING.store(false, Ordering::Release);
    check(status)
}

/// The context of a handler. The loop does not call a handler from inside another one, so it is the only reference.
///
/// # Safety
/// `server` is the loop of `serve::<S>`, and the reference is gone before the handler returns.
unsafe fn serving<'a, S>(server: *mut kos_server_t) -> &'a mut Serving<'a, S> {
    // SAFETY: as the caller promises.
    unsafe { &mut *(*server).context.cast::<Serving<'a, S>>() }
}

unsafe extern "C" fn call<S: Server>(
    server: *mut kos_server_t,
    raw_caller: *const kos_caller_t,
    raw_request: *const kos_msg_t,
    raw_answer: *mut kos_msg_t,
) -> kos_sys::kos_status_t {
    // SAFETY: the loop's own structures, valid until the handler returns and not used by the loop meanwhile; called by
    // `serve::<S>`'s loop only.
    let (serving, caller, received, sent) =
        unsafe { (serving::<S>(server), &*raw_caller, &*raw_request, &mut *raw_answer) };
    let payload = match received.payload_bytes as usize {
        0 => &[][..],
        // SAFETY: a private copy of this length, untouched until the next message is received, which is after the answer
        // has been sent.
        bytes => unsafe { core::slice::from_raw_parts(received.payload.cast::<u8>(), bytes) },
    };
    let call = Call { caller, server, is_deferred: Cell::new(false) };
    let request = Request {
        caller: Caller::from_c(caller),
        label: received.label,
        param: received.param,
        words: (received.has_words != 0).then(|| received.words),
        payload,
        own: (received.own.port != 0).then(|| Caller::from_c(&received.own)),
        token: Cell::new((received.token != 0).then(|| Token::from_slot(received.token))),
        call: &call,
    };
    let mut answer = Answer::empty();
    let result = serving.server.call(&request, &mut answer);
    if call.is_deferred.get() {
        return Status::NO_REPLY.code();
    }
    if result.is_err() {
        return Status::of_handler(result).code();
    }
    *sent = answer.message;
    sent.token = answer.token.map_or(0, Token::into_slot);
    answer.status.code()
}

unsafe extern "C" fn call_words<S: Server>(
    server: *mut kos_server_t,
    caller: *const kos_caller_t,
    label: u64,
    param: u64,
    word0: u64,
    word1: u64,
    answer: *mut kos_words_t,
) -> kos_sys::kos_status_t {
    // SAFETY: as call.
    let (serving, caller) = unsafe { (serving::<S>(server), &*caller) };
    let call = Call { caller, server, is_deferred: Cell::new(false) };
    let result = match serving.server.call_words(&call, label, [param, word0, word1]) {
        None => return 0,
        Some(result) => result,
    };
    if call.is_deferred.get() {
        return Status::NO_REPLY.code();
    }
    match result {
        Ok([param, word0, word1]) => {
            // SAFETY: as call.
            unsafe { *answer = kos_words_t { param, words: [word0, word1] } };
            Status::OK.code()
        }
        Err(status) => Status::of_handler(Err(status)).code(),
    }
}

unsafe extern "C" fn queued<S: Server>(
    server: *mut kos_server_t,
    caller: *const kos_caller_t,
    label: u64,
    bytes: *const c_void,
    size_bytes: usize,
) {
    // SAFETY: as call.
    let (serving, caller) = unsafe { (serving::<S>(server), Caller::from_c(&*caller)) };
    let bytes = match size_bytes {
        0 => &[][..],
        // SAFETY: a private copy of this length, valid until the handler returns.
        count => unsafe { core::slice::from_raw_parts(bytes.cast::<u8>(), count) },
    };
    serving.server.queued(caller, label, bytes);
}

unsafe extern "C" fn signalled<S: Server>(server: *mut kos_server_t, bits: u64) {
    // SAFETY: as call.
    let serving = unsafe { serving::<S>(server) };
    serving.server.signalled(bits);
}
