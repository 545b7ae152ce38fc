// Start of a bare root task: bootinfo, message buffer, first allocator, console, then kos_main (boot.h).
#include <kos/roottask/boot.h>
#include <kos/roottask/console.h>

extern "C" {
extern char kos_image_start[];
extern char kos_image_end[];
[[noreturn]] void kos_roottask_start(const seL4_BootInfo* boot_info, uint64_t start_ticks);
}

namespace kos::roottask {

using namespace sel4;

namespace {

constinit RootTask the_root_task;

// The biggest RAM untyped; the others stay as the kernel made them, for programs that want them.
CPtr biggest_ram_untyped(const seL4_BootInfo& info) {
    CPtr best = kNullCap;
    Word best_bits = 0;
    Word count = info.untyped.end - info.untyped.start;
    for (Word i = 0; i < count && i < SEL4_MAX_BOOTINFO_UNTYPEDS; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        if (!untyped.isDevice && untyped.sizeBits > best_bits) {
            best = info.untyped.start + i;
            best_bits = untyped.sizeBits;
        }
    }
    return best;
}

}  // namespace

RootTask& root_task() { return the_root_task; }

uintptr_t image_start() { return reinterpret_cast<uintptr_t>(kos_image_start); }
uintptr_t image_end() { return reinterpret_cast<uintptr_t>(kos_image_end); }

CPtr image_frame(const void* address) {
    uintptr_t at = reinterpret_cast<uintptr_t>(address);
    const seL4_SlotRegion& frames = the_root_task.boot_info->userImageFrames;
    if (at < image_start() || at >= image_end()) {
        return kNullCap;
    }
    CPtr cap = frames.start + ((at - image_start()) >> seL4_PageBits);
    return cap < frames.end ? cap : kNullCap;
}

const void* extra_boot_info(Word id, size_t& bytes) {
    const seL4_BootInfo* info = the_root_task.boot_info;
    const char* area = reinterpret_cast<const char*>(info) + (Word{1} << seL4_BootInfoFrameBits);
    Word at = 0;
    while (at + sizeof(seL4_BootInfoHeader) <= info->extraLen) {
        const auto* header = reinterpret_cast<const seL4_BootInfoHeader*>(area + at);
        if (header->len < sizeof(seL4_BootInfoHeader) || header->len > info->extraLen - at) {
            break;
        }
        if (header->id == id) {
            bytes = header->len - sizeof(seL4_BootInfoHeader);
            return header + 1;
        }
        at += header->len;
    }
    bytes = 0;
    return nullptr;
}

void fatal(const char* text, const char* file, int line) {
    print("FATAL {}:{}: {}\n", file, line, text);
    for (;;) {
        tcb_suspend(seL4_CapInitThreadTCB);
    }
}

}  // namespace kos::roottask

void kos_roottask_start(const seL4_BootInfo* boot_info, uint64_t start_ticks) {
    using namespace kos::roottask;
    kos::sel4::set_ipc_buffer(boot_info->ipcBuffer);
    kos::sel4::detect_label_shift(seL4_CapInitThreadTCB);
    RootTask& root = root_task();
    root.boot_info = boot_info;
    root.start_ticks = start_ticks;
    root.allocator = ObjectAllocator(biggest_ram_untyped(*boot_info), boot_info->empty.start,
                                     boot_info->empty.end - boot_info->empty.start);
    root.device_tree = extra_boot_info(SEL4_BOOTINFO_HEADER_FDT, root.device_tree_bytes);
    if (!console_start(root.allocator)) {
        // Nobody can be told; a fault at an address that names the reason is what is left.
        asm volatile("brk #0xc0");
    }
    kos_main(root);
    KOS_FATAL("kos_main returned");
}
