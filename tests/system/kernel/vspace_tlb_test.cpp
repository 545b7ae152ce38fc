// Translations are what the page tables say at every moment: after remapping, replacing, removing, switching address
// spaces and using identifiers again, seen by threads that really read, write and execute.
#include "bare.h"
#include "sleeper.h"

namespace {

// A VSpace for bare threads with one page of its own at kFreeVirtual.
struct SmallSpace {
    CPtr vspace = kNullCap;
    CPtr code = kNullCap;
    CPtr tables = kNullCap;
    CPtr page = kNullCap;

    // In the slots that are there already, from memory that is revoked between uses.
    void make_slots(TestContext& t) {
        vspace = t.slot();
        code = t.slot();
        tables = t.slots(6);
        page = t.slot();
    }
    bool build(CPtr memory) {
        Word used_tables = 0;
        return retype(memory, seL4_ARM_VSpaceObject, vspace) &&
               asid_pool_assign(seL4_CapInitThreadASIDPool, vspace).ok() &&
               cnode_copy(root_slot(code), root_slot(image_frame(bare_page)), seL4_CanRead).ok() &&
               map(memory, code, address_of(bare_page), used_tables) &&
               retype(memory, seL4_ARM_SmallPageObject, page) && map(memory, page, kFreeVirtual, used_tables);
    }
    void destroy(CPtr memory) {
        EXPECT_OK(cnode_delete(root_slot(code)));
        EXPECT_OK(cnode_revoke(root_slot(memory)));
    }

private:
    static bool retype(CPtr memory, Word type, CPtr slot) {
        return untyped_retype(memory, type, 0, {seL4_CapInitThreadCNode, 0, 0, slot, 1}).ok();
    }
    bool map(CPtr memory, CPtr what, Word address, Word& used_tables) {
        while (page_map(what, vspace, address).error == seL4_FailedLookup && used_tables < 6) {
            CPtr table = tables + used_tables++;
            if (!retype(memory, seL4_ARM_PageTableObject, table) || !page_table_map(table, vspace, address).ok()) {
                return false;
            }
        }
        return page_map(what, vspace, address).ok();
    }
};

constexpr Word kSmallSpaceBits = 17;

// What a bare thread above the test reads at `address` of `vspace`; all ones if it faults.
Word read_in(BareThread& thread, Word address) {
    EXPECT_OK(thread.start(bare_read, address));
    MessageCopy fault = thread.take();
    return is_done(fault) ? thread.registers().x0 : ~Word{0};
}

}  // namespace

KOS_TEST(tlb_pages_taking_turns_at_one_address) {
    constexpr Word kCount = 8;
    CPtr pages = t.make_many(seL4_ARM_SmallPageObject, 0, kCount);
    for (Word i = 0; i < kCount; ++i) {
        ASSERT_OK(map_page(t.arena(), kVSpace, pages + i, kFreeVirtual));
        word_at(kFreeVirtual) = 100 + i;
        EXPECT_OK(page_unmap(pages + i));
    }
    Word wrong = 0;
    const Word rounds = t.nodes() > 1 ? 24 : 500;  // each interrupts all nodes
    for (Word round = 0; round < rounds; ++round) {
        Word i = round * 5 % kCount;
        EXPECT_OK(page_map(pages + i, kVSpace, kFreeVirtual));
        wrong += word_at(kFreeVirtual) == 100 + i ? 0 : 1;
        // By turns removed, and replaced by the next one.
        if (round % 2 == 0) {
            EXPECT_OK(page_unmap(pages + i));
        }
        if (round % 2 == 1 && round % 4 == 3) {
            EXPECT_OK(page_unmap(pages + i));
            wrong += read_fault(t, kFreeVirtual) == kNotMapped + 3 ? 0 : 1;
        }
    }
    EXPECT_EQ(wrong, 0u);
}

KOS_TEST(tlb_after_each_kind_of_removal) {
    CPtr table = t.make(seL4_ARM_PageTableObject);
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr again = t.make(seL4_ARM_SmallPageObject);
    BareThread reader;
    ASSERT_TRUE(reader.create(t));
    ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
    for (int way = 0; way < 5; ++way) {
        ASSERT_OK(page_map(page, kVSpace, kFreeVirtual));
        word_at(kFreeVirtual) = 7;
        EXPECT_EQ(read_in(reader, kFreeVirtual), 7u);
        CPtr copy = t.slot();
        switch (way) {
            case 0: EXPECT_OK(page_unmap(page)); break;
            case 1:  // a page without rights
                EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_NoRights));
                break;
            case 2: EXPECT_OK(page_table_unmap(table)); break;
            case 3:
                EXPECT_OK(cnode_move(root_slot(copy), root_slot(page)));
                EXPECT_OK(page_unmap(copy));
                EXPECT_OK(cnode_move(root_slot(page), root_slot(copy)));
                break;
            default:  // the capability that holds the mapping
                EXPECT_OK(cnode_copy(root_slot(copy), root_slot(page)));
                EXPECT_OK(cnode_delete(root_slot(page)));
                EXPECT_OK(cnode_move(root_slot(page), root_slot(copy)));
        }
        EXPECT_EQ(read_in(reader, kFreeVirtual), ~Word{0});
        EXPECT_OK(page_unmap(page));
        if (way == 2) {
            ASSERT_OK(page_table_map(table, kVSpace, kFreeVirtual));
            EXPECT_EQ(read_in(reader, kFreeVirtual), ~Word{0});
        }
        // What comes next to this address is what is read there.
        ASSERT_OK(page_map(again, kVSpace, kFreeVirtual));
        EXPECT_EQ(read_in(reader, kFreeVirtual), 0u);
        EXPECT_OK(page_unmap(again));
    }
}

KOS_TEST(tlb_same_address_in_several_spaces) {
    constexpr Word kSpaces = 3;
    BareThread readers[kSpaces];
    CPtr copies = t.slots(kSpaces);
    for (Word i = 0; i < kSpaces; ++i) {
        CPtr vspace = make_bare_vspace(t);
        CPtr page = t.make(seL4_ARM_SmallPageObject);
        ASSERT_OK(map_page(t.arena(), vspace, page, kFreeVirtual));
        EXPECT_OK(cnode_copy(root_slot(copies + i), root_slot(page)));
        ASSERT_OK(map_page(t.arena(), kVSpace, copies + i, kFreeVirtual + i * kPage));
        ASSERT_TRUE(readers[i].create(t, {.vspace = vspace}));
    }
    Word wrong = 0;
    const Word rounds = t.nodes() > 1 ? 40 : 200;
    for (Word round = 0; round < rounds; ++round) {
        for (Word i = 0; i < kSpaces; ++i) {
            word_at(kFreeVirtual + i * kPage) = round * 10 + i;
        }
        for (Word i = 0; i < kSpaces; ++i) {
            wrong += read_in(readers[i], kFreeVirtual) == round * 10 + i ? 0 : 1;
        }
    }
    EXPECT_EQ(wrong, 0u);
}

KOS_TEST(tlb_of_a_new_space_with_a_used_identifier) {
    // Each round's VSpace is likely to get the identifier of the last one, and must see nothing of its pages.
    CPtr memory = t.make(seL4_UntypedObject, kSmallSpaceBits);
    SmallSpace space;
    space.make_slots(t);
    CPtr copy = t.slot();
    BareThread reader;
    ASSERT_TRUE(reader.create(t));
    CPtr anchor = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, anchor, kFreeVirtual + kPage));  // makes the tables
    const Word rounds = t.nodes() > 1 ? 6 : 60;
    for (Word round = 1; round <= rounds; ++round) {
        ASSERT_TRUE(space.build(memory));
        EXPECT_OK(cnode_copy(root_slot(copy), root_slot(space.page)));
        ASSERT_OK(page_map(copy, kVSpace, kFreeVirtual));
        word_at(kFreeVirtual) = round;
        ASSERT_OK(tcb_set_space(reader.tcb(), reader.fault_endpoint(),
                                {.cspace_root = seL4_CapInitThreadCNode, .vspace_root = space.vspace}));
        Word seen = read_in(reader, kFreeVirtual);
        if (seen != round) {
            EXPECT_EQ(seen, round);
            break;
        }
        // Every second time, the page is taken away first.
        if (round % 2 == 0) {
            EXPECT_OK(page_unmap(space.page));
            EXPECT_EQ(read_in(reader, kFreeVirtual), ~Word{0});
        }
        space.destroy(memory);
    }
}

KOS_TEST(tlb_rights_taken_from_a_running_writer) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr view = t.copy(page);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, view, kFreeVirtual + kPage, seL4_CanRead));
    Sleeper sleeper;
    BareThread writer;
    ASSERT_TRUE(sleeper.create(t, 8000));
    ASSERT_TRUE(writer.create(t, {.priority = kBelowMain}));
    EXPECT_OK(writer.start(bare_store_forever, kFreeVirtual));
    for (int round = 0; round < 4; ++round) {
        Word before = word_at(kFreeVirtual + kPage);
        while (word_at(kFreeVirtual + kPage) == before) {
            sleeper.sleep();
        }
        EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_CanRead));
        Word stopped = word_at(kFreeVirtual + kPage);
        MessageCopy fault = writer.wait_for_fault();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_VMFault});
        EXPECT_EQ(fault.word(seL4_VMFault_Addr), kFreeVirtual);
        EXPECT_EQ(fault.word(seL4_VMFault_FSR), kRefusedWrite + 3);
        EXPECT_EQ(word_at(kFreeVirtual + kPage), stopped);
        EXPECT_OK(page_map(page, kVSpace, kFreeVirtual, seL4_ReadWrite));
        writer.answer();
    }
}

KOS_TEST(tlb_page_replaced_under_a_running_reader) {
    constexpr Word kCount = 3;
    CPtr pages = t.make_many(seL4_ARM_SmallPageObject, 0, kCount);
    CPtr seen = t.make(seL4_ARM_SmallPageObject);
    ASSERT_OK(map_page(t.arena(), kVSpace, seen, kFreeVirtual + kPage));
    for (Word i = 0; i < kCount; ++i) {
        ASSERT_OK(page_map(pages + i, kVSpace, kFreeVirtual));
        word_at(kFreeVirtual) = 1000 + i;
    }
    Sleeper sleeper;
    BareThread reader;
    ASSERT_TRUE(sleeper.create(t, 8000));
    ASSERT_TRUE(reader.create(t, {.priority = kBelowMain}));
    EXPECT_OK(reader.start(bare_copy_forever, kFreeVirtual, kFreeVirtual + kPage));
    for (Word round = 0; round < 6; ++round) {
        Word i = round % kCount;
        EXPECT_OK(page_map(pages + i, kVSpace, kFreeVirtual));
        word_at(kFreeVirtual + kPage) = 0;
        // The first value that the reader stores may be the one it had loaded already.
        sleeper.sleep();
        while (word_at(kFreeVirtual + kPage) == 0) {
            sleeper.sleep();
        }
        word_at(kFreeVirtual + kPage) = 0;
        while (word_at(kFreeVirtual + kPage) == 0) {
            sleeper.sleep();
        }
        EXPECT_EQ(word_at(kFreeVirtual + kPage), 1000 + i);
    }
}

KOS_TEST(tlb_code_that_changes) {
    CPtr pages = t.make_many(seL4_ARM_SmallPageObject, 0, 2);
    ASSERT_OK(map_page(t.arena(), kVSpace, pages, kFreeVirtual));
    for (uint16_t value = 1; value <= 50; ++value) {
        write_function(pages, kFreeVirtual, value);
        EXPECT_EQ(call_function(kFreeVirtual), value);
    }
    // Another page with other code at the same address.
    ASSERT_OK(map_page(t.arena(), kVSpace, pages + 1, kFreeVirtual + kPage));
    write_function(pages + 1, kFreeVirtual + kPage, 777);
    EXPECT_OK(page_unmap(pages + 1));
    EXPECT_OK(page_unmap(pages));
    EXPECT_OK(page_map(pages + 1, kVSpace, kFreeVirtual));
    EXPECT_EQ(call_function(kFreeVirtual), 777u);
    EXPECT_OK(page_unmap(pages + 1));
    EXPECT_OK(page_map(pages, kVSpace, kFreeVirtual));
    EXPECT_EQ(call_function(kFreeVirtual), 50u);
}

KOS_TEST(tlb_attributes_change_while_mapped) {
    // Cached and uncached views of the same memory agree after the cache operations in between.
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr view = t.copy(page);
    ASSERT_OK(map_page(t.arena(), kVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), kVSpace, view, kFreeVirtual + kPage, seL4_ReadWrite, 0));
    for (Word i = 1; i <= 20; ++i) {
        word_at(kFreeVirtual + 64) = i;
        EXPECT_OK(page_cache(page, CacheOperation::kCleanInvalidate, 64, 128));
        EXPECT_EQ(word_at(kFreeVirtual + kPage + 64), i);
        word_at(kFreeVirtual + kPage + 64) = i + 1000;
        EXPECT_OK(page_cache(page, CacheOperation::kCleanInvalidate, 64, 128));
        EXPECT_EQ(word_at(kFreeVirtual + 64), i + 1000);
        // The cached view becomes uncached and back.
        EXPECT_OK(
            page_map(page, kVSpace, kFreeVirtual, seL4_ReadWrite, i % 2 == 0 ? 0 : seL4_ARM_Default_VMAttributes));
    }
}

KOS_TEST(tlb_memory_given_to_somebody_else) {
    // A page that one address space uses is revoked and becomes another's: the first must not see the second's data.
    CPtr memory = t.make(seL4_UntypedObject, seL4_PageBits);
    CPtr first = t.slot();
    CPtr vspace = make_bare_vspace(t);
    BareThread reader;
    ASSERT_TRUE(reader.create(t, {.vspace = vspace}));
    for (Word round = 1; round <= 10; ++round) {
        ASSERT_TRUE(
            untyped_retype(memory, seL4_ARM_SmallPageObject, 0, {seL4_CapInitThreadCNode, 0, 0, first, 1}).ok());
        ASSERT_OK(map_page(t.arena(), vspace, first, kFreeVirtual));
        EXPECT_EQ(read_in(reader, kFreeVirtual), 0u);
        EXPECT_OK(cnode_revoke(root_slot(memory)));
        ASSERT_TRUE(
            untyped_retype(memory, seL4_ARM_SmallPageObject, 0, {seL4_CapInitThreadCNode, 0, 0, first, 1}).ok());
        ASSERT_OK(map_page(t.arena(), kVSpace, first, kFreeVirtual));
        EXPECT_EQ(word_at(kFreeVirtual), 0u);
        word_at(kFreeVirtual) = 0x5ec7e7;
        EXPECT_EQ(read_in(reader, kFreeVirtual), ~Word{0});
        EXPECT_OK(cnode_revoke(root_slot(memory)));
    }
}
