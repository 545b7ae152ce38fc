/*
 * Values of the system registers that the loader sets, shared by C++ and assembly.
 *
 * Source: Arm Architecture Reference Manual for A-profile (DDI 0487), chapters D8 (translation) and D19 (registers).
 * MAIR and TCR are part of the hand-over: the kernel keeps what it finds.
 */
#ifndef KOS_BOOT_ARCH_AARCH64_REGISTERS_H_
#define KOS_BOOT_ARCH_AARCH64_REGISTERS_H_

/* MAIR_EL1, attribute 0 in the lowest byte: Device-nGnRnE, -nGnRE, -GRE, Normal non-cacheable, write-back,
 * write-through. */
#define KOS_MAIR_EL1 0x0000bbff440c0400
#define KOS_MAIR_INDEX_DEVICE 0 /* nGnRnE */
#define KOS_MAIR_INDEX_NORMAL 4 /* write-back */

/*
 * TCR_EL1 without IPS (bits 34:32), which is the CPU's own physical address size:
 * T0SZ = T1SZ = 16 (48-bit virtual), IRGN = ORGN = 1 (write-back, write-allocate), SH = 3 (inner shareable),
 * TG0 = 0 and TG1 = 2 (4 KiB), AS = 1 (16-bit ASIDs).
 */
#define KOS_TCR_EL1 \
    ((1 << 36) | (2 << 30) | (3 << 28) | (1 << 26) | (1 << 24) | (16 << 16) | (3 << 12) | (1 << 10) | (1 << 8) | 16)
#define KOS_TCR_EL1_IPS_SHIFT 32
#define KOS_TCR_EL1_IPS_MAX 5 /* 48 bits: more needs other granules or FEAT_LPA */

/* SCTLR_EL1 with MMU and caches off: only the bits that are one in Armv8.0 (29, 28, 23 SPAN, 22, 20, 11). */
#define KOS_SCTLR_EL1_OFF 0x30d00800

/*
 * SCTLR_EL1 at the hand-over. The kernel itself decides M, C, I, UCT, UCI (on) and A, SA0, EE, E0E (off); the others
 * are inherited, so these are the loader's choice and thereby part of what user level sees:
 *   SA (3)      stack alignment checked at EL1          nTWI (16)  WFI at EL0 is not trapped
 *   SA0 (4)     ... and at EL0, until the kernel clears  nTWE (18)  WFE at EL0 is not trapped
 *   DZE (14)    DC ZVA works at EL0                     UCT (15), UCI (26) cache type and cache maintenance at EL0
 * and clear: WXN (a kernel may be one writable executable segment), UMA (no masking of interrupts at EL0).
 */
#define KOS_SCTLR_EL1_ON \
    (KOS_SCTLR_EL1_OFF | 0x1 | 0x4 | 0x8 | 0x10 | 0x1000 | 0x4000 | 0x8000 | 0x10000 | 0x40000 | 0x4000000)

/* EL2: EL1 is AArch64, nothing trapped; EL1 may use the physical counter and timer; CPTR's bits that are one. */
#define KOS_HCR_EL2 0x80000000
#define KOS_CNTHCTL_EL2 0x3
#define KOS_CPTR_EL2 0x33ff

/* SPSR for the drop to EL1: EL1h, D, A, I and F masked. */
#define KOS_SPSR_EL1H 0x3c5

/* CPACR_EL1.FPEN = 3: the libraries that the loader links use vector registers. Back to 0 at the hand-over. */
#define KOS_CPACR_EL1_FPEN 0x300000

#endif
