// The kernel's own address space (TTBR1): where devices are, and its construction at boot.
#pragma once

#include "core/types.h"

namespace keel {

// Devices of the kernel: 4 KiB pages from here on, in this order.
constexpr Word kKernelDevices = 0xffffffffffe00000;
constexpr Word kUartAddress = kKernelDevices;
constexpr Word kGicDistributorAddress = kKernelDevices + 0x1000;
constexpr Word kGicInterfaceAddress = kKernelDevices + 0x2000;

// boot_entry.S: fills the tables. First core only.
extern "C" void keel_build_kernel_space();

}  // namespace keel
