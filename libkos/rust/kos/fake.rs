//! libkos for the unit tests on the host: what its functions were called with, and what they shall answer.
//!
//! One world per test thread. Only what the tests need; the rest is missing at link time, not wrong at run time.

use core::ffi::c_void;
use kos_sys::*;
use std::cell::RefCell;
use std::collections::VecDeque;

/// What the fake functions read and write.
#[derive(Default)]
pub struct World {
    /// Status and answer of the next calls; the payload must outlive the call.
    pub answers: VecDeque<(kos_status_t, Option<kos_msg_t>)>,
    /// Requests that were sent, their payloads copied.
    pub requests: Vec<(kos_slot_t, kos_msg_t, Vec<u8>)>,
    /// Names that were asked for.
    pub names: Vec<String>,
    /// Token slots that were given back.
    pub deleted: Vec<kos_slot_t>,
    /// Deferred answers: reply object, status, param, payload.
    pub answered: Vec<(kos_slot_t, kos_status_t, u64, Vec<u8>)>,
    /// What `kos_server_run` delivers.
    pub events: VecDeque<Event>,
    /// What the server answered: status, message, payload.
    pub served: Vec<(kos_status_t, kos_msg_t, Vec<u8>)>,
    /// Value of the counter; 1000 ticks per second.
    pub counter: u64,
    /// Sleeps in microseconds.
    pub slept: Vec<u64>,
    /// Lines of the log.
    pub lines: Vec<(u32, Vec<u8>)>,
    /// Answer of all other functions, 0 for OK.
    pub status: kos_status_t,
    /// In place of `answers`, if set: serves a call, of words only or not.
    pub peer: Option<Peer>,
    /// libkos's copy of the last payload that `peer` has answered with.
    pub kept: Vec<u8>,
    /// One-way messages that were sent.
    pub sent: Vec<(u64, Vec<u8>)>,
}

/// A server for the calls of the same thread: target, request, its payload; status, answer, its payload.
pub type Peer = fn(kos_slot_t, kos_msg_t, Vec<u8>) -> (kos_status_t, kos_msg_t, Vec<u8>);

/// The answer of the peer, if there is one.
fn ask_peer(target: kos_slot_t, message: &kos_msg_t, bytes: &[u8]) -> Option<(kos_status_t, kos_msg_t)> {
    let peer = world(|world| world.peer)?;
    let (status, mut answer, payload) = peer(target, *message, bytes.to_vec());
    answer.payload_bytes = payload.len() as u32;
    world(|world| {
        world.kept = payload;
        answer.payload = world.kept.as_ptr().cast();
    });
    Some((status, answer))
}

/// One thing that happens to a server.
pub enum Event {
    /// A request, its payload, and where it comes from.
    Call(kos_caller_t, kos_msg_t, Vec<u8>),
    /// A one-way message.
    Queued(u64, Vec<u8>),
    /// Signals.
    Signals(u64),
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::default());
}

/// The world of this thread.
pub fn world<T>(use_it: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with(|world| use_it(&mut world.borrow_mut()))
}

/// The machine's counter.
pub fn counter() -> u64 {
    world(|world| world.counter)
}

fn status() -> kos_status_t {
    world(|world| if world.status == 0 { KOS_STATUS_OK } else { world.status })
}

unsafe fn text(start: *const c_char) -> String {
    let mut bytes = Vec::new();
    // SAFETY: the crate promises a zero-terminated text.
    unsafe {
        while *start.add(bytes.len()) != 0 {
            bytes.push(*start.add(bytes.len()));
        }
    }
    String::from_utf8(bytes).unwrap()
}

unsafe fn payload(message: &kos_msg_t) -> Vec<u8> {
    if message.payload_bytes == 0 {
        return Vec::new();
    }
    // SAFETY: the crate promises so many bytes.
    unsafe { std::slice::from_raw_parts(message.payload.cast::<u8>(), message.payload_bytes as usize) }.to_vec()
}

#[no_mangle]
unsafe extern "C" fn kos_dir_request(port: *const c_char, slot: *mut kos_slot_t) -> kos_status_t {
    // SAFETY: as the crate promises.
    let name = unsafe { text(port) };
    world(|world| world.names.push(name));
    // SAFETY: as the crate promises.
    unsafe { *slot = 40 };
    status()
}

#[no_mangle]
unsafe extern "C" fn kos_msg_call(target: kos_slot_t, message: *mut kos_msg_t) -> kos_status_t {
    // SAFETY: as the crate promises.
    let message = unsafe { &mut *message };
    // SAFETY: as the crate promises.
    let sent = unsafe { payload(message) };
    if let Some((status, answer)) = ask_peer(target, message, &sent) {
        *message = answer;
        return status;
    }
    let (status, answer) = world(|world| {
        world.requests.push((target, *message, sent));
        world.answers.pop_front().expect("an answer for each call")
    });
    // Unchanged on errors of libkos's own.
    if let Some(answer) = answer {
        *message = answer;
    }
    status
}

#[no_mangle]
unsafe extern "C" fn kos_msg_call_words(target: kos_slot_t, label: u64, param: *mut u64, words: *mut u64) -> kos_status_t {
    // SAFETY: as the crate promises: one and two numbers.
    let (param, words) = unsafe { (&mut *param, std::slice::from_raw_parts_mut(words, 2)) };
    let sent = kos_msg_t { label, param: *param, words: [words[0], words[1]], has_words: 1, ..EMPTY };
    if let Some((status, answer)) = ask_peer(target, &sent, &[]) {
        let is_words = answer.payload_bytes == 0 && answer.token == 0;
        *param = answer.param;
        words.copy_from_slice(&answer.words);
        return if is_words { status } else { KOS_STATUS_PEER_INVALID };
    }
    let (status, answer) = world(|world| {
        world.requests.push((target, sent, Vec::new()));
        world.answers.pop_front().expect("an answer for each call")
    });
    if let Some(answer) = answer {
        *param = answer.param;
        words.copy_from_slice(&answer.words);
    }
    status
}

/// A message of nothing.
pub const EMPTY: kos_msg_t = kos_msg_t {
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

#[no_mangle]
unsafe extern "C" fn kos_msg_send(_: kos_slot_t, label: u64, bytes: *const c_void, size_bytes: usize) -> kos_status_t {
    // SAFETY: the crate promises so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), size_bytes) }.to_vec();
    world(|world| world.sent.push((label, bytes)));
    status()
}

#[no_mangle]
extern "C" fn kos_msg_token_delete(token: kos_token_t) -> kos_status_t {
    world(|world| world.deleted.push(token));
    KOS_STATUS_OK
}

#[no_mangle]
unsafe extern "C" fn kos_msg_token_create(
    port: *const c_char,
    number: u64,
    flags: u32,
    holder: u16,
    token: *mut kos_token_t,
) -> kos_status_t {
    // SAFETY: as the crate promises.
    let name = unsafe { text(port) };
    world(|world| world.names.push(format!("{name} {number} {flags} {holder}")));
    // SAFETY: as the crate promises.
    unsafe { *token = 60 };
    KOS_STATUS_CREATED
}

#[no_mangle]
unsafe extern "C" fn kos_server_run(server: *mut kos_server_t) -> kos_status_t {
    while let Some(event) = world(|world| world.events.pop_front()) {
        // SAFETY: the crate's handlers, with what libkos would hand to them.
        unsafe {
            match event {
                Event::Call(caller, mut request, bytes) => {
                    request.payload = bytes.as_ptr().cast();
                    request.payload_bytes = bytes.len() as u32;
                    let mut answer = EMPTY;
                    let mut status = 0;
                    let others = (bytes.len() as u64) | request.token | u64::from(request.own.port);
                    if let (Some(call_words), 1, 0) = ((*server).call_words, request.has_words, others) {
                        let mut words = kos_words_t { param: 0, words: [0; 2] };
                        let [word0, word1] = request.words;
                        status = call_words(server, &caller, request.label, request.param, word0, word1, &mut words);
                        answer = kos_msg_t { param: words.param, words: words.words, has_words: 1, ..EMPTY };
                    }
                    if status == 0 {
                        answer = EMPTY;
                        status = (*server).call.unwrap()(server, &caller, &request, &mut answer);
                    }
                    let sent = payload(&answer);
                    world(|world| {
                        world.served.push((status, answer, sent));
                        // Given away.
                        if answer.token != 0 {
                            world.deleted.push(answer.token);
                        }
                    });
                }
                Event::Queued(label, bytes) => {
                    let caller = kos_caller_t { domain: 3, port: 1, token: 0 };
                    (*server).queued.unwrap()(server, &caller, label, bytes.as_ptr().cast(), bytes.len());
                }
                Event::Signals(bits) => (*server).signalled.unwrap()(server, bits),
            }
        }
    }
    KOS_STATUS_OK
}

#[no_mangle]
unsafe extern "C" fn kos_server_defer(
    _: *mut kos_server_t,
    caller: *const kos_caller_t,
    deferred: *mut kos_deferred_t,
) -> kos_status_t {
    let result = status();
    if result == KOS_STATUS_OK {
        // SAFETY: as the crate promises.
        unsafe { *deferred = kos_deferred_t { reply: 30, caller: *caller } };
    }
    result
}

#[no_mangle]
unsafe extern "C" fn kos_server_answer(deferred: *const kos_deferred_t, status: kos_status_t, answer: *const kos_msg_t) {
    // SAFETY: as the crate promises.
    unsafe {
        let (param, sent) = if answer.is_null() { (0, Vec::new()) } else { ((*answer).param, payload(&*answer)) };
        world(|world| world.answered.push(((*deferred).reply, status, param, sent)));
    }
}

#[no_mangle]
extern "C" fn kos_time_hz() -> u64 {
    1000
}

#[no_mangle]
extern "C" fn kos_delay(us: u64) -> kos_status_t {
    world(|world| {
        world.slept.push(us);
        world.counter += us / 1000;
    });
    status()
}

/// Like `kos_log("%.*s", length, bytes)`: the only form that the crate uses. Not variadic, which Rust cannot define; the
/// arguments travel in the same registers on the machines that run the tests.
#[no_mangle]
unsafe extern "C" fn kos_log(level: u32, format: *const c_char, length: i32, bytes: *const u8) -> kos_status_t {
    // SAFETY: as the crate promises.
    unsafe {
        assert_eq!(text(format), "%.*s");
        let line = std::slice::from_raw_parts(bytes, length as usize).to_vec();
        world(|world| world.lines.push((level, line)));
    }
    status()
}

static DEVICE: [u64; 512] = [0; 512];

#[no_mangle]
unsafe extern "C" fn kos_dev_dma(_: *const c_char, memory: *mut kos_dma_t) -> kos_status_t {
    let page = Box::leak(Box::new(DEVICE));
    let address = page.as_mut_ptr().cast::<c_void>();
    // SAFETY: as the crate promises.
    unsafe { *memory = kos_dma_t { address, physical: 0x4000_0000, size_bytes: 4096 } };
    status()
}

#[no_mangle]
unsafe extern "C" fn kos_dev_find(_: *const c_char, device: *mut kos_device_t) -> kos_status_t {
    let page = Box::leak(Box::new(DEVICE));
    let registers = page.as_mut_ptr().cast::<c_void>();
    // SAFETY: as the crate promises.
    unsafe { *device = kos_device_t { registers, physical: 0x900_0000, size_bytes: 4096 } };
    status()
}
