// Every documented error of the page, page table, VSpace and ASID methods.
#include "memory_access.h"

namespace {

CPtr unassigned_vspace(TestContext& t) { return t.make(seL4_ARM_VSpaceObject); }

// Untyped device memory of this size; the devices of virtio-mmio, which nothing else uses.
CPtr device_untyped(TestContext& t, Word size_bits) {
    constexpr Word kVirtioPhysical = 0x0a000000;
    const seL4_BootInfo& info = *root_task().boot_info;
    CPtr made = t.slot();
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        if (info.untypedList[i].isDevice != 0 && info.untypedList[i].paddr == kVirtioPhysical) {
            EXPECT_OK(untyped_retype(info.untyped.start + i, seL4_UntypedObject, size_bits,
                                     {seL4_CapInitThreadCNode, 0, 0, made, 1}));
        }
    }
    return made;
}

}  // namespace

KOS_TEST(page_map_error_vspace) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (CPtr vspace :
         {CPtr{seL4_CapInitThreadTCB}, t.slot(), t.make(seL4_ARM_PageTableObject), unassigned_vspace(t), page}) {
        EXPECT_INVALID_CAPABILITY(page_map(page, vspace, kFreeVirtual), 1);
    }
}

KOS_TEST(page_map_error_address) {
    CPtr small = t.make(seL4_ARM_SmallPageObject);
    CPtr large = t.make(seL4_ARM_LargePageObject);
    for (Word address : {kTop, Word{1} << 48, Word{0xffffff8040000000}, Word{0} - kPage}) {
        EXPECT_INVALID_ARGUMENT(page_map(small, kVSpace, address), 0);
    }
    for (Word address : {kFreeVirtual + 1, kFreeVirtual + 0x800, ~Word{0}}) {
        EXPECT_ERROR(page_map(small, kVSpace, address), seL4_AlignmentError);
    }
    for (Word address : {kFreeVirtual + kPage, kFreeVirtual + kLarge / 2}) {
        EXPECT_ERROR(page_map(large, kVSpace, address), seL4_AlignmentError);
    }
    // Misaligned and out of range: alignment is reported.
    EXPECT_ERROR(page_map(large, kVSpace, kTop + kPage), seL4_AlignmentError);
}

KOS_TEST(page_map_error_lookup) {
    CPtr small = t.make(seL4_ARM_SmallPageObject);
    CPtr large = t.make(seL4_ARM_LargePageObject);
    constexpr Word kOtherTop = Word{5} << 39;
    EXPECT_FAILED_LOOKUP(page_map(small, kVSpace, kOtherTop), 0, seL4_MissingCapability, 39);
    EXPECT_FAILED_LOOKUP(page_map(large, kVSpace, kOtherTop), 0, seL4_MissingCapability, 39);
    EXPECT_FAILED_LOOKUP(page_map(small, kVSpace, Word{3} << 30), 0, seL4_MissingCapability, 30);
    EXPECT_FAILED_LOOKUP(page_map(large, kVSpace, Word{3} << 30), 0, seL4_MissingCapability, 30);
    EXPECT_FAILED_LOOKUP(page_map(small, kVSpace, kFreeVirtual), 0, seL4_MissingCapability, 21);
    // A large page where the table of small ones would be.
    EXPECT_OK(page_map(large, kVSpace, kFreeVirtual));
    EXPECT_FAILED_LOOKUP(page_map(small, kVSpace, kFreeVirtual), 0, seL4_MissingCapability, 21);
    // A table where the large page would be.
    EXPECT_OK(page_table_map(t.make(seL4_ARM_PageTableObject), kVSpace, kFreeVirtual + kLarge));
    EXPECT_FAILED_LOOKUP(page_map(t.make(seL4_ARM_LargePageObject), kVSpace, kFreeVirtual + kLarge), 0,
                         seL4_MissingCapability, 12);
}

KOS_TEST(page_map_error_mapped_elsewhere) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr other = assigned_vspace(t);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    EXPECT_INVALID_ARGUMENT(page_map(page, kVSpace, kFreeVirtual + kPage), 0);
    EXPECT_INVALID_CAPABILITY(page_map(page, other, kFreeVirtual), 1);
    EXPECT_OK(page_unmap(page));
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual + kPage));
}

KOS_TEST(page_map_error_truncated_and_label) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    EXPECT_ERROR(invoke(page, seL4_ARMPageMap, {}, {kFreeVirtual, 3, 3}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(page, seL4_ARMPageMap, {kVSpace}, {kFreeVirtual, 3}), seL4_TruncatedMessage);
    for (Word label :
         {Word{0}, Word{seL4_ARMPageTableMap}, Word{seL4_ARMVSpaceClean_Data}, Word{seL4_TCBSuspend}, Word{999}}) {
        EXPECT_ERROR(invoke(page, label, {kVSpace}, {kFreeVirtual, 3, 3}), seL4_IllegalOperation);
    }
}

KOS_TEST(page_table_error) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    for (CPtr vspace : {CPtr{seL4_CapInitThreadTCB}, t.slot(), table, unassigned_vspace(t)}) {
        EXPECT_INVALID_CAPABILITY(page_table_map(table, vspace, kFreeVirtual), 1);
    }
    for (Word address : {kTop, ~Word{0}, Word{0xffffff8040000000}}) {
        EXPECT_INVALID_ARGUMENT(page_table_map(table, kVSpace, address), 0);
    }
    EXPECT_ERROR(invoke(table, seL4_ARMPageTableMap, {}, {kFreeVirtual, 3}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(table, seL4_ARMPageTableMap, {kVSpace}, {kFreeVirtual}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(table, 0), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(table, seL4_ARMPageMap, {kVSpace}, {kFreeVirtual, 3, 3}), seL4_IllegalOperation);

    EXPECT_OK(page_table_unmap(table));  // not mapped: nothing to do
    EXPECT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    EXPECT_INVALID_CAPABILITY(page_table_map(table, kVSpace, kFreeVirtual), 0);
    EXPECT_INVALID_CAPABILITY(page_table_map(table, kVSpace, kFreeVirtual + kLarge), 0);
    EXPECT_ERROR(page_table_map(t.make(seL4_ARM_PageTableObject), kVSpace, kFreeVirtual), seL4_DeleteFirst);

    CPtr copy = t.copy(table);
    EXPECT_ERROR(page_table_unmap(table), seL4_RevokeFirst);
    EXPECT_ERROR(page_table_unmap(copy), seL4_RevokeFirst);
    EXPECT_OK(cnode_delete(root_slot(copy)));
    EXPECT_OK(page_table_unmap(table));
}

KOS_TEST(page_cache_error) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (Word i = 0; i < 4; ++i) {
        auto operation = static_cast<CacheOperation>(i);
        EXPECT_ERROR(page_cache(page, operation, 0, kPage), seL4_IllegalOperation);  // not mapped
    }
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    for (Word i = 0; i < 4; ++i) {
        auto operation = static_cast<CacheOperation>(i);
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, 0, kPage + 1), 0);
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, kPage, kPage + 1), 0);
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, ~Word{0} - 1, ~Word{0}), 0);
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, 64, 64), 1);
        EXPECT_INVALID_ARGUMENT(page_cache(page, operation, 65, 64), 1);
        EXPECT_ERROR(invoke(page, seL4_ARMPageClean_Data + i, {}, {0}), seL4_TruncatedMessage);
    }
}

KOS_TEST(vspace_cache_error) {
    CPtr unassigned = unassigned_vspace(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    for (Word i = 0; i < 4; ++i) {
        auto operation = static_cast<CacheOperation>(i);
        EXPECT_INVALID_ARGUMENT(vspace_cache(kVSpace, operation, kFreeVirtual, kFreeVirtual), 1);
        EXPECT_INVALID_ARGUMENT(vspace_cache(kVSpace, operation, kFreeVirtual + 1, kFreeVirtual), 1);
        EXPECT_ERROR(vspace_cache(kVSpace, operation, kTop - kPage, kTop), seL4_IllegalOperation);
        EXPECT_ERROR(vspace_cache(kVSpace, operation, 0xffffff8040000000, 0xffffff8040001000), seL4_IllegalOperation);
        EXPECT_RANGE_ERROR(vspace_cache(kVSpace, operation, kFreeVirtual + 8, kFreeVirtual + kPage + 1),
                           kFreeVirtual + 8, kFreeVirtual + kPage - 1);
        EXPECT_INVALID_CAPABILITY(vspace_cache(unassigned, operation, kFreeVirtual, kFreeVirtual + 1), 0);
        EXPECT_ERROR(invoke(kVSpace, seL4_ARMVSpaceClean_Data + i, {}, {0}), seL4_TruncatedMessage);
    }
    EXPECT_ERROR(invoke(kVSpace, 0), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(kVSpace, seL4_ARMPageTableMap, {kVSpace}, {kFreeVirtual, 3}), seL4_IllegalOperation);
}

KOS_TEST(page_with_stale_mapping) {
    // The address space that a page was mapped in is gone.
    CPtr vspace = assigned_vspace(t);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), vspace, page, kFreeVirtual));
    EXPECT_OK(cnode_delete(root_slot(vspace)));
    EXPECT_FAILED_LOOKUP(page_cache(page, CacheOperation::kClean, 0, kPage), 0, seL4_InvalidRoot);
    EXPECT_INVALID_CAPABILITY(page_map(page, kVSpace, kFreeVirtual), 1);  // still counts as mapped
    EXPECT_OK(page_unmap(page));
    EXPECT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
}

KOS_TEST(asid_pool_error) {
    CPtr pool = seL4_CapInitThreadASIDPool;
    CPtr vspace = assigned_vspace(t);
    for (CPtr wrong :
         {vspace, CPtr{kVSpace}, t.make(seL4_ARM_PageTableObject), CPtr{seL4_CapInitThreadTCB}, t.slot()}) {
        EXPECT_INVALID_CAPABILITY(asid_pool_assign(pool, wrong), 1);
    }
    EXPECT_ERROR(invoke(pool, seL4_ARMASIDPoolAssign), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(pool, seL4_ARMASIDControlMakePool, {vspace}, {}), seL4_IllegalOperation);
    EXPECT_ERROR(invoke(pool, 0), seL4_IllegalOperation);
}

KOS_TEST(asid_pool_is_limited) {
    CPtr memory = t.make(seL4_UntypedObject, seL4_ASIDPoolBits);
    CPtr pool = t.slot();
    ASSERT_OK(asid_control_make_pool(seL4_CapASIDControl, memory, root_slot(pool)));
    constexpr Word kCount = Word{1} << seL4_ASIDPoolIndexBits;
    CPtr vspaces = t.make_many(seL4_ARM_VSpaceObject, 0, kCount + 1);
    for (Word i = 0; i < kCount; ++i) {
        Result answer = asid_pool_assign(pool, vspaces + i);
        if (!answer.ok()) {
            EXPECT_EQ(i, kCount);  // says where
            break;
        }
    }
    EXPECT_ERROR(asid_pool_assign(pool, vspaces + kCount), seL4_DeleteFirst);
    EXPECT_OK(cnode_delete(root_slot(vspaces + 77)));
    EXPECT_OK(asid_pool_assign(pool, vspaces + kCount));
    // Without its pool an address space is as if it had never been assigned.
    EXPECT_OK(cnode_delete(root_slot(pool)));
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    EXPECT_FAILED_LOOKUP(page_map(page, vspaces, kFreeVirtual), 0, seL4_InvalidRoot);
}

KOS_TEST(asid_control_error) {
    CPtr control = seL4_CapASIDControl;
    CPtr memory = t.make(seL4_UntypedObject, seL4_ASIDPoolBits);
    CPtr to = t.slot();
    for (CPtr wrong : {t.make(seL4_UntypedObject, seL4_ASIDPoolBits + 1),
                       t.make(seL4_UntypedObject, seL4_ASIDPoolBits - 1), CPtr{seL4_CapInitThreadTCB}, t.slot()}) {
        EXPECT_INVALID_CAPABILITY(asid_control_make_pool(control, wrong, root_slot(to)), 1);
    }
    EXPECT_INVALID_CAPABILITY(asid_control_make_pool(control, device_untyped(t, seL4_ASIDPoolBits), root_slot(to)), 1);
    EXPECT_ERROR(asid_control_make_pool(control, memory, root_slot(seL4_CapInitThreadTCB)), seL4_DeleteFirst);
    EXPECT_FAILED_LOOKUP(asid_control_make_pool(control, memory, {seL4_CapInitThreadTCB, to, 64}), 0, seL4_InvalidRoot);
    EXPECT_RANGE_ERROR(asid_control_make_pool(control, memory, {seL4_CapInitThreadCNode, to, 0}), 1, 64);
    EXPECT_RANGE_ERROR(asid_control_make_pool(control, memory, {seL4_CapInitThreadCNode, to, 65}), 1, 64);
    EXPECT_FAILED_LOOKUP(asid_control_make_pool(control, memory, {seL4_CapInitThreadCNode, to, 63}), 0,
                         seL4_DepthMismatch, 63, 64);
    EXPECT_ERROR(invoke(control, seL4_ARMASIDControlMakePool, {memory, seL4_CapInitThreadCNode}, {to}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(control, seL4_ARMASIDControlMakePool, {memory}, {to, 64}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(control, seL4_ARMASIDPoolAssign, {memory, seL4_CapInitThreadCNode}, {to, 64}),
                 seL4_IllegalOperation);
    t.copy(memory);
    EXPECT_ERROR(asid_control_make_pool(control, memory, root_slot(to)), seL4_RevokeFirst);
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    EXPECT_OK(asid_control_make_pool(control, memory, root_slot(to)));
    EXPECT_ERROR(asid_control_make_pool(control, memory, root_slot(t.slot())), seL4_RevokeFirst);
}

KOS_TEST(asid_pools_are_limited) {
    constexpr Word kPools = (Word{1} << seL4_NumASIDPoolsBits) - 1;  // the initial one exists
    CPtr memory = t.make_many(seL4_UntypedObject, seL4_ASIDPoolBits, kPools + 1);
    CPtr pools = t.slots(kPools + 1);
    for (Word i = 0; i < kPools; ++i) {
        EXPECT_OK(asid_control_make_pool(seL4_CapASIDControl, memory + i, root_slot(pools + i)));
    }
    EXPECT_ERROR(asid_control_make_pool(seL4_CapASIDControl, memory + kPools, root_slot(pools + kPools)),
                 seL4_DeleteFirst);
    EXPECT_OK(cnode_delete(root_slot(pools + 50)));
    EXPECT_OK(asid_control_make_pool(seL4_CapASIDControl, memory + kPools, root_slot(pools + kPools)));
}
