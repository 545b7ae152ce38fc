//! The macros that declare what a header has: once for the compiler, once as a list that `check_layout.rs` prints as C.

/// Numbers: `NAME: type = value;`
macro_rules! constants {
    ($header:literal; $($name:ident: $type:ty = $value:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of `", $header, "`.")]
            pub const $name: $type = $value;
        )*
        /// Name and value of every number of the header, for the comparison with it.
        #[cfg(kos_sys_check)]
        pub const CONSTANTS: &[(&str, u64)] = &[$((stringify!($name), $name as u64)),*];
    };
}

/// Structures: `struct name { member: type, ... }`, layout as in C.
macro_rules! structures {
    ($header:literal; $(struct $name:ident { $($member:ident: $type:ty),* $(,)? })*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of `", $header, "`.")]
            #[derive(Clone, Copy)]
            #[repr(C)]
            pub struct $name {
                $(
                    #[doc = concat!("`", stringify!($member), "`; see `", $header, "`.")]
                    pub $member: $type,
                )*
            }
        )*
        /// Name, size, and members (name, offset, size) of every structure of the header.
        #[cfg(kos_sys_check)]
        pub fn structures() -> &'static [(&'static str, usize, &'static [(&'static str, usize, usize)])] {
            fn size_of_target<T>(_: *const T) -> usize {
                core::mem::size_of::<T>()
            }
            extern crate std;
            use std::{boxed::Box, vec};
            Box::leak(Box::new([$({
                let place = core::mem::MaybeUninit::<$name>::uninit();
                let base = place.as_ptr();
                let members = vec![$({
                    // SAFETY: only the address is taken, inside `place`; nothing is read.
                    let member = unsafe { core::ptr::addr_of!((*base).$member) };
                    (stringify!($member), member as usize - base as usize, size_of_target(member))
                }),*];
                (stringify!($name), core::mem::size_of::<$name>(), &*Box::leak(members.into_boxed_slice()))
            }),*]))
        }
    };
}

/// Functions: `fn name(argument: type, ...) -> type;`
macro_rules! functions {
    ($header:literal; $(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        extern "C" {
            $(
                #[doc = concat!("`", stringify!($name), "` of `", $header, "`.")]
                pub fn $name($($argument: $type),*) $(-> $result)?;
            )*
        }
        /// Name, result and argument types of every function of the header.
        #[cfg(kos_sys_check)]
        pub const FUNCTIONS: &[(&str, &str, &[&str])] =
            &[$((stringify!($name), concat!($(stringify!($result))?), &[$(stringify!($type)),*])),*];
    };
}
