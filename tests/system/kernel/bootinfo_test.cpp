// What the initial thread is given: bootinfo, extra bootinfo, the fixed slots, untyped memory.
#include <kos/roottask/bootargs.h>

#include "support.h"

namespace {

constexpr Word kPage = Word{1} << seL4_PageBits;
constexpr Word kRamStart = 0x40000000;
constexpr Word kRamEnd = 0xc0000000;
constexpr Word kDeviceTop = Word{1} << 40;
constexpr Word kUart = 0x09000000;
constexpr Word kKernelDevices[] = {0x08000000, 0x08010000};  // the interrupt controller's two pages

const seL4_BootInfo& info() { return *root_task().boot_info; }
Word count(const seL4_SlotRegion& region) { return region.end - region.start; }
Word untyped_end(const seL4_UntypedDesc& untyped) { return untyped.paddr + (Word{1} << untyped.sizeBits); }
bool slot_is_empty(CPtr slot) {
    // Copying from an empty slot is refused as a failed look-up; nothing else is refused that way here.
    return cnode_copy(root_slot(info().empty.end - 1), root_slot(slot)).error == seL4_FailedLookup;
}

}  // namespace

KOS_TEST(bootinfo_header) {
    EXPECT_EQ(info().nodeID, 0u);
    EXPECT_GE(info().numNodes, 1u);
    EXPECT_LE(info().numNodes, Word{SEL4_SMP_MAX_NODES});
    EXPECT_EQ(info().numIOPTLevels, 0u);
    EXPECT_EQ(info().initThreadCNodeSizeBits, Word{SEL4_ROOT_CNODE_SIZE_BITS});
    EXPECT_EQ(info().initThreadDomain, 0u);
}

KOS_TEST(bootinfo_virtual_layout) {
    // Image, then the message buffer, then the bootinfo, then the extra bootinfo.
    Word buffer = reinterpret_cast<Word>(info().ipcBuffer);
    EXPECT_EQ(buffer, image_end());
    EXPECT_EQ(reinterpret_cast<Word>(&info()), buffer + kPage);
}

KOS_TEST(bootinfo_slot_regions) {
    EXPECT_EQ(count(info().sharedFrames), 0u);
    EXPECT_EQ(count(info().ioSpaceCaps), 0u);
    EXPECT_EQ(count(info().userImageFrames), (image_end() - image_start()) / kPage);
    // One table of level 1 and 2, and one of level 3 for each 2 MiB that image, buffer and bootinfo touch.
    constexpr Word kLarge = Word{1} << seL4_LargePageBits;
    Word end = reinterpret_cast<Word>(&info()) + kPage + info().extraLen;
    EXPECT_EQ(count(info().userImagePaging), 2 + (end + kLarge - 1) / kLarge - image_start() / kLarge);
    EXPECT_EQ(count(info().extraBIPages), (info().extraLen + kPage - 1) / kPage);
    EXPECT_EQ(count(info().schedcontrol), info().numNodes);
    EXPECT_EQ(info().empty.end, Word{1} << SEL4_ROOT_CNODE_SIZE_BITS);

    // In the order of the slots, without gaps, right after the fixed ones.
    Word at = seL4_NumInitialCaps;
    const seL4_SlotRegion* order[] = {&info().userImagePaging, &info().extraBIPages, &info().schedcontrol,
                                      &info().userImageFrames, &info().untyped,      &info().empty};
    for (const seL4_SlotRegion* region : order) {
        EXPECT_EQ(region->start, at);
        at = region->end;
    }
}

KOS_TEST(bootinfo_extra_chunks) {
    const char* area = reinterpret_cast<const char*>(&info()) + kPage;
    Word at = 0;
    Word device_trees = 0;
    while (at + sizeof(seL4_BootInfoHeader) <= info().extraLen) {
        const auto* header = reinterpret_cast<const seL4_BootInfoHeader*>(area + at);
        ASSERT_TRUE(header->len >= sizeof(seL4_BootInfoHeader) && header->len <= info().extraLen - at);
        EXPECT_TRUE(header->id == SEL4_BOOTINFO_HEADER_FDT || header->id == SEL4_BOOTINFO_HEADER_PADDING);
        if (header->id == SEL4_BOOTINFO_HEADER_FDT) {
            ++device_trees;
            const auto* tree = reinterpret_cast<const unsigned char*>(header + 1);
            EXPECT_TRUE(tree[0] == 0xd0 && tree[1] == 0x0d && tree[2] == 0xfe && tree[3] == 0xed);
            Word tree_bytes = Word{tree[4]} << 24 | Word{tree[5]} << 16 | Word{tree[6]} << 8 | tree[7];
            EXPECT_LE(tree_bytes, header->len - sizeof(seL4_BootInfoHeader));
        }
        at += header->len;
    }
    EXPECT_EQ(at, info().extraLen);
    EXPECT_EQ(device_trees, 1u);
    char text[32];
    EXPECT_FALSE(device_tree_string(root_task().device_tree, 16, "chosen", "bootargs", text, sizeof(text)));
}

KOS_TEST(bootinfo_untyped_list_is_sound) {
    Word total = count(info().untyped);
    ASSERT_TRUE(total > 0 && total <= SEL4_MAX_BOOTINFO_UNTYPEDS);
    Word ram_bytes = 0;
    for (Word i = 0; i < total; ++i) {
        const seL4_UntypedDesc& untyped = info().untypedList[i];
        Word size = Word{1} << untyped.sizeBits;
        EXPECT_LE(untyped.isDevice, 1);
        EXPECT_GE(untyped.sizeBits, seL4_MinUntypedBits);
        EXPECT_LE(untyped.sizeBits, seL4_MaxUntypedBits);
        EXPECT_EQ(untyped.paddr & (size - 1), 0u);
        for (unsigned char byte : untyped.padding) {
            EXPECT_EQ(byte, 0);
        }
        bool inside_ram = untyped.paddr >= kRamStart && untyped_end(untyped) <= kRamEnd;
        bool outside_ram = untyped_end(untyped) <= kRamStart || untyped.paddr >= kRamEnd;
        EXPECT_TRUE(untyped.isDevice != 0 ? outside_ram : inside_ram);
        EXPECT_LE(untyped_end(untyped), kDeviceTop);
        ram_bytes += untyped.isDevice != 0 ? 0 : size;
        for (Word j = 0; j < i; ++j) {
            const seL4_UntypedDesc& other = info().untypedList[j];
            EXPECT_TRUE(untyped_end(other) <= untyped.paddr || untyped_end(untyped) <= other.paddr);
        }
    }
    // All but the kernel, the device tree, the image and the root task's objects.
    EXPECT_GE(ram_bytes, kRamEnd - kRamStart - Word{32} * 1024 * 1024);
}

KOS_TEST(bootinfo_untyped_devices) {
    bool uart = false;
    Word device_bytes = 0;
    for (Word i = 0; i < count(info().untyped); ++i) {
        const seL4_UntypedDesc& untyped = info().untypedList[i];
        if (untyped.isDevice == 0) {
            continue;
        }
        device_bytes += Word{1} << untyped.sizeBits;
        uart = uart || (untyped.paddr <= kUart && kUart < untyped_end(untyped));
        for (Word page : kKernelDevices) {
            EXPECT_TRUE(page + kPage <= untyped.paddr || untyped_end(untyped) <= page);
        }
        if (i > 0) {
            EXPECT_TRUE(info().untypedList[i - 1].isDevice != 0);  // devices come first
        }
    }
    EXPECT_TRUE(uart);
    // Everything that is neither RAM nor one of the kernel's two pages.
    EXPECT_EQ(device_bytes, kDeviceTop - (kRamEnd - kRamStart) - 2 * kPage);
}

KOS_TEST(bootinfo_untyped_does_not_overlap_image) {
    Word previous = 0;
    for (Word slot = info().userImageFrames.start; slot < info().userImageFrames.end; ++slot) {
        Result answer = page_get_address(slot);
        ASSERT_OK(answer);
        Word address = answer.word(0);
        EXPECT_TRUE(previous == 0 || address == previous + kPage);  // one piece, ascending
        previous = address;
        for (Word i = 0; i < count(info().untyped); ++i) {
            const seL4_UntypedDesc& untyped = info().untypedList[i];
            EXPECT_TRUE(address + kPage <= untyped.paddr || untyped_end(untyped) <= address);
        }
    }
}

KOS_TEST(bootinfo_fixed_slots) {
    for (CPtr slot : {CPtr{seL4_CapNull}, CPtr{seL4_CapIOPortControl}, CPtr{seL4_CapIOSpace},
                      CPtr{seL4_CapSMMUSIDControl}, CPtr{seL4_CapSMMUCBControl}}) {
        EXPECT_TRUE(slot_is_empty(slot));
    }
    EXPECT_OK(tcb_set_mc_priority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, seL4_MaxPrio));
    EXPECT_OK(page_get_address(seL4_CapBootInfoFrame));
    EXPECT_OK(page_get_address(seL4_CapInitThreadIPCBuffer));
    EXPECT_OK(sched_context_consumed(seL4_CapInitThreadSC));
    EXPECT_OK(cnode_delete(root_slot(t.slot())));

    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    EXPECT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual));
    CPtr pool = t.slot();
    EXPECT_OK(
        asid_control_make_pool(seL4_CapASIDControl, t.make(seL4_UntypedObject, seL4_ASIDPoolBits), root_slot(pool)));
    EXPECT_OK(domain_set(seL4_CapDomain, 0, t.make(seL4_TCBObject)));
}

KOS_TEST(bootinfo_dynamic_slots_hold_what_they_say) {
    for (Word slot = info().extraBIPages.start; slot < info().extraBIPages.end; ++slot) {
        EXPECT_OK(page_get_address(slot));
    }
    for (Word slot = info().userImagePaging.start; slot < info().userImagePaging.end; ++slot) {
        // A mapped page table can be copied, and is in use.
        EXPECT_OK(cnode_copy(root_slot(t.slot()), root_slot(slot)));
    }
    CPtr context = t.make(seL4_SchedContextObject, seL4_MinSchedContextBits);
    for (Word node = 0; node < info().numNodes; ++node) {
        EXPECT_OK(sched_control_configure(t.sched_control(node), context, {.budget_us = 1000, .period_us = 1000}));
    }
    for (Word slot = info().empty.end - 1000; slot < info().empty.end; ++slot) {
        EXPECT_TRUE(slot_is_empty(slot));
    }
}

KOS_TEST(bootinfo_initial_thread) {
    // Highest priority may be handed on.
    CPtr tcb = t.make(seL4_TCBObject);
    EXPECT_OK(tcb_set_sched_params(tcb, seL4_CapInitThreadTCB, {.mcp = seL4_MaxPrio, .priority = seL4_MaxPrio}));
    // Floating point is on.
    Word bits = 0;
    asm volatile("fmov d0, #1.0\n\tfmov %0, d0" : "=r"(bits) : : "v0");
    EXPECT_EQ(bits, 0x3ff0000000000000u);
    // The CNode resolves all 64 bits of an address: index 1 is the TCB.
    EXPECT_OK(tcb_set_mc_priority(1, 1, seL4_MaxPrio));
}
