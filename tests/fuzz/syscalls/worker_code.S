// The programs of the workers (enum Program of layout.h), one page that is mapped into their address spaces.
//
// Each program runs straight through to a breakpoint: whatever registers a worker is given, it cannot loop. What lies
// between the programs is undefined as an instruction.
    .macro program index
    .org fuzz_worker_code + \index * 128
    .endm

    .section .text.fuzz_worker_code, "ax"
    .balign 4096
    .global fuzz_worker_code
fuzz_worker_code:
    program 0                   // kSyscall
    svc #0
    brk #0

    program 1                   // kTwice
    svc #0
    svc #0
    brk #1

    program 2                   // kTwo
    svc #0
    mov x0, x20
    mov x1, x21
    mov x2, x22
    mov x3, x23
    mov x6, x24
    mov x7, x25
    svc #0
    brk #2

    program 3                   // kThree
    svc #0
    mov x0, x20
    mov x1, x21
    mov x2, x22
    mov x3, x23
    mov x6, x24
    mov x7, x25
    svc #0
    mov x0, x26
    mov x1, x27
    mov x6, x28
    mov x7, x19
    svc #0
    brk #3

    program 4                   // kLoad
    ldr x9, [x19]
    brk #4

    program 5                   // kStore
    str x20, [x19]
    brk #5

    program 6                   // kLoadSyscallStore
    ldr x9, [x19]
    svc #0
    str x20, [x19]
    brk #6

    program 7                   // kBranch
    br x19

    program 8                   // kFloat
    fmov x9, d0
    fmov d0, x19
    svc #0
    fmov x10, d0
    brk #8

    program 9                   // kThreadRegisters
    mrs x9, tpidr_el0
    msr tpidr_el0, x19
    mrs x10, tpidrro_el0
    brk #9

    program 10                  // kUndefined
    udf #10
    brk #10

    program 11                  // kSystemRegister
    mrs x9, midr_el1
    brk #11

    program 12                  // kCache
    dc cvac, x19
    ic ivau, x19
    dc civac, x20
    brk #12

    program 13                  // kStack
    ldr x9, [sp]
    brk #13

    program 14                  // kHypercall
    .inst 0xd4000022            // hvc #1
    brk #14

    program 15                  // kPair
    ldp x9, x10, [x19]
    stp x20, x21, [x19, #8]
    brk #15

    program 16                  // kImmediate
    svc #0x1234
    brk #16

    program 17                  // kCounter
    mrs x9, cntvct_el0
    brk #17

    program 18                  // kVector
    ldr q0, [x19]
    str q0, [x20]
    fmov x9, d0
    brk #18

    program 19                  // kRepeat
    svc #0
    .rept 6
    mov x0, x20
    mov x1, x21
    mov x6, x24
    mov x7, x25
    svc #0
    .endr
    brk #19

    .org fuzz_worker_code + 4096

    .section .note.GNU-stack, "", %progbits
