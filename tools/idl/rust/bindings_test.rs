//! The Rust bindings against themselves, with the wire's bytes where they matter: client and server in one process.
//!
//! Built by tools/idl/CMakeLists.txt with the generated modules beside it; prints nothing and returns 0 if all is well.
use idl_schemas::{appman, echo, everything, log};
use kos::idl::{self, Caller, Message, RawMessage, Status};
use std::cell::RefCell;

const CALLER: Caller = Caller { domain: 3, port: 1, token: 0 };

#[derive(Default)]
struct Peer {
    label: u64,
    registers: [u8; 24],
    payload: Vec<u8>,
    // In place of a server: status, registers, payload, token.
    answer: Option<(Status, [u8; 24], Vec<u8>, u64)>,
    kept: Vec<u8>, // libkos's copy of the answer's payload
    deleted: Vec<u64>,
    words_calls: u32,
    lines: Vec<String>,
    away: Vec<String>,
}

thread_local!(static PEER: RefCell<Peer> = RefCell::new(Peer::default()));

fn with<T>(action: impl FnOnce(&mut Peer) -> T) -> T {
    PEER.with(|peer| action(&mut peer.borrow_mut()))
}

struct LogServer;
impl log::LogServer for LogServer {
    fn write(&mut self, caller: &Caller, level: log::LogLevel, text: &str) -> Result<(), Status> {
        with(|peer| peer.lines.push(format!("{} {:?} {}", caller.domain, level, text)));
        Ok(())
    }
    fn read(&mut self, _: &Caller, sequence: u64, records: &mut idl::Output<'_>) -> Result<(u64, u64, u64), Status> {
        records.bytes(b"records");
        Ok((sequence + 1, 2, 3))
    }
}

struct EverythingServer;
impl everything::EverythingServer for EverythingServer {
    fn in_payload(&mut self, _: &Caller, mixed: everything::EverythingMixed, flag: bool)
        -> Result<(everything::EverythingMixed, everything::EverythingColor), Status> {
        assert!(flag);
        Ok((mixed, mixed.inner.color))
    }
    fn list_behind_payload(&mut self, _: &Caller, mixed: everything::EverythingMixed, odd: u8, numbers: idl::List<'_, u64>,
                           floats: &mut idl::Output<'_>) -> Result<(everything::EverythingMixed, u8), Status> {
        for number in numbers.iter() { assert!(floats.push(&(number as f32))); }
        Ok((mixed, odd))
    }
    fn tokens(&mut self, _: &Caller, other: idl::Token) -> Result<idl::Token, Status> {
        Ok(idl::Token::from_slot(other.release() + 1))
    }
    fn nothing(&mut self, _: &Caller) -> Result<(), Status> { Err(idl::NO_REPLY) }
    fn away(&mut self, _: &Caller, mixed: everything::EverythingInner, text: &str) {
        with(|peer| peer.away.push(format!("{} {}", mixed.number, text)));
    }
}

fn serve(target: u64, request: &Message<'_>) -> (Status, [u8; 24], bool, Vec<u8>, u64) {
    with(|peer| {
        peer.label = request.label;
        peer.registers = request.registers();
        peer.payload = request.payload.to_vec();
    });
    if let Some((status, registers, payload, token)) = with(|peer| peer.answer.clone()) {
        return (status, registers, true, payload, token);
    }
    let mut answer = idl::Answer::new();
    let mut memory = [0xeeu8; 4096];
    let status = match target {
        1 => log::log_dispatch(&mut LogServer, &CALLER, request, &mut answer, &mut memory),
        _ => everything::everything_dispatch(&mut EverythingServer, &CALLER, request, &mut answer, &mut memory),
    };
    (status, idl::registers_of(answer.param, answer.words), answer.has_words, memory[..answer.payload_bytes].to_vec(), answer.token)
}

#[no_mangle]
extern "C" fn kos_msg_call(target: u64, message: *mut RawMessage) -> u32 {
    let raw = unsafe { &mut *message };
    let request = unsafe { Message::from_raw(raw) };
    let (status, registers, has_words, payload, token) = serve(target, &request);
    let (param, words) = idl::words_of(&registers);
    with(|peer| {
        peer.kept = payload;
        *raw = RawMessage { label: status as u64, param, words, payload: peer.kept.as_ptr(), payload_bytes: peer.kept.len() as u32,
                            has_words: has_words as u8, reserved: [0; 3], token };
    });
    status
}

#[no_mangle]
extern "C" fn kos_msg_call_words(target: u64, label: u64, param: *mut u64, words: *mut u64) -> u32 {
    with(|peer| peer.words_calls += 1);
    let mut request = Message::new(label);
    let words = unsafe { &mut *(words as *mut [u64; 2]) };
    request.param = unsafe { *param };
    request.words = *words;
    request.has_words = true;
    let (status, registers, _, _, _) = serve(target, &request);
    let (answer_param, answer_words) = idl::words_of(&registers);
    unsafe { *param = answer_param };
    *words = answer_words;
    status
}

#[no_mangle]
extern "C" fn kos_msg_send(_: u64, label: u64, bytes: *const u8, size: usize) -> u32 {
    let mut message = Message::new(label);
    message.payload = unsafe { std::slice::from_raw_parts(bytes, size) };
    everything::everything_dispatch_queued(&mut EverythingServer, &CALLER, &message);
    idl::OK
}

#[no_mangle]
extern "C" fn kos_msg_token_delete(token: u64) -> u32 {
    with(|peer| peer.deleted.push(token));
    idl::OK
}

fn mixed() -> everything::EverythingMixed {
    everything::EverythingMixed {
        name: idl::FixedText::new("ab").unwrap(),
        inner: everything::EverythingInner { flag: true, number: 0x04030201, color: everything::EverythingColor::Blue },
        hash: [0x10, 0x11, 0x12, 0x13, 0x14],
        wide: 1.0,
        small: -1,
    }
}

fn round_trips() {
    let client = log::LogClient::from_slot(1);
    assert_eq!(client.write(log::LogLevel::Warning, "hot"), Ok(()));
    with(|peer| {
        assert_eq!(peer.lines, ["3 Warning hot"]);
        assert_eq!((peer.label, peer.registers[0], peer.payload.as_slice()), (1, 2, &b"hot"[..]));
    });
    let mut memory = [0; 16];
    assert_eq!(client.read(7, &mut memory), Ok((8, 2, 3, &b"records"[..])));
    let mut small = [0; 3];
    assert_eq!(client.read(7, &mut small), Err(idl::NOT_ENOUGH_MEMORY));
    assert_eq!(client.status(), Err(idl::NOT_IMPLEMENTED));
    assert_eq!(client.write(log::LogLevel::Info, &"x".repeat(241)), Err(idl::INVALID_ARGUMENT));
    assert_eq!(client.write(log::LogLevel::Info, "zero\0"), Err(idl::INVALID_ARGUMENT));

    let client = everything::EverythingClient::from_slot(2);
    let (back, color) = client.in_payload(mixed(), true).unwrap();
    assert_eq!((back.name.as_str(), back.inner.number, back.small, color), ("ab", 0x04030201, -1, everything::EverythingColor::Blue));
    with(|peer| {
        // The bytes of wire_test.cpp.
        let mut expected = b"ab".to_vec();
        expected.resize(12, 0);
        expected.extend([1, 0, 0, 0, 1, 2, 3, 4, 2, 0, 0, 0, 0x10, 0x11, 0x12, 0x13, 0x14, 0, 0, 0]);
        expected.extend([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(peer.payload, expected);
    });
    let mut memory = [0; 64];
    let (_, more, floats) = client.list_behind_payload(mixed(), 5, &[7, 8], &mut memory).unwrap();
    assert_eq!((more, floats.iter().collect::<Vec<_>>()), (5, vec![7.0, 8.0]));
    let token = client.tokens(&idl::Token::from_slot(40)).unwrap();
    assert_eq!(token.slot(), 41);
    drop(token);
    with(|peer| assert_eq!(peer.deleted, [40, 41])); // the caller's own, and the one it got
    assert_eq!(client.nothing(), Err(idl::INTERNAL_ERROR));
    assert_eq!(client.away(mixed().inner, "xy"), Ok(()));
    with(|peer| assert_eq!(peer.away, [format!("{} xy", 0x04030201)]));
}

fn registers() {
    let mut registers = [0; 24];
    registers[..4].copy_from_slice(&9u32.to_le_bytes());
    with(|peer| {
        peer.answer = Some((idl::OK, registers, vec![], 0));
        peer.words_calls = 0;
    });
    assert_eq!(echo::EchoClient::from_slot(1).add(4, 5), Ok(9));
    with(|peer| {
        assert_eq!(peer.words_calls, 1);
        assert_eq!(peer.registers[..8], [4, 0, 0, 0, 5, 0, 0, 0]);
    });
}

fn damaged_answers() {
    let client = everything::EverythingClient::from_slot(2);
    let mut good = vec![0u8; 48];
    good.push(2); // other, color
    let zero = [0; 24];
    let mut used = zero;
    used[3] = 1;
    for (registers, payload, token, is_good) in [
        (zero, good.clone(), 0, true),
        (zero, good[..48].to_vec(), 0, false),
        (zero, [good.clone(), vec![0]].concat(), 0, false),
        (used, good.clone(), 0, false),
        (zero, good.clone(), 9, false),
        (zero, { let mut bytes = good.clone(); bytes[48] = 3; bytes }, 0, false), // no such color
        (zero, { let mut bytes = good.clone(); bytes[12] = 2; bytes }, 0, false), // no Bool
        (zero, { let mut bytes = good.clone(); bytes[13] = 1; bytes }, 0, false), // a gap
        (zero, { let mut bytes = good.clone(); bytes[..9].fill(b'x'); bytes }, 0, false), // no end
        (zero, { let mut bytes = good.clone(); bytes[0] = 0xff; bytes }, 0, false), // no UTF-8
        (zero, { let mut bytes = good.clone(); bytes[4] = b'x'; bytes }, 0, false), // behind the end
    ] {
        with(|peer| {
            peer.answer = Some((idl::OK, registers, payload, token));
            peer.deleted.clear();
        });
        let result = client.in_payload(mixed(), true).map(|_| ());
        assert_eq!(result, if is_good { Ok(()) } else { Err(idl::PEER_INVALID) });
        with(|peer| assert_eq!(peer.deleted.len(), (token != 0) as usize));
    }
    for (status, expected) in [(147, 147), (1, idl::PEER_INVALID), (300, idl::PEER_INVALID)] {
        with(|peer| peer.answer = Some((status, zero, vec![], 0)));
        assert_eq!(client.nothing(), Err(expected));
    }
    with(|peer| peer.answer = Some((idl::OK, zero, vec![0; 47], 0)));
    let mut memory = [0; 4096];
    assert!(matches!(appman::AppmanClient::from_slot(1).list(0, &mut memory), Err(idl::PEER_INVALID)));
    with(|peer| peer.answer = None);
}

fn damaged_requests() {
    let mut answer = idl::Answer::new();
    let mut memory = [0; 4096];
    let mut dispatch = |message: &Message<'_>| {
        with(|peer| peer.deleted.clear());
        log::log_dispatch(&mut LogServer, &CALLER, message, &mut answer, &mut memory)
    };
    let mut message = Message::new(1);
    message.param = 3;
    message.payload = b"text";
    assert_eq!(dispatch(&message), idl::OK);
    assert_eq!(dispatch(&Message { param: 5, ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { param: 0x103, ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { words: [0, 1], has_words: true, ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { payload: b"\xff", ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { payload: b"a\0", ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { payload: &[b'x'; 241], ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { label: 99, ..message }), idl::BAD_REQUEST);
    assert_eq!(dispatch(&Message { token: 8, ..message }), idl::BAD_REQUEST);
    with(|peer| assert_eq!(peer.deleted, [8]));
}

fn main() {
    round_trips();
    registers();
    damaged_answers();
    damaged_requests();
}
