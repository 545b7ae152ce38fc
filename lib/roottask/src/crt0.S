// First instructions of a bare root task: the kernel enters with x0 = address of the bootinfo, and no stack.
// x1 = the physical counter as early as possible, for who measures the start.
    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    mrs x1, cntpct_el0
    adrp x9, kos_main_stack_end
    add x9, x9, :lo12:kos_main_stack_end
    mov sp, x9
    mov x29, xzr
    mov x30, xzr
    bl kos_roottask_start
1:  brk #0                      // kos_roottask_start does not return
    b 1b
    .size _start, . - _start

    .section .bss.stack, "aw", %nobits
    .balign 4096
kos_main_stack:
    .space 65536
kos_main_stack_end:

    .section .note.GNU-stack, "", %progbits
