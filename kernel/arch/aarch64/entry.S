// Exception vectors, entry from and return to user level.
//
// While user level runs, SP_EL1 is not a stack: it points to the running thread's Tcb, whose first member is its
// register context (arch/context.h). So entry stores all registers without a scratch register, and the thread is
// known at once. Then SP becomes the core's kernel stack, which starts empty on each entry: nothing of an earlier entry
// survives on it.
//
// The C++ side (trap.cpp, syscall/fastpath.cpp) gets the core and the thread, and returns the thread to resume.
// Interrupts stay masked (PSTATE.DAIF as the exception left it) from entry to return.
#include "arch/entry_offsets.h"

    .macro save_context
    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x9, sp_el0
    mrs     x10, elr_el1
    mrs     x11, spsr_el1
    stp     x30, x9, [sp, #240]
    stp     x10, x11, [sp, #KEEL_CONTEXT_PC]
    .endm

    // x0 = core, x1 = thread, sp = kernel stack, x30 = return to user level.
    .macro enter_kernel
    mov     x1, sp
    mrs     x0, tpidr_el1
    ldr     x2, [x0, #KEEL_CPU_STACK_TOP]
    mov     sp, x2
    adr     x30, resume_thread
    .endm

    .macro vector, label
    .balign 128
\label:
    .endm

    // An exception that cannot happen: a bug of the kernel. See kernel_exception.
    .macro impossible, label, kind
    vector \label
    msr     tpidr_el0, x0
    msr     tpidrro_el0, x1
    mov     x0, #\kind
    b       kernel_exception
    .endm

    .section .text.vectors, "ax"
    .balign 2048
    .global keel_vectors
keel_vectors:
    // From EL1 with SP_EL0: never selected.
    impossible el1t_sync, 0
    impossible el1t_irq, 1
    impossible el1t_fiq, 2
    impossible el1t_serror, 3
    // From EL1: the kernel runs with everything masked and touches only its own memory.
    impossible el1h_sync, 4
    impossible el1h_irq, 5
    impossible el1h_fiq, 6
    impossible el1h_serror, 7

    // From user level.
    vector el0_sync
    save_context
    mrs     x2, esr_el1
    lsr     x3, x2, #26
    cmp     x3, #0x15               // exception class: SVC from AArch64
    b.eq    system_call
    b       fault

    vector el0_irq
    save_context
    str     x10, [sp, #KEEL_CONTEXT_FAULT_PC]
    enter_kernel
    b       keel_handle_irq

    // FIQ and SError are masked at user level (kSpsrUser), AArch32 cannot be entered.
    impossible el0_fiq, 10
    impossible el0_serror, 11
    impossible el0_32_sync, 12
    impossible el0_32_irq, 13
    impossible el0_32_fiq, 14
    impossible el0_32_serror, 15
    .balign 128

system_call:
    // A system call that has to be made again starts at the svc itself.
    sub     x12, x10, #4
    str     x12, [sp, #KEEL_CONTEXT_FAULT_PC]
    enter_kernel
    cmn     x7, #1                  // Call
    b.eq    KEEL_FASTPATH_CALL
    cmn     x7, #2                  // ReplyRecv
    b.eq    KEEL_FASTPATH_REPLY_RECV
    b       keel_handle_syscall

fault:
    str     x10, [sp, #KEEL_CONTEXT_FAULT_PC]
    mov     x4, x2
    mrs     x3, far_el1
    enter_kernel
    mov     x2, x4
    b       keel_handle_fault

    // x0 = thread. Also the way of a core's first thread.
    .global keel_resume_thread
keel_resume_thread:
resume_thread:
    ldp     x10, x11, [x0, #KEEL_CONTEXT_PC]
    ldp     x30, x9, [x0, #240]
    msr     elr_el1, x10
    msr     spsr_el1, x11
    msr     sp_el0, x9
    mov     sp, x0
    ldp     x2, x3, [x0, #16]
    ldp     x4, x5, [x0, #32]
    ldp     x6, x7, [x0, #48]
    ldp     x8, x9, [x0, #64]
    ldp     x10, x11, [x0, #80]
    ldp     x12, x13, [x0, #96]
    ldp     x14, x15, [x0, #112]
    ldp     x16, x17, [x0, #128]
    ldp     x18, x19, [x0, #144]
    ldp     x20, x21, [x0, #160]
    ldp     x22, x23, [x0, #176]
    ldp     x24, x25, [x0, #192]
    ldp     x26, x27, [x0, #208]
    ldp     x28, x29, [x0, #224]
    ldp     x0, x1, [x0, #0]
    // Also clears the exclusive monitor and synchronises the system registers written above and in the switch.
    eret
    .size   keel_vectors, . - keel_vectors

    // x0 = kind; its own value and that of x1 are in tpidr_el0 and tpidrro_el0, which nobody needs any more. The stack may
    // be what is broken (and in the vectors from user level SP is a Tcb), so the registers go to the area above the
    // kernel stack, and the record is made on the exception stack behind it (arch/stack.h).
kernel_exception:
    mrs     x1, tpidr_el1
    ldr     x1, [x1, #KEEL_CPU_STACK_TOP]
    stp     x2, x3, [x1, #16]
    stp     x4, x5, [x1, #32]
    stp     x6, x7, [x1, #48]
    stp     x8, x9, [x1, #64]
    stp     x10, x11, [x1, #80]
    stp     x12, x13, [x1, #96]
    stp     x14, x15, [x1, #112]
    stp     x16, x17, [x1, #128]
    stp     x18, x19, [x1, #144]
    stp     x20, x21, [x1, #160]
    stp     x22, x23, [x1, #176]
    stp     x24, x25, [x1, #192]
    stp     x26, x27, [x1, #208]
    stp     x28, x29, [x1, #224]
    mrs     x2, tpidr_el0
    mrs     x3, tpidrro_el0
    stp     x2, x3, [x1, #0]
    mov     x2, sp
    stp     x30, x2, [x1, #240]
    mrs     x3, elr_el1
    mrs     x4, spsr_el1
    stp     x3, x4, [x1, #KEEL_CONTEXT_PC]
    mov     x4, #KEEL_EXCEPTION_CONTEXT_SIZE + KEEL_EXCEPTION_STACK_SIZE
    add     x2, x1, x4
    mov     sp, x2
    mrs     x2, esr_el1
    mrs     x3, far_el1
    mov     x29, xzr
    // (kind, registers, esr, far); does not return.
    bl      keel_kernel_exception
