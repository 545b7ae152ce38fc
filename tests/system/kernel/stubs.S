// Instructions at known addresses (stubs.h).
    .section .text.stubs, "ax"

    .macro FUNCTION name
    .balign 4
    .global \name
    .type \name, %function
\name:
    .endm

FUNCTION stub_svc
    stp x29, x30, [sp, #-32]!
    str x0, [sp, #16]
    mov x9, x0
    ldp x0, x1, [x9, #0]
    ldp x2, x3, [x9, #16]
    ldp x4, x5, [x9, #32]
    ldp x6, x7, [x9, #48]
    ldr x8, [x9, #64]
    .global stub_svc_at
stub_svc_at:
    svc #0
    .global stub_svc_after
stub_svc_after:
    ldr x9, [sp, #16]
    stp x0, x1, [x9, #0]
    stp x2, x3, [x9, #16]
    stp x4, x5, [x9, #32]
    stp x6, x7, [x9, #48]
    str x8, [x9, #64]
    ldp x29, x30, [sp], #32
    ret

FUNCTION stub_undefined
    udf #0
    ret

FUNCTION stub_brk
    brk #0x77
    ret

FUNCTION stub_read_midr
    mrs x0, midr_el1
    ret

FUNCTION stub_read_cntvct
    mrs x0, cntvct_el0
    ret

FUNCTION stub_read_word
    ldr x0, [x0]
    ret

FUNCTION stub_write_word
    str x0, [x0]
    ret

FUNCTION stub_read_exclusive
    ldxr x0, [x0]
    ret

FUNCTION stub_fp
    fmov d0, #1.0
    ret

FUNCTION stub_jump
    br x0

FUNCTION stub_pattern_loop
    add x2, x1, #2
    add x3, x1, #3
    add x4, x1, #4
    add x5, x1, #5
    add x6, x1, #6
    add x7, x1, #7
    add x8, x1, #8
    add x9, x1, #9
    add x10, x1, #10
    add x11, x1, #11
    add x12, x1, #12
    add x13, x1, #13
    add x14, x1, #14
    add x15, x1, #15
    add x16, x1, #16
    add x17, x1, #17
    add x18, x1, #18
    add x19, x1, #19
    add x20, x1, #20
    add x21, x1, #21
    add x22, x1, #22
    add x23, x1, #23
    add x24, x1, #24
    add x25, x1, #25
    add x26, x1, #26
    add x27, x1, #27
    add x28, x1, #28
    add x29, x1, #29
    add x30, x1, #30
    add x1, x1, #1
    .global stub_pattern_loop_at
stub_pattern_loop_at:
    b stub_pattern_loop_at

    .section .note.GNU-stack, "", %progbits
