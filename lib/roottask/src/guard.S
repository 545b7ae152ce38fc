// A call that another thread can abort (watchdog.h).
//
// int kos_guarded_call(save_area, function, argument): calls function(argument) and returns 0. While it runs, the
// thread may be stopped and set going again at kos_guarded_abort with x0 = save_area: then the call returns 1.
// The save area has room for x19..x30, sp and d8..d15, which is all that a call preserves (AAPCS64, 6.1).
    .section .text.guard, "ax"
    .global kos_guarded_call
    .type kos_guarded_call, %function
kos_guarded_call:
    stp x19, x20, [x0, #0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    mov x9, sp
    str x9, [x0, #96]
    stp d8, d9, [x0, #104]
    stp d10, d11, [x0, #120]
    stp d12, d13, [x0, #136]
    stp d14, d15, [x0, #152]
    mov x19, x0
    mov x0, x2
    blr x1
    mov x0, x19
    mov x1, #0
    b .Lrestore

    .global kos_guarded_abort
    .type kos_guarded_abort, %function
kos_guarded_abort:
    mov x1, #1
.Lrestore:
    ldp x19, x20, [x0, #0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x25, x26, [x0, #48]
    ldp x27, x28, [x0, #64]
    ldp x29, x30, [x0, #80]
    ldr x9, [x0, #96]
    mov sp, x9
    ldp d8, d9, [x0, #104]
    ldp d10, d11, [x0, #120]
    ldp d12, d13, [x0, #136]
    ldp d14, d15, [x0, #152]
    mov x0, x1
    ret

    .section .note.GNU-stack, "", %progbits
