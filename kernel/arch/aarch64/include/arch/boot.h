// What the architecture offers to the boot sequence (kernel/init).
#pragma once

#include "core/cpu.h"
#include "init/memory_map.h"

namespace keel {

// RAM of the board, the kernel's image in it, and the ranges of addresses that devices of user level may have.
PhysRange board_ram();
PhysRange kernel_image_range();
RangeList user_device_ranges();

// This core becomes `cpu`: exception vectors, system registers, interrupt controller, timer. The first core has set up
// the parts that all share before (init_shared_hardware).
void init_core(Cpu& cpu);
void init_shared_hardware();
// Interrupts that no capability can be made for.
void reserve_kernel_irqs();

// Lets the other cores in and waits until all are there; they then wait for the kernel lock, which this core holds.
void start_other_cores();

// kernel/init/boot.cpp, from boot_entry.S.
extern "C" [[noreturn]] void keel_boot(Word image_start, Word image_end, Word image_offset, Word entry, Word tree_start,
                                       Word tree_size);

}  // namespace keel
