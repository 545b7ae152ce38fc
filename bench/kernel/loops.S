// The measured loops, in assembly so that their instructions are known: the assembler counts them, and each count is
// exported as NAME_instructions. What a loop took by the counter minus these is the kernel's part.
//
// Argument structures are in loops.h, and the offsets here are checked there. Kernel ABI used: a system call preserves
// x6..x30; it returns badge in x0, tag in x1, words 0..3 in x2..x5.

// The loop that just ended runs from label 10 to here, one pass per operation.
.macro count_of name
11:
    .pushsection .rodata, "a"
    .balign 8
    .global \name\()_instructions
\name\()_instructions:
    .quad (11b - 10b) / 4
    .popsection
.endm

.macro begin name
    .global \name
    .type \name, %function
\name:
.endm

.macro save_registers
    stp x29, x30, [sp, #-112]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    str x0, [sp, #96]
.endm

.macro restore_registers
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #112
.endm

    .text

// void kos_loop_empty(uint64_t passes): two instructions per pass; shows that the counter counts instructions.
begin kos_loop_empty
10: subs x0, x0, #1
    b.ne 10b
count_of kos_loop_empty
    ret

// void kos_loop_one(OneCall*): the same system call again and again, with the same registers each time.
begin kos_loop_one
    save_registers
    ldp x19, x20, [x0, #0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x6, x7, [x0, #48]
    mov x8, x6
    ldr x25, [x0, #64]
    mov x26, #0
    mov x27, #0
    mov x28, #0
    .global kos_measure_begin_one
kos_measure_begin_one:
    mrs x9, cntpct_el0
10: mov x0, x19
    mov x1, x20
    mov x2, x21
    mov x3, x22
    mov x4, x23
    mov x5, x24
    svc #0
    add x26, x26, x0
    orr x27, x27, x1
    add x28, x28, x2
    subs x25, x25, #1
    b.ne 10b
count_of kos_loop_one
    .global kos_measure_end_one
kos_measure_end_one:
    mrs x10, cntpct_el0
    ldr x0, [sp, #96]
    sub x10, x10, x9
    stp x10, x26, [x0, #72]
    stp x27, x28, [x0, #88]
    restore_registers
    ret

// void kos_loop_two(TwoCalls*): two system calls alternately. Words beyond the second are the same for both.
begin kos_loop_two
    save_registers
    ldp x9, x10, [x0, #0]
    ldp x11, x12, [x0, #16]
    ldp x13, x14, [x0, #32]
    ldr x15, [x0, #48]
    ldp x16, x17, [x0, #56]
    ldp x19, x20, [x0, #72]
    ldp x21, x22, [x0, #88]
    ldr x23, [x0, #104]
    ldr x25, [x0, #112]
    mov x26, #0
    mov x27, #0
    mov x28, #0
    .global kos_measure_begin_two
kos_measure_begin_two:
    mrs x24, cntpct_el0
10: mov x0, x9
    mov x1, x10
    mov x2, x11
    mov x3, x12
    mov x4, x13
    mov x5, x14
    mov x7, x15
    svc #0
    orr x27, x27, x1
    mov x0, x16
    mov x1, x17
    mov x2, x19
    mov x3, x20
    mov x4, x21
    mov x5, x22
    mov x7, x23
    svc #0
    orr x28, x28, x1
    add x26, x26, x0
    subs x25, x25, #1
    b.ne 10b
count_of kos_loop_two
    .global kos_measure_end_two
kos_measure_end_two:
    mrs x10, cntpct_el0
    ldr x0, [sp, #96]
    sub x10, x10, x24
    stp x10, x26, [x0, #120]
    stp x27, x28, [x0, #136]
    restore_registers
    ret

// [[noreturn]] void kos_serve_calls(CallServer*): receives, then answers and receives for ever. Adds one to word 0 and
// to the word at `counted_word` of each message, so that whoever called can tell that it was answered.
begin kos_serve_calls
    ldp x22, x6, [x0, #0]           // endpoint, reply object
    ldp x23, x24, [x0, #16]         // tag of the answers, address of the counted word
    add x21, x0, #32                // sums
    mov x19, #0
    mov x20, #0
    mov x0, x22
    mov x7, #-7                     // Recv
    svc #0
    mov x7, #-2                     // ReplyRecv
10: add x19, x19, x0
    orr x20, x20, x1
    stp x19, x20, [x21]
    add x2, x2, #1
    ldr x9, [x24]
    add x9, x9, #1
    str x9, [x24]
    mov x0, x22
    mov x1, x23
    svc #0
    b 10b
count_of kos_serve_calls

// [[noreturn]] void kos_serve_unknown_syscalls(FaultServer*): resumes the caller after its svc with x0 increased by one.
// Words 0..3 arrive as x0..x3 and go back; word 8 is the address of the svc.
begin kos_serve_unknown_syscalls
    ldp x22, x6, [x0, #0]
    ldp x23, x24, [x0, #16]         // tag of the answers, message buffer
    add x21, x0, #40
    mov x19, #0
    mov x20, #0
    mov x0, x22
    mov x7, #-7
    svc #0
    mov x7, #-2
10: add x19, x19, x0
    orr x20, x20, x1
    stp x19, x20, [x21]
    ldr x9, [x24, #(1 + 8) * 8]
    add x9, x9, #4
    str x9, [x24, #(1 + 8) * 8]
    add x2, x2, #1
    mov x0, x22
    mov x1, x23
    svc #0
    b 10b
count_of kos_serve_unknown_syscalls

// [[noreturn]] void kos_serve_syscalls_by_x8(FaultServer*): as before, but reads the first 12 registers of the caller by
// TCB_ReadRegisters (pc sp spsr x0..x8), as a server must that needs x8. Adds up x8 where the other adds up badges.
begin kos_serve_syscalls_by_x8
    ldp x22, x6, [x0, #0]
    ldp x23, x24, [x0, #16]
    ldr x25, [x0, #32]              // the caller's TCB
    ldr x26, [x0, #56]              // tag of TCB_ReadRegisters with two words
    add x21, x0, #40
    mov x19, #0
    mov x20, #0
    mov x0, x22
    mov x7, #-7
    svc #0
10: orr x20, x20, x1
    mov x0, x25
    mov x1, x26
    mov x2, #0                      // do not suspend
    mov x3, #12
    mov x7, #-1                     // Call
    svc #0
    ldr x9, [x24, #(1 + 11) * 8]    // x8
    add x19, x19, x9
    stp x19, x20, [x21]
    add x9, x2, #4                  // word 0: pc
    add x2, x5, #1                  // word 3: x0
    ldp x3, x4, [x24, #(1 + 4) * 8] // x1, x2
    ldp x5, x10, [x24, #(1 + 6) * 8]
    ldp x11, x12, [x24, #(1 + 8) * 8]
    ldr x13, [x24, #(1 + 10) * 8]   // x7
    stp x10, x11, [x24, #(1 + 4) * 8]
    stp x12, x13, [x24, #(1 + 6) * 8]
    str x9, [x24, #(1 + 8) * 8]
    mov x0, x22
    mov x1, x23
    mov x7, #-2
    svc #0
    b 10b
count_of kos_serve_syscalls_by_x8

// void kos_loop_refault(Refault*): answers a fault with an empty message, so that the thread faults again at the same
// instruction, and measures that. The first fault has been received.
begin kos_loop_refault
    save_registers
    ldp x22, x6, [x0, #0]           // endpoint, reply object
    ldr x25, [x0, #16]
    mov x7, #-2
    mov x26, #0
    mov x27, #0
    mov x28, #0
    .global kos_measure_begin_refault
kos_measure_begin_refault:
    mrs x9, cntpct_el0
10: mov x0, x22
    mov x1, #0
    svc #0
    add x26, x26, x0
    orr x27, x27, x1
    add x28, x28, x2
    subs x25, x25, #1
    b.ne 10b
count_of kos_loop_refault
    .global kos_measure_end_refault
kos_measure_end_refault:
    mrs x10, cntpct_el0
    ldr x0, [sp, #96]
    sub x10, x10, x9
    stp x10, x26, [x0, #24]
    stp x27, x28, [x0, #40]
    restore_registers
    ret

// uint64_t kos_wait_and_read_counter(notification, nops): waits, and reads the counter `nops` instructions later than
// the first possible moment. The instructions from the end of the wait on are counted, with nops = 0.
begin kos_wait_and_read_counter
    adr x9, 12f
    sub x9, x9, x1, lsl #2
    mov x7, #-9                     // Wait
    .global kos_measure_begin_interrupt
kos_measure_begin_interrupt:
    svc #0
10: br x9
    .rept 15
    nop
    .endr
12: mrs x0, cntpct_el0
    .global kos_measure_end_interrupt
kos_measure_end_interrupt:
    ret

// void kos_fault_on_load(address), void kos_fault_on_instruction(): the first instruction faults, each time it is resumed:
// a load from an address that is not mapped, and an instruction that the architecture leaves undefined for ever.
begin kos_fault_on_load
    ldr x0, [x0]                    // x0 = an address that is not mapped
    ret
begin kos_fault_on_instruction
    udf #0
    ret

    .section .note.GNU-stack, "", %progbits
