//! The end of a domain by a mistake of its own: panics, and a heap without memory.

use crate::text::Text;
use core::alloc::Layout;
use core::fmt::Write;
use core::panic::PanicInfo;

/// Root keeps so much of the reason, with the final zero.
const REASON_BYTES: usize = 256;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut reason = Text::<REASON_BYTES>::new();
    // Never fails: what is too long is cut.
    let _ = write!(reason, "{info}");
    // SAFETY: zero-terminated, because Text leaves the last byte alone.
    unsafe { kos_sys::kos_stop(reason.as_bytes().as_ptr()) }
}

#[alloc_error_handler]
fn out_of_memory(layout: Layout) -> ! {
    panic!("no memory for {} bytes: the domain's quota is used up", layout.size())
}

/// Debian's `alloc` was compiled for programs that unwind, so it refers to this and to `rust_eh_personality`; nothing here
/// begins to unwind.
#[no_mangle]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: zero-terminated.
    unsafe { kos_sys::kos_stop(b"unwinding\0".as_ptr()) }
}
