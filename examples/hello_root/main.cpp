// The smallest system: a root task that prints what the kernel gave it, and stops.
//
// It starts nothing and hands out nothing. With the parameter `report` it ends with a structured verdict, which is how
// the tests run it.
#include <kos/roottask/boot.h>
#include <kos/roottask/bootargs.h>
#include <kos/roottask/console.h>

using namespace kos::roottask;

namespace {

struct Memory {
    uint64_t bytes = 0;
    uint64_t largest_bytes = 0;
    uint64_t pieces = 0;
    uint64_t device_pieces = 0;
};

Memory count_memory(const seL4_BootInfo& info) {
    Memory memory;
    for (seL4_Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        if (untyped.isDevice != 0) {
            ++memory.device_pieces;
            continue;
        }
        const uint64_t bytes = uint64_t{1} << untyped.sizeBits;
        memory.bytes += bytes;
        memory.largest_bytes = bytes > memory.largest_bytes ? bytes : memory.largest_bytes;
        ++memory.pieces;
    }
    return memory;
}

}  // namespace

void kos_main(RootTask& root) {
    const seL4_BootInfo& info = *root.boot_info;
    const Memory memory = count_memory(info);
    const uint64_t free_slots = info.empty.end - info.empty.start;

    print("\nHello from the root task.\n\n");
    print("  cores            {}\n", info.numNodes);
    print("  free memory      {} KiB in {} untyped objects, the largest {} MiB\n", memory.bytes >> 10, memory.pieces,
          memory.largest_bytes >> 20);
    print("  device memory    {} untyped objects\n", memory.device_pieces);
    print("  capabilities     {} free slots of {}\n", free_slots, uint64_t{1} << info.initThreadCNodeSizeBits);
    print("  device tree      {} bytes\n", root.device_tree_bytes);
    print("  parameters       \"{}\"\n\n", bootargs());
    print("Nothing else is running. In QEMU, Ctrl-A X leaves.\n");

    char value[2];
    if (bootargs_text("report", value, sizeof(value))) {
        const bool good = memory.bytes != 0 && free_slots != 0 && root.device_tree_bytes != 0;
        put_record(good ? R"({"test":"hello_root","result":"pass"})"
                        : R"({"test":"hello_root","result":"fail","detail":"no memory, slots or device tree"})");
        put_record(good ? R"({"verdict":"pass","passed":1,"failed":0,"skipped":0})"
                        : R"({"verdict":"fail","passed":0,"failed":1,"skipped":0})");
    }
    for (;;) {
        kos::sel4::tcb_suspend(seL4_CapInitThreadTCB);
    }
}
