//! The heap, from C's `stdlib.h`.
use core::ffi::c_void;

functions! { "stdlib.h";
    fn malloc(size_bytes: usize) -> *mut c_void;
    fn calloc(count: usize, size_bytes: usize) -> *mut c_void;
    fn realloc(address: *mut c_void, size_bytes: usize) -> *mut c_void;
    fn aligned_alloc(align: usize, size_bytes: usize) -> *mut c_void;
    fn free(address: *mut c_void);
}
