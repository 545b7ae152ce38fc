/*
 * See layout.h.
 */
#include "layout.h"

namespace kos::boot {
namespace {

// The `size` bytes after `start`, if they end at or below `limit`.
Result<PhysicalRange> place(const char* subject, uint64_t start, uint64_t size, uint64_t limit) {
    if (start > limit || size > limit - start) {
        return Failure{BootError::kNoRoom, subject, start + size, limit};
    }
    return PhysicalRange{start, start + size};
}

}  // namespace

Result<Layout> plan_layout(const ElfFile& kernel, uint64_t device_tree_size, const ElfFile& root_task, uint64_t limit) {
    // All segments of a checked kernel have the same difference between the two kinds of address.
    const uint64_t offset = kernel.segments[0].virtual_address - kernel.segments[0].physical_address;
    const uint64_t kernel_start = kernel.virtual_start() - offset;
    const uint64_t kernel_size = kernel.virtual_end() - kernel.virtual_start();
    const Result<PhysicalRange> kernel_range = place("kernel", kernel_start, kernel_size, limit);
    KOS_BOOT_TRY(kernel_range);
    const Result<PhysicalRange> device_tree = place("device tree", kernel_range.value().end, device_tree_size, limit);
    KOS_BOOT_TRY(device_tree);
    const uint64_t root_size = root_task.virtual_end() - root_task.virtual_start();
    const Result<PhysicalRange> root_range = place("root task", device_tree.value().end, root_size, limit);
    KOS_BOOT_TRY(root_range);
    return Layout{kernel_range.value(), device_tree.value(), root_range.value()};
}

}  // namespace kos::boot
