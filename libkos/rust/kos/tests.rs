//! Unit tests of what the crate does itself: results, lifetimes of tokens and deferred callers, names, time, bounds.

use crate::device::{Device, Dma};
use crate::fake::{world, Event, EMPTY};
use crate::text::Text;
use crate::time::{self, to_duration, to_ticks};
use crate::token::Uses;
use crate::*;
use core::fmt::Write;
use kos_sys::*;

fn answer(status: Status, message: kos_msg_t) {
    world(|world| world.answers.push_back((status.code(), Some(message))));
}

fn own_error(status: Status) {
    world(|world| world.answers.push_back((status.code(), None)));
}

fn connection() -> Connection {
    Connection::open("echo").unwrap()
}

const CALLER: kos_caller_t = kos_caller_t { domain: 7, port: 2, token: 9 };

#[test]
fn statuses_are_results() {
    assert_eq!(Status::OK.check(), Ok(()));
    assert_eq!(Status::CREATED.check(), Ok(()));
    assert_eq!(Status::TIMEOUT.check(), Err(Status::TIMEOUT));
    for strange in [0, 1, 127, 256, u32::MAX] {
        assert_eq!(Status::from_code(strange).check(), Err(Status::PEER_INVALID));
    }
    assert_eq!(format!("{} {:?}", Status::FULL, Status::from_code(99)), "FULL UNKNOWN(99)");
}

#[test]
fn handlers_cannot_fail_with_a_success() {
    assert_eq!(Status::of_handler(Ok(())), Status::OK);
    assert_eq!(Status::of_handler(Err(Status::NOT_FOUND)), Status::NOT_FOUND);
    for wrong in [Status::OK, Status::PONG, Status::NO_REPLY, Status::from_code(0), Status::from_code(256)] {
        assert_eq!(Status::of_handler(Err(wrong)), Status::INTERNAL_ERROR);
    }
}

#[test]
fn names_are_checked() {
    let longest = "a".repeat(KOS_MAX_NAME);
    assert!(Connection::open(&longest).is_ok());
    assert_eq!(world(|world| world.names.pop()), Some(longest));
    assert_eq!(Connection::open(&"a".repeat(KOS_MAX_NAME + 1)).err(), Some(Status::INVALID_ARGUMENT));
    assert_eq!(Connection::open("a\0b").err(), Some(Status::INVALID_ARGUMENT));
    assert!(world(|world| world.names.is_empty()));
}

#[test]
fn texts_are_cut_at_characters() {
    let mut text = Text::<6>::new();
    write!(text, "ab\0é€c").unwrap();
    // Five bytes for text: the é fits, the three bytes of the euro do not, and nothing after it may.
    assert_eq!(text.as_bytes(), "ab?é".as_bytes());
    let mut full = Text::<4>::new();
    write!(full, "{}", 12345).unwrap();
    assert_eq!(full.as_bytes(), b"123");
}

#[test]
fn the_log_gets_a_line() {
    info!("{} kPa", 12);
    error!("{}", "x".repeat(1000));
    world(|world| {
        assert_eq!(world.lines[0], (KOS_LOG_INFO, b"12 kPa".to_vec()));
        assert_eq!((world.lines[1].0, world.lines[1].1.len()), (KOS_LOG_ERROR, KOS_LOG_TEXT_MAX));
    });
}

#[test]
fn call_words_replaces_all_three() {
    answer(Status::OK, kos_msg_t { param: 4, words: [5, 6], ..EMPTY });
    assert_eq!(connection().call_words(9, [1, 2, 3]), Ok([4, 5, 6]));
    let (target, sent, _) = world(|world| world.requests.remove(0));
    assert_eq!((target, sent.label, sent.param, sent.words), (40, 9, 1, [2, 3]));
    own_error(Status::PEER_GONE);
    assert_eq!(connection().call_words(9, [1, 2, 3]), Err(Status::PEER_GONE));
}

#[test]
fn payloads_are_copied_both_ways() {
    let bytes = b"answer";
    answer(Status::CREATED, kos_msg_t { payload: bytes.as_ptr().cast(), payload_bytes: 6, param: 8, ..EMPTY });
    let mut buffer = [0; 8];
    let reply = connection().call(&Message::new(2).words([1, 2]).payload(b"question"), &mut buffer).unwrap();
    assert_eq!((reply.status, reply.param, reply.payload), (Status::CREATED, 8, &b"answer"[..]));
    let (_, sent, payload) = world(|world| world.requests.remove(0));
    assert_eq!((sent.has_words, sent.words, payload), (1, [1, 2], b"question".to_vec()));

    answer(Status::OK, kos_msg_t { payload: bytes.as_ptr().cast(), payload_bytes: 6, ..EMPTY });
    assert_eq!(connection().call(&Message::new(2), &mut [0; 5]).err(), Some(Status::PEER_INVALID));
    let long = [0; KOS_PAYLOAD_MAX + 1];
    assert_eq!(connection().call(&Message::new(2).payload(&long), &mut []).err(), Some(Status::INVALID_ARGUMENT));
}

#[test]
fn tokens_have_one_owner() {
    answer(Status::OK, kos_msg_t { token: 50, ..EMPTY });
    let token = connection().call(&Message::new(1), &mut []).unwrap().token.unwrap();
    assert!(world(|world| world.deleted.is_empty()));
    // Sent along, kept, and not taken for a new one when libkos leaves the message as it is.
    own_error(Status::INVALID_ARGUMENT);
    assert_eq!(connection().call(&Message::new(1).token(&token), &mut []).err(), Some(Status::INVALID_ARGUMENT));
    assert!(world(|world| world.deleted.is_empty()));
    drop(token);
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [50]);
    // Whatever else is wrong with an answer, its token is not lost.
    answer(Status::FULL, kos_msg_t { token: 51, ..EMPTY });
    assert!(connection().call(&Message::new(1), &mut []).is_err());
    answer(Status::OK, kos_msg_t { token: 52, payload_bytes: 1, ..EMPTY });
    assert!(connection().call(&Message::new(1), &mut []).is_err());
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [51, 52]);
}

#[test]
fn tokens_are_made_as_asked() {
    drop(Token::create("echo", 5, Uses::Once, 3));
    world(|world| assert_eq!((world.names.remove(0), world.deleted.remove(0)), ("echo 5 32 3".to_string(), 60)));
}

#[derive(Default)]
struct Recorder {
    own: Vec<u8>,
    waiting: Vec<Deferred>,
    queued: Vec<(u64, Vec<u8>)>,
    bits: u64,
    stolen: Option<Token>,
}

impl Server for Recorder {
    fn call<'a>(&'a mut self, request: &Request<'a>, answer: &mut Answer<'a>) -> Result {
        match request.label {
            1 => drop(answer.param(request.caller.token).payload(request.payload)),
            2 => drop(answer.payload(&self.own)),
            3 => drop(answer.copy(&[3; 3])),
            4 => drop(answer.token(Token::from_slot(70))),
            5 => self.stolen = request.take_token(),
            6 => self.waiting.push(request.defer()?),
            7 => {
                answer.token(Token::from_slot(71)).param(1);
                return Err(Status::FULL);
            }
            8 => drop(answer.status(Status::FULL)),
            9 => drop(request.defer()?),
            10 => return Err(serve(&mut Recorder::default()).unwrap_err()),
            _ => return Err(Status::BAD_REQUEST),
        }
        Ok(())
    }

    fn queued(&mut self, caller: Caller, label: u64, bytes: &[u8]) {
        assert_eq!(caller.domain, 3);
        self.queued.push((label, bytes.to_vec()));
    }

    fn signalled(&mut self, bits: u64) {
        self.bits |= bits;
    }
}

fn request(label: u64, token: u64, payload: &[u8]) -> Event {
    Event::Call(CALLER, kos_msg_t { label, token, ..EMPTY }, payload.to_vec())
}

/// The tests of servers run one after the other: a domain has one loop.
static ONE_LOOP: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn serve_all(recorder: &mut Recorder, events: Vec<Event>) -> Vec<(Status, kos_msg_t, Vec<u8>)> {
    let _one = ONE_LOOP.lock().unwrap_or_else(|broken| broken.into_inner());
    world(|world| world.events = events.into());
    serve(recorder).unwrap();
    let served = world(|world| core::mem::take(&mut world.served));
    served.into_iter().map(|(status, message, bytes)| (Status::from_code(status), message, bytes)).collect()
}

#[test]
fn answers_come_from_anywhere() {
    let mut recorder = Recorder { own: b"own".to_vec(), ..Recorder::default() };
    let events = vec![request(1, 0, b"echo"), request(2, 0, b""), request(3, 0, b""), request(99, 0, b""), request(8, 0, b"")];
    let served = serve_all(&mut recorder, events);
    assert_eq!((served[0].0, served[0].1.param, &served[0].2[..]), (Status::OK, 9, &b"echo"[..]));
    assert_eq!(served[1].2, b"own");
    assert_eq!(served[2].2, [3; 3]);
    assert_eq!(served[3].0, Status::BAD_REQUEST);
    assert_eq!(served[4].0, Status::INTERNAL_ERROR);
}

#[test]
fn a_token_that_was_given_away_lives_until_it_is_sent() {
    let mut recorder = Recorder::default();
    let served = serve_all(&mut recorder, vec![request(4, 0, b"")]);
    assert_eq!(served[0].1.token, 70);
    // The loop ended after it: dropped with the loop's state.
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [70]);
    let served = serve_all(&mut recorder, vec![request(7, 0, b"")]);
    assert_eq!((served[0].0, served[0].1.token, served[0].1.param), (Status::FULL, 0, 0));
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [71]);
}

#[test]
fn a_token_that_nobody_takes_is_dropped() {
    let mut recorder = Recorder::default();
    serve_all(&mut recorder, vec![request(1, 80, b""), request(99, 81, b""), request(5, 82, b"")]);
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [80, 81]);
    drop(recorder.stolen.take());
    assert_eq!(world(|world| core::mem::take(&mut world.deleted)), [82]);
}

#[test]
fn deferred_callers_are_answered_once() {
    let mut recorder = Recorder::default();
    let served = serve_all(&mut recorder, vec![request(6, 0, b""), request(6, 0, b""), request(6, 0, b""), request(6, 0, b"")]);
    assert!(served.iter().all(|(status, ..)| *status == Status::NO_REPLY));
    assert!(world(|world| world.answered.is_empty()));
    let mut waiting = recorder.waiting.drain(..);
    let first = waiting.next().unwrap();
    assert_eq!(first.caller(), Caller { domain: 7, port: 2, token: 9 });
    first.answer(&Message::new(0).param(4).payload(b"late")).unwrap();
    waiting.next().unwrap().fail(Status::TIMEOUT);
    // No failure may claim to be a success, and a payload that cannot be sent leaves nobody waiting.
    waiting.next().unwrap().fail(Status::OK);
    let long = [0; KOS_PAYLOAD_MAX + 1];
    assert_eq!(waiting.next().unwrap().answer(&Message::new(0).payload(&long)), Err(Status::INVALID_ARGUMENT));
    drop(waiting);
    let answered = world(|world| core::mem::take(&mut world.answered));
    let broken = (30, KOS_STATUS_INTERNAL_ERROR, 0, Vec::new());
    assert_eq!(
        answered,
        [(30, KOS_STATUS_OK, 4, b"late".to_vec()), (30, KOS_STATUS_TIMEOUT, 0, Vec::new()), broken.clone(), broken]
    );
}

#[test]
fn a_forgotten_caller_is_answered() {
    let served = serve_all(&mut Recorder::default(), vec![request(9, 0, b"")]);
    assert_eq!(served[0].0, Status::NO_REPLY);
    assert_eq!(world(|world| world.answered.remove(0).1), KOS_STATUS_INTERNAL_ERROR);
    // None free: the caller is told at once.
    world(|world| world.status = KOS_STATUS_FULL);
    let served = serve_all(&mut Recorder::default(), vec![request(6, 0, b"")]);
    assert_eq!(served[0].0, Status::FULL);
    assert!(world(|world| world.answered.is_empty()));
}

#[test]
fn queue_and_signals_arrive() {
    let mut recorder = Recorder::default();
    let events = vec![Event::Queued(5, b"abc".to_vec()), Event::Queued(6, Vec::new()), Event::Signals(1 << 33)];
    serve_all(&mut recorder, events);
    assert_eq!(recorder.queued, [(5, b"abc".to_vec()), (6, Vec::new())]);
    assert_eq!(recorder.bits, 1 << 33);
}

#[test]
fn a_domain_serves_once_at_a_time() {
    let served = serve_all(&mut Recorder::default(), vec![request(10, 0, b"")]);
    assert_eq!(served[0].0, Status::CONFLICT);
}

#[test]
fn time_is_converted_without_loss() {
    const HZ: u64 = 62_500_000;
    assert_eq!(to_duration(HZ * 3 + HZ / 2, HZ), Duration::from_millis(3500));
    assert_eq!(to_duration(u64::MAX, 1).as_secs(), u64::MAX);
    assert_eq!(to_ticks(Duration::from_nanos(1), HZ), 1);
    assert_eq!(to_ticks(Duration::from_nanos(16), HZ), 1);
    assert_eq!(to_ticks(Duration::from_nanos(17), HZ), 2);
    assert_eq!(to_ticks(Duration::MAX, HZ), u64::MAX);
    assert_eq!(to_ticks(Duration::ZERO, HZ), 0);
}

#[test]
fn instants_saturate() {
    world(|world| world.counter = 5000);
    let now = Instant::now();
    assert_eq!(now + Duration::MAX, Instant::FOREVER);
    assert_eq!((now - Duration::from_secs(2)).ticks(), 3000);
    assert_eq!((now - Duration::MAX).ticks(), 0);
    assert_eq!(now - Instant::from_ticks(6000), Duration::ZERO);
    world(|world| world.counter = 7500);
    assert_eq!(now.elapsed(), Duration::from_millis(2500));
}

#[test]
fn sleeping_is_never_too_short() {
    time::sleep(Duration::from_nanos(1)).unwrap();
    time::sleep(Duration::from_nanos(2001)).unwrap();
    time::sleep(Duration::MAX).unwrap();
    assert_eq!(world(|world| core::mem::take(&mut world.slept)), [1, 3, u64::MAX]);
}

#[test]
fn polling_ends() {
    let mut left = 3;
    let until = Instant::after(Duration::from_secs(10));
    let pause = Duration::from_secs(1);
    assert_eq!(time::poll_until(until, pause, || { left -= 1; left == 0 }), Ok(()));
    assert_eq!(time::poll_until(until, pause, || false), Err(Status::TIMEOUT));
}

#[test]
fn registers_are_inside() {
    let device = Device::find("uart").unwrap();
    device.register::<u32>(0xffc).unwrap().write(5);
    device.register::<u32>(0xffc).unwrap().modify(|value| value + 1);
    assert_eq!(device.register::<u16>(0xffc).unwrap().read(), 6);
    for offset in [0x1000, 0xffd, 2, usize::MAX - 3, usize::MAX] {
        assert_eq!(device.register::<u32>(offset).err(), Some(Status::INVALID_ARGUMENT));
    }
    assert!(device.register::<u8>(0xfff).is_ok());
    assert_eq!(device.register::<u64>(0xffc).err(), Some(Status::INVALID_ARGUMENT));
}

#[test]
fn dma_memory_is_bounded() {
    let mut memory = Dma::find("buffer").unwrap();
    memory.write(4090, b"abcdef").unwrap();
    let mut bytes = [0; 6];
    memory.read(4090, &mut bytes).unwrap();
    assert_eq!(&bytes, b"abcdef");
    assert_eq!(memory.write(4091, b"abcdef"), Err(Status::INVALID_ARGUMENT));
    assert_eq!(memory.read(usize::MAX, &mut bytes), Err(Status::INVALID_ARGUMENT));
    assert_eq!(memory.store(4092, 7u32).and_then(|()| memory.load::<u32>(4092)), Ok(7));
    assert_eq!(memory.load::<u64>(4092), Err(Status::INVALID_ARGUMENT));
    assert_eq!((memory.physical(4095), memory.physical(4096)), (Ok(0x4000_0fff), Err(Status::INVALID_ARGUMENT)));
}
