//! Messages: with a peer in C (tests/system/common/peer) and with one in Rust (../peer).

use crate::records::Records;
use core::sync::atomic::{AtomicU64, Ordering};
use kos::prelude::*;
use kos::ring::Ring;
use kos::time::poll_until;
use kos::{thread, Duration, Instant};

/// Labels of the peer in C (tests/system/common/peer.h).
mod c {
    pub const ECHO: u64 = 1;
    pub const WRONG: u64 = 2;
    pub const WHO: u64 = 4;
    pub const QUEUE: u64 = 6;
    pub const TOKEN_MAKE: u64 = 7;
    pub const TOKEN_REVOKE: u64 = 8;
}

pub fn words_and_payload(records: &mut Records) -> Result {
    let mut buffer = [0; 4096];
    records.equal("open: not in the manifest", Connection::open("appmen").map(drop), Err(Status::UNAUTHORIZED));
    records.equal("open: no name", Connection::open("a\0b").map(drop), Err(Status::INVALID_ARGUMENT));
    records.equal("directory", kos::directory::is_bound("peer"), Ok(true));
    for port in ["peer", "rust_peer"] {
        let peer = Connection::open_until(port, Instant::after(Duration::from_secs(10)))?;
        records.equal("ping", peer.ping(), Ok(()));
        records.equal("words", peer.call_words(c::ECHO, [41, 8, 0]).map(|[a, b, _]| (a, b)), Ok((42, 8)));
        let payload: Vec<u8> = (0..4096).map(|n| n as u8).collect();
        let reply = peer.call(&Message::new(c::ECHO).param(1).words([5, 6]).payload(&payload), &mut buffer)?;
        records.equal("payload", (reply.param, reply.words[0], reply.payload), (2, 5, &payload[..]));
        let short = peer.call(&Message::new(c::ECHO).payload(&payload), &mut [0; 100]).map(drop);
        records.equal("payload longer than the buffer", short, Err(Status::PEER_INVALID));
        let long = peer.call(&Message::new(c::ECHO).payload(&[0; 4097]), &mut buffer).map(drop);
        records.equal("payload too long", long, Err(Status::INVALID_ARGUMENT));
        records.equal("unknown label", peer.call_words(999, [0; 3]).map(drop), Err(Status::BAD_REQUEST));
        // Each thread has a copy of its own.
        let threads: Vec<_> = (1..=2u8)
            .filter_map(|number| {
                let port = String::from(port);
                thread::spawn(move || -> Result<bool> {
                    let (peer, payload, mut buffer) = (Connection::open(&port)?, [number; 512], [0; 512]);
                    let mut is_right = true;
                    for _ in 0..50 {
                        is_right &= peer.call(&Message::new(c::ECHO).payload(&payload), &mut buffer)?.payload == payload;
                    }
                    Ok(is_right)
                })
                .ok()
            })
            .collect();
        let right = threads.into_iter().filter(|_| true).map(|t| t.join()).filter(|r| *r == Ok(Ok(true))).count();
        records.equal("payloads of two threads", right, 2);
    }
    let peer = Connection::open("rust_peer")?;
    let late = Instant::after(Duration::from_millis(5));
    let never = peer.call_until(&Message::new(10), &mut buffer, late).map(drop);
    records.equal("deadline", never, Err(Status::TIMEOUT));
    peer.call_words(12, [0; 3])?;
    let far = Instant::after(Duration::from_secs(60));
    let echo = peer.call_until(&Message::new(c::ECHO).param(1), &mut buffer, far).map(|reply| reply.param);
    records.equal("deadline that is not reached", echo, Ok(2));
    Ok(())
}

pub fn answers(records: &mut Records) -> Result {
    let peer = Connection::open("rust_peer")?;
    let mut buffer = [0; 200];
    let own = peer.call(&Message::new(2), &mut buffer).map(|reply| reply.payload == b"own");
    records.equal("answer from the server", own, Ok(true));
    let copy = peer.call(&Message::new(3).param(9), &mut buffer).map(|reply| reply.payload == [9; 100]);
    records.equal("answer from the handler", copy, Ok(true));
    records.equal("answer: CREATED", peer.call(&Message::new(4), &mut buffer)?.status, Status::CREATED);
    records.equal("answer: too long", peer.call_words(15, [0; 3]).map(drop), Err(Status::INTERNAL_ERROR));
    for (code, expected) in [
        (Status::FULL.code(), Status::FULL),
        // A handler that fails with a success, or with nothing: a mistake of the server's.
        (Status::OK.code(), Status::INTERNAL_ERROR),
        (Status::NO_REPLY.code(), Status::INTERNAL_ERROR),
        (0, Status::INTERNAL_ERROR),
        (1000, Status::INTERNAL_ERROR),
    ] {
        records.equal("answer: error", peer.call_words(5, [code.into(), 0, 0]).map(drop), Err(expected));
    }
    Ok(())
}

fn token_of(peer: &Connection, message: &Message<'_>) -> Result<Token> {
    peer.call(message, &mut [])?.token.ok_or(Status::NOT_FOUND)
}

pub fn tokens(records: &mut Records) -> Result {
    let (peer, other) = (Connection::open("peer")?, Connection::open("rust_peer")?);
    let token = token_of(&peer, &Message::new(c::TOKEN_MAKE).param(7).words([0, 0]));
    records.equal("token", token.as_ref().map(drop).map_err(|status| *status), Ok(()));
    let token = token?;
    records.equal("token: number", token.call_words(c::WHO, [0; 3]).map(|[number, ..]| number), Ok(7));
    let mut buffer = [0; 16];
    let echo = token.call(&Message::new(c::ECHO).payload(b"through it"), &mut buffer).map(|r| r.payload == b"through it");
    records.equal("token: payload", echo, Ok(true));
    // Passed on to a third, who calls through it, and the sender keeps its own.
    let passed = other.call(&Message::new(9).token(&token), &mut []).map(|reply| reply.param);
    records.equal("token: passed on", passed, Ok(7));
    records.equal("token: still here", token.ping(), Ok(()));
    peer.call_words(c::TOKEN_REVOKE, [7, 0, 0])?;
    records.equal("token: revoked", token.ping(), Err(Status::INVALID_TOKEN));

    let many = token_of(&other, &Message::new(6))?;
    let own = u64::from(kos::app::domain());
    records.equal("token of Rust", many.call_words(7, [0; 3]), Ok([77, own, 0]));
    let mine = other.call(&Message::new(17).token(&many), &mut []).map(|reply| (reply.param, reply.words[1]));
    records.equal("token of Rust: back to its maker", mine, Ok((77, own)));
    records.equal("token of Rust: not one of its own", other.call_words(17, [0; 3]).map(drop), Err(Status::NOT_FOUND));
    records.equal("token of Rust: number in use", token_of(&other, &Message::new(6)).map(drop), Err(Status::CONFLICT));
    records.equal("token of Rust: revoke", other.call_words(8, [77, 0, 0]).map(drop), Ok(()));
    records.equal("token of Rust: revoked", many.call_words(7, [0; 3]), Err(Status::INVALID_TOKEN));
    let once = token_of(&other, &Message::new(6).param(1))?;
    records.equal("token for one use", once.call_words(7, [0; 3]), Ok([78, own, 0]));
    records.equal("token for one use: second", once.call_words(7, [0; 3]), Err(Status::INVALID_TOKEN));
    // Slots come back: more than a domain can hold at once, one after the other, on both sides.
    let mut rounds = 0;
    while rounds < 600 && token_of(&other, &Message::new(6)).is_ok() && other.call_words(8, [77, 0, 0]).is_ok() {
        rounds += 1;
    }
    records.equal("tokens: six hundred", rounds, 600);
    records.equal("token: none sent", other.call_words(9, [0; 3]).map(drop), Err(Status::INVALID_TOKEN));
    Ok(())
}

pub fn deferred(records: &mut Records) -> Result {
    let peer = Connection::open("rust_peer")?;
    static ENDED: AtomicU64 = AtomicU64::new(0);
    let wait = || {
        thread::spawn(|| {
            let mut buffer = [0; 16];
            let reply = Connection::open("rust_peer")?.call(&Message::new(10), &mut buffer);
            ENDED.fetch_add(1, Ordering::SeqCst);
            reply.map(|reply| (reply.param, String::from_utf8_lossy(reply.payload).into_owned()))
        })
    };
    let until_waiting = |count| {
        let (limit, pause) = (Instant::after(Duration::from_secs(10)), Duration::from_millis(5));
        poll_until(limit, pause, || peer.call_words(16, [0; 3]) == Ok([count, 0, 0]))
    };
    for (label, expected) in [
        (11, Ok((0, String::from("later")))),
        (12, Err(Status::INTERNAL_ERROR)),
        (13, Err(Status::UNAVAILABLE)),
    ] {
        let waiting = wait()?;
        until_waiting(1)?;
        peer.call_words(label, [0; 3])?;
        records.equal("answered later", waiting.join()?, expected);
    }
    // In registers, because calls with a payload wait for each other's window. The third one finds no reply object.
    ENDED.store(0, Ordering::SeqCst);
    let ask = || {
        thread::spawn(|| {
            let result = Connection::open("rust_peer")?.call_words(10, [0; 3]).map(drop);
            ENDED.fetch_add(1, Ordering::SeqCst);
            result
        })
    };
    let all = [ask()?, ask()?, ask()?];
    until_waiting(2)?;
    let refused = || ENDED.load(Ordering::SeqCst) == 1;
    poll_until(Instant::after(Duration::from_secs(10)), Duration::from_millis(5), refused)?;
    peer.call_words(13, [0; 3])?;
    let mut answers: Vec<Status> = all.into_iter().filter_map(|t| t.join().ok()?.err()).collect();
    answers.sort_by_key(|answer| answer.code());
    records.equal("one too many", answers, vec![Status::FULL, Status::UNAVAILABLE, Status::UNAVAILABLE]);
    Ok(())
}

pub fn one_way(records: &mut Records) -> Result {
    let (peer, other) = (Connection::open("peer")?, Connection::open("rust_peer")?);
    for number in 1..=3u64 {
        records.equal("send", peer.send(c::ECHO, &number.to_le_bytes()), Ok(()));
    }
    records.equal("send to Rust", other.send(1, &[1, 2, 3]), Ok(()));
    records.equal("send: too long", other.send(1, &[0; 49]), Err(Status::INVALID_ARGUMENT));
    let mut samples = Ring::open("samples")?;
    let mut sent = 0;
    while sent < 200 {
        match samples.send(2, &[0; 50]) {
            Ok(()) => sent += 1,
            Err(Status::FULL) => samples.wait(samples.record_needs(50))?,
            Err(Status::PEER_GONE) => {}
            Err(status) => return Err(status),
        }
    }
    let mut place = samples.reserve(8)?;
    records.equal("ring: put", place.put(0, b"abcd").and_then(|()| place.put(4, b"efgh")), Ok(()));
    records.equal("ring: too much", place.put(6, b"abcd"), Err(Status::INVALID_ARGUMENT));
    records.equal("ring: commit", place.commit(8, 1), Ok(()));
    let limit = Instant::after(Duration::from_secs(10));
    poll_until(limit, Duration::from_millis(5), || other.call_words(14, [0; 3]) == Ok([1, 6, 200 * 2 * 50 + 8]))?;
    records.equal("taken by C", peer.call_words(c::QUEUE, [0; 3]), Ok([3, 3, 0]));
    records.equal("taken by Rust", other.call_words(14, [0; 3]), Ok([1, 6, 200 * 2 * 50 + 8]));
    Ok(())
}

pub fn death(records: &mut Records) -> Result {
    let peer = Connection::open("peer")?;
    // An unmapped address (tests/system/common/faults.h: the first kind).
    records.equal("the server dies", peer.call_words(c::WRONG, [0, 0, 0]).map(drop), Err(Status::PEER_GONE));
    records.equal("and is back", peer.call_words(c::ECHO, [1, 0, 0]).map(|[param, ..]| param), Ok(2));
    Ok(())
}
