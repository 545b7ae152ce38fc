/*
 * The loader's course of action, on the first core, at EL1 with MMU and caches on (start.S has seen to that): find the
 * device tree, check the boot image, place kernel, device tree and root task, start the other cores, enter the kernel.
 *
 * Every way out but the last is one line on the UART and power off.
 */
#include <string.h>

#include "board.h"
#include "cache.h"
#include "console.h"
#include "device_tree.h"
#include "elf_file.h"
#include "hand_over.h"
#include "image.h"
#include "layout.h"
#include "loader_info.h"
#include "mmu.h"
#include "power.h"
#include "sha256.h"

using namespace kos::boot;

extern "C" {
HandOver kos_hand_over;
uint32_t kos_cores_arrived[kMaxCores];
}

namespace {

constexpr uint64_t kRamEnd = uint64_t{KOS_BOARD_RAM_BASE} + KOS_BOARD_RAM_SIZE_BYTES;
constexpr uint64_t kKernelBase = KOS_BOARD_KERNEL_WINDOW_OFFSET + KOS_BOARD_KERNEL_PHYSICAL_BASE;
constexpr uint64_t kCoreStartPolls = 1'000'000'000;  // at least seconds, whatever the clock

// The device tree as found, and as the kernel will get it.
[[gnu::section(".scratch")]] alignas(8) uint8_t g_machine_tree[kDeviceTreeMaxBytes];
[[gnu::section(".scratch")]] alignas(8) uint8_t g_kernel_tree[kDeviceTreeMaxBytes + kDeviceTreeSlackBytes];

bool g_stopping;

[[noreturn]] void stop(const Failure& failure) {
    char line[kFailureLineBytes];
    describe(failure, line);
    print("KOS loader: error: ");
    print(line);
    print("\n");
    g_stopping = true;
    power_off();
}

template <typename T>
T value_or_stop(const Result<T>& result) {
    if (!result.ok()) {
        stop(result.failure());
    }
    return result.value();
}

// Memory at a physical address: the map is one to one.
template <typename T>
T* at(uint64_t physical_address) {
    return reinterpret_cast<T*>(physical_address);
}

// Size of the device tree at this address, 0 if there is none or it is not in RAM.
uint64_t tree_size_at(uint64_t address) {
    if (address % 8 != 0 || address < KOS_BOARD_RAM_BASE || address >= kRamEnd) {
        return 0;
    }
    return device_tree_size(Bytes(at<const uint8_t>(address), kRamEnd - address));
}

// Copies the device tree away from where the kernel will be. QEMU leaves x0 alone for ELF kernels and puts the tree at
// the start of RAM.
Bytes take_device_tree(uint64_t candidate) {
    uint64_t address = candidate;
    uint64_t size = tree_size_at(address);
    if (size == 0) {
        address = KOS_BOARD_RAM_BASE;
        size = tree_size_at(address);
    }
    if (size == 0) {
        stop({BootError::kDeviceTreeAbsent, "device tree", candidate, KOS_BOARD_RAM_BASE});
    }
    if (size > kDeviceTreeMaxBytes) {
        stop({BootError::kDeviceTreeTooLarge, "device tree", size, kDeviceTreeMaxBytes});
    }
    memcpy(g_machine_tree, at<const uint8_t>(address), size);
    const Bytes tree(g_machine_tree, size);
    value_or_stop(check_device_tree(tree));
    return tree;
}

Image take_image() {
    if (loader_info.image_size == 0) {
        stop({BootError::kImageAbsent, "boot image"});
    }
    const uint64_t capacity = static_cast<uint64_t>(__image_limit - __image_start);
    if (loader_info.image_size > capacity) {
        stop({BootError::kImageTooLarge, "boot image", loader_info.image_size, capacity});
    }
    return value_or_stop(
        check_image(Bytes(__image_start, loader_info.image_size), KOS_BOARD_MAX_CORES, loader_info.public_key));
}

// Clears `range` and copies the segments; `offset` is physical minus virtual.
void load(const ElfFile& elf, PhysicalRange range, uint64_t offset) {
    memset(at<void>(range.start), 0, range.size());
    for (uint32_t i = 0; i < elf.segment_count; ++i) {
        const ElfSegment& segment = elf.segments[i];
        memcpy(at<void>(segment.virtual_address + offset), segment.contents.data(), segment.contents.size());
    }
}

void start_other_cores(const Cores& cores) {
    // What they will read with MMU and caches on (start.S) is written before they run.
    asm volatile("dsb ish" ::: "memory");
    for (uint32_t i = 1; i < cores.count; ++i) {
        const int64_t status = start_core(cores.mpidr[i], reinterpret_cast<uint64_t>(secondary_start), i);
        uint64_t polls = 0;
        // Pairs with the store-release in secondary_start.
        while (status == 0 && polls < kCoreStartPolls &&
               __atomic_load_n(&kos_cores_arrived[i], __ATOMIC_ACQUIRE) == 0) {
            ++polls;
        }
        if (status != 0 || polls == kCoreStartPolls) {
            stop({BootError::kCoreStart, "core", cores.mpidr[i], static_cast<uint64_t>(status)});
        }
    }
}

uint64_t boot_mpidr() {
    uint64_t mpidr = 0;
    asm("mrs %0, mpidr_el1" : "=r"(mpidr));
    return mpidr;
}

// Field SHA2 of ID_AA64ISAR0_EL1 (Arm DDI 0487, D19.2.61), of the boot core: a board's cores are alike in this.
bool has_sha256_instructions() {
    uint64_t features = 0;
    asm("mrs %0, id_aa64isar0_el1" : "=r"(features));
    return (features >> 12 & 0xf) != 0;
}

void announce(uint64_t exception_level, const Image& image) {
    constexpr const char* kSlotNames[] = {"no slot", "slot A", "slot B"};
    print("KOS loader: " KOS_BOARD_NAME ", entered at EL");
    print_decimal(exception_level);
    print(", ");
    print(kSlotNames[static_cast<uint32_t>(image.slot)]);
    print(", cores: ");
    print_decimal(image.core_count);
    print("\n");
    if ((loader_info.flags & kLoaderInfoDevelopmentKey) != 0) {
        print("KOS loader: warning: trusts a development key: not for devices in the field\n");
    }
}

}  // namespace

void kos_loader_main(uint64_t device_tree_candidate, uint64_t exception_level) {
    // Until the device tree says how to reach it: whoever gave us EL2 has firmware above, else it is a hypervisor.
    set_psci_conduit(exception_level == 2 ? PsciConduit::kSmc : PsciConduit::kHvc);
    const Bytes machine_tree = take_device_tree(device_tree_candidate);
    const PsciConduit conduit = psci_conduit(machine_tree);
    if (conduit != PsciConduit::kNone) {
        set_psci_conduit(conduit);
    }
    const uint64_t memory_size = memory_size_at(machine_tree, KOS_BOARD_RAM_BASE);
    if (memory_size < KOS_BOARD_RAM_SIZE_BYTES) {
        stop({BootError::kMemoryTooSmall, "memory", memory_size / 1024, KOS_BOARD_RAM_SIZE_BYTES / 1024});
    }

    const bool has_sha256 = has_sha256_instructions();
    kos::sha256_use_instructions(has_sha256);
    const Image image = take_image();
    const Cores cores = value_or_stop(choose_cores(machine_tree, boot_mpidr(), image.core_count));
    if (cores.count > 1 && conduit == PsciConduit::kNone) {
        stop({BootError::kPsciAbsent, "device tree"});
    }
    const ElfFile kernel = value_or_stop(check_elf(image.kernel, "kernel", kKernelLimits));
    value_or_stop(check_kernel_base(kernel, kKernelBase, KOS_BOARD_KERNEL_PHYSICAL_BASE));
    const ElfFile root_task = value_or_stop(check_elf(image.root_task, "root task", kRootTaskLimits));
    value_or_stop(check_deferred(root_task, image.deferred));
    const TreeAdditions additions = {.bootargs = image.bootargs, .has_sha256_instructions = has_sha256};
    const uint64_t tree_size = value_or_stop(prepare_device_tree(machine_tree, additions, g_kernel_tree));
    const Layout layout = value_or_stop(plan_layout(kernel, tree_size, root_task, KOS_BOARD_LOADER_BASE));

    const uint64_t root_offset = layout.root_task.start - root_task.virtual_start();
    load(kernel, layout.kernel, layout.kernel.start - kernel.virtual_start());
    memcpy(at<void>(layout.device_tree.start), g_kernel_tree, tree_size);
    load(root_task, layout.root_task, root_offset);
    clean_to_memory(at<void>(layout.kernel.start), layout.root_task.end - layout.kernel.start);
    forget_instructions();

    map_kernel(kernel);
    kos_hand_over = {
        .user_image_start = layout.root_task.start,
        .user_image_end = layout.root_task.end,
        .user_image_offset = root_offset,
        .user_entry = root_task.entry,
        .device_tree = layout.device_tree.start,
        .device_tree_size = tree_size,
        .kernel_entry = kernel.entry,
    };
    start_other_cores(cores);
    announce(exception_level, image);
    kos_enter_kernel(0);
}

void kos_loader_exception(uint64_t syndrome, uint64_t pc, uint64_t fault_address) {
    // A conduit that does not exist is itself an exception: then there is nothing left but to stop.
    if (g_stopping) {
        for (;;) {
            asm volatile("wfi");
        }
    }
    g_stopping = true;
    print("KOS loader: error: exception: ESR ");
    print_hex(syndrome);
    print(" at ");
    print_hex(pc);
    print(", address ");
    print_hex(fault_address);
    print("\n");
    power_off();
}
