// First instructions of root: the kernel enters with x0 = address of the bootinfo, and no stack.
    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    adrp x9, root_main_stack_end
    add x9, x9, :lo12:root_main_stack_end
    mov sp, x9
    mov x29, xzr
    mov x30, xzr
    bl root_start
1:  brk #0                      // root_start does not return
    b 1b
    .size _start, . - _start

    .section .bss.stack, "aw", %nobits
    .balign 4096
root_main_stack:
    .space 32768
root_main_stack_end:

    .section .note.GNU-stack, "", %progbits
