/*
 * Entry of the stand-in kernel: notes the registers of this core before anything changes them, then calls
 * probe_main(logical number). Runs on every core.
 */
.section ".text.start", "ax"
.global _start
_start:
    mrs x9, tpidr_el1
    /* A core that does not know its number must not touch the others' memory. */
    cmp x9, #4
    b.hs stop
    adrp x10, probe_entries
    add x10, x10, :lo12:probe_entries
    mov x11, #128
    madd x10, x9, x11, x10
    /* Nothing may have been there before: the loader zeroes what the file does not fill. */
    ldr x12, [x10]
    stp x0, x1, [x10, #0]
    stp x2, x3, [x10, #16]
    stp x4, x5, [x10, #32]
    mrs x13, sctlr_el1
    mrs x14, tcr_el1
    stp x13, x14, [x10, #48]
    mrs x13, mair_el1
    mrs x14, currentel
    stp x13, x14, [x10, #64]
    mrs x13, daif
    mrs x14, cpacr_el1
    stp x13, x14, [x10, #80]
    mrs x13, spsel
    stp x13, x12, [x10, #96]
    adr x13, _start
    str x13, [x10, #112]

    adrp x11, vectors
    add x11, x11, :lo12:vectors
    msr vbar_el1, x11
    isb
    adrp x11, probe_stacks
    add x11, x11, :lo12:probe_stacks
    add x12, x9, #1
    add x11, x11, x12, lsl #13
    msr spsel, #1
    mov sp, x11
    mov x0, x9
    bl probe_main
stop:
    wfi
    b stop

/* uint64_t probe_store_faults(uint64_t *address): whether a store there takes an exception. */
.global probe_store_faults
probe_store_faults:
    mov x1, x0
    mov x0, #0
    str xzr, [x1]
    ret

/* Skips the instruction that faulted and leaves 1 in x0. */
.balign 0x800
vectors:
.rept 16
    .balign 0x80
    mrs x2, elr_el1
    add x2, x2, #4
    msr elr_el1, x2
    mov x0, #1
    eret
.endr
