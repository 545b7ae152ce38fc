//! The Rust bindings against themselves, with the wire's bytes where they matter: client and server in one process, over the
//! crate `kos` and its fake libkos (libkos/rust/kos/fake.rs).
//!
//! Built by tools/idl/CMakeLists.txt; prints nothing and returns 0 if all is well.
use idl::everything::{self, EverythingClient, EverythingColor, EverythingInner, EverythingMixed, EverythingServer};
use idl::log::{LogClient, LogLevel, LogServer};
use idl::{appman, echo};
use kos::fake::{world, Event, EMPTY};
use kos::idl::{AnyClient, Client, FixedText, List, Output, Owned, Received};
use kos::prelude::*;
use kos_sys::{kos_caller_t, kos_msg_t};
use std::cell::RefCell;

const CALLER: kos_caller_t = kos_caller_t { domain: 3, port: 1, token: 0 };
const OWN: kos_caller_t = kos_caller_t { domain: 5, port: 1, token: 42 };

#[derive(Default)]
struct Peer {
    request: Option<(kos_msg_t, Vec<u8>)>,
    // In place of a server.
    answer: Option<(Status, kos_msg_t, Vec<u8>)>,
    // The next request carries this token of the server's own.
    own: Option<kos_caller_t>,
    lines: Vec<String>,
    away: Vec<String>,
    waiting: Option<Deferred>,
}

thread_local!(static PEER: RefCell<Peer> = RefCell::new(Peer::default()));

fn with<T>(action: impl FnOnce(&mut Peer) -> T) -> T {
    PEER.with(|peer| action(&mut peer.borrow_mut()))
}

fn deleted() -> Vec<u64> {
    world(|world| std::mem::take(&mut world.deleted))
}

struct Log;
impl LogServer for Log {
    fn write(&mut self, call: &Call, level: LogLevel, text: &[u8]) -> Result {
        with(|peer| peer.lines.push(format!("{} {:?} {}", call.domain, level, String::from_utf8_lossy(text))));
        Ok(())
    }
    fn read(&mut self, _: &Call, sequence: u64, records: &mut Output<'_>) -> Result<(u64, u64, u64)> {
        assert!(records.bytes(b"records"));
        Ok((sequence + 1, 2, 3))
    }
}

struct Everything;
impl EverythingServer for Everything {
    fn in_payload(&mut self, _: &Call, mixed: EverythingMixed, flag: bool) -> Result<(EverythingMixed, EverythingColor)> {
        assert!(flag);
        Ok((mixed, mixed.inner.color))
    }
    fn list_behind_payload(&mut self, _: &Call, mixed: EverythingMixed, odd: u8, numbers: List<'_, u64>, floats: &mut Output<'_>)
        -> Result<(EverythingMixed, u8)> {
        for number in numbers.iter() {
            assert!(floats.push(&(number as f32)));
        }
        Ok((mixed, odd))
    }
    fn full(&mut self, _: &Call, a: u64, b: u64, c: u64) -> Result<(i64, i64, i64)> {
        Ok((a as i64, b as i64, c as i64))
    }
    fn tokens(&mut self, _: &Call, other: Owned<EverythingClient>) -> Result<Owned<AnyClient>> {
        Ok(other.into_any())
    }
    fn own(&mut self, _: &Call, n: u8, session: Received<EverythingClient>) -> Result<u8> {
        match session {
            Received::Own(own) => Ok(n + own.token as u8),
            Received::Other(other) => Ok(n + other.slot() as u8),
        }
    }
    fn later(&mut self, call: &Call, _: u64, _: &mut Output<'_>) -> Result<EverythingMixed> {
        let deferred = call.defer()?;
        with(|peer| peer.waiting = Some(deferred));
        Err(Status::NO_REPLY)
    }
    fn nothing(&mut self, _: &Call) -> Result {
        Err(Status::NO_REPLY)
    }
    fn away(&mut self, _: &Caller, mixed: EverythingInner, text: &str) {
        with(|peer| peer.away.push(format!("{} {}", mixed.number, text)));
    }
}

struct Echo;
impl echo::EchoServer for Echo {
    fn add(&mut self, _: &Call, a: u32, b: u32) -> Result<u32> {
        Ok(a + b)
    }
}

// Target 1: the log, 2: everything, 3: echo.
fn serve(target: u64, mut request: kos_msg_t, payload: Vec<u8>) -> (u32, kos_msg_t, Vec<u8>) {
    with(|peer| peer.request = Some((request, payload.clone())));
    if let Some((status, message, payload)) = with(|peer| peer.answer.clone()) {
        return (status.code(), message, payload);
    }
    if let Some(own) = with(|peer| peer.own.take()) {
        request.own = own;
        request.token = 0;
    }
    world(|world| world.events.push_back(Event::Call(CALLER, request, payload)));
    let served = match target {
        1 => Log.serve(),
        2 => Everything.serve(),
        _ => echo::EchoServer::serve(&mut Echo),
    };
    assert_eq!(served, Ok(()));
    world(|world| world.served.pop()).unwrap()
}

fn mixed() -> EverythingMixed {
    EverythingMixed {
        name: FixedText::new("ab").unwrap(),
        inner: EverythingInner { flag: true, number: 0x04030201, color: EverythingColor::Blue },
        hash: [0x10, 0x11, 0x12, 0x13, 0x14],
        wide: 1.0,
        small: -1,
    }
}

fn round_trips() {
    let client = LogClient::from_slot(1);
    assert_eq!(client.write(LogLevel::Warning, "hot"), Ok(()));
    with(|peer| {
        assert_eq!(peer.lines, ["3 Warning hot"]);
        let (request, payload) = peer.request.take().unwrap();
        assert_eq!((request.label, request.param, payload.as_slice()), (1, 2, &b"hot"[..]));
    });
    let mut memory = [0; 16];
    assert_eq!(client.read(7, &mut memory), Ok((8, 2, 3, &b"records"[..])));
    assert_eq!(client.read(7, &mut [0; 3]), Err(Status::NOT_ENOUGH_MEMORY));
    assert_eq!(client.status(), Err(Status::NOT_IMPLEMENTED));
    assert_eq!(client.write(LogLevel::Info, &"x".repeat(241)), Err(Status::INVALID_ARGUMENT));

    let client = EverythingClient::from_slot(2);
    assert_eq!(client.text(&"x".repeat(4097), &mut [0]), Err(Status::INVALID_ARGUMENT));
    assert_eq!(client.text("zero\0", &mut [0]), Err(Status::INVALID_ARGUMENT));
    let (back, color) = client.in_payload(mixed(), true).unwrap();
    assert_eq!((back.name.as_str(), back.inner.number, back.small), ("ab", 0x04030201, -1));
    assert_eq!(color, EverythingColor::Blue);
    // The bytes of wire_test.cpp.
    let mut expected = b"ab".to_vec();
    expected.resize(12, 0);
    expected.extend([1, 0, 0, 0, 1, 2, 3, 4, 2, 0, 0, 0, 0x10, 0x11, 0x12, 0x13, 0x14, 0, 0, 0]);
    expected.extend([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(with(|peer| peer.request.take().unwrap().1), expected);
    let mut memory = [0; 64];
    let (_, more, floats) = client.list_behind_payload(mixed(), 5, &[7, 8], &mut memory).unwrap();
    assert_eq!((more, floats.iter().collect::<Vec<_>>()), (5, vec![7.0, 8.0]));
    assert_eq!(client.nothing(), Err(Status::INTERNAL_ERROR));
    assert_eq!(client.away(mixed().inner, "xy"), Ok(()));
    let (label, bytes) = world(|world| world.sent.pop()).unwrap();
    let caller = Caller { domain: 3, port: 1, token: 0 };
    assert!(everything::everything_dispatch_queued(&mut Everything, &caller, label, &bytes));
    assert_eq!(with(|peer| peer.away.pop()), Some(format!("{} xy", 0x04030201)));
    assert!(!everything::everything_dispatch_queued(&mut Everything, &caller, label, &bytes[1..]));
    assert!(!everything::everything_dispatch_queued(&mut Everything, &caller, 77, &bytes));
    assert_eq!(with(|peer| peer.away.pop()), None);
}

fn registers() {
    let echo = echo::EchoClient::from_slot(3);
    assert_eq!(echo.add(4, 5), Ok(9));
    let (request, _) = with(|peer| peer.request.take()).unwrap();
    assert_eq!((request.has_words, request.param), (1, 5 << 32 | 4));
    assert_eq!(EverythingClient::from_slot(2).full(1, u64::MAX, 3), Ok((1, -1, 3)));
    // Unused bits of an answer.
    for words in [[1 << 32, 0, 0], [0, 1, 0], [0, 0, 1 << 63]] {
        let message = kos_msg_t { param: words[0], words: [words[1], words[2]], ..EMPTY };
        with(|peer| peer.answer = Some((Status::OK, message, vec![])));
        assert_eq!(echo.add(4, 5), Err(Status::PEER_INVALID));
    }
    with(|peer| peer.answer = Some((Status::CREATED, kos_msg_t { param: 3, ..EMPTY }, vec![])));
    assert_eq!(echo.add(4, 5), Ok(3));
    with(|peer| peer.answer = None);
}

fn tokens() {
    let client = EverythingClient::from_slot(2);
    let made = EverythingClient::create_token("everything", 9, 3).unwrap();
    assert_eq!((made.slot(), world(|world| world.names.pop())), (60, Some("everything 9 0 3".to_string())));
    let back = client.tokens(&made).unwrap();
    assert_eq!(back.slot(), 60);
    assert_eq!(deleted(), [60]); // of the server, which has given it away
    drop((back, made));
    assert_eq!(deleted(), [60, 60]);
    let once = everything::OnceClient::create_token("everything", 9, 3);
    assert_eq!((once.is_ok(), world(|world| world.names.pop())), (true, Some("everything 9 32 3".to_string())));
    drop(once);
    deleted();
    // One of the server's own is told by its number, any other is a slot.
    let token = EverythingClient::from_slot(70);
    assert_eq!(client.own(1, &token), Ok(71));
    assert_eq!(deleted(), [70]);
    with(|peer| peer.own = Some(OWN));
    assert_eq!(client.own(1, &token), Ok(43));
    with(|peer| peer.own = Some(OWN));
    assert_eq!(client.tokens(&token).map(drop), Err(Status::BAD_REQUEST));
    with(|peer| peer.own = Some(OWN));
    assert_eq!(client.nothing(), Err(Status::BAD_REQUEST));
    assert!(deleted().is_empty());
}

fn later() {
    let answer = EverythingClient::from_slot(2).later(5, &mut [0; 30]).map(drop);
    assert_eq!(answer, Err(Status::NO_REPLY)); // of the fake loop; libkos's does not answer yet
    let deferred = with(|peer| peer.waiting.take()).unwrap();
    assert_eq!(everything::everything_answer_later(deferred, mixed(), "late"), Ok(()));
    let (_, status, _, payload) = world(|world| world.answered.pop()).unwrap();
    assert_eq!((status, &payload[48..]), (Status::OK.code(), &b"late"[..]));
}

fn damaged_answers() {
    let client = EverythingClient::from_slot(2);
    let mut good = vec![0u8; 48];
    good.push(2); // other, color
    let zero = EMPTY;
    let used = kos_msg_t { param: 1 << 24, ..EMPTY };
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    for (message, payload, token, is_good) in [
        (zero, good.clone(), 0, true),
        (zero, good[..48].to_vec(), 0, false),
        (zero, [good.clone(), vec![0]].concat(), 0, false),
        (used, good.clone(), 0, false),
        (zero, good.clone(), 9, false),
        (zero, changed(48, 3), 0, false), // no such color
        (zero, changed(12, 2), 0, false), // no Bool
        (zero, changed(13, 1), 0, false), // a gap
        (zero, { let mut bytes = good.clone(); bytes[..9].fill(b'x'); bytes }, 0, false), // no end
        (zero, changed(0, 0xff), 0, false), // no UTF-8
        (zero, changed(4, b'x'), 0, false), // behind the end
    ] {
        with(|peer| peer.answer = Some((Status::OK, kos_msg_t { token, ..message }, payload)));
        let result = client.in_payload(mixed(), true).map(drop);
        assert_eq!(result, if is_good { Ok(()) } else { Err(Status::PEER_INVALID) });
        assert_eq!(deleted().len(), (token != 0) as usize);
    }
    for (status, expected) in [(147, 147), (1, Status::PEER_INVALID.code()), (300, Status::PEER_INVALID.code())] {
        with(|peer| peer.answer = Some((Status::from_code(status), zero, vec![])));
        assert_eq!(client.nothing(), Err(Status::from_code(expected)));
    }
    with(|peer| peer.answer = Some((Status::OK, zero, vec![0; 47])));
    let mut memory = [0; 4096];
    assert!(matches!(appman::AppmanClient::from_slot(1).list(0, &mut memory), Err(Status::PEER_INVALID)));
    with(|peer| peer.answer = None);
}

fn damaged_requests() {
    let ask = |target, message: kos_msg_t, payload: &[u8]| Status::from_code(serve(target, message, payload.to_vec()).0);
    let message = kos_msg_t { label: 1, param: 3, ..EMPTY };
    assert_eq!(ask(1, message, b"text"), Status::OK);
    for (message, payload) in [
        (kos_msg_t { param: 5, ..message }, &b"text"[..]),
        (kos_msg_t { param: 0x103, ..message }, b"text"),
        (kos_msg_t { words: [0, 1], has_words: 1, ..message }, b"text"),
        (message, &[b'x'; 241]),
        (kos_msg_t { label: 99, ..message }, b"text"),
        (kos_msg_t { own: OWN, ..message }, b"text"),
    ] {
        assert_eq!(ask(1, message, payload), Status::BAD_REQUEST);
    }
    let text = kos_msg_t { label: everything::EVERYTHING_LABEL_TEXT, ..EMPTY };
    assert_eq!(ask(2, text, b"text"), Status::NOT_IMPLEMENTED);
    assert_eq!(ask(2, text, b"\xff"), Status::BAD_REQUEST);
    assert_eq!(ask(2, text, b"a\0"), Status::BAD_REQUEST);
    assert!(deleted().is_empty());
    assert_eq!(ask(1, kos_msg_t { token: 8, ..message }, b"text"), Status::BAD_REQUEST);
    assert_eq!(deleted(), [8]);
    // In registers.
    let one = kos_msg_t { label: everything::EVERYTHING_LABEL_ONE, has_words: 1, ..EMPTY };
    assert_eq!(ask(2, one, b""), Status::NOT_IMPLEMENTED);
    for (param, words) in [(2, [0, 0]), (0, [1, 0]), (1, [0, 1])] {
        assert_eq!(ask(2, kos_msg_t { param, words, ..one }, b""), Status::BAD_REQUEST);
    }
    assert_eq!(ask(2, kos_msg_t { label: 200, ..one }, b""), Status::BAD_REQUEST);
}

fn main() {
    world(|world| world.peer = Some(serve));
    round_trips();
    registers();
    tokens();
    later();
    damaged_answers();
    damaged_requests();
}
