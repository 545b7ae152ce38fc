//! Memory: the heap behind `alloc`, and mappings of whole pages (`kos/mem.h`).

use crate::status::check;
use crate::Result;
use core::ffi::c_void;

#[cfg(not(any(test, kos_host)))]
mod global {
    use core::alloc::{GlobalAlloc, Layout};

    /// The domain's heap, shared with C. The global allocator of every application.
    struct Heap;

    /// What `malloc` aligns to.
    const MALLOC_ALIGN: usize = 16;

    #[global_allocator]
    static HEAP: Heap = Heap;

    // SAFETY: C's heap is thread-safe, gives blocks of their own, and null without memory.
    unsafe impl GlobalAlloc for Heap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: no preconditions; the alignment of a Layout is a power of two.
            let block = unsafe {
                if layout.align() <= MALLOC_ALIGN {
                    kos_sys::malloc(layout.size())
                } else {
                    kos_sys::aligned_alloc(layout.align(), layout.size())
                }
            };
            block.cast()
        }

        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            // SAFETY: the block comes from this heap, as the caller promises.
            unsafe { kos_sys::free(block.cast()) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            if layout.align() <= MALLOC_ALIGN {
                // SAFETY: no preconditions.
                return unsafe { kos_sys::calloc(1, layout.size()).cast() };
            }
            // SAFETY: as the caller promises; the block is as long as the layout says.
            unsafe {
                let block = self.alloc(layout);
                if !block.is_null() {
                    block.write_bytes(0, layout.size());
                }
                block
            }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            if layout.align() <= MALLOC_ALIGN {
                // SAFETY: the block comes from this heap, as the caller promises.
                return unsafe { kos_sys::realloc(block.cast(), size).cast() };
            }
            // SAFETY: the caller promises that `size`, rounded up to the alignment, does not overflow, and gives the
            // block up when it gets a new one.
            unsafe {
                let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                if !new.is_null() {
                    new.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                new
            }
        }
    }
}

/// Zeroed pages of the own domain, readable and writable, with an unmapped page on either side; given back when dropped.
pub struct Mapping {
    address: *mut u8,
    bytes: usize,
}

// SAFETY: memory like any other; Mapping is its only owner.
unsafe impl Send for Mapping {}

impl Mapping {
    /// `NOT_ENOUGH_MEMORY` if the quota or the address range is used up.
    pub fn new(bytes: usize) -> Result<Mapping> {
        let mut address: *mut c_void = core::ptr::null_mut();
        // SAFETY: `address` is written on success only.
        check(unsafe { kos_sys::kos_mem_map(bytes, kos_sys::KOS_MEM_READ | kos_sys::KOS_MEM_WRITE, &mut address) })?;
        Ok(Mapping { address: address.cast(), bytes })
    }
}

impl core::ops::Deref for Mapping {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped until dropped, initialised with zeros, owned by self.
        unsafe { core::slice::from_raw_parts(self.address, self.bytes) }
    }
}

impl core::ops::DerefMut for Mapping {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as deref, and self is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(self.address, self.bytes) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: a whole mapping, to which no reference is left.
        let unmapped = check(unsafe { kos_sys::kos_mem_unmap(self.address.cast(), self.bytes) });
        unmapped.expect("root knows every mapping");
    }
}

/// The domain's quota.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// All that the domain may be made of.
    pub quota_bytes: u64,
    /// What it is made of now.
    pub used_bytes: u64,
}

/// How much memory the domain has and uses.
pub fn usage() -> Result<Usage> {
    let mut status = kos_sys::kos_mem_status_t { quota_bytes: 0, used_bytes: 0 };
    // SAFETY: `status` may be written.
    check(unsafe { kos_sys::kos_mem_status(&mut status) })?;
    Ok(Usage { quota_bytes: status.quota_bytes, used_bytes: status.used_bytes })
}
