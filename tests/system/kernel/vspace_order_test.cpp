// Which error a page, page table or cache method reports when several apply, and what the errors depend on beyond
// their plain cases (vspace_error_test.cpp).
#include "memory_access.h"
#include "stubs.h"

namespace {

constexpr CPtr kNoVSpace = seL4_CapInitThreadTCB;
constexpr CacheOperation kCacheOperations[] = {CacheOperation::kClean, CacheOperation::kInvalidate,
                                               CacheOperation::kCleanInvalidate, CacheOperation::kUnifyInstruction};

}  // namespace

KOS_TEST(page_map_order_of_checks) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr large = t.make(seL4_ARM_LargePageObject);
    CPtr unassigned = t.make(seL4_ARM_VSpaceObject);
    // The VSpace before the address; of the address, its alignment before its range; then the tables.
    for (CPtr vspace : {kNoVSpace, unassigned}) {
        EXPECT_INVALID_CAPABILITY(page_map(page, vspace, kFreeVirtual + 1), 1);
        EXPECT_INVALID_CAPABILITY(page_map(page, vspace, kTop), 1);
    }
    EXPECT_ERROR(page_map(page, kVSpace, kTop + 1), seL4_AlignmentError);
    EXPECT_ERROR(page_map(large, kVSpace, kTop + kPage), seL4_AlignmentError);
    EXPECT_INVALID_ARGUMENT(page_map(large, kVSpace, kTop), 0);
    EXPECT_FAILED_LOOKUP(page_map(large, kVSpace, kTop - kLarge), 0, seL4_MissingCapability, 39);
}

KOS_TEST(page_map_order_of_checks_of_a_mapped_page) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr other = assigned_vspace(t);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    EXPECT_ERROR(page_map(page, kVSpace, kFreeVirtual + 1), seL4_AlignmentError);
    EXPECT_ERROR(page_map(page, other, kFreeVirtual + 1), seL4_AlignmentError);
    EXPECT_INVALID_ARGUMENT(page_map(page, kVSpace, kTop), 0);
    EXPECT_INVALID_ARGUMENT(page_map(page, kVSpace, Word{5} << 39), 0);
    for (Word address : {kFreeVirtual, kFreeVirtual + kPage, kTop}) {
        EXPECT_INVALID_CAPABILITY(page_map(page, other, address), 1);
    }
    EXPECT_INVALID_CAPABILITY(page_map(page, t.make(seL4_ARM_VSpaceObject), kFreeVirtual), 1);
    // None of that changed the mapping.
    word_at(kFreeVirtual) = 1;
    EXPECT_EQ(word_at(kFreeVirtual), 1u);
}

KOS_TEST(page_table_map_order_of_checks) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr other = assigned_vspace(t);
    for (CPtr vspace : {kNoVSpace, t.make(seL4_ARM_VSpaceObject)}) {
        EXPECT_INVALID_CAPABILITY(page_table_map(table, vspace, kTop), 1);
    }
    ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    // A table that is mapped says so first.
    EXPECT_INVALID_CAPABILITY(page_table_map(table, kNoVSpace, kTop), 0);
    EXPECT_INVALID_CAPABILITY(page_table_map(table, kVSpace, kTop), 0);
    EXPECT_INVALID_CAPABILITY(page_table_map(table, other, kFreeVirtual), 0);
}

KOS_TEST(page_table_map_takes_any_address_of_the_range) {
    CPtr tables = t.make_many(seL4_ARM_PageTableObject, 0, 3);
    constexpr Word kLast = kTop - kLarge;
    ASSERT_OK(page_table_map(tables, kVSpace, kTop - 1));
    ASSERT_OK(page_table_map(tables + 1, kVSpace, kLast + 12345));
    ASSERT_OK(page_table_map(tables + 2, kVSpace, kLast));
    EXPECT_ERROR(page_table_map(t.make(seL4_ARM_PageTableObject), kVSpace, kTop - 1), seL4_DeleteFirst);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    EXPECT_OK(page_map(page, kVSpace, kLast));
    word_at(kLast) = 5;
    EXPECT_EQ(word_at(kLast), 5u);
}

KOS_TEST(vspace_objects_cannot_be_copied_before_they_are_placed) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(table)), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(vspace)), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mint(root_slot(t.slot()), root_slot(table), seL4_AllRights, 0), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mint(root_slot(t.slot()), root_slot(vspace), seL4_AllRights, 0), seL4_IllegalOperation);
    ASSERT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    ASSERT_OK(page_table_map(table, vspace, kFreeVirtual));
    CPtr table_copy = t.copy(table);
    CPtr vspace_copy = t.copy(vspace);
    // Copies count as mapped and assigned.
    EXPECT_INVALID_CAPABILITY(page_table_map(table_copy, vspace, kFreeVirtual), 0);
    EXPECT_INVALID_CAPABILITY(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace_copy), 1);
    EXPECT_OK(page_table_map(t.make(seL4_ARM_PageTableObject), vspace_copy, kFreeVirtual));
    EXPECT_FAILED_LOOKUP(page_map(t.make(seL4_ARM_SmallPageObject), vspace_copy, kFreeVirtual), 0,
                         seL4_MissingCapability, 21);
}

KOS_TEST(page_cache_order_of_checks) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (CacheOperation operation : kCacheOperations) {
        EXPECT_ERROR(page_cache(page, operation, 9, 1), seL4_IllegalOperation);  // not mapped
        EXPECT_ERROR(page_cache(page, operation, 0, 2 * kPage), seL4_IllegalOperation);
    }
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    CPtr copy = t.copy(page);
    for (CacheOperation operation : kCacheOperations) {
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, 2 * kPage + 1, 2 * kPage), 1);
        EXPECT_ERROR(page_cache(copy, operation, 0, 64), seL4_IllegalOperation);  // a copy is not mapped
    }
}

KOS_TEST(page_cache_of_a_large_page) {
    CPtr large = t.make(seL4_ARM_LargePageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
    for (CacheOperation operation : kCacheOperations) {
        EXPECT_OK(page_cache(large, operation, kLarge - 64, kLarge));
        EXPECT_INVALID_ARGUMENT(page_cache(large, operation, kLarge - 64, kLarge + 1), 0);
        // Within the large page, small ones do not matter.
        EXPECT_OK(vspace_cache(kVSpace, operation, kFreeVirtual + kPage - 1, kFreeVirtual + 3 * kPage + 1));
        EXPECT_RANGE_ERROR(vspace_cache(kVSpace, operation, kFreeVirtual + 5, kFreeVirtual + kLarge + 1),
                           kFreeVirtual + 5, kFreeVirtual + kLarge - 1);
    }
}

KOS_TEST(page_cache_keeps_the_registers_when_interrupted) {
    // A thread above interrupts the maintenance of a large page; the caller sees nothing of that.
    constexpr int kRounds = 40;
    CPtr large = t.make(seL4_ARM_LargePageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual));
    Thread ticker;
    Shared<Word> ticks;
    ASSERT_TRUE(t.create(ticker, {.priority = 200, .budget = {.budget_us = 50, .period_us = 200}}));
    EXPECT_OK(ticker.start([&] {
        for (;;) {
            yield();
            ticks.add(1);
        }
    }));
    for (int round = 0; round < kRounds; ++round) {
        for (bool is_call : {false, true}) {
            constexpr Word kStart = 128;
            const Word number = static_cast<Word>(is_call ? seL4_SysCall : seL4_SysSend);
            const Word tag = Tag::make(shifted_label(seL4_ARMPageCleanInvalidate_Data), 2).word;
            Word x[9] = {large, tag, kStart, kLarge - 64, 0x44, 0x55, 0x66, number, 0x88};
            const Word expected[9] = {
                is_call ? 0 : large, is_call ? 0 : tag, kStart, kLarge - 64, 0x44, 0x55, 0x66, number, 0x88};
            stub_svc(x);
            for (int i = 0; i < 9; ++i) {
                EXPECT_EQ(x[i], expected[i]);
            }
        }
    }
    ticker.stop();
}

KOS_TEST(cache_invalidation_needs_the_right_to_write) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    CPtr reading = t.copy(page, seL4_CanRead);
    CPtr nothing = t.copy(page, seL4_NoRights);
    constexpr Word kReading = kFreeVirtual + kPage;
    constexpr Word kNothing = kFreeVirtual + 2 * kPage;
    ASSERT_OK(page_map(reading, kVSpace, kReading));
    ASSERT_OK(page_map(nothing, kVSpace, kNothing));
    for (CacheOperation operation : kCacheOperations) {
        seL4_Error expected = operation == CacheOperation::kInvalidate ? seL4_IllegalOperation : seL4_NoError;
        EXPECT_ERROR(page_cache(reading, operation, 0, 64), expected);
        EXPECT_ERROR(page_cache(nothing, operation, 0, 64), expected);
        EXPECT_ERROR(vspace_cache(kVSpace, operation, kReading, kReading + 64), expected);
        EXPECT_ERROR(vspace_cache(kVSpace, operation, kNothing, kNothing + 64), expected);
        // After the checks of the range.
        EXPECT_INVALID_ARGUMENT(page_cache(reading, operation, 0, kPage + 1), 0);
        EXPECT_INVALID_ARGUMENT(page_cache(reading, operation, 5, 5), 1);
        EXPECT_RANGE_ERROR(vspace_cache(kVSpace, operation, kReading + 8, kReading + kPage + 8), kReading + 8,
                           kReading + kPage - 1);
    }
    // It is the mapping that counts, not the capability.
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_CanRead));
    EXPECT_ERROR(page_cache(page, CacheOperation::kInvalidate, 0, 64), seL4_IllegalOperation);
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual));
    EXPECT_OK(page_cache(page, CacheOperation::kInvalidate, 0, 64));
}

KOS_TEST(vspace_cache_order_of_checks) {
    CPtr unassigned = t.make(seL4_ARM_VSpaceObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    for (CacheOperation operation : kCacheOperations) {
        // The order of the addresses, then their range, then the VSpace.
        EXPECT_INVALID_ARGUMENT(vspace_cache(kVSpace, operation, kTop + 5, kTop), 1);
        EXPECT_INVALID_ARGUMENT(vspace_cache(unassigned, operation, 5, 4), 1);
        EXPECT_ERROR(vspace_cache(unassigned, operation, kTop, kTop + 5), seL4_IllegalOperation);
        EXPECT_OK(vspace_cache(kVSpace, operation, kTop - 9, kTop - 1));
        // The page that the range starts in decides.
        EXPECT_OK(vspace_cache(kVSpace, operation, kFreeVirtual + 5 * kPage, kFreeVirtual + 9 * kPage));
        EXPECT_OK(vspace_cache(kVSpace, operation, kFreeVirtual + kPage - 1 + kPage, kFreeVirtual + 3 * kPage));
        EXPECT_RANGE_ERROR(vspace_cache(kVSpace, operation, kFreeVirtual + kPage - 6, kFreeVirtual + kPage + 7),
                           kFreeVirtual + kPage - 6, kFreeVirtual + kPage - 1);
    }
}

KOS_TEST(page_get_address_of_device_memory) {
    // The flash: device memory at an address that the board fixes, of which nobody else takes pages.
    const seL4_BootInfo& info = *root_task().boot_info;
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        if (untyped.isDevice != 0 && untyped.paddr == 0) {
            CPtr large = t.slot();
            CPtr small = t.slot();
            CPtr memory = info.untyped.start + i;
            ASSERT_OK(untyped_retype(memory, seL4_ARM_LargePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, large, 1}));
            ASSERT_OK(untyped_retype(memory, seL4_ARM_SmallPageObject, 0, {seL4_CapInitThreadCNode, 0, 0, small, 1}));
            Result answer = page_get_address(large);
            EXPECT_OK(answer);
            EXPECT_EQ(answer.word(0), 0u);
            EXPECT_EQ(page_get_address(small).word(0), kLarge);
            ASSERT_OK(map_page(t.arena(), kVSpace, small, kFreeVirtual, seL4_CanRead, seL4_ARM_ExecuteNever));
            EXPECT_EQ(page_get_address(small).word(0), kLarge);
            EXPECT_OK(cnode_revoke(root_slot(memory)));
            return;
        }
    }
    KOS_SKIP("no device memory at address 0");
}
