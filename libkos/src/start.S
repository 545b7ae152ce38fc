// First instructions of a native domain: root enters with x0 = address of the startup block and a stack.
    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    mov x29, xzr
    mov x30, xzr
    bl kos_start
1:  brk #0                      // kos_start does not return
    b 1b
    .size _start, . - _start

    .section .note.GNU-stack, "", %progbits
