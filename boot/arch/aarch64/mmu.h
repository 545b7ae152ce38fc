/*
 * The loader's translation tables: an identity map (TTBR0) and the kernel at its link address (TTBR1).
 *
 * Tables are made once by the first core and used by all; the kernel replaces both at once. Format: VMSAv8-64, 4 KiB
 * granule, 4 levels (Arm ARM, D8.3).
 */
#ifndef KOS_BOOT_ARCH_AARCH64_MMU_H_
#define KOS_BOOT_ARCH_AARCH64_MMU_H_

#include "elf_file.h"

namespace kos::boot {

// Maps the segments of a checked kernel, page by page with their own permissions, and nothing else.
void map_kernel(const ElfFile& kernel);

}  // namespace kos::boot

#endif
