//! What a domain has of its own: description, heap, threads, locks, time, devices.

use crate::records::Records;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use kos::device::{Device, Dma, Interrupt};
use kos::memory::{self, Mapping};
use kos::prelude::*;
use kos::sync::{Condition, Semaphore};
use kos::{app, random, signal, thread, time, Duration, Event, Instant, Mutex};

extern crate alloc;

pub fn description(records: &mut Records) {
    records.equal("name", app::name(), "tester");
    records.check("domain", app::domain() != 0 && app::instance() == 1 && app::cores() > 0);
    records.equal("parameter: text", app::parameter("text"), Some("hello"));
    records.equal("parameter: none", app::parameter("none"), None);
    records.equal("parameter: too long a key", app::parameter("a_key_that_no_manifest_could_contain"), None);
    records.equal("parameter: decimal", app::parameter_number("decimal", 0), 42);
    records.equal("parameter: hexadecimal", app::parameter_number("hexadecimal", 0), 42);
    records.equal("parameter: absent", app::parameter_number("none", 7), 7);
    records.equal("persistent", app::persistent().map(|(_, bytes)| bytes), Ok(4096));
    records.check("should not stop", !app::should_stop());
    records.equal("log", kos::log::write(kos::log::Level::Info, format_args!("checks {}", "begin")), Ok(()));
}

#[repr(align(256))]
struct Aligned([u8; 256]);

pub fn heap(records: &mut Records) {
    let mut numbers: Vec<u64> = (0..1000).collect();
    numbers.reverse();
    records.equal("heap: vector", numbers.iter().sum(), 499_500);
    records.equal("heap: text", format!("{:>5}|{:.2}", 42, 1.5), String::from("   42|1.50"));
    let mut blocks: Vec<Box<Aligned>> = (0..4u8).map(|n| Box::new(Aligned([n; 256]))).collect();
    blocks.swap_remove(1);
    records.check("heap: alignment", blocks.iter().all(|b| (&b.0 as *const _ as usize) % 256 == 0));
    records.equal("heap: contents", blocks.iter().map(|b| u32::from(b.0[255])).sum(), 5);
    records.check("heap: zeroed", vec![0u8; 10_000].iter().all(|byte| *byte == 0));

    let before = memory::usage().map(|usage| usage.used_bytes);
    match Mapping::new(3 * 4096) {
        Ok(mut mapping) => {
            records.check("mapping: zeros", mapping.len() == 3 * 4096 && mapping.iter().all(|byte| *byte == 0));
            mapping[4096] = 1;
        }
        Err(status) => records.equal("mapping", status, Status::OK),
    }
    records.equal("mapping: given back", memory::usage().map(|usage| usage.used_bytes), before);
    records.equal("mapping: too large", Mapping::new(1 << 30).map(drop), Err(Status::NOT_ENOUGH_MEMORY));
}

pub fn threads(records: &mut Records) {
    records.equal("thread: main", thread::current_number(), 0);
    let text = String::from("moved");
    let joined = thread::spawn(move || format!("{text} to {}", thread::current_number())).and_then(|t| t.join());
    records.equal("thread: closure", joined, Ok(String::from("moved to 1")));
    // Each place is free again after its join.
    let rounds: Result<u64> = (0..20).map(|n| thread::spawn(move || n * 2)?.join()).sum();
    records.equal("thread: twenty times", rounds, Ok(380));

    let stop = Arc::new(Event::new());
    let all: Vec<_> = (0..3)
        .filter_map(|_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || stop.wait()).ok()
        })
        .collect();
    records.equal("thread: as many as the manifest says", all.len(), 3);
    records.equal("thread: one too many", thread::spawn(|| ()).map(drop), Err(Status::FULL));
    let mut all = all.into_iter();
    let late = all.next().map(|t| t.join_until(Instant::after(Duration::from_millis(5))));
    let (first, status) = match late {
        Some(Err(early)) => early,
        _ => return records.check("thread: joined too early", false),
    };
    records.equal("thread: join in time", status, Status::TIMEOUT);
    stop.set();
    records.check("thread: all join", core::iter::once(first).chain(all).all(|t| t.join().is_ok()));
}

pub fn locks(records: &mut Records) {
    static COUNT: Mutex<u64> = Mutex::new(0);
    static LOOSE: AtomicU64 = AtomicU64::new(0);
    let workers: Vec<_> = (0..3)
        .filter_map(|_| {
            thread::spawn(|| {
                for _ in 0..2000 {
                    let mut count = COUNT.lock();
                    // Nobody else can be in between.
                    *count += 1;
                    LOOSE.fetch_add(1, Ordering::Relaxed);
                }
            })
            .ok()
        })
        .collect();
    records.check("mutex: workers", workers.into_iter().map(|t| t.join()).filter(|r| r.is_ok()).count() == 3);
    records.equal("mutex: count", (*COUNT.lock(), LOOSE.load(Ordering::Relaxed)), (6000, 6000));
    let taken = COUNT.lock();
    let tried = thread::spawn(|| COUNT.try_lock().map(drop)).and_then(|t| t.join());
    records.equal("mutex: try", tried, Ok(Err(Status::CONFLICT)));
    let waited = thread::spawn(|| COUNT.lock_until(Instant::after(Duration::from_millis(2))).map(drop));
    records.equal("mutex: until", waited.and_then(|t| t.join()), Ok(Err(Status::TIMEOUT)));
    drop(taken);
    records.equal("mutex: free again", COUNT.try_lock().map(drop), Ok(()));

    static QUEUE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    static CHANGED: Condition = Condition::new();
    let consumer = thread::spawn(|| {
        let mut queue = QUEUE.lock();
        while queue.len() < 3 {
            CHANGED.wait(&mut queue);
        }
        queue.drain(..).sum::<u32>()
    });
    for number in 1..=3 {
        QUEUE.lock().push(number);
        CHANGED.notify_one();
    }
    records.equal("condition", consumer.and_then(|t| t.join()), Ok(6));
    let nobody = CHANGED.wait_until(&mut QUEUE.lock(), Instant::after(Duration::from_millis(2)));
    records.equal("condition: until", nobody, Err(Status::TIMEOUT));

    let units = Semaphore::new(1);
    records.equal("semaphore", (units.try_wait(), units.try_wait()), (true, false));
    records.equal("semaphore: until", units.wait_until(Instant::now()), Err(Status::TIMEOUT));
    records.equal("semaphore: post", units.post().map(|()| units.try_wait()), Ok(true));
    let event = Event::new();
    records.equal("event: until", event.wait_until(Instant::now()), Err(Status::TIMEOUT));
    event.set();
    event.wait();
    records.check("event", event.is_set());
    event.reset();
    records.check("event: reset", !event.is_set());
}

pub fn time(records: &mut Records) {
    let start = Instant::now();
    records.equal("sleep", time::sleep(Duration::from_millis(5)), Ok(()));
    let slept = start.elapsed();
    records.check("sleep: long enough", slept >= Duration::from_millis(5) && slept < Duration::from_secs(5));
    records.equal("alarm", time::alarm(3, Instant::after(Duration::from_millis(2))), Ok(()));
    records.equal("alarm: bit", signal::wait(signal::user(3)), signal::user(3));
    records.equal("alarm: taken", signal::poll(signal::user(3)), 0);
    records.equal("alarm: cancelled", time::cancel_alarm(3), Ok(()));
    records.equal("alarm: no such bit", time::alarm(16, Instant::now()), Err(Status::INVALID_ARGUMENT));
    records.check("wall clock", matches!(time::wall(), Ok(_) | Err(Status::UNAVAILABLE)));
    let (first, second) = (random::number(), random::number());
    records.check("random", first.is_ok() && second.is_ok() && first != second);
}

/// Registers of the PL031 (ARM DDI 0224, 3.2): data, match, interrupt mask, interrupt clear.
const DATA: usize = 0x0;
const MATCH: usize = 0x4;
const MASK: usize = 0x10;
const CLEAR: usize = 0x1c;

pub fn devices(records: &mut Records) {
    records.equal("device: none", Device::find("nothing").map(drop), Err(Status::NOT_FOUND));
    let interrupts = || -> Result<u32> {
        let clock = Device::find("clock")?;
        let interrupt = Interrupt::find("clock")?;
        let now = clock.register::<u32>(DATA)?;
        clock.register::<u32>(CLEAR)?.write(1);
        clock.register::<u32>(MASK)?.modify(|mask| mask | 1);
        interrupt.acknowledge();
        let next = now.read() + 1;
        clock.register::<u32>(MATCH)?.write(next);
        interrupt.wait()?;
        clock.register::<u32>(MASK)?.write(0);
        clock.register::<u32>(CLEAR)?.write(1);
        interrupt.acknowledge();
        Ok(now.read() - next)
    };
    records.equal("device: interrupt at the match", interrupts().map(|late| late < 5), Ok(true));
    let outside = |offset| Device::find("clock")?.register::<u32>(offset).map(drop);
    records.equal("device: last register", outside(0xffc), Ok(()));
    records.equal("device: outside", outside(0x1000), Err(Status::INVALID_ARGUMENT));
    records.equal("device: overflow", outside(usize::MAX - 3), Err(Status::INVALID_ARGUMENT));
    records.equal("device: not aligned", outside(2), Err(Status::INVALID_ARGUMENT));

    let mut memory = match Dma::find("buffer") {
        Ok(memory) => memory,
        Err(status) => return records.equal("dma", status, Status::OK),
    };
    records.equal("dma: size", memory.size_bytes(), 0x10000);
    records.equal("dma: physical", memory.physical(0x1000).ok(), memory.physical(0).ok().map(|first| first + 0x1000));
    records.equal("dma: store", memory.store(8, 0x1122_3344_u32), Ok(()));
    let mut bytes = [0; 4];
    records.equal("dma: read", memory.read(8, &mut bytes).map(|()| bytes), Ok([0x44, 0x33, 0x22, 0x11]));
    records.equal("dma: write", memory.write(0xfffe, &[1, 2]), Ok(()));
    records.equal("dma: load", memory.load::<u16>(0xfffe), Ok(0x0201));
    records.equal("dma: outside", memory.write(0xffff, &[1, 2]), Err(Status::INVALID_ARGUMENT));
    records.equal("dma: physical outside", memory.physical(0x10000), Err(Status::INVALID_ARGUMENT));
    kos::device::barrier();
}
