// Pages of 2 MiB and 1 GiB: rights, execution, replacing one size by another, memory shared between sizes.
#include "memory_access.h"

namespace {

constexpr Word kLevel1 = 1;
constexpr Word kLevel2 = 2;
constexpr Word kLevel3 = 3;

// The index of the device untyped that starts at `address`.
CPtr device_untyped_at(Word address, Word size_bits) {
    const seL4_BootInfo& info = *root_task().boot_info;
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        if (untyped.isDevice != 0 && untyped.paddr == address && untyped.sizeBits >= size_bits) {
            return info.untyped.start + i;
        }
    }
    return kNullCap;
}

}  // namespace

KOS_TEST(vspace_large_page_rights) {
    CPtr large = t.make(seL4_ARM_LargePageObject);
    constexpr Word kInside = kFreeVirtual + 0x123450;
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
    EXPECT_EQ(write_fault(t, kInside), 0u);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual, seL4_CanRead));
    EXPECT_EQ(read_fault(t, kInside), 0u);
    EXPECT_EQ(write_fault(t, kInside), kRefusedWrite + kLevel2);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual, seL4_CanWrite));
    EXPECT_EQ(read_fault(t, kInside), kRefused + kLevel2);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual, seL4_NoRights));
    EXPECT_EQ(read_fault(t, kInside), kRefused + kLevel2);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual, seL4_ReadWrite));
    EXPECT_EQ(word_at(kInside), kInside);
    EXPECT_OK(page_unmap(large));
    EXPECT_EQ(read_fault(t, kInside), kNotMapped + kLevel2);
}

KOS_TEST(vspace_large_page_execute_never) {
    CPtr large = t.make(seL4_ARM_LargePageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
    // In the first 4 KiB: QEMU 7.2 keeps translated code of the others when a 2 MiB mapping changes.
    constexpr Word kCode = kFreeVirtual + 64;
    volatile uint32_t* code = reinterpret_cast<volatile uint32_t*>(kCode);
    *code = 0xd65f03c0;  // ret
    EXPECT_OK(page_cache(large, CacheOperation::kUnifyInstruction, 64, 68));
    EXPECT_EQ(execute_fault(t, kCode), 0u);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual, seL4_ReadWrite, seL4_ARM_ExecuteNever));
    EXPECT_EQ(execute_fault(t, kCode), kRefusedExecute + kLevel2);
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual));
    EXPECT_EQ(execute_fault(t, kCode), 0u);
}

KOS_TEST(vspace_sizes_share_memory) {
    // A block is made a large page, filled, then made small pages: each has its part. Memory that is retyped again
    // after a revoke starts empty.
    CPtr memory = t.make(seL4_UntypedObject, seL4_LargePageBits);
    CPtr large = t.slot();
    ASSERT_OK(untyped_retype(memory, seL4_ARM_LargePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, large, 1}));
    CPtr copy = t.copy(large, seL4_CanRead);
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, copy, kFreeVirtual + kLarge));
    for (Word offset = 0; offset < kLarge; offset += kPage) {
        word_at(kFreeVirtual + offset + 8) = offset + 1;
    }
    for (Word offset = 0; offset < kLarge; offset += kPage) {
        EXPECT_EQ(word_at(kFreeVirtual + kLarge + offset + 8), offset + 1);
    }
    Word physical = page_get_address(large).word(0);
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    CPtr small = t.slots(2);
    ASSERT_OK(untyped_retype(memory, seL4_ARM_SmallPageObject, 0, {seL4_CapInitThreadCNode, 0, 0, small, 2}));
    EXPECT_EQ(page_get_address(small + 1).word(0), physical + kPage);
    ASSERT_OK(map_page(t.arena(), kVSpace, small + 1, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual + 8), 0u);
}

KOS_TEST(vspace_large_page_replaces_large_page) {
    CPtr first = t.make(seL4_ARM_LargePageObject);
    CPtr second = t.make(seL4_ARM_LargePageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, first, kFreeVirtual));
    word_at(kFreeVirtual) = 1;
    EXPECT_OK(page_map(second, kVSpace, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual), 0u);
    word_at(kFreeVirtual) = 2;
    EXPECT_OK(page_unmap(first));  // has no mapping any more
    EXPECT_EQ(word_at(kFreeVirtual), 2u);
}

KOS_TEST(vspace_tables_and_large_pages_take_turns) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr large = t.make(seL4_ARM_LargePageObject);
    CPtr small = t.make(seL4_ARM_SmallPageObject);
    for (Word round = 1; round <= 3; ++round) {
        ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
        word_at(kFreeVirtual) = round;
        EXPECT_ERROR(page_table_map(table, kVSpace, kFreeVirtual), seL4_DeleteFirst);
        EXPECT_OK(page_unmap(large));
        ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
        ASSERT_OK(page_map(small, kVSpace, kFreeVirtual));
        EXPECT_EQ(word_at(kFreeVirtual), round - 1);
        word_at(kFreeVirtual) = round;
        EXPECT_OK(page_unmap(small));
        EXPECT_OK(page_table_unmap(table));
        EXPECT_EQ(read_fault(t, kFreeVirtual), kNotMapped + kLevel2);
    }
}

KOS_TEST(vspace_pages_where_tables_are) {
    // The error says how far the tables go at this address, not how far they should.
    constexpr Word kPhysical = Word{1} << 38;
    constexpr Word kAddress = Word{9} << seL4_HugePageBits;
    CPtr device = device_untyped_at(kPhysical, seL4_HugePageBits);
    if (device == kNullCap) {
        KOS_SKIP("no device memory at 256 GiB");
    }
    CPtr huge = t.slot();
    CPtr large = t.make(seL4_ARM_LargePageObject);
    CPtr tables = t.make_many(seL4_ARM_PageTableObject, 0, 2);
    ASSERT_OK(untyped_retype(device, seL4_ARM_HugePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, huge, 1}));
    ASSERT_OK(page_table_map(tables, kVSpace, kAddress));
    EXPECT_FAILED_LOOKUP(page_map(huge, kVSpace, kAddress), 0, seL4_MissingCapability, seL4_LargePageBits);
    ASSERT_OK(page_table_map(tables + 1, kVSpace, kAddress));
    EXPECT_FAILED_LOOKUP(page_map(huge, kVSpace, kAddress), 0, seL4_MissingCapability, seL4_PageBits);
    EXPECT_FAILED_LOOKUP(page_map(large, kVSpace, kAddress), 0, seL4_MissingCapability, seL4_PageBits);
    EXPECT_OK(page_map(large, kVSpace, kAddress + kLarge));
    EXPECT_FAILED_LOOKUP(page_map(huge, kVSpace, kAddress), 0, seL4_MissingCapability, seL4_PageBits);
    EXPECT_OK(page_table_unmap(tables + 1));
    EXPECT_OK(page_table_unmap(tables));
    EXPECT_OK(page_map(huge, kVSpace, kAddress));
    EXPECT_OK(cnode_revoke(root_slot(device)));
}

KOS_TEST(vspace_huge_page_shows_the_device) {
    // 1 GiB at 256 GiB, in which QEMU's virt board has the registers of its PCI bus; they must read the same through
    // a page of each size.
    constexpr Word kPhysical = Word{1} << 38;
    constexpr Word kConfigurationSpace = Word{1} << 28;
    constexpr Word kAddress = Word{8} << seL4_HugePageBits;
    CPtr device = device_untyped_at(kPhysical, seL4_HugePageBits);
    if (device == kNullCap) {
        KOS_SKIP("no device memory at 256 GiB");
    }
    CPtr huge = t.slot();
    CPtr skipped = t.slot();
    CPtr small = t.slot();
    ASSERT_OK(untyped_retype(device, seL4_ARM_HugePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, huge, 1}));
    EXPECT_EQ(page_get_address(huge).word(0), kPhysical);
    ASSERT_OK(map_page(t.arena(), kVSpace, huge, kAddress, seL4_CanRead, seL4_ARM_ExecuteNever));
    volatile uint32_t& through_huge = *reinterpret_cast<volatile uint32_t*>(kAddress + kConfigurationSpace);
    uint32_t identity = through_huge;
    EXPECT_EQ(write_fault(t, kAddress + kConfigurationSpace), kRefusedWrite + kLevel1);
    EXPECT_EQ(execute_fault(t, kAddress + 64), kRefusedExecute + kLevel1);
    EXPECT_OK(page_unmap(huge));
    EXPECT_EQ(read_fault(t, kAddress + kConfigurationSpace), kNotMapped + kLevel1);
    EXPECT_OK(cnode_revoke(root_slot(device)));

    ASSERT_OK(untyped_retype(device, seL4_UntypedObject, 28, {seL4_CapInitThreadCNode, 0, 0, skipped, 1}));
    ASSERT_OK(untyped_retype(device, seL4_ARM_SmallPageObject, 0, {seL4_CapInitThreadCNode, 0, 0, small, 1}));
    EXPECT_EQ(page_get_address(small).word(0), kPhysical + kConfigurationSpace);
    ASSERT_OK(map_page(t.arena(), kVSpace, small, kFreeVirtual, seL4_CanRead, seL4_ARM_ExecuteNever));
    EXPECT_EQ(*reinterpret_cast<volatile uint32_t*>(kFreeVirtual), identity);
    EXPECT_EQ(write_fault(t, kFreeVirtual), kRefusedWrite + kLevel3);
    EXPECT_OK(cnode_revoke(root_slot(device)));
}
