//! Locks and signals between the threads of one domain (`kos/sync.h`). Waiting with a limit needs the port "timer".

use crate::status::check;
use crate::{Instant, Result, Status};
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use kos_sys::{kos_condition_t, kos_event_t, kos_mutex_t, kos_semaphore_t};

/// Data that one thread at a time may touch. Not recursive: locking it twice in one thread ends the domain.
#[derive(Default)]
pub struct Mutex<T: ?Sized> {
    lock: Lock,
    data: UnsafeCell<T>,
}

struct Lock(UnsafeCell<kos_mutex_t>);

impl Default for Lock {
    fn default() -> Self {
        Lock(UnsafeCell::new(kos_mutex_t { word: 0 }))
    }
}

// SAFETY: `data` is reached through a MutexGuard only, of which there is one at a time; the lock itself is made for
// several threads.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as Send; a guard hands out &mut T, so T must be Send.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A free mutex around `data`.
    pub const fn new(data: T) -> Mutex<T> {
        Mutex { lock: Lock(UnsafeCell::new(kos_mutex_t { word: 0 })), data: UnsafeCell::new(data) }
    }

    /// The data, without the lock.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until it is free and locks it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // SAFETY: a mutex that is never moved while somebody has it: the guard borrows self.
        unsafe { kos_sys::kos_mutex_lock(self.lock.0.get()) };
        MutexGuard { mutex: self, this_thread: PhantomData }
    }

    /// Waits until `deadline` at most: `TIMEOUT`.
    pub fn lock_until(&self, deadline: Instant) -> Result<MutexGuard<'_, T>> {
        // SAFETY: as lock.
        check(unsafe { kos_sys::kos_mutex_lock_until(self.lock.0.get(), deadline.ticks()) })?;
        Ok(MutexGuard { mutex: self, this_thread: PhantomData })
    }

    /// Never waits. `CONFLICT`: somebody has it.
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>> {
        // SAFETY: as lock.
        check(unsafe { kos_sys::kos_mutex_try_lock(self.lock.0.get()) })?;
        Ok(MutexGuard { mutex: self, this_thread: PhantomData })
    }

    /// The data of a mutex that nobody else can have.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}

/// A locked mutex; dropping it unlocks.
#[must_use = "unlocked again at once otherwise"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// Who locked it must unlock it: not Send.
    this_thread: PhantomData<*mut ()>,
}

// SAFETY: a shared guard gives &T only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this guard's thread has the mutex.
        unsafe { &*self.mutex.data.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard's thread has the mutex, and the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.data.get() }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: locked by this thread.
        unsafe { kos_sys::kos_mutex_unlock(self.mutex.lock.0.get()) }
    }
}

macro_rules! shared {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $initial:expr) => {
        $(#[$doc])*
        pub struct $name(UnsafeCell<$raw>);

        // SAFETY: made for several threads; all access goes through libkos's atomic operations.
        unsafe impl Sync for $name {}
        // SAFETY: as Sync; it has no owner thread.
        unsafe impl Send for $name {}

        impl Default for $name {
            fn default() -> Self {
                $name(UnsafeCell::new($initial))
            }
        }
    };
}

shared! {
    /// Waits for a change of what a mutex protects. As everywhere, check the condition again after waiting.
    Condition, kos_condition_t, kos_condition_t { waiters: 0, last: 0 }
}

impl Condition {
    /// A condition variable that nobody waits for.
    pub const fn new() -> Condition {
        Condition(UnsafeCell::new(kos_condition_t { waiters: 0, last: 0 }))
    }

    /// Unlocks, waits until somebody signals, and locks again.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        // SAFETY: this thread has the mutex; the exclusive borrow keeps it away from the data while it is unlocked.
        unsafe { kos_sys::kos_condition_wait(self.0.get(), guard.mutex.lock.0.get()) }
    }

    /// Until `deadline` at most: `TIMEOUT`. The mutex is locked again in any case.
    pub fn wait_until<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, deadline: Instant) -> Result {
        // SAFETY: as wait.
        check(unsafe { kos_sys::kos_condition_wait_until(self.0.get(), guard.mutex.lock.0.get(), deadline.ticks()) })
    }

    /// Wakes one.
    pub fn notify_one(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_condition_signal(self.0.get()) }
    }

    /// Wakes all.
    pub fn notify_all(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_condition_broadcast(self.0.get()) }
    }
}

shared! {
    /// Once set, everybody passes until it is reset.
    Event, kos_event_t, kos_event_t { word: 0 }
}

impl Event {
    /// An event that is not set.
    pub const fn new() -> Event {
        Event(UnsafeCell::new(kos_event_t { word: 0 }))
    }

    /// Lets everybody pass.
    pub fn set(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_event_set(self.0.get()) }
    }

    /// Lets nobody pass any more.
    pub fn reset(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_event_reset(self.0.get()) }
    }

    /// Is it set?
    pub fn is_set(&self) -> bool {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_event_is_set(self.0.get()) != 0 }
    }

    /// Waits until it is set.
    pub fn wait(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_event_wait(self.0.get()) }
    }

    /// Until `deadline` at most: `TIMEOUT`.
    pub fn wait_until(&self, deadline: Instant) -> Result {
        // SAFETY: no preconditions.
        check(unsafe { kos_sys::kos_event_wait_until(self.0.get(), deadline.ticks()) })
    }
}

shared! {
    /// A number of units that threads take and give back.
    Semaphore, kos_semaphore_t, kos_semaphore_t { word: 0 }
}

impl Semaphore {
    /// A semaphore with `count` units.
    pub const fn new(count: u32) -> Semaphore {
        Semaphore(UnsafeCell::new(kos_semaphore_t { word: count as u64 }))
    }

    /// Waits for a unit and takes it.
    pub fn wait(&self) {
        // SAFETY: no preconditions.
        unsafe { kos_sys::kos_semaphore_wait(self.0.get()) }
    }

    /// Until `deadline` at most: `TIMEOUT`.
    pub fn wait_until(&self, deadline: Instant) -> Result {
        // SAFETY: no preconditions.
        check(unsafe { kos_sys::kos_semaphore_wait_until(self.0.get(), deadline.ticks()) })
    }

    /// Never waits: was there a unit?
    pub fn try_wait(&self) -> bool {
        // SAFETY: no preconditions.
        Status::from_code(unsafe { kos_sys::kos_semaphore_try_wait(self.0.get()) }).is_ok()
    }

    /// Gives a unit. `FULL` at 2^32 - 1.
    pub fn post(&self) -> Result {
        // SAFETY: no preconditions.
        check(unsafe { kos_sys::kos_semaphore_post(self.0.get()) })
    }
}
