/*
 * Checks an ELF file (System V ABI, chapters 4 and 5; ELF for the Arm 64-bit Architecture) and lists its segments.
 *
 * It reads nothing outside the span it is given, whatever the bytes are, and loads nothing (layout.h says where things
 * go, main.cpp copies). Portable: loader, mkimage, host tests, fuzzing.
 */
#ifndef KOS_BOOT_ELF_FILE_H_
#define KOS_BOOT_ELF_FILE_H_

#include <stdint.h>

#include "result.h"
#include "verify.h"

namespace kos::boot {

constexpr uint64_t kPageBytes = 4096;
constexpr uint32_t kElfMaxSegments = 16;
// Largest kernel that the loader maps; bounds its page tables.
constexpr uint64_t kKernelMaxBytes = 16 * 1024 * 1024;

// One PT_LOAD segment of non-zero size. All sums and ranges are known not to overflow.
struct ElfSegment {
    uint64_t virtual_address = 0;
    uint64_t physical_address = 0;
    uint64_t memory_size = 0;  // bytes; those past `contents` are zero
    Bytes contents;            // points into the file
    bool writable = false;
    bool executable = false;
};

// A program header with this type is no segment: it names a range of the file, whole pages of one segment that is
// neither writable nor executable, that the program checks by itself before it uses it, so that the boot image need not
// have its hash. (PT_LOOS..PT_HIOS: of the operating system.)
constexpr uint32_t kElfDeferredType = 0x6b4f5331;

struct ElfFile {
    uint64_t entry = 0;  // virtual; inside an executable segment
    Range deferred;      // of the file
    uint32_t segment_count = 0;
    ElfSegment segments[kElfMaxSegments] = {};

    // Lowest and highest virtual address, rounded outwards to pages.
    uint64_t virtual_start() const;
    uint64_t virtual_end() const;
};

// Addresses that segments may have: [start, end).
struct AddressLimits {
    uint64_t start;
    uint64_t end;
};
// Kernel: anywhere, since check_kernel_base() says more precisely what is wrong. A page short, so that rounding up to
// pages cannot wrap.
constexpr AddressLimits kKernelLimits = {0, ~(kPageBytes - 1)};
// User level has 47 bits, and the kernel puts IPC buffer and bootinfo behind the image.
constexpr AddressLimits kRootTaskLimits = {0, (uint64_t{1} << 47) - 16 * 1024 * 1024};

// Checks the file; `subject` ("kernel", "root task") names it in failures. Every segment lies within `limits`
// (virtual), no two overlap.
Result<ElfFile> check_elf(Bytes file, const char* subject, AddressLimits limits);

// Checks that what the boot image has left out of its hash is what the (hashed) program headers say.
Status check_deferred(const ElfFile& root_task, const Range& left_out);

// Checks what a kernel must fulfil on top: its first segment begins at virtual `virtual_base` = physical
// `physical_base`, all segments have the same difference between the two, and it spans at most kKernelMaxBytes.
Status check_kernel_base(const ElfFile& kernel, uint64_t virtual_base, uint64_t physical_base);

}  // namespace kos::boot

#endif
