// The shim: code that every program has at AddressSpace::shim, with no more rights than the program. An ELF shared object
// (the vDSO of vdso(7): C libraries find __kernel_* by AT_SYSINFO_EHDR) whose entries for the server lie at the fixed
// offsets of layout.h; shim.ld places them.
//
// Data page (behind the code; written by the server, read here): see vdso_data.h.
#include "shim/answers.h"
#include "shim/vdso_data.h"

    .arch armv8-a

    // Branches if any of these bits is set, without flags; uses w16.
    .macro tst_free register, bits, target
    and x16, \register, #\bits
    cbnz x16, \target
    .endm

    .macro entry name
    .section .text.\name, "ax", %progbits
    .global \name
    .type \name, %function
\name:
    .endm

// q0-q31, fpsr and fpcr at x17, in the order of struct fpsimd_context behind its head (fpsr, fpcr, vregs).
    .macro fp_move operation
    \operation q0, q1, [x17, #16]
    \operation q2, q3, [x17, #48]
    \operation q4, q5, [x17, #80]
    \operation q6, q7, [x17, #112]
    \operation q8, q9, [x17, #144]
    \operation q10, q11, [x17, #176]
    \operation q12, q13, [x17, #208]
    \operation q14, q15, [x17, #240]
    \operation q16, q17, [x17, #272]
    \operation q18, q19, [x17, #304]
    \operation q20, q21, [x17, #336]
    \operation q22, q23, [x17, #368]
    \operation q24, q25, [x17, #400]
    \operation q26, q27, [x17, #432]
    \operation q28, q29, [x17, #464]
    \operation q30, q31, [x17, #496]
    .endm

    .macro fp_save
    fp_move stp
    mrs x18, fpsr
    str w18, [x17, #8]
    mrs x18, fpcr
    str w18, [x17, #12]
    .endm

    .macro fp_load
    ldr w18, [x17, #8]
    msr fpsr, x18
    ldr w18, [x17, #12]
    msr fpcr, x18
    fp_move ldp
    .endm

    .macro private_call number
    movz x8, #(\number & 0xffff)
    movk x8, #(\number >> 16), lsl #16
    mov x7, xzr
    svc #0
    // The server never lets it go on here.
    brk #1
    .endm

entry shim_signal_entry
    fp_save
    br x16

entry shim_signal_exit
    fp_load
    private_call 0x10001

entry shim_signal_return
    // Unwinders know a signal frame by these two instructions.
    mov x8, #139
    svc #0
    // Goes on here only if x7 held one of the two numbers with which the kernel does nothing and says nothing.
    mov x7, xzr
    mov x8, #139
    svc #0

entry shim_start
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movi v\n\().2d, #0
    .endr
    msr fpcr, xzr
    msr fpsr, xzr
    mov x17, xzr
    br x16

entry shim_clone_save
    fp_save
    private_call 0x10002

entry shim_clone_child
    fp_load
    private_call 0x10003

// --- System calls by way of a stub (layout.h). Changes no register but x0, no flags; what it needs it has saved below
// sp. Until shim_call_done the call has not happened, and nothing that it did would show if it were made once more.

entry shim_call
    stp x7, x17, [sp, #-32]
    lsr w16, w8, #9
    cbnz w16, to_server
    adr x16, answers
    ldrb w17, [x16, w8, uxtw]
    cbz w17, to_server
    adr x16, shim_call
    add x16, x16, x17, lsl #2
    br x16
to_server:
    // Its upper half is not a part of the number; so x7 is none of the kernel's.
    mov w7, w8
    b shim_trap

answer_events:
    cbnz w3, to_server
answer_message:
    cbnz x4, to_server
answer_call:
    b shim_call_gate

answer_pid:
    mrs x16, tpidrro_el0
    lsr x16, x16, #32
    b shim_call_done

answer_tid:
    mrs x16, tpidrro_el0
    mov w16, w16
    b shim_call_done

answer_yield:
    // The kernel's own yield: who else is ready at this priority runs now.
    mov x7, #-11
    svc #0
    mov x16, xzr
    b shim_call_done

    // FUTEX_WAKE and FUTEX_WAIT without a time-out, of one process (FUTEX_PRIVATE_FLAG).
answer_futex:
    tst_free x0, 3, to_server
    lsr x16, x0, #47
    cbnz x16, to_server
    sub w16, w1, #129
    cbz w16, 1f
    sub w16, w1, #128
    cbnz w16, to_server
    cbnz x3, to_server
    // The word is not what it waits for any more: EAGAIN.
    ldr w16, [x0]
    eor w16, w16, w2
    cbz w16, to_server
    mov x16, #-11
    b shim_call_done
1:  // Nobody waits. What the program stored before is seen by who begins to wait, or he is seen here.
    dmb ish
    ubfx x17, x0, #2, #10
    adrp x16, vdso_futexes
    add x16, x16, x17, lsl #2
    ldr w16, [x16]
    cbnz w16, answer_call
    b shim_call_done

answer_clock:
    lsr w16, w0, #3
    cbnz w16, answer_call
    mov w17, #VDSO_REALTIME_CLOCKS
    mov w16, #(VDSO_REALTIME_CLOCKS | VDSO_MONOTONIC_CLOCKS)
    lsr w16, w16, w0
    tbz w16, #0, answer_call
    lsr w17, w17, w0
    stp x9, x10, [sp, #-48]
    stp x11, x12, [sp, #-64]
    str x13, [sp, #-80]
    b shim_call_more

    // By number: where the answer begins, in words from shim_call; 0: the server's.
    .macro answer number, label
    .org answers + \number
    .byte (\label - shim_call) / 4
    .endm
answers:
#define ANSWER(number, what) answer number, answer_##what;
    KOS_SHIM_ANSWERS(ANSWER)
    .org answers + 512
    .size shim_call, . - shim_call

    // x9 to x13 are stored.
entry shim_call_more
    adrp x7, vdso_data
    // w17: bit 0: realtime.
2:  ldr w9, [x7, #VDSO_SEQUENCE]
    tbnz w9, #0, 2b
    dmb ishld
    ldr x10, [x7, #VDSO_MULTIPLIER]
    ldr x11, [x7, #VDSO_REALTIME_OFFSET]
    isb
    mrs x12, cntpct_el0
    dmb ishld
    ldr w13, [x7, #VDSO_SEQUENCE]
    eor w13, w13, w9
    cbnz w13, 2b
    mul x13, x12, x10
    umulh x12, x12, x10
    extr x12, x12, x13, #32
    and x17, x17, #1
    neg x17, x17
    and x11, x11, x17
    add x12, x12, x11
    mov x13, #0xca00
    movk x13, #0x3b9a, lsl #16
    udiv x16, x12, x13
    msub x17, x16, x13, x12
    ldp x9, x10, [sp, #-48]
    ldp x11, x12, [sp, #-64]
    ldr x13, [sp, #-80]
    stp x16, x17, [x1]
    mov x16, xzr
    b shim_call_done

entry shim_call_done
    mov x0, x16
restore:
    ldp x7, x17, [sp, #-32]
    ret
entry shim_trap
    svc #0
    b restore

    // The four arguments travel as the message's words, the number as its label. The gate's page can be executed and
    // not read: it loads the capability's address into x0 and -1 into x7, makes the call and goes on at x17.
entry shim_call_gate
    stp x1, x2, [sp, #-48]
    stp x3, x4, [sp, #-64]
    stp x5, x0, [sp, #-80]
    // From here on all that is lost is stored.
    mov x5, x3
    mov x4, x2
    mov x3, x1
    mov x2, x0
    ubfiz x1, x8, #12, #9
    add x1, x1, #4
    adr x17, shim_call_gate_back
    mov x16, #SHIM_GATE
    br x16
    // Label 0: x2 is the result. Else it is to be x0 of the trap that goes on with the call, whose number is x3.
entry shim_call_gate_back
    mov x0, x2
    lsr x16, x1, #12
    cbnz x16, 1f
    ldp x1, x2, [sp, #-48]
    ldp x3, x4, [sp, #-64]
    ldr x5, [sp, #-80]
    b restore
1:  mov w7, w3
    ldp x1, x2, [sp, #-48]
    ldp x3, x4, [sp, #-64]
    ldr x5, [sp, #-80]
    b shim_trap
    .size shim_call_gate_back, . - shim_call_gate_back

// --- vDSO. Clobbers what a function may; falls back to the system call for clocks that are not here.

    .section .text.vdso, "ax", %progbits
    .global __kernel_clock_gettime
    .type __kernel_clock_gettime, %function
__kernel_clock_gettime:
    adrp x9, vdso_data
    cmp w0, #VDSO_CLOCK_LAST
    b.hi 9f
    mov x10, #1
    lsl x10, x10, x0
    mov x11, #VDSO_REALTIME_CLOCKS
    mov x12, #VDSO_MONOTONIC_CLOCKS
    orr x13, x11, x12
    tst x10, x13
    b.eq 9f
1:  ldr w14, [x9, #VDSO_SEQUENCE]
    tbnz w14, #0, 1b
    dmb ishld
    ldr x15, [x9, #VDSO_MULTIPLIER]
    ldr x16, [x9, #VDSO_REALTIME_OFFSET]
    isb
    mrs x17, cntpct_el0
    dmb ishld
    ldr w13, [x9, #VDSO_SEQUENCE]
    cmp w13, w14
    b.ne 1b
    // Nanoseconds = ticks * multiplier / 2^32
    mul x12, x17, x15
    umulh x17, x17, x15
    extr x12, x17, x12, #32
    tst x10, x11
    csel x16, x16, xzr, ne
    add x12, x12, x16
    mov x13, #0xca00
    movk x13, #0x3b9a, lsl #16
    udiv x14, x12, x13
    msub x15, x14, x13, x12
    stp x14, x15, [x1]
    mov x0, xzr
    ret
9:  mov x8, #113
    mov x7, xzr
    svc #0
    ret
    .size __kernel_clock_gettime, . - __kernel_clock_gettime

    .global __kernel_gettimeofday
    .type __kernel_gettimeofday, %function
__kernel_gettimeofday:
    cbz x0, 2f
    mov x6, x30
    mov x4, x0
    mov x5, x1
    sub sp, sp, #16
    mov x0, xzr
    mov x1, sp
    bl __kernel_clock_gettime
    ldp x9, x10, [sp], #16
    mov x11, #1000
    udiv x10, x10, x11
    stp x9, x10, [x4]
    mov x1, x5
    mov x30, x6
2:  cbz x1, 3f
    str xzr, [x1]
3:  mov x0, xzr
    ret
    .size __kernel_gettimeofday, . - __kernel_gettimeofday

    .global __kernel_clock_getres
    .type __kernel_clock_getres, %function
__kernel_clock_getres:
    mov x8, #114
    mov x7, xzr
    svc #0
    ret
    .size __kernel_clock_getres, . - __kernel_clock_getres

    .global __kernel_rt_sigreturn
    .type __kernel_rt_sigreturn, %function
    .set __kernel_rt_sigreturn, shim_signal_return
