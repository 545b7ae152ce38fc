/*
 * Offsets into structures that start.S uses; hand_over.h checks them against the structures.
 */
#ifndef KOS_BOOT_ARCH_AARCH64_ASSEMBLY_H_
#define KOS_BOOT_ARCH_AARCH64_ASSEMBLY_H_

#define KOS_LOADER_INFO_IMAGE_ADDRESS 24
#define KOS_LOADER_INFO_IMAGE_SIZE 40

#endif
