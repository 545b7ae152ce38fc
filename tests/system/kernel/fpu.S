// Filling, reading and holding the floating-point registers without a compiler in between (fpu.h).
    .section .text.fpu, "ax"

    .macro FUNCTION name
    .balign 4
    .global \name
    .type \name, %function
\name:
    .endm

    // The whole state from or to the block at \base; \temporary is overwritten.
    .macro LOAD base, temporary
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ldr q\n, [\base, #(16 * \n)]
    .endr
    ldr \temporary, [\base, #512]
    msr fpcr, \temporary
    ldr \temporary, [\base, #520]
    msr fpsr, \temporary
    .endm

    .macro STORE base, temporary
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str q\n, [\base, #(16 * \n)]
    .endr
    mrs \temporary, fpcr
    str \temporary, [\base, #512]
    mrs \temporary, fpsr
    str \temporary, [\base, #520]
    .endm

    // x0: block to load, x1: block to store to, x2, x3, x4: x0, x1 and x7 of the system call. Keeps what a function
    // must keep (AAPCS64, 6.1.2: the low halves of v8..v15) and leaves FPCR and FPSR as they were.
FUNCTION fpu_over_system_call
    stp d8, d9, [sp, #-96]!
    stp d10, d11, [sp, #16]
    stp d12, d13, [sp, #32]
    stp d14, d15, [sp, #48]
    mrs x9, fpcr
    mrs x10, fpsr
    stp x9, x10, [sp, #64]
    str x1, [sp, #80]
    LOAD x0, x9
    mov x0, x2
    mov x1, x3
    mov x7, x4
    svc #0
    ldr x11, [sp, #80]
    STORE x11, x9
    ldp x9, x10, [sp, #64]
    msr fpcr, x9
    msr fpsr, x10
    ldp d14, d15, [sp, #48]
    ldp d12, d13, [sp, #32]
    ldp d10, d11, [sp, #16]
    ldp d8, d9, [sp], #96
    ret

FUNCTION fpu_store_and_stop
    STORE x0, x9
    brk #0xd0

FUNCTION fpu_load_and_stop
    LOAD x0, x9
    brk #0xd0

FUNCTION fpu_load_then_store
    LOAD x0, x9
    brk #0xd1
    .global fpu_load_then_store_again
fpu_load_then_store_again:
    STORE x1, x9
    brk #0xd0

    // x0: FpuHolder, offsets as asserted in fpu.h; x1: number of the system call to make in each round, or 0;
    // x2: what it is made on.
FUNCTION fpu_hold_forever
    mov x20, x0
    mov x21, x1
    mov x22, x2
    add x10, x20, #64
    LOAD x10, x9
.Lround:
    cbz x21, .Lcompare
    mov x0, x22
    mov x1, #0
    mov x7, x21
    svc #0
.Lcompare:
    add x10, x20, #64
    add x11, x20, #592
    STORE x11, x9
    mov x12, #66
.Lword:
    ldr x13, [x10], #8
    ldr x14, [x11], #8
    cmp x13, x14
    b.ne .Lwrong
    subs x12, x12, #1
    b.ne .Lword
    ldr x13, [x20, #8]
    add x13, x13, #1
    str x13, [x20, #8]
    ldr x13, [x20]
    cbz x13, .Lround
    brk #0xd0
.Lwrong:
    // Stays as it was found, for the test to read.
    ldr x13, [x20, #16]
    add x13, x13, #1
    str x13, [x20, #16]
    brk #0xd2

    // x0: block; x1: endpoint; x6: reply object. Answers every call after overwriting the registers.
FUNCTION fpu_serve
    mov x20, x0
    mov x21, x1
    mov x22, x6
    mov x7, #-7
    b .Lreceive
.Lanswer:
    LOAD x20, x9
    mov x1, #0
    mov x7, #-2
.Lreceive:
    mov x0, x21
    mov x6, x22
    svc #0
    b .Lanswer

    // The same without touching them.
FUNCTION fpu_serve_without
    mov x20, x1
    mov x7, #-7
.Lreceive_without:
    mov x0, x20
    mov x1, #0
    svc #0
    mov x7, #-2
    b .Lreceive_without

    .section .note.GNU-stack, "", %progbits
