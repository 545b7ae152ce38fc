// Capabilities whose mapping is out of date: the table, the VSpace or the pool of identifiers below them is gone, or
// another page is mapped in their place.
#include "bare.h"

namespace {

// A pool of identifiers of its own, which the test can delete.
struct Pool {
    CPtr cap = kNullCap;
    CPtr copy = kNullCap;

    bool create(TestContext& t) {
        cap = t.slot();
        Result made =
            asid_control_make_pool(seL4_CapASIDControl, t.make(seL4_UntypedObject, seL4_ASIDPoolBits), root_slot(cap));
        EXPECT_OK(made);
        copy = t.copy(cap);
        return made.ok();
    }
    void destroy() {
        EXPECT_OK(cnode_delete(root_slot(cap)));
        EXPECT_OK(cnode_delete(root_slot(copy)));
    }
};

}  // namespace

KOS_TEST(stale_after_the_pool_is_deleted) {
    Pool pool;
    ASSERT_TRUE(pool.create(t));
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr other = t.make(seL4_ARM_SmallPageObject);
    CPtr tables = t.make_many(seL4_ARM_PageTableObject, 0, 3);
    EXPECT_OK(asid_pool_assign(pool.cap, vspace));
    for (Word i = 0; i < 3; ++i) {
        ASSERT_OK(page_table_map(tables + i, vspace, kFreeVirtual));
    }
    ASSERT_OK(page_map(page, vspace, kFreeVirtual));

    // A pool lives as long as one of its capabilities.
    EXPECT_OK(cnode_delete(root_slot(pool.cap)));
    EXPECT_OK(asid_pool_assign(pool.copy, t.make(seL4_ARM_VSpaceObject)));
    EXPECT_OK(page_map(page, vspace, kFreeVirtual, seL4_CanRead));
    EXPECT_OK(cnode_delete(root_slot(pool.copy)));

    // The look-up of the VSpace comes before everything that is checked about the address.
    for (Word address : {kFreeVirtual, kFreeVirtual + 1, kTop}) {
        EXPECT_FAILED_LOOKUP(page_map(page, vspace, address), 0, seL4_InvalidRoot);
        EXPECT_FAILED_LOOKUP(page_map(other, vspace, address), 0, seL4_InvalidRoot);
    }
    EXPECT_FAILED_LOOKUP(page_table_map(t.make(seL4_ARM_PageTableObject), vspace, kFreeVirtual), 0, seL4_InvalidRoot);
    EXPECT_INVALID_CAPABILITY(page_table_map(tables, vspace, kFreeVirtual), 0);
    EXPECT_FAILED_LOOKUP(page_cache(page, CacheOperation::kClean, 0, 64), 0, seL4_InvalidRoot);
    EXPECT_FAILED_LOOKUP(vspace_cache(vspace, CacheOperation::kClean, kFreeVirtual, kFreeVirtual + 64), 0,
                         seL4_InvalidRoot);
    // It still counts as assigned, and can be copied and given to threads, which then cannot run.
    EXPECT_INVALID_CAPABILITY(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace), 1);
    t.copy(vspace);
    CPtr tcb = t.make(seL4_TCBObject);
    EXPECT_OK(tcb_configure(tcb, {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = vspace}, 0, kNullCap));
    EXPECT_OK(tcb_set_space(tcb, kNullCap, {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = vspace}));

    // Unmapping always works and makes them usable again.
    for (Word i = 0; i < 3; ++i) {
        EXPECT_OK(page_table_unmap(tables + i));
    }
    EXPECT_OK(page_unmap(page));
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(page_table_map(tables, kVSpace, kFreeVirtual + kLarge));
}

KOS_TEST(thread_in_a_vspace_whose_pool_is_deleted) {
    Pool pool;
    ASSERT_TRUE(pool.create(t));
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_OK(asid_pool_assign(pool.cap, vspace));
    ASSERT_OK(map_page(t.arena(), vspace, t.copy(image_frame(bare_page)), address_of(bare_page), seL4_CanRead));
    BareThread thread;
    ASSERT_TRUE(thread.create(t, {.vspace = vspace, .priority = kBelowMain}));
    CPtr started = t.make(seL4_NotificationObject);
    EXPECT_OK(thread.start(bare_signal_and_spin, started));
    wait(started);
    pool.destroy();
    MessageCopy fault = thread.wait_for_fault();
    EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
    EXPECT_EQ(fault.word(seL4_VMFault_IP), fault.word(seL4_VMFault_Addr));
    EXPECT_EQ(fault.word(seL4_VMFault_PrefetchFault), 1u);
    EXPECT_EQ(fault.word(seL4_VMFault_FSR) & ~Word{3}, kNotMappedExecute);
    thread.answer();  // the same again
    EXPECT_EQ(thread.wait_for_fault().word(seL4_VMFault_IP), fault.word(seL4_VMFault_IP));
    // With another VSpace it goes on.
    EXPECT_OK(tcb_set_space(thread.tcb(), thread.fault_endpoint(),
                            {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = kVSpace}));
    seL4_UserContext context = thread.registers();
    context.pc = address_of(bare_done);
    EXPECT_OK(tcb_write_registers(thread.tcb(), Resume::kNo, 1, context));
    thread.answer();
    EXPECT_TRUE(is_done(thread.wait_for_fault()));
}

KOS_TEST(stale_after_the_table_is_unmapped) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr other = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    ASSERT_OK(page_map(page, kVSpace, kFreeVirtual));
    EXPECT_OK(page_table_unmap(table));
    EXPECT_INVALID_CAPABILITY(page_cache(page, CacheOperation::kClean, 0, 64), 0);
    EXPECT_FAILED_LOOKUP(page_map(page, kVSpace, kFreeVirtual), 0, seL4_MissingCapability, 21);
    ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    EXPECT_INVALID_CAPABILITY(page_cache(page, CacheOperation::kClean, 0, 64), 0);
    // Still tied to its address, where it can be mapped again.
    EXPECT_INVALID_ARGUMENT(page_map(page, kVSpace, kFreeVirtual + kPage), 0);
    ASSERT_OK(page_map(other, kVSpace, kFreeVirtual));
    EXPECT_INVALID_CAPABILITY(page_cache(page, CacheOperation::kClean, 0, 64), 0);
    word_at(kFreeVirtual) = 2;
    ASSERT_OK(page_map(page, kVSpace, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual), 0u);
    EXPECT_INVALID_CAPABILITY(page_cache(other, CacheOperation::kClean, 0, 64), 0);
    EXPECT_OK(page_cache(page, CacheOperation::kClean, 0, 64));
    EXPECT_OK(page_unmap(other));  // not what is mapped there
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0u);
    EXPECT_OK(cnode_delete(root_slot(other)));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0u);
}

KOS_TEST(stale_table_of_a_deleted_vspace) {
    CPtr vspace = assigned_vspace(t);
    CPtr tables = t.make_many(seL4_ARM_PageTableObject, 0, 3);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    for (Word i = 0; i < 3; ++i) {
        ASSERT_OK(page_table_map(tables + i, vspace, kFreeVirtual));
    }
    ASSERT_OK(page_map(page, vspace, kFreeVirtual));
    EXPECT_OK(cnode_delete(root_slot(vspace)));
    for (Word i = 0; i < 3; ++i) {
        EXPECT_INVALID_CAPABILITY(page_table_map(tables + i, kVSpace, kFreeVirtual), 0);
    }
    // Another VSpace, which may get the same identifier, is not touched by what belonged to the old one.
    CPtr next = assigned_vspace(t);
    CPtr next_page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), next, next_page, kFreeVirtual));
    EXPECT_OK(page_unmap(page));
    for (Word i = 0; i < 3; ++i) {
        EXPECT_OK(page_table_unmap(tables + i));
    }
    EXPECT_OK(page_cache(next_page, CacheOperation::kClean, 0, 64));
    EXPECT_OK(page_map(next_page, next, kFreeVirtual, seL4_CanRead));
}

KOS_TEST(identifiers_are_used_again) {
    // More VSpaces one after another than there are identifiers in a pool.
    Pool pool;
    ASSERT_TRUE(pool.create(t));
    CPtr memory = t.make(seL4_UntypedObject, seL4_VSpaceBits);
    CPtr vspace = t.slot();
    // With several nodes each removal interrupts all of them, which takes an emulator its time.
    const Word rounds = t.nodes() > 1 ? 20 : (Word{1} << seL4_ASIDPoolIndexBits) + 64;
    for (Word i = 0; i < rounds; ++i) {
        if (!untyped_retype(memory, seL4_ARM_VSpaceObject, 0, {seL4_CapInitThreadCNode, 0, 0, vspace, 1}).ok() ||
            !asid_pool_assign(pool.cap, vspace).ok() || !cnode_delete(root_slot(vspace)).ok()) {
            EXPECT_EQ(i, rounds);  // says where
            break;
        }
    }
    pool.destroy();
}

KOS_TEST(pool_without_its_memory) {
    // Revoking the memory that a pool was made from takes the pool and with it the VSpaces' identifiers.
    CPtr memory = t.make(seL4_UntypedObject, seL4_ASIDPoolBits);
    CPtr pool = t.slot();
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    ASSERT_OK(asid_control_make_pool(seL4_CapASIDControl, memory, root_slot(pool)));
    EXPECT_OK(asid_pool_assign(pool, vspace));
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    EXPECT_INVALID_CAPABILITY(asid_pool_assign(pool, t.make(seL4_ARM_VSpaceObject)), 0);
    EXPECT_FAILED_LOOKUP(page_map(t.make(seL4_ARM_SmallPageObject), vspace, kFreeVirtual), 0, seL4_InvalidRoot);
    // The memory is free again.
    EXPECT_OK(asid_control_make_pool(seL4_CapASIDControl, memory, root_slot(pool)));
    EXPECT_OK(asid_pool_assign(pool, t.make(seL4_ARM_VSpaceObject)));
}
