// A call whose message is in registers on both sides, for code that is compiled into applications (kos_idl_call_words in
// kos/idl.h, kos::idl in Rust): the one place outside message.cpp and server.cpp that enters the kernel with a message.
//
// Not the procedure call standard: x0 target, x1 tag, x2 to x5 message words; x1 to x5 are the answer's. x0 and x7 are
// lost, everything else is preserved. A target beyond the slots is a fault of the thread: the caller has checked it.
    .section .text.kos_call_registers, "ax"
    .global kos_call_registers
    .type kos_call_registers, %function
kos_call_registers:
    mov x7, #-1                 // Call
    svc #0
    ret
    .size kos_call_registers, . - kos_call_registers

    .section .note.GNU-stack, "", %progbits
