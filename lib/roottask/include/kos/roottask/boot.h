// What the kernel gave the initial thread, and the program's entry.
//
// The program defines `void kos_main(kos::roottask::RootTask&)`, which is called once with console and allocator ready.
#pragma once

#include <kos/roottask/allocator.h>
#include <kos/sel4/sel4.h>

namespace kos::roottask {

struct RootTask {
    const seL4_BootInfo* boot_info = nullptr;
    ObjectAllocator allocator;  // everything that the root task itself owns
    const void* device_tree = nullptr;
    size_t device_tree_bytes = 0;
    uint64_t start_ticks = 0;  // physical counter at the first instruction
};

RootTask& root_task();

// The frame capability of the page of the program image that contains `address`; kNullCap if outside.
sel4::CPtr image_frame(const void* address);

// First byte and end of the image, page aligned.
uintptr_t image_start();
uintptr_t image_end();

// Chunk `id` of the extra bootinfo: its payload, or null.
const void* extra_boot_info(sel4::Word id, size_t& bytes);

// Stops this thread for good, after a message. For mistakes of the program itself; never for what a test observes.
[[noreturn]] void fatal(const char* text, const char* file, int line);

}  // namespace kos::roottask

#define KOS_FATAL(text) ::kos::roottask::fatal(text, __FILE__, __LINE__)

void kos_main(kos::roottask::RootTask& root);
