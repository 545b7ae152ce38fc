//! TCP, UDP and names (`kos/net.h`): sockets that are closed when they are dropped. Programs name the library:
//! `target_link_libraries(app_NAME PRIVATE kos_net)`.
//!
//! In a server loop, sockets report to a [`Ready`]; `signalled` does the work and asks it who is ready:
//!
//! ```ignore
//! fn signalled(&mut self, bits: u64) {
//!     if bits & kos::net::signals() == 0 { return; }
//!     kos::net::work();
//!     while let Some(number) = self.ready.next() { self.serve(number); }
//! }
//! ```
//!
//! Everything here belongs to one thread.

use crate::status::check;
use crate::{Instant, Result, Status};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::fmt;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut, NonNull};
use kos_sys::{kos_net_address_t, kos_net_counters_t, kos_net_options_t, kos_net_socket_t};

/// Data, the end of the data, a connection to accept, a datagram.
pub const READABLE: u32 = kos_sys::KOS_NET_READABLE;
/// Connected, and there is room.
pub const WRITABLE: u32 = kos_sys::KOS_NET_WRITABLE;
/// The connection is over; [`Tcp::status`] says why.
pub const FAILED: u32 = kos_sys::KOS_NET_FAILED;

/// Sizes; 0 everywhere is a good choice ([`Options::default`]).
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// All packets together.
    pub memory_bytes: u32,
    /// Window of a TCP connection.
    pub receive_bytes: u32,
    /// What a TCP connection buffers.
    pub send_bytes: u32,
    /// TCP, with those that have ended in the last minute.
    pub connections: u32,
    /// All that the program has open.
    pub sockets: u32,
}

/// Starts the domain's network, once. `NOT_FOUND`: the manifest gives it none; `UNAUTHORIZED`: no port "timer" or "entropy".
pub fn open(options: Options) -> Result {
    let options = kos_net_options_t {
        memory_bytes: options.memory_bytes,
        receive_bytes: options.receive_bytes,
        send_bytes: options.send_bytes,
        connections: options.connections,
        sockets: options.sockets,
        alarm_bit: 0,
        ring_out: null(),
        ring_in: null(),
    };
    // SAFETY: read during the call only.
    check(unsafe { kos_sys::kos_net_open(&options) })
}

/// The bits of `signalled` that belong to the network. After [`open`].
pub fn signals() -> u64 {
    // SAFETY: no preconditions once it is open.
    unsafe { kos_sys::kos_net_signals() }
}

/// Moves packets and finds out who is ready. After [`open`].
pub fn work() {
    // SAFETY: no preconditions once it is open; the call-backs are those of this module, which only take notes.
    unsafe { kos_sys::kos_net_work() }
}

/// What the network has done, and holds.
pub fn counters() -> kos_net_counters_t {
    let mut counters = MaybeUninit::uninit();
    // SAFETY: filled in completely.
    unsafe {
        kos_sys::kos_net_counters(counters.as_mut_ptr());
        counters.assume_init()
    }
}

/// An address and a port.
#[derive(Clone, Copy)]
pub struct Address(kos_net_address_t);

impl Address {
    /// `"192.0.2.1"` or `"2001:db8::1"`. `INVALID_ARGUMENT`.
    pub fn parse(text: &str, port: u16) -> Result<Address> {
        const MOST: usize = kos_sys::KOS_NET_TEXT_BYTES;
        let mut terminated = [0; MOST];
        if text.len() >= MOST || text.as_bytes().contains(&0) {
            return Err(Status::INVALID_ARGUMENT);
        }
        terminated[..text.len()].copy_from_slice(text.as_bytes());
        let mut address = Address::any(port);
        // SAFETY: zero-terminated; `address` may be written.
        check(unsafe { kos_sys::kos_net_address_parse(terminated.as_ptr(), port, &mut address.0) })?;
        Ok(address)
    }

    /// Every address of this domain, to listen on.
    pub const fn any(port: u16) -> Address {
        Address(kos_net_address_t { bytes: [0; 16], port, version: 0, reserved: 0 })
    }

    /// The same with another port.
    pub const fn with_port(self, port: u16) -> Address {
        Address(kos_net_address_t { bytes: self.0.bytes, port, version: self.0.version, reserved: 0 })
    }

    /// The port; 0 if there is none.
    pub const fn port(&self) -> u16 {
        self.0.port
    }

    /// The address as on the wire: 4 or 16 bytes, none for [`Address::any`].
    pub fn bytes(&self) -> &[u8] {
        match self.0.version {
            4 => &self.0.bytes[..4],
            6 => &self.0.bytes,
            _ => &[],
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; kos_sys::KOS_NET_TEXT_BYTES];
        // SAFETY: writes at most the room it is given.
        unsafe { kos_sys::kos_net_address_format(&self.0, text.as_mut_ptr(), text.len()) };
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        to.write_str(core::str::from_utf8(&text[..end]).unwrap_or("?"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        self.0.version == other.0.version && self.0.port == other.0.port && self.bytes() == other.bytes()
    }
}

impl Eq for Address {}

/// The address of a host, `version` 4, 6, or 0 for either. Waits: main thread only. `NOT_FOUND`, `TIMEOUT`.
pub fn resolve(name: &str, version: u32, deadline: Instant) -> Result<Address> {
    let mut terminated = Vec::with_capacity(name.len() + 1);
    terminated.extend_from_slice(name.as_bytes());
    if terminated.contains(&0) {
        return Err(Status::INVALID_ARGUMENT);
    }
    terminated.push(0);
    let mut address = Address::any(0);
    // SAFETY: zero-terminated; `address` may be written.
    check(unsafe {
        kos_sys::kos_net_resolve_wait(terminated.as_ptr(), version, deadline.ticks(), &mut address.0)
    })?;
    Ok(address)
}

struct Note {
    number: u64,
    is_listed: Cell<bool>,
}

type Notes = Rc<RefCell<VecDeque<Rc<Note>>>>;

/// Which sockets are ready, by the numbers that they were given ([`Tcp::report_to`] and the like). Each is told once for
/// everything that has happened to it: use it up until `EMPTY` or `FULL`.
#[derive(Clone, Default)]
pub struct Ready(Notes);

impl Ready {
    /// Nobody yet.
    pub fn new() -> Ready {
        Ready::default()
    }

    /// The next one that is ready. It may have been dropped meanwhile, if its number was given to nobody else.
    pub fn next(&self) -> Option<u64> {
        let note = self.0.borrow_mut().pop_front()?;
        note.is_listed.set(false);
        Some(note.number)
    }
}

struct Reporter {
    notes: Notes,
    note: Rc<Note>,
}

unsafe extern "C" fn report(_: *mut kos_net_socket_t, context: *mut c_void) {
    // SAFETY: the reporter of a socket that is open (Socket::report_to).
    let reporter = unsafe { &*context.cast::<Reporter>() };
    if !reporter.note.is_listed.replace(true) {
        reporter.notes.borrow_mut().push_back(reporter.note.clone());
    }
}

/// The owner of a socket of C.
struct Socket {
    socket: NonNull<kos_net_socket_t>,
    reporter: Option<Box<Reporter>>,
}

impl Socket {
    fn new(open: impl FnOnce(*mut *mut kos_net_socket_t) -> u32) -> Result<Socket> {
        let mut socket = null_mut();
        check(open(&mut socket))?;
        NonNull::new(socket).map(|socket| Socket { socket, reporter: None }).ok_or(Status::INTERNAL_ERROR)
    }

    fn as_ptr(&self) -> *mut kos_net_socket_t {
        self.socket.as_ptr()
    }

    fn ready(&self) -> u32 {
        // SAFETY: open.
        unsafe { kos_sys::kos_net_ready(self.as_ptr()) }
    }

    fn wait(&self, events: u32, deadline: Instant) -> Result {
        // SAFETY: open; the call-backs only take notes.
        check(unsafe { kos_sys::kos_net_wait(self.as_ptr(), events, deadline.ticks()) })
    }

    fn report_to(&mut self, ready: &Ready, number: u64) {
        let note = Rc::new(Note { number, is_listed: Cell::new(false) });
        let reporter = Box::new(Reporter { notes: ready.0.clone(), note });
        let context = &*reporter as *const Reporter as *mut c_void;
        // SAFETY: open; the box stays where it is until the socket is closed or has another one, below.
        unsafe { kos_sys::kos_net_watch(self.as_ptr(), Some(report), context) };
        self.reporter = Some(reporter);
    }

    fn local(&self) -> Result<Address> {
        let mut address = Address::any(0);
        // SAFETY: open; `address` may be written.
        check(unsafe { kos_sys::kos_net_local(self.as_ptr(), &mut address.0) })?;
        Ok(address)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: open, and nobody uses it any more; it does not call back after this.
        unsafe { kos_sys::kos_net_close(self.as_ptr()) }
    }
}

macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// What there is to do now: [`READABLE`], [`WRITABLE`], [`FAILED`].
            pub fn ready(&self) -> u32 {
                self.0.ready()
            }

            /// Waits for one of `events`, working meanwhile. Main thread only. `TIMEOUT`; `UNAVAILABLE`: the domain shall
            /// stop.
            pub fn wait(&self, events: u32, deadline: Instant) -> Result {
                self.0.wait(events, deadline)
            }

            /// From now on, and at once if there is something, `ready` is told `number` when there is more to do.
            pub fn report_to(&mut self, ready: &Ready, number: u64) {
                self.0.report_to(ready, number)
            }

            /// The own address.
            pub fn local(&self) -> Result<Address> {
                self.0.local()
            }
        }
    };
}

/// A TCP connection.
pub struct Tcp(Socket);
common!(Tcp);

impl Tcp {
    /// Begins to connect; [`WRITABLE`] when it is, [`FAILED`] when not.
    pub fn begin(to: Address) -> Result<Tcp> {
        // SAFETY: both pointers are valid during the call.
        Socket::new(|socket| unsafe { kos_sys::kos_net_tcp_connect(&to.0, socket) }).map(Tcp)
    }

    /// Connected by `deadline`, or why not. Main thread only.
    pub fn connect(to: Address, deadline: Instant) -> Result<Tcp> {
        let made = Tcp::begin(to)?;
        made.wait(WRITABLE, deadline)?;
        made.status().map(|()| made)
    }

    /// Why it is over; `EMPTY`: not connected yet.
    pub fn status(&self) -> Result {
        // SAFETY: open.
        check(unsafe { kos_sys::kos_net_status(self.0.as_ptr()) })
    }

    /// Sends as much as there is room for; how much. `FULL`.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut done = 0;
        // SAFETY: open; `bytes` is readable for its length.
        check(unsafe {
            kos_sys::kos_net_tcp_send(self.0.as_ptr(), bytes.as_ptr().cast(), bytes.len(), &mut done)
        })?;
        Ok(done)
    }

    /// Sends all of it, waiting for room. Main thread only.
    pub fn send_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result {
        while !bytes.is_empty() {
            match self.send(bytes) {
                Ok(done) => bytes = &bytes[done..],
                Err(Status::FULL) => self.wait(WRITABLE, deadline)?,
                Err(status) => return Err(status),
            }
        }
        Ok(())
    }

    /// Receives what has arrived; how much, 0 when the peer has finished. `EMPTY`.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        // SAFETY: open; `buffer` is writable for its length.
        check(unsafe {
            kos_sys::kos_net_tcp_receive(self.0.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len(), &mut done)
        })?;
        Ok(done)
    }

    /// No more will be sent; receiving goes on.
    pub fn finish(&mut self) -> Result {
        // SAFETY: open.
        check(unsafe { kos_sys::kos_net_tcp_finish(self.0.as_ptr()) })
    }

    /// Small pieces are sent at once.
    pub fn set_no_delay(&mut self, enable: bool) -> Result {
        // SAFETY: open.
        check(unsafe { kos_sys::kos_net_tcp_no_delay(self.0.as_ptr(), enable.into()) })
    }

    /// After `idle` seconds the peer is asked every `interval`, `count` times. `idle` 0: never.
    pub fn set_keep_alive(&mut self, idle: u32, interval: u32, count: u32) -> Result {
        // SAFETY: open.
        check(unsafe { kos_sys::kos_net_tcp_keep_alive(self.0.as_ptr(), idle, interval, count) })
    }

    /// Drops everything and resets the peer.
    pub fn abort(mut self) {
        let socket = self.0.socket;
        self.0.reporter = None;
        core::mem::forget(self);
        // SAFETY: open until now, and nobody has it any more; its reporter is not called inside.
        unsafe { kos_sys::kos_net_abort(socket.as_ptr()) }
    }

    /// The peer's address.
    pub fn peer(&self) -> Result<Address> {
        let mut address = Address::any(0);
        // SAFETY: open; `address` may be written.
        check(unsafe { kos_sys::kos_net_peer(self.0.as_ptr(), &mut address.0) })?;
        Ok(address)
    }
}

/// Waits for TCP connections.
pub struct Listener(Socket);
common!(Listener);

impl Listener {
    /// At most `backlog` (1 to 255) connections wait to be accepted. `CONFLICT`: the port is taken.
    pub fn open(at: Address, backlog: u32) -> Result<Listener> {
        // SAFETY: both pointers are valid during the call.
        Socket::new(|socket| unsafe { kos_sys::kos_net_tcp_listen(&at.0, backlog, socket) }).map(Listener)
    }

    /// The next connection. `EMPTY`.
    pub fn accept(&mut self) -> Result<Tcp> {
        // SAFETY: open; the other pointer is valid during the call.
        Socket::new(|socket| unsafe { kos_sys::kos_net_tcp_accept(self.0.as_ptr(), socket) }).map(Tcp)
    }
}

/// A UDP socket.
pub struct Udp(Socket);
common!(Udp);

impl Udp {
    /// Port 0: any. `CONFLICT`: the port is taken.
    pub fn open(at: Address) -> Result<Udp> {
        // SAFETY: both pointers are valid during the call.
        Socket::new(|socket| unsafe { kos_sys::kos_net_udp_open(&at.0, socket) }).map(Udp)
    }

    /// One datagram. `FULL`: nothing was sent.
    pub fn send(&mut self, to: Address, bytes: &[u8]) -> Result {
        // SAFETY: open; `bytes` is readable for its length.
        check(unsafe { kos_sys::kos_net_udp_send(self.0.as_ptr(), &to.0, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// The next datagram: how long it is, and from whom. `EMPTY`; `INVALID_ARGUMENT`: longer than the buffer.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<(usize, Address)> {
        let (mut count, mut from) = (0, Address::any(0));
        let (start, room) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: open; `buffer` is writable for its length.
        check(unsafe { kos_sys::kos_net_udp_receive(self.0.as_ptr(), start, room, &mut count, &mut from.0) })?;
        Ok((count, from))
    }
}
