//! Rings (`kos/ring.h`): bulk data to or from another domain, without a call per transfer.
//!
//! The other side is not trusted and may be restarted: see the header for `EMPTY`, `FULL`, `PEER_GONE`, `PEER_INVALID`.

use crate::name::Name;
use crate::status::check;
use crate::{Instant, Result};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use kos_sys::kos_ring_t;

/// One side of a ring of the manifest. Open each side once: a second one begins anew and the other domain is told.
pub struct Ring {
    ring: kos_ring_t,
}

// SAFETY: one thread at a time uses it, because everything takes &mut self; the shared memory stays mapped.
unsafe impl Send for Ring {}

/// A record that [`Ring::receive`] has copied out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The application's.
    pub tag: u32,
    /// The record, in the caller's buffer.
    pub bytes: &'a [u8],
}

impl Ring {
    /// The ring `name` of the manifest. `NOT_FOUND`.
    pub fn open(name: &str) -> Result<Ring> {
        let name = Name::new(name)?;
        let mut ring = MaybeUninit::<kos_ring_t>::zeroed();
        // SAFETY: zero-terminated name; `ring` may be written, and zeros are a value of it already.
        check(unsafe { kos_sys::kos_ring_open(name.as_ptr(), ring.as_mut_ptr()) })?;
        // SAFETY: opened.
        Ok(Ring { ring: unsafe { ring.assume_init() } })
    }

    /// Begins again after `PEER_INVALID`. The other side gets `PEER_GONE`.
    pub fn reset(&mut self) {
        // SAFETY: opened.
        unsafe { kos_sys::kos_ring_reset(&mut self.ring) }
    }

    /// Producer: writes as many bytes as there is room for, at least one; says how many. `FULL`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut done = 0;
        // SAFETY: opened; `bytes` is readable for its length.
        check(unsafe { kos_sys::kos_ring_write(&mut self.ring, bytes.as_ptr().cast(), bytes.len(), &mut done) })?;
        Ok(done)
    }

    /// Consumer: reads as many bytes as there are, at least one; says how many. `EMPTY`.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        // SAFETY: opened; `bytes` is writable for its length.
        check(unsafe { kos_sys::kos_ring_read(&mut self.ring, bytes.as_mut_ptr().cast(), bytes.len(), &mut done) })?;
        Ok(done)
    }

    /// The longest record.
    pub fn record_max(&self) -> usize {
        // SAFETY: opened.
        unsafe { kos_sys::kos_ring_record_max(&self.ring) }
    }

    /// What [`Ring::wait`] must wait for before a record of `count` bytes can be sent.
    pub fn record_needs(&self, count: usize) -> usize {
        // SAFETY: opened.
        unsafe { kos_sys::kos_ring_record_needs(&self.ring, count) }
    }

    /// Producer: sends a record. `FULL`.
    pub fn send(&mut self, tag: u32, bytes: &[u8]) -> Result {
        // SAFETY: opened; `bytes` is readable for its length.
        check(unsafe { kos_sys::kos_ring_send(&mut self.ring, tag, bytes.as_ptr().cast(), bytes.len()) })
    }

    /// Consumer: the next record, copied into `buffer`. `EMPTY`. `INVALID_ARGUMENT`: it is longer than that, and stays.
    pub fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> Result<Record<'a>> {
        let (mut length, mut tag) = (0, 0);
        let (start, count) = (buffer.as_mut_ptr().cast::<c_void>(), buffer.len());
        // SAFETY: opened; `buffer` is writable for its length.
        check(unsafe { kos_sys::kos_ring_receive(&mut self.ring, start, count, &mut length, &mut tag) })?;
        Ok(Record { tag, bytes: &buffer[..length] })
    }

    /// Producer: room for a record of up to `count` bytes, to be filled in place. `FULL`.
    pub fn reserve(&mut self, count: usize) -> Result<Reservation<'_>> {
        let mut payload = core::ptr::null_mut();
        // SAFETY: opened; `payload` may be written.
        check(unsafe { kos_sys::kos_ring_reserve(&mut self.ring, count, &mut payload) })?;
        Ok(Reservation { ring: self, payload: payload.cast(), room: count })
    }

    /// Main thread: sleeps until `wanted` bytes are there (consumer; 1 for records) or free (producer), or the other side
    /// was restarted. `UNAVAILABLE`: the domain shall stop.
    pub fn wait(&mut self, wanted: usize) -> Result {
        // SAFETY: opened.
        check(unsafe { kos_sys::kos_ring_wait(&mut self.ring, wanted) })
    }

    /// Any thread: until `deadline` at most: `TIMEOUT`. Needs the port "timer".
    pub fn wait_until(&mut self, wanted: usize, deadline: Instant) -> Result {
        // SAFETY: opened.
        check(unsafe { kos_sys::kos_ring_wait_until(&mut self.ring, wanted, deadline.ticks()) })
    }

    /// For servers, after `EMPTY` or `FULL`: true if there is something to do already; false if `signalled` will be called
    /// with [`Ring::signal`].
    pub fn prepare_wait(&mut self, wanted: usize) -> bool {
        // SAFETY: opened.
        unsafe { kos_sys::kos_ring_prepare_wait(&mut self.ring, wanted) != 0 }
    }

    /// The bit with which the other side wakes this domain.
    pub fn signal(&self) -> u64 {
        self.ring.signal
    }
}

/// Room in a ring, not yet to be seen by the consumer. Dropped uncommitted, nothing is sent.
pub struct Reservation<'a> {
    ring: &'a mut Ring,
    payload: *mut u8,
    room: usize,
}

impl Reservation<'_> {
    /// Copies `bytes` to `offset`. `INVALID_ARGUMENT`: it does not fit.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) -> Result {
        match offset.checked_add(bytes.len()) {
            Some(end) if end <= self.room => {
                // SAFETY: inside the reservation, of which nobody has a reference.
                unsafe { self.payload.add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                Ok(())
            }
            _ => Err(crate::Status::INVALID_ARGUMENT),
        }
    }

    /// Sends the first `count` bytes.
    pub fn commit(self, count: usize, tag: u32) -> Result {
        // SAFETY: reserved, and `count` is checked by libkos.
        check(unsafe { kos_sys::kos_ring_commit(&mut self.ring.ring, count, tag) })
    }
}
