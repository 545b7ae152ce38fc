// Mapping pages and page tables: every size, rights, attributes, remapping, sharing, and that translations really
// change. Refused invocations are in vspace_error_test.cpp.
#include "memory_access.h"

namespace {

constexpr Word kReadFault = 0x9200000f;  // permission, level 3
constexpr Word kWriteFault = 0x9200004f;
constexpr Word kExecuteFault = 0x8200000f;

}  // namespace

KOS_TEST(vspace_map_every_size) {
    CPtr small = t.make(seL4_ARM_SmallPageObject);
    CPtr large = t.make(seL4_ARM_LargePageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, small, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, large, kFreeVirtual + kLarge));
    for (Word address :
         {kFreeVirtual, kFreeVirtual + kPage - 8, kFreeVirtual + kLarge, kFreeVirtual + 2 * kLarge - 8}) {
        EXPECT_EQ(word_at(address), 0u);
        word_at(address) = address;
        EXPECT_EQ(word_at(address), address);
    }
    EXPECT_NE(read_fault(t, kFreeVirtual + kPage), 0u);
}

KOS_TEST(vspace_map_huge_page) {
    // Only device memory has a naturally aligned GiB here; it is mapped but not touched.
    const seL4_BootInfo& info = *root_task().boot_info;
    CPtr device = kNullCap;
    for (Word i = 0; i < info.untyped.end - info.untyped.start; ++i) {
        if (info.untypedList[i].isDevice != 0 && info.untypedList[i].sizeBits == seL4_HugePageBits) {
            device = info.untyped.start + i;
        }
    }
    ASSERT_TRUE(device != kNullCap);
    CPtr huge = t.slot();
    ASSERT_OK(untyped_retype(device, seL4_ARM_HugePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, huge, 1}));
    constexpr Word kAddress = Word{8} << seL4_HugePageBits;
    EXPECT_OK(page_map(huge, kVSpace, kAddress, seL4_ReadWrite, 0));
    EXPECT_ERROR(page_table_map(t.make(seL4_ARM_PageTableObject), kVSpace, kAddress), seL4_DeleteFirst);
    CPtr other = t.make(seL4_ARM_LargePageObject);
    EXPECT_FAILED_LOOKUP(page_map(other, kVSpace, kAddress), 0, seL4_MissingCapability, seL4_HugePageBits);
    EXPECT_OK(page_unmap(huge));
    EXPECT_OK(map_page(t.arena(), kVSpace, other, kAddress));
    EXPECT_OK(cnode_revoke(root_slot(device)));
}

KOS_TEST(vspace_page_tables_go_to_the_first_missing_level) {
    // In an address space of its own, three tables for one address, one more for the next 2 MiB.
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    EXPECT_INVALID_CAPABILITY(page_map(page, vspace, kFreeVirtual), 1);
    EXPECT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    constexpr Word kMissingBits[] = {39, 30, 21};
    for (Word bits : kMissingBits) {
        EXPECT_FAILED_LOOKUP(page_map(page, vspace, kFreeVirtual), 0, seL4_MissingCapability, bits);
        EXPECT_OK(page_table_map(t.make(seL4_ARM_PageTableObject), vspace, kFreeVirtual + 123));
    }
    EXPECT_ERROR(page_table_map(t.make(seL4_ARM_PageTableObject), vspace, kFreeVirtual), seL4_DeleteFirst);
    EXPECT_OK(page_map(page, vspace, kFreeVirtual));
    CPtr next = t.make(seL4_ARM_SmallPageObject);
    EXPECT_FAILED_LOOKUP(page_map(next, vspace, kFreeVirtual + kLarge), 0, seL4_MissingCapability, 21);
}

KOS_TEST(vspace_rights) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    struct Case {
        seL4_CapRights_t rights;
        Word read;
        Word write;
    };
    constexpr Case kCases[] = {{seL4_ReadWrite, 0, 0},
                               {seL4_AllRights, 0, 0},
                               {seL4_CanRead, 0, kWriteFault},
                               {seL4_CanRead | seL4_CanGrant, 0, kWriteFault},
                               {seL4_CanWrite, kReadFault, kWriteFault},  // write-only is nothing
                               {seL4_NoRights, kReadFault, kWriteFault}};
    for (const Case& c : kCases) {
        EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, c.rights));  // remapping changes the rights
        EXPECT_EQ(read_fault(t, kFreeVirtual), c.read);
        EXPECT_EQ(write_fault(t, kFreeVirtual), c.write);
    }
}

KOS_TEST(vspace_rights_of_the_capability_limit_the_mapping) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr reading = t.copy(page, seL4_CanRead);
    CPtr nothing = t.copy(page, seL4_NoRights);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    EXPECT_OK(page_map(reading, kVSpace, kFreeVirtual + kPage, seL4_AllRights));
    EXPECT_OK(page_map(nothing, kVSpace, kFreeVirtual + 2 * kPage, seL4_AllRights));
    word_at(kFreeVirtual) = 5;
    EXPECT_EQ(word_at(kFreeVirtual + kPage), 5u);
    EXPECT_EQ(write_fault(t, kFreeVirtual + kPage), kWriteFault);
    EXPECT_EQ(read_fault(t, kFreeVirtual + 2 * kPage), kReadFault);
}

KOS_TEST(vspace_execute_never) {
    constexpr uint32_t kReturn = 0xd65f03c0;
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    *reinterpret_cast<volatile uint32_t*>(kFreeVirtual) = kReturn;
    EXPECT_OK(page_cache(page, CacheOperation::kUnifyInstruction, 0, kPage));
    EXPECT_EQ(execute_fault(t, kFreeVirtual), 0u);
    EXPECT_OK(
        page_map(page, kVSpace, kFreeVirtual, seL4_ReadWrite, seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever));
    EXPECT_EQ(execute_fault(t, kFreeVirtual), kExecuteFault);
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_CanRead));
    EXPECT_EQ(execute_fault(t, kFreeVirtual), 0u);
    // Rights are about reading and writing; AArch64 executes what it may not read.
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_NoRights));
    EXPECT_EQ(execute_fault(t, kFreeVirtual), 0u);
}

KOS_TEST(vspace_attributes) {
    // Uncached memory refuses unaligned exclusive and ordinary accesses; normal memory does not.
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    for (Word attributes : {Word{0}, Word{1}, Word{2}, Word{3}, Word{4}, Word{7}, ~Word{0}}) {
        EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_ReadWrite, attributes));
        word_at(kFreeVirtual) = attributes;
        EXPECT_EQ(word_at(kFreeVirtual), attributes);
    }
}

KOS_TEST(vspace_unmap) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    word_at(kFreeVirtual) = 9;
    EXPECT_OK(page_unmap(page));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0x92000007u);  // translation, level 3
    EXPECT_OK(page_unmap(page));                          // not mapped: nothing to do
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual + kPage));
    EXPECT_EQ(word_at(kFreeVirtual + kPage), 9u);
}

KOS_TEST(vspace_delete_unmaps) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr copy = t.copy(page);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, copy, kFreeVirtual + kPage));
    EXPECT_OK(cnode_delete(root_slot(page)));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0x92000007u);
    EXPECT_EQ(word_at(kFreeVirtual + kPage), 0u);
    EXPECT_OK(cnode_delete(root_slot(copy)));
    EXPECT_EQ(read_fault(t, kFreeVirtual + kPage), 0x92000007u);
}

KOS_TEST(vspace_copy_of_mapped_page_is_not_mapped) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    CPtr copy = t.copy(page);
    EXPECT_OK(page_map(copy, kVSpace, kFreeVirtual + kPage));
    word_at(kFreeVirtual) = 3;
    EXPECT_EQ(word_at(kFreeVirtual + kPage), 3u);
    EXPECT_OK(page_unmap(copy));
    EXPECT_EQ(word_at(kFreeVirtual), 3u);
}

KOS_TEST(vspace_moved_page_stays_mapped) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    word_at(kFreeVirtual) = 3;
    CPtr moved = t.slot();
    EXPECT_OK(cnode_move(root_slot(moved), root_slot(page)));
    EXPECT_EQ(word_at(kFreeVirtual), 3u);
    EXPECT_OK(page_unmap(moved));
    EXPECT_NE(read_fault(t, kFreeVirtual), 0u);
}

KOS_TEST(vspace_map_over_another_page_replaces_it) {
    CPtr first = t.make(seL4_ARM_SmallPageObject);
    CPtr second = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, first, kFreeVirtual));
    word_at(kFreeVirtual) = 1;
    EXPECT_OK(page_map(second, kVSpace, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual), 0u);
    word_at(kFreeVirtual) = 2;
    // The first capability's mapping is stale: unmapping or deleting it must not take the second's.
    EXPECT_OK(page_unmap(first));
    EXPECT_EQ(word_at(kFreeVirtual), 2u);
    EXPECT_OK(page_map(first, kVSpace, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual), 1u);
    EXPECT_OK(cnode_delete(root_slot(second)));
    EXPECT_EQ(word_at(kFreeVirtual), 1u);
}

KOS_TEST(vspace_page_table_unmap) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    ASSERT_OK(page_map(page, kVSpace, kFreeVirtual));
    word_at(kFreeVirtual) = 4;
    EXPECT_OK(page_table_unmap(table));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0x92000006u);  // translation, level 2
    // The entries are gone with the table: mapping it again does not bring the page back.
    EXPECT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0x92000007u);
    EXPECT_OK(page_unmap(page));
    EXPECT_OK(page_map(page, kVSpace, kFreeVirtual));
    EXPECT_EQ(word_at(kFreeVirtual), 4u);
    EXPECT_OK(cnode_delete(root_slot(table)));
    EXPECT_EQ(read_fault(t, kFreeVirtual), 0x92000006u);
}

KOS_TEST(vspace_page_table_of_upper_level_unmap) {
    constexpr Word kAddress = Word{16} << 39;
    CPtr tables = t.make_many(seL4_ARM_PageTableObject, 0, 3);
    for (Word i = 0; i < 3; ++i) {
        ASSERT_OK(page_table_map(tables + i, kVSpace, kAddress));
    }
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(page_map(page, kVSpace, kAddress));
    word_at(kAddress) = 6;
    EXPECT_OK(page_table_unmap(tables));
    EXPECT_EQ(read_fault(t, kAddress), 0x92000004u);  // translation, level 0
    EXPECT_OK(page_table_unmap(tables + 2));
    EXPECT_OK(page_table_unmap(tables + 1));
    // In any order, at any level: they are all alike.
    for (Word i = 0; i < 3; ++i) {
        ASSERT_OK(page_table_map(tables + (i + 1) % 3, kVSpace, kAddress));
    }
    EXPECT_OK(page_unmap(page));
    ASSERT_OK(page_map(page, kVSpace, kAddress));
    EXPECT_EQ(word_at(kAddress), 6u);
}

KOS_TEST(vspace_shared_memory_between_address_spaces) {
    AddressSpace space;
    ASSERT_OK(space.create(t.arena()));
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr copy = t.copy(page);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), space.vspace(), copy, kFreeVirtual + 3 * kPage, seL4_CanRead));
    word_at(kFreeVirtual) = 0x1234;
    Thread thread;
    Shared<Word> seen;
    ASSERT_TRUE(t.create(thread, {.priority = kAboveMain,
                                  .spaces = {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = space.vspace()}}));
    EXPECT_OK(thread.start([&] { seen.set(word_at(kFreeVirtual + 3 * kPage)); }));
    EXPECT_TRUE(thread.finished());
    EXPECT_EQ(seen.get(), 0x1234u);
    EXPECT_NE(read_fault(t, kFreeVirtual + 3 * kPage), 0u);  // not in this address space
}

KOS_TEST(vspace_deleted_under_a_running_thread) {
    AddressSpace space;
    ASSERT_OK(space.create(t.arena()));
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread thread;
    Shared<Word> rounds;
    ASSERT_TRUE(t.create(thread, {.priority = kMainPriority,
                                  .fault_endpoint = faults,
                                  .spaces = {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = space.vspace()}}));
    EXPECT_OK(thread.start([&] {
        for (;;) {
            rounds.add(1);
        }
    }));
    while (rounds.get() == 0) {
        yield();
    }
    // The thread holds a copy, which goes with the original: it has nothing to run in any more.
    EXPECT_OK(cnode_revoke(root_slot(space.vspace())));
    EXPECT_OK(cnode_delete(root_slot(space.vspace())));
    MessageCopy fault = recv(faults, reply_object);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
    EXPECT_EQ(fault.word(seL4_VMFault_PrefetchFault), 1u);
}

KOS_TEST(vspace_get_address) {
    CPtr untyped = t.make(seL4_UntypedObject, seL4_LargePageBits + 1);
    CPtr pages = t.slots(2);
    EXPECT_OK(untyped_retype(untyped, seL4_ARM_LargePageObject, 0, {seL4_CapInitThreadCNode, 0, 0, pages, 2}));
    Result answer = page_get_address(pages);
    EXPECT_OK(answer);
    EXPECT_EQ(answer.message.length(), 1u);
    EXPECT_EQ(answer.word(0) & (kLarge - 1), 0u);
    EXPECT_EQ(page_get_address(pages + 1).word(0), answer.word(0) + kLarge);
    EXPECT_EQ(page_get_address(t.copy(pages, seL4_NoRights)).word(0), answer.word(0));
}

KOS_TEST(vspace_cache_operations) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    for (Word i = 0; i < 4; ++i) {
        auto operation = static_cast<CacheOperation>(i);
        word_at(kFreeVirtual) = i + 70;
        asm volatile("dsb sy" : : : "memory");
        if (operation == CacheOperation::kInvalidate) {
            EXPECT_OK(page_cache(page, CacheOperation::kClean, 0, kPage));
        }
        EXPECT_OK(page_cache(page, operation, 0, kPage));
        EXPECT_OK(page_cache(page, operation, 8, 9));
        EXPECT_OK(page_cache(page, operation, kPage - 1, kPage));
        EXPECT_OK(vspace_cache(kVSpace, operation, kFreeVirtual, kFreeVirtual + kPage));
        EXPECT_OK(vspace_cache(kVSpace, operation, kFreeVirtual + 100, kFreeVirtual + 101));
        EXPECT_EQ(word_at(kFreeVirtual), i + 70);
    }
    // Nothing mapped there: nothing to do.
    EXPECT_OK(vspace_cache(kVSpace, CacheOperation::kClean, kFreeVirtual + kPage, kFreeVirtual + 2 * kPage));
}

KOS_TEST(vspace_top_of_user_addresses) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kTop - kPage));
    word_at(kTop - 8) = 8;
    EXPECT_EQ(word_at(kTop - 8), 8u);
    CPtr low = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, low, 0));
    EXPECT_EQ(write_fault(t, 8), 0u);
    EXPECT_EQ(read_fault(t, 8), 0u);
}
