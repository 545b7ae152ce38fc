// Code for threads without a stack, in one page of its own, so that an address space needs this page only (bare.h).
    .section .text.bare, "ax"
    .balign 4096
    .global bare_page
bare_page:

    .macro FUNCTION name
    .global \name
    .type \name, %function
\name:
    .endm

FUNCTION bare_read
    ldr x0, [x0]
    brk #0xd0

FUNCTION bare_write
    str x1, [x0]
    brk #0xd0

FUNCTION bare_call
    blr x0
    brk #0xd0

FUNCTION bare_jump
    br x0

FUNCTION bare_syscall
    svc #0
    .global bare_syscall_after
bare_syscall_after:
    brk #0xd0

FUNCTION bare_done
    brk #0xd0

FUNCTION bare_signal_and_spin
    mov x1, #0
    mov x7, #-5
    svc #0
FUNCTION bare_spin
    b bare_spin

FUNCTION bare_count
    ldr x1, [x0]
    add x1, x1, #1
    str x1, [x0]
    b bare_count

FUNCTION bare_copy_forever
    ldr x2, [x0]
    str x2, [x1]
    b bare_copy_forever

FUNCTION bare_store_forever
    add x1, x1, #1
    str x1, [x0]
    b bare_store_forever

FUNCTION bare_serve
    svc #0
    b bare_serve

FUNCTION bare_yield
    mov x7, #-11
    svc #0
    b bare_yield

    .balign 4096
    .section .note.GNU-stack, "", %progbits
