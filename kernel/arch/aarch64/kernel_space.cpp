// The kernel's address space: its image with the rights that each part needs and no part both writable and executable,
// all RAM in 2 MiB blocks, and its devices at the very top.
//
// The image lies in the RAM window (virtual = physical + kWindowOffset), so nothing is mapped twice.
#include "arch/kernel_space.h"

#include "arch/asid.h"
#include "arch/memory.h"
#include "arch/page_tables.h"
#include "arch/stack.h"
#include "board.h"
#include "core/config.h"

namespace keel {

extern "C" {
// Linker script.
extern char keel_image_start[], keel_text_end[], keel_rodata_end[], keel_image_end[];

alignas(4096) CoreStack keel_core_stacks[kMaxCores];
PageTable keel_kernel_root;
PageTable keel_identity_root;
PageTable keel_empty_root;
}

Word empty_vspace;

namespace {

constexpr Word kGiB = Word{1} << 30;
static_assert(KOS_BOARD_RAM_BASE % kGiB == 0 && KOS_BOARD_RAM_SIZE_BYTES % kGiB == 0);
static_assert(KOS_BOARD_KERNEL_WINDOW_OFFSET == kWindowOffset);

PageTable window;                                // level 1: all of the kernel's 512 GiB
PageTable ram[KOS_BOARD_RAM_SIZE_BYTES / kGiB];  // level 2
PageTable image_pages;                           // level 3: the 2 MiB of the kernel's image
PageTable devices_large;                         // level 2
PageTable devices;                               // level 3
PageTable identity;                              // level 1 of the identity mapping that enter_kernel_space runs in

constexpr PageTableEntry kNeverExecute = kEntryNoKernelExecute | kEntryNoUserExecute;

PageTableEntry table_at(const PageTable& table) { return table_entry(to_physical(&table)); }

PageTableEntry ram_entry(Word physical, unsigned level) {
    return leaf_entry(PhysAddr{physical}, level, MemoryType::kNormal, kNeverExecute);
}

void map_image() {
    Word const start = reinterpret_cast<Word>(keel_image_start);
    for (unsigned i = 0; i < kTableEntries; i++) {
        Word const address = start + (Word{i} << 12);
        PageTableEntry flags = kNeverExecute;
        if (address < reinterpret_cast<Word>(keel_text_end)) {
            flags = kEntryReadOnly | kEntryNoUserExecute;
        } else if (address < reinterpret_cast<Word>(keel_rodata_end)) {
            flags = kEntryReadOnly | kNeverExecute;
        }
        image_pages.entry[i] = leaf_entry(PhysAddr{address - kWindowOffset}, kLastLevel, MemoryType::kNormal, flags);
    }
    // A stack that overflows shall not write into its neighbour.
    for (CoreStack& stack : keel_core_stacks) image_pages.entry[table_index(reinterpret_cast<Word>(&stack), 3)] = 0;
}

void map_device(Word address, Word physical) {
    devices.entry[table_index(address, 3)] =
        leaf_entry(PhysAddr{physical}, kLastLevel, MemoryType::kDevice, kNeverExecute);
}

}  // namespace

bool is_ram(PhysAddr address) { return raw(address) - KOS_BOARD_RAM_BASE < KOS_BOARD_RAM_SIZE_BYTES; }

// Runs in the loader's address space, before anything else.
extern "C" void keel_build_kernel_space() {
    Word const image = reinterpret_cast<Word>(keel_image_start);
    Word const image_physical = image - kWindowOffset;

    map_image();
    Word physical = KOS_BOARD_RAM_BASE;
    for (PageTable& table : ram) {
        window.entry[table_index(physical + kWindowOffset, 1)] = table_at(table);
        for (PageTableEntry& entry : table.entry) {
            entry = ram_entry(physical, 2);
            physical += Word{1} << level_bits(2);
        }
    }
    ram[(image_physical - KOS_BOARD_RAM_BASE) / kGiB].entry[table_index(image, 2)] = table_at(image_pages);

    map_device(kUartAddress, KOS_BOARD_UART_BASE);
    map_device(kGicDistributorAddress, KOS_BOARD_GIC_DISTRIBUTOR_BASE);
    map_device(kGicInterfaceAddress, KOS_BOARD_GIC_CPU_INTERFACE_BASE);
    devices_large.entry[table_index(kKernelDevices, 2)] = table_at(devices);
    window.entry[table_index(kKernelDevices, 1)] = table_at(devices_large);

    keel_kernel_root.entry[table_index(image, 0)] = table_at(window);

    // Read-only: it only has to execute.
    identity.entry[table_index(image_physical, 1)] = leaf_entry(
        PhysAddr{align_down(image_physical, 30)}, 1, MemoryType::kNormal, kEntryReadOnly | kEntryNoUserExecute);
    keel_identity_root.entry[table_index(image_physical, 0)] = table_at(identity);

    empty_vspace = ttbr_value(&keel_empty_root, 0);
}

}  // namespace keel
