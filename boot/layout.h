/*
 * Where kernel, device tree and root task go in physical memory.
 *
 * The kernel tolerates exactly one order: kernel, device tree, user image, ascending and back to back, each beginning
 * on a page (sel4 ABI, boot protocol: further gaps would be further free regions, more than it has room for).
 * Portable: loader, host tests.
 */
#ifndef KOS_BOOT_LAYOUT_H_
#define KOS_BOOT_LAYOUT_H_

#include <stdint.h>

#include "elf_file.h"
#include "result.h"

namespace kos::boot {

// Physical addresses; whole pages.
struct PhysicalRange {
    uint64_t start = 0;
    uint64_t end = 0;

    constexpr uint64_t size() const { return end - start; }
};

struct Layout {
    PhysicalRange kernel;
    PhysicalRange device_tree;
    PhysicalRange root_task;
};

// `device_tree_size` in bytes, a multiple of a page. `limit` is the first physical address that none of the three may
// reach (the loader's own memory). `kernel` has passed check_kernel_base().
Result<Layout> plan_layout(const ElfFile& kernel, uint64_t device_tree_size, const ElfFile& root_task, uint64_t limit);

}  // namespace kos::boot

#endif
