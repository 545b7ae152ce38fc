// First instructions of the kernel on every core, and the change to the kernel's own address space.
//
// Hand-over (sel4 ABI, boot protocol): EL1, MMU on, at the link address through the loader's TTBR1; x0, x1 user image
// (physical start, end), x2 its physical minus virtual address, x3 its entry, x4, x5 device tree (physical, size);
// TPIDR_EL1: number of this core. Core 0 boots; the others wait until it has built what they need.
#include "arch/entry_offsets.h"

#define WINDOW_OFFSET 0xffffff8000000000

    // \reg = top of the kernel stack of core \core; clobbers x9.
    .macro core_stack_top, reg, core
    adrp    \reg, keel_core_stacks
    add     \reg, \reg, :lo12:keel_core_stacks
    mov     x9, #KEEL_CORE_STACK_BLOCK
    madd    \reg, \core, x9, \reg
    mov     x9, #KEEL_CORE_STACK_TOP
    add     \reg, \reg, x9
    .endm

    .section .boot.entry, "ax"
    .global keel_entry
keel_entry:
    msr     daifset, #15            // masked for the whole run of the kernel
    msr     spsel, #1
    mrs     x20, tpidr_el1
    cbnz    x20, other_core

    mov     x21, x0
    mov     x22, x1
    mov     x23, x2
    mov     x24, x3
    mov     x25, x4
    mov     x26, x5
    core_stack_top x10, x20
    mov     sp, x10
    mov     x29, xzr
    bl      keel_build_kernel_space
    bl      enter_kernel_space
    mov     x0, x21
    mov     x1, x22
    mov     x2, x23
    mov     x3, x24
    mov     x4, x25
    mov     x5, x26
    bl      keel_boot               // continues in keel_start_first_core
    b       .

other_core:
    cmp     x20, #KEEL_MAX_CORES
    b.hs    1f
    adrp    x10, keel_other_cores_may_start
    add     x10, x10, :lo12:keel_other_cores_may_start
2:  yield
    // Acquire: pairs with the release in start_other_cores; the tables and kernel data are complete.
    ldar    w11, [x10]
    cbz     w11, 2b
    core_stack_top x10, x20
    mov     sp, x10
    mov     x29, xzr
    bl      enter_kernel_space
    mov     x0, x20
    b       keel_start_other_core
    // More cores than this kernel was built for.
1:  wfi
    b       1b

    // Leaves the loader's tables for the kernel's. Both map this code at the same address but with different block sizes,
    // and the architecture forbids both to be in the TLB at once (Arm ARM, D5.10.1 "break-before-make"). So the change is
    // made from the identity mapping in TTBR0, with nothing in TTBR1 and an empty TLB in between. Keeps x19-x30 but x30.
enter_kernel_space:
    mov     x9, #WINDOW_OFFSET
    adrp    x10, keel_kernel_root
    add     x10, x10, :lo12:keel_kernel_root
    sub     x10, x10, x9
    adrp    x11, keel_identity_root
    add     x11, x11, :lo12:keel_identity_root
    sub     x11, x11, x9
    adrp    x12, keel_empty_root
    add     x12, x12, :lo12:keel_empty_root
    sub     x12, x12, x9
    // The tables were written with the cache on and the walker is coherent with it: order is all that is needed.
    dsb     ish
    msr     ttbr0_el1, x12
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr0_el1, x11
    isb
    adr     x13, 1f
    sub     x13, x13, x9
    br      x13
1:  msr     ttbr1_el1, x12
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr1_el1, x10
    isb
    adr     x13, 2f
    add     x13, x13, x9
    br      x13
2:  msr     ttbr0_el1, x12
    isb
    tlbi    vmalle1
    ic      iallu                   // the loader may have run other code at these addresses
    dsb     nsh
    isb
    ret
