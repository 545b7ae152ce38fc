//! Devices (`kos/dev.h`): registers, interrupts and DMA memory that the manifest gives to this domain.
//!
//! A device that can do DMA writes where the driver tells it to; without an IOMMU neither Rust nor the kernel can check
//! that. Everything else here is checked.

use crate::name::Name;
use crate::status::check;
use crate::{Result, Status};
use core::marker::PhantomData;

/// What a register or a place in DMA memory can be: a plain number of 1, 2, 4 or 8 bytes.
///
/// # Safety
/// Every pattern of bits is a value of the type, and it has no padding.
pub unsafe trait Plain: Copy {}
// SAFETY: numbers.
unsafe impl Plain for u8 {}
// SAFETY: numbers.
unsafe impl Plain for u16 {}
// SAFETY: numbers.
unsafe impl Plain for u32 {}
// SAFETY: numbers.
unsafe impl Plain for u64 {}

/// The registers of a device.
pub struct Device {
    registers: *mut u8,
    physical: u64,
    bytes: usize,
}

// SAFETY: registers are the device's, not a thread's.
unsafe impl Send for Device {}
// SAFETY: accesses are volatile and single; which order means what, the device's driver has to know.
unsafe impl Sync for Device {}

impl Device {
    /// The manifest's `[[device]]` of this name. `NOT_FOUND`.
    pub fn find(name: &str) -> Result<Device> {
        let name = Name::new(name)?;
        let mut found = kos_sys::kos_device_t { registers: core::ptr::null_mut(), physical: 0, size_bytes: 0 };
        // SAFETY: zero-terminated name; `found` may be written.
        check(unsafe { kos_sys::kos_dev_find(name.as_ptr(), &mut found) })?;
        Ok(Device { registers: found.registers.cast(), physical: found.physical, bytes: found.size_bytes as usize })
    }

    /// The register at `offset` bytes. `INVALID_ARGUMENT`: outside the device, or not aligned.
    pub fn register<T: Plain>(&self, offset: usize) -> Result<Register<'_, T>> {
        place(self.registers, self.bytes, offset).map(|address| Register { address, device: PhantomData })
    }

    /// Where the registers are for other devices.
    pub fn physical(&self) -> u64 {
        self.physical
    }
}

/// The address of a T at `offset`, if it lies inside and is aligned.
fn place<T: Plain>(base: *mut u8, bytes: usize, offset: usize) -> Result<*mut T> {
    let size = core::mem::size_of::<T>();
    match offset.checked_add(size) {
        Some(end) if end <= bytes && offset % size == 0 => Ok(base.wrapping_add(offset).cast()),
        _ => Err(Status::INVALID_ARGUMENT),
    }
}

/// One register. Each access is one access of the device, in program order with all others.
pub struct Register<'a, T: Plain> {
    address: *mut T,
    device: PhantomData<&'a Device>,
}

// SAFETY: as Device.
unsafe impl<T: Plain> Send for Register<'_, T> {}
// SAFETY: as Device.
unsafe impl<T: Plain> Sync for Register<'_, T> {}

impl<T: Plain> Register<'_, T> {
    /// Reads it.
    #[inline]
    pub fn read(&self) -> T {
        // SAFETY: mapped for the life of the domain, inside and aligned (`place`).
        unsafe { self.address.read_volatile() }
    }

    /// Writes it.
    #[inline]
    pub fn write(&self, value: T) {
        // SAFETY: as read.
        unsafe { self.address.write_volatile(value) }
    }

    /// Reads it and writes what `change` makes of it.
    #[inline]
    pub fn modify(&self, change: impl FnOnce(T) -> T) {
        self.write(change(self.read()));
    }
}

/// Orders all accesses to normal memory and to devices before it with those after it, for the device, too: before telling
/// a device about DMA memory, and after it says that it has written some.
pub fn barrier() {
    #[cfg(not(any(test, kos_host)))]
    // SAFETY: has no other effect.
    unsafe {
        core::arch::asm!("dmb osh", options(nostack, preserves_flags))
    };
    #[cfg(any(test, kos_host))]
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}

/// An interrupt of the manifest. Masked until the first [`Interrupt::acknowledge`].
pub struct Interrupt {
    interrupt: kos_sys::kos_interrupt_t,
}

impl Interrupt {
    /// Interrupt of the device `name`; `NAME-1` is its second. `NOT_FOUND`.
    pub fn find(name: &str) -> Result<Interrupt> {
        let name = Name::new(name)?;
        let mut interrupt = kos_sys::kos_interrupt_t { handler: 0, signal: 0, number: 0 };
        // SAFETY: zero-terminated name; `interrupt` may be written.
        check(unsafe { kos_sys::kos_dev_interrupt(name.as_ptr(), &mut interrupt) })?;
        Ok(Interrupt { interrupt })
    }

    /// The bit with which `signalled` of a server, or [`crate::signal::wait`], tells of it.
    pub fn signal(&self) -> u64 {
        self.interrupt.signal
    }

    /// Lets the next one through. Call after the device's cause has been cleared.
    pub fn acknowledge(&self) {
        // SAFETY: made by kos_dev_interrupt.
        unsafe { kos_sys::kos_dev_interrupt_acknowledge(&self.interrupt) }
    }

    /// Main thread without a server loop: waits for the next one. `UNAVAILABLE`: the domain shall stop.
    pub fn wait(&self) -> Result {
        let bits = crate::signal::wait(self.signal());
        if bits & self.signal() != 0 {
            Ok(())
        } else {
            Err(Status::UNAVAILABLE)
        }
    }
}

/// DMA memory of the manifest: contiguous, shared with devices. Every access copies, because the device may write at any
/// time; put a [`barrier`] between memory and registers.
pub struct Dma {
    address: *mut u8,
    physical: u64,
    bytes: usize,
}

// SAFETY: memory of the domain that stays mapped; nobody is given a reference to it.
unsafe impl Send for Dma {}

impl Dma {
    /// The manifest's `[[dma]]` of this name. `NOT_FOUND`.
    pub fn find(name: &str) -> Result<Dma> {
        let name = Name::new(name)?;
        let mut found = kos_sys::kos_dma_t { address: core::ptr::null_mut(), physical: 0, size_bytes: 0 };
        // SAFETY: zero-terminated name; `found` may be written.
        check(unsafe { kos_sys::kos_dev_dma(name.as_ptr(), &mut found) })?;
        Ok(Dma { address: found.address.cast(), physical: found.physical, bytes: found.size_bytes as usize })
    }

    /// Its size.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// The physical address of the byte at `offset`, for the device. `INVALID_ARGUMENT`: outside.
    pub fn physical(&self, offset: usize) -> Result<u64> {
        if offset < self.bytes {
            Ok(self.physical + offset as u64)
        } else {
            Err(Status::INVALID_ARGUMENT)
        }
    }

    /// The number at `offset`. `INVALID_ARGUMENT`: outside, or not aligned.
    pub fn load<T: Plain>(&self, offset: usize) -> Result<T> {
        // SAFETY: inside and aligned; volatile, so it is read once.
        place::<T>(self.address, self.bytes, offset).map(|address| unsafe { address.read_volatile() })
    }

    /// Stores a number at `offset`. `INVALID_ARGUMENT`: outside, or not aligned.
    pub fn store<T: Plain>(&mut self, offset: usize, value: T) -> Result {
        // SAFETY: inside and aligned; volatile, so it is written once.
        place::<T>(self.address, self.bytes, offset).map(|address| unsafe { address.write_volatile(value) })
    }

    /// Copies from `offset` on. `INVALID_ARGUMENT`: not all of it inside.
    pub fn read(&self, offset: usize, bytes: &mut [u8]) -> Result {
        self.check_range(offset, bytes.len())?;
        // SAFETY: inside, and `bytes` is no part of it, because nobody has references to it.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.address.add(offset), bytes.len()) };
        Ok(())
    }

    /// Copies to `offset` and on. `INVALID_ARGUMENT`: not all of it fits.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> Result {
        self.check_range(offset, bytes.len())?;
        // SAFETY: as read.
        unsafe { self.address.add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    fn check_range(&self, offset: usize, count: usize) -> Result {
        match offset.checked_add(count) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(Status::INVALID_ARGUMENT),
        }
    }
}
