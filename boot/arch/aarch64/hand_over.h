/*
 * What the kernel gets in its registers, and the calls between C++ and start.S.
 */
#ifndef KOS_BOOT_ARCH_AARCH64_HAND_OVER_H_
#define KOS_BOOT_ARCH_AARCH64_HAND_OVER_H_

#include <stddef.h>
#include <stdint.h>

#include "assembly.h"
#include "device_tree.h"
#include "image_format.h"

namespace kos::boot {

// x0..x5 and the entry point, in this order (sel4 ABI, boot protocol).
struct HandOver {
    uint64_t user_image_start;   // physical
    uint64_t user_image_end;     // physical
    uint64_t user_image_offset;  // physical minus virtual
    uint64_t user_entry;         // virtual
    uint64_t device_tree;        // physical
    uint64_t device_tree_size;   // bytes, whole pages
    uint64_t kernel_entry;       // virtual
};
static_assert(offsetof(HandOver, kernel_entry) == 48, "start.S");
static_assert(offsetof(LoaderInfo, image_address) == KOS_LOADER_INFO_IMAGE_ADDRESS);
static_assert(offsetof(LoaderInfo, image_size) == KOS_LOADER_INFO_IMAGE_SIZE);

}  // namespace kos::boot

extern "C" {

extern kos::boot::HandOver kos_hand_over;
// Set to 1 by each core that has its MMU on; index is the logical number.
extern uint32_t kos_cores_arrived[kos::boot::kMaxCores];

void secondary_start();
[[noreturn]] void kos_enter_kernel(uint64_t logical_number);
[[noreturn]] void kos_loader_exception(uint64_t syndrome, uint64_t pc, uint64_t fault_address);
[[noreturn]] void kos_loader_main(uint64_t device_tree_candidate, uint64_t exception_level);
int64_t kos_psci_smc(uint64_t function, uint64_t argument0, uint64_t argument1, uint64_t argument2);
int64_t kos_psci_hvc(uint64_t function, uint64_t argument0, uint64_t argument1, uint64_t argument2);
}

#endif
