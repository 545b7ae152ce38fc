/*
 * Entry of the loader: arm64 Image header, relocation to the link address, drop to EL1, first C++ call.
 *
 * QEMU jumps here from an ELF (x0 arbitrary) or a raw Image (x0 = device tree), a firmware by the arm64 boot protocol
 * (Linux, Documentation/arch/arm64/booting.rst: MMU off, x0 = device tree). Until relocated, the code is position
 * independent and uses no stack.
 *
 * Kept for main(): x19 = device tree candidate, x20 = CurrentEL at entry.
 */
#include "board.h"
#include "assembly.h"
#include "registers.h"

#define PL011_DR 0x00

/* Loads the address of a symbol relative to the program counter. */
.macro address register, symbol
    adrp \register, \symbol
    add \register, \register, :lo12:\symbol
.endm

.section ".head", "ax"
.global _start
_start:
    b entry
    .word 0
    .quad KOS_BOARD_LOADER_BASE - KOS_BOARD_RAM_BASE /* text_offset */
    .quad KOS_BOARD_LOADER_END - KOS_BOARD_LOADER_BASE /* image_size, zeroed data included */
    .quad (1 << 1) | (1 << 3) /* little endian, 4 KiB pages, anywhere in memory */
    .quad 0
    .quad 0
    .quad 0
    .ascii "ARM\x64"
    .word 0

entry:
    msr daifset, #0xf
    mov x19, x0
    mrs x20, CurrentEL
    cmp x20, #(3 << 2)
    b.eq entered_at_el3

    /* Where we are, where we belong, how much of us there is. */
    adr x0, _start
    ldr x1, =_start
    cmp x0, x1
    b.eq relocated
    address x3, loader_info
    ldr x4, [x3, #KOS_LOADER_INFO_IMAGE_ADDRESS]
    ldr x2, [x3, #KOS_LOADER_INFO_IMAGE_SIZE]
    add x2, x2, x4
    sub x2, x2, x1
    add x2, x2, #7
    and x2, x2, #~7
    /* The mover must survive the move: it runs from a copy outside both ranges, before the lower or after the upper. */
    adr x3, move_and_jump
    adr x4, move_and_jump_end
    cmp x0, x1
    b.lo 1f
    sub x5, x1, #0x1000
    b 2f
1:  add x5, x1, x2
    add x5, x5, #0xfff
    and x5, x5, #~0xfff
2:  mov x6, x5
3:  ldr w7, [x3], #4
    str w7, [x6], #4
    dc civac, x6
    cmp x3, x4
    b.lo 3b
    dsb sy
    ic iallu
    dsb sy
    isb
    br x5
.ltorg

/*
 * x0 source, x1 destination, x2 size (multiple of 8).
 * Caches are off, so what is written is in memory; lines that a firmware left dirty there would overwrite it later
 * and are pushed out first.
 */
move_and_jump:
    mov x3, x1
    add x4, x1, x2
1:  dc civac, x3
    add x3, x3, #16
    cmp x3, x4
    b.lo 1b
    dsb sy
    cmp x0, x1
    b.lo 3f
    mov x3, #0
2:  ldr x5, [x0, x3]
    str x5, [x1, x3]
    add x3, x3, #8
    cmp x3, x2
    b.lo 2b
    b 4f
3:  sub x2, x2, #8
    ldr x5, [x0, x2]
    str x5, [x1, x2]
    cbnz x2, 3b
4:  dsb sy
    ic iallu
    dsb sy
    isb
    mov x0, x19
    br x1
move_and_jump_end:

/* No PSCI below us that could power off, and the secure state is not ours to set up: say so and stop. */
entered_at_el3:
    mov x1, #KOS_BOARD_UART_BASE
    adr x2, el3_message
1:  ldrb w3, [x2], #1
    cbz w3, 2f
    str w3, [x1, #PL011_DR]
    b 1b
2:  wfi
    b 2b
el3_message:
    .asciz "KOS loader: error: entered at EL3: start it from a firmware, at EL2 or EL1\r\n"
.balign 4

relocated:
    /* Zeroed data: as with the move, nothing stale may be written back over it or be read instead of it. */
    address x0, __bss_start
    address x1, __bss_end
    mov x2, x0
1:  dc civac, x2
    add x2, x2, #16
    cmp x2, x1
    b.lo 1b
    dsb sy
    mov x2, x0
2:  stp xzr, xzr, [x2], #16
    cmp x2, x1
    b.lo 2b
    dsb sy
    mov x2, x0
3:  dc ivac, x2
    add x2, x2, #16
    cmp x2, x1
    b.lo 3b
    dsb sy

    bl enter_el1
    address x0, __stack_top
    mov sp, x0
    address x0, exception_vectors
    msr vbar_el1, x0
    isb
    bl kos_build_identity_map
    bl enable_mmu
    mov x0, x19
    lsr x1, x20, #2
    bl kos_loader_main
    /* Does not return. */
1:  wfi
    b 1b

/*
 * Continues at the caller in EL1 with MMU and caches off and nothing trapped to EL2. Changes x0..x2, x30.
 */
.global enter_el1
enter_el1:
    ldr x0, =KOS_SCTLR_EL1_OFF
    mrs x1, CurrentEL
    cmp x1, #(2 << 2)
    b.eq 1f
    msr sctlr_el1, x0
    isb
    msr spsel, #1
    b 3f

1:  ldr x1, =KOS_HCR_EL2
    msr hcr_el2, x1
    isb
    msr sctlr_el1, x0
    mov x1, #KOS_CNTHCTL_EL2
    msr cnthctl_el2, x1
    msr cntvoff_el2, xzr
    mov x1, #KOS_CPTR_EL2
    msr cptr_el2, x1
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x1, midr_el1
    msr vpidr_el2, x1
    mrs x1, mpidr_el1
    msr vmpidr_el2, x1
    /* All performance counters for EL1: MDCR_EL2.HPMN = PMCR_EL0.N, if there is a PMU (ID_AA64DFR0_EL1.PMUVer). */
    mrs x1, id_aa64dfr0_el1
    ubfx x1, x1, #8, #4
    mov x2, #0
    cbz x1, 2f
    cmp x1, #0xf
    b.eq 2f
    mrs x2, pmcr_el0
    ubfx x2, x2, #11, #5
2:  msr mdcr_el2, x2
    mov x1, #KOS_SPSR_EL1H
    msr spsr_el2, x1
    adr x1, 3f
    msr elr_el2, x1
    eret
3:  msr daifset, #0xf
    mov x1, #KOS_CPACR_EL1_FPEN
    msr cpacr_el1, x1
    isb
    ret

/*
 * Turns on MMU and caches with the loader's tables (mmu.cpp). Runs from identity-mapped memory. Changes x0, x1.
 */
.global enable_mmu
enable_mmu:
    ldr x0, =KOS_MAIR_EL1
    msr mair_el1, x0
    ldr x0, =KOS_TCR_EL1
    mrs x1, id_aa64mmfr0_el1
    and x1, x1, #0xf
    cmp x1, #KOS_TCR_EL1_IPS_MAX
    b.ls 1f
    mov x1, #KOS_TCR_EL1_IPS_MAX
1:  orr x0, x0, x1, lsl #KOS_TCR_EL1_IPS_SHIFT
    msr tcr_el1, x0
    address x0, kos_identity_root
    msr ttbr0_el1, x0
    address x0, kos_kernel_root
    msr ttbr1_el1, x0
    isb
    tlbi vmalle1
    ic iallu
    dsb sy
    isb
    ldr x0, =KOS_SCTLR_EL1_ON
    msr sctlr_el1, x0
    isb
    ret

/*
 * First instruction of a core that PSCI CPU_ON started: x0 = logical number. Until its MMU is on it reads nothing that
 * the first core wrote, only code and constants. It uses no stack.
 */
.global secondary_start
secondary_start:
    msr daifset, #0xf
    mov x19, x0
    bl enter_el1
    address x0, exception_vectors
    msr vbar_el1, x0
    bl enable_mmu
    /* Tell the first core; pairs with its acquire load in start_core(). */
    address x0, kos_cores_arrived
    add x0, x0, x19, lsl #2
    mov w1, #1
    stlr w1, [x0]
    mov x0, x19
    b kos_enter_kernel

/*
 * Jumps into the kernel: x0 = logical number of this core. The other registers come from kos_hand_over (hand_over.h).
 * The compare value of the physical timer, which stays off, keeps the time: from it the kernel's start is measured.
 */
.global kos_enter_kernel
kos_enter_kernel:
    msr tpidr_el1, x0
    address x7, kos_hand_over
    ldp x0, x1, [x7, #0]
    ldp x2, x3, [x7, #16]
    ldp x4, x5, [x7, #32]
    ldr x6, [x7, #48]
    msr cpacr_el1, xzr
    mrs x7, cntpct_el0
    msr cntp_cval_el0, x7
    isb
    br x6
.ltorg

.section ".text", "ax"
/* Every exception is a bug of the loader or of the machine below it: one line (main.cpp), then stop. */
.macro vector
    .balign 0x80
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    b kos_loader_exception
.endm
.balign 0x800
.global exception_vectors
exception_vectors:
.rept 16
    vector
.endr

/* PSCI calls (SMC calling convention, Arm DEN 0028): x0 = function, x1..x3 arguments, result in x0. */
.global kos_psci_smc
kos_psci_smc:
    smc #0
    ret
.global kos_psci_hvc
kos_psci_hvc:
    hvc #0
    ret
