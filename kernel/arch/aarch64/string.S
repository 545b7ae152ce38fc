// memset, memcpy and memmove, which the compiler calls for structures. General registers only; unaligned accesses are fine
// on the kernel's normal memory. Sizes are small (tens of bytes), so the loops are short rather than wide.

    .section .text.string, "ax"
    .global memset
    .type   memset, %function
memset:
    and     x1, x1, #255
    mov     x3, #0x0101010101010101
    mul     x1, x1, x3
    mov     x3, x0
    subs    x2, x2, #32
    b.lo    2f
1:  stp     x1, x1, [x3], #16
    stp     x1, x1, [x3], #16
    subs    x2, x2, #32
    b.hs    1b
2:  // x2 = rest - 32: its low five bits are those of the rest.
    tbz     x2, #4, 3f
    stp     x1, x1, [x3], #16
3:  tbz     x2, #3, 4f
    str     x1, [x3], #8
4:  tbz     x2, #2, 5f
    str     w1, [x3], #4
5:  tbz     x2, #1, 6f
    strh    w1, [x3], #2
6:  tbz     x2, #0, 7f
    strb    w1, [x3]
7:  ret
    .size   memset, . - memset

    .global memmove
    .type   memmove, %function
memmove:
    // Backwards if the target begins inside the source.
    sub     x3, x0, x1
    cmp     x3, x2
    b.hs    memcpy
    cbz     x3, 2f
1:  cbz     x2, 2f
    sub     x2, x2, #1
    ldrb    w3, [x1, x2]
    strb    w3, [x0, x2]
    b       1b
2:  ret
    .size   memmove, . - memmove

    .global memcpy
    .type   memcpy, %function
memcpy:
    mov     x3, x0
    subs    x2, x2, #32
    b.lo    2f
1:  ldp     x4, x5, [x1], #16
    ldp     x6, x7, [x1], #16
    stp     x4, x5, [x3], #16
    stp     x6, x7, [x3], #16
    subs    x2, x2, #32
    b.hs    1b
2:  tbz     x2, #4, 3f
    ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
3:  tbz     x2, #3, 4f
    ldr     x4, [x1], #8
    str     x4, [x3], #8
4:  tbz     x2, #2, 5f
    ldr     w4, [x1], #4
    str     w4, [x3], #4
5:  tbz     x2, #1, 6f
    ldrh    w4, [x1], #2
    strh    w4, [x3], #2
6:  tbz     x2, #0, 7f
    ldrb    w4, [x1]
    strb    w4, [x3]
7:  ret
    .size   memcpy, . - memcpy
