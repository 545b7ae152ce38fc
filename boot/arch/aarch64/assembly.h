/*
 * What start.S shares with C++: offsets into structures (checked in hand_over.cpp) and a macro.
 */
#ifndef KOS_BOOT_ARCH_AARCH64_ASSEMBLY_H_
#define KOS_BOOT_ARCH_AARCH64_ASSEMBLY_H_

#define KOS_LOADER_INFO_IMAGE_ADDRESS 24
#define KOS_LOADER_INFO_IMAGE_SIZE 40

#ifdef __ASSEMBLER__
/* Loads the address of a symbol relative to the program counter. */
.macro address register, symbol adrp \register, \symbol add \register, \register, : lo12 :\symbol.endm
#endif

#endif
