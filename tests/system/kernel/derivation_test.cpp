// The capability derivation tree: what is a child of what, what revoke takes, what deleting the last capability does,
// and structures that contain themselves.
#include "support.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;

void expect_held(TestContext& t, std::initializer_list<CPtr> caps, bool held, int line) {
    Word i = 0;
    for (CPtr cap : caps) {
        kos::roottask::testing::check(holds_cap(t, cap) == held, __FILE__, line, held ? "gone" : "still there", i,
                                      "of the list; expected the opposite of", held);
        ++i;
    }
}
#define EXPECT_HELD(...) expect_held(t, {__VA_ARGS__}, true, __LINE__)
#define EXPECT_GONE(...) expect_held(t, {__VA_ARGS__}, false, __LINE__)

Result retype_to(CPtr untyped, Word type, Word size_bits, CPtr to, Word count = 1) {
    return untyped_retype(untyped, type, size_bits, {kRoot, 0, 0, to, count});
}

}  // namespace

KOS_TEST(derivation_copies_are_children_of_the_original) {
    for (Word type :
         {Word{seL4_TCBObject}, Word{seL4_CapTableObject}, Word{seL4_EndpointObject}, Word{seL4_NotificationObject},
          Word{seL4_ReplyObject}, Word{seL4_ARM_SmallPageObject}, Word{seL4_SchedContextObject}}) {
        CPtr original = t.make(type, 8);
        CPtr first = t.copy(original);
        CPtr second = t.copy(original);
        CPtr of_copy = t.copy(first);
        // A copy of a copy is its sibling, so a copy has no children.
        EXPECT_OK(cnode_revoke(root_slot(first)));
        EXPECT_HELD(original, first, second, of_copy);
        EXPECT_OK(cnode_revoke(root_slot(original)));
        EXPECT_HELD(original);
        EXPECT_GONE(first, second, of_copy);
    }
}

KOS_TEST(derivation_badges_are_a_level_of_their_own) {
    for (Word type : {Word{seL4_EndpointObject}, Word{seL4_NotificationObject}}) {
        CPtr original = t.make(type);
        CPtr plain = t.copy(original);
        CPtr badged = t.mint(original, 5);
        CPtr badged_copy = t.copy(badged);
        CPtr copy_of_copy = t.copy(badged_copy);
        CPtr other = t.mint(original, 6);
        CPtr same_badge = t.mint(original, 5);  // minted anew: another original with that badge
        EXPECT_OK(cnode_revoke(root_slot(badged_copy)));
        EXPECT_HELD(badged, badged_copy, copy_of_copy);
        EXPECT_OK(cnode_revoke(root_slot(plain)));
        EXPECT_HELD(original, plain, badged, badged_copy, copy_of_copy, other, same_badge);
        EXPECT_OK(cnode_revoke(root_slot(badged)));
        EXPECT_HELD(original, plain, badged, other, same_badge);
        EXPECT_GONE(badged_copy, copy_of_copy);
        EXPECT_OK(cnode_revoke(root_slot(original)));
        EXPECT_HELD(original);
        EXPECT_GONE(plain, badged, other, same_badge);
    }
}

KOS_TEST(derivation_badge_minted_from_a_copy) {
    CPtr original = t.make(seL4_EndpointObject);
    CPtr plain = t.copy(original);
    CPtr badged = t.mint(plain, 5);
    EXPECT_OK(cnode_revoke(root_slot(plain)));
    EXPECT_HELD(original, plain, badged);
    EXPECT_OK(cnode_delete(root_slot(plain)));
    EXPECT_HELD(original, badged);
    EXPECT_OK(cnode_revoke(root_slot(original)));
    EXPECT_GONE(badged);
}

KOS_TEST(derivation_move_keeps_the_place) {
    CPtr original = t.make(seL4_EndpointObject);
    CPtr badged = t.mint(original, 5);
    CPtr copy = t.copy(badged);
    CPtr moved = t.slot();
    CPtr moved_original = t.slot();
    EXPECT_OK(cnode_move(root_slot(moved), root_slot(badged)));
    EXPECT_OK(cnode_move(root_slot(moved_original), root_slot(original)));
    EXPECT_OK(cnode_revoke(root_slot(moved)));
    EXPECT_GONE(copy);
    EXPECT_HELD(moved, moved_original);
    EXPECT_OK(cnode_revoke(root_slot(moved_original)));
    EXPECT_GONE(moved);
}

KOS_TEST(derivation_mutate_and_rotate_keep_the_place) {
    CPtr node = t.make(seL4_CapTableObject, 3);
    CPtr copy = t.copy(node);
    CPtr mutated = t.slot();
    EXPECT_OK(cnode_mutate(root_slot(mutated), root_slot(node), seL4_CNode_CapData_new(1, 2).words[0]));
    EXPECT_OK(cnode_revoke(root_slot(mutated)));
    EXPECT_GONE(copy);
    EXPECT_HELD(mutated);

    CPtr child = t.copy(mutated);
    CPtr tcb = t.make(seL4_TCBObject);
    CPtr tcb_copy = t.copy(tcb);
    EXPECT_OK(cnode_rotate(root_slot(tcb), 0, root_slot(mutated), 0, root_slot(tcb)));
    EXPECT_OK(cnode_revoke(root_slot(tcb)));  // now the CNode
    EXPECT_GONE(child);
    EXPECT_HELD(tcb_copy);
    EXPECT_OK(cnode_revoke(root_slot(mutated)));  // now the TCB
    EXPECT_GONE(tcb_copy);
    EXPECT_HELD(tcb, mutated);
}

KOS_TEST(derivation_children_survive_the_original) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr original = t.slot();
    EXPECT_OK(retype_to(untyped, seL4_EndpointObject, 0, original));
    CPtr first = t.copy(original);
    CPtr second = t.mint(original, 4);
    EXPECT_OK(cnode_delete(root_slot(original)));
    EXPECT_HELD(first, second);
    // They are still below the untyped memory.
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_GONE(first, second);
}

KOS_TEST(derivation_untyped_levels) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr inner = t.slots(2);
    EXPECT_OK(retype_to(untyped, seL4_UntypedObject, 13, inner, 2));
    CPtr copy = t.copy(inner);
    CPtr object = t.slot();
    CPtr other = t.slot();
    EXPECT_OK(retype_to(copy, seL4_CapTableObject, 3, object));
    EXPECT_OK(retype_to(inner + 1, seL4_EndpointObject, 0, other));
    CPtr object_copy = t.copy(object);
    EXPECT_OK(cnode_revoke(root_slot(copy)));
    EXPECT_GONE(object, object_copy);
    EXPECT_HELD(inner, copy, other);
    EXPECT_OK(retype_to(copy, seL4_CapTableObject, 3, object));
    EXPECT_OK(cnode_revoke(root_slot(inner)));
    EXPECT_GONE(copy, object);
    EXPECT_HELD(inner, CPtr{inner + 1}, other);
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_GONE(inner, CPtr{inner + 1}, other);
}

KOS_TEST(derivation_copy_of_untyped_at_the_end) {
    // Memory that ends where the next object begins must not be taken for its parent.
    CPtr untyped = t.make(seL4_UntypedObject, 13);
    CPtr halves = t.slots(2);
    EXPECT_OK(retype_to(untyped, seL4_UntypedObject, 12, halves, 2));
    CPtr page = t.slots(2);
    EXPECT_OK(retype_to(halves, seL4_ARM_SmallPageObject, 0, page));
    EXPECT_OK(retype_to(halves + 1, seL4_ARM_SmallPageObject, 0, page + 1));
    EXPECT_OK(cnode_revoke(root_slot(halves)));
    EXPECT_GONE(page);
    EXPECT_HELD(CPtr{page + 1});
}

KOS_TEST(derivation_revoke_reaches_other_cnodes) {
    TestCNode outer = make_cnode(t, 3);
    TestCNode inner = make_cnode(t, 3);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(outer.at(0), root_slot(endpoint)));
    EXPECT_OK(cnode_mint(inner.at(7), root_slot(endpoint), seL4_CanRead, 1));
    EXPECT_OK(cnode_move(outer.at(1), root_slot(inner.cap)));
    EXPECT_OK(cnode_revoke(root_slot(endpoint)));
    EXPECT_FALSE(holds_cap(t, outer.at(0)));
    EXPECT_FALSE(holds_cap(t, {outer.cap, 1 << 3 | 7, 6}));
    EXPECT_TRUE(holds_cap(t, outer.at(1)));
}

KOS_TEST(derivation_page_copies_are_unmapped_by_revoke) {
    CPtr page = t.make(seL4_ARM_SmallPageObject);
    CPtr copy = t.copy(page);
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, page, kFreeVirtual));
    ASSERT_OK(map_page(t.arena(), seL4_CapInitThreadVSpace, copy, kFreeVirtual + 0x1000));
    *reinterpret_cast<volatile Word*>(kFreeVirtual) = 77;
    EXPECT_EQ(*reinterpret_cast<volatile Word*>(kFreeVirtual + 0x1000), 77u);
    EXPECT_OK(cnode_revoke(root_slot(page)));
    EXPECT_GONE(copy);
    EXPECT_EQ(*reinterpret_cast<volatile Word*>(kFreeVirtual), 77u);
    // The second address is free again.
    CPtr another = t.make(seL4_ARM_SmallPageObject);
    EXPECT_OK(page_map(another, seL4_CapInitThreadVSpace, kFreeVirtual + 0x1000));
}

KOS_TEST(derivation_asid_pool_and_control) {
    CPtr memory = t.make(seL4_UntypedObject, seL4_ASIDPoolBits);
    CPtr pool = t.slot();
    EXPECT_OK(asid_control_make_pool(seL4_CapASIDControl, memory, root_slot(pool)));
    CPtr copy = t.copy(pool);
    CPtr control = t.copy(seL4_CapASIDControl);
    EXPECT_OK(cnode_revoke(root_slot(control)));
    EXPECT_HELD(pool, copy);
    EXPECT_OK(cnode_revoke(root_slot(memory)));
    EXPECT_GONE(pool, copy);
    EXPECT_HELD(control);
}

KOS_TEST(deletion_cnode_empties_its_slots) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr node = t.slot();
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 6, node));
    CPtr inner = t.make(seL4_UntypedObject, 12);
    EXPECT_OK(untyped_retype(inner, seL4_EndpointObject, 0, {node, 0, 0, 0, 64}));
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(inner)), seL4_RevokeFirst);
    EXPECT_OK(cnode_delete(root_slot(node)));
    EXPECT_OK(cnode_copy(root_slot(t.slot()), root_slot(inner)));  // no children any more
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 10, node));  // the CNode's memory is free as well
}

KOS_TEST(deletion_cnode_that_contains_itself) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr slot = t.slot();
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 4, slot));
    TestCNode node{slot, 4};
    EXPECT_OK(cnode_copy(node.at(3), root_slot(slot)));
    EXPECT_OK(cnode_delete(root_slot(slot)));
    EXPECT_GONE(slot);
    // Unreachable, but not gone: only a revoke gets it back.
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(untyped)), seL4_RevokeFirst);
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 7, slot));
}

KOS_TEST(deletion_cnodes_in_a_ring) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr nodes = t.slots(8);
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 4, nodes, 8));
    for (Word i = 0; i < 8; ++i) {
        for (Word k = 0; k < 16; ++k) {
            EXPECT_OK(cnode_copy({nodes + i, k, 4}, root_slot(nodes + (i + k + 1) % 8)));
        }
    }
    for (Word i = 0; i < 8; ++i) {
        EXPECT_OK(cnode_delete(root_slot(nodes + i)));
    }
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 11, nodes));
}

KOS_TEST(deletion_chain_of_cnodes) {
    // Each CNode holds the only capability to the next one; the first slot is where a deletion keeps its place.
    constexpr Word kLength = 32;
    for (Word place : {Word{0}, Word{5}, Word{7}}) {
        CPtr untyped = t.make(seL4_UntypedObject, 16);
        CPtr nodes = t.slots(kLength);
        EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 3, nodes, kLength));
        for (Word i = kLength - 1; i > 0; --i) {
            EXPECT_OK(cnode_move({nodes + i - 1, place, 3}, root_slot(nodes + i)));
        }
        EXPECT_OK(cnode_delete(root_slot(nodes)));
        EXPECT_OK(cnode_revoke(root_slot(untyped)));
        EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 11, nodes));
    }
}

KOS_TEST(deletion_tcb_and_its_own_cspace) {
    // A thread whose CSpace holds the last capabilities to both.
    CPtr untyped = t.make(seL4_UntypedObject, 14);
    CPtr made = t.slots(2);
    EXPECT_OK(retype_to(untyped, seL4_TCBObject, 0, made));
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 4, made + 1));
    EXPECT_OK(tcb_set_space(made, kNullCap, {made + 1, 0, seL4_CapInitThreadVSpace, 0}));
    EXPECT_OK(cnode_move({made + 1, 1, 4}, root_slot(made)));
    EXPECT_OK(cnode_move({made + 1, 0, 4}, root_slot(t.copy(seL4_CapInitThreadSC))));
    EXPECT_OK(cnode_delete(root_slot(made + 1)));
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_OK(retype_to(untyped, seL4_ARM_SmallPageObject, 0, made, 2));
}

KOS_TEST(deletion_by_the_thread_itself) {
    // Deleting the last capability to one's own TCB.
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    ObjectAllocator own(untyped, t.slots(16), 16);
    Thread thread;
    Shared<Word> after;
    ASSERT_OK(thread.create(own, {.priority = kAboveMain}));
    CPtr tcb = thread.tcb();
    EXPECT_OK(thread.start([&, tcb] {
        cnode_delete(root_slot(tcb));
        after.add(1);
    }));
    EXPECT_EQ(after.get(), 0u);
    EXPECT_GONE(tcb);
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
}

KOS_TEST(deletion_revoke_that_removes_the_revoker) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    ObjectAllocator own(untyped, t.slots(16), 16);
    Thread thread;
    Shared<Word> after;
    ASSERT_OK(thread.create(own, {.priority = kAboveMain}));
    EXPECT_OK(thread.start([&, untyped] {
        cnode_revoke(root_slot(untyped));
        after.add(1);
    }));
    EXPECT_EQ(after.get(), 0u);
    EXPECT_OK(cnode_revoke(root_slot(untyped)));
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 11, t.slot()));
}

KOS_TEST(deletion_revoke_that_removes_its_own_slot) {
    // The revoked capability lies in a CNode that is made from it.
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr node = t.slot();
    EXPECT_OK(retype_to(untyped, seL4_CapTableObject, 4, node));
    EXPECT_OK(cnode_move({node, 2, 4}, root_slot(untyped)));
    // May stop part way, but must come back.
    (void)cnode_revoke({node, 2, 4});
    EXPECT_OK(cnode_delete(root_slot(node)));
}

KOS_TEST(deletion_endpoint_wakes_its_threads) {
    // Threads in the queue of a dying endpoint restart their system call, which then fails on the missing capability.
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr faults = t.make(seL4_EndpointObject);
    CPtr reply_object = t.make(seL4_ReplyObject);
    Thread receiver;
    Thread sender;
    ASSERT_TRUE(t.create(receiver, {.priority = kAboveMain, .fault_endpoint = t.mint(faults, 1)}));
    EXPECT_OK(receiver.start([&] { wait(endpoint); }));
    EXPECT_OK(cnode_delete(root_slot(endpoint)));
    Message fault = nb_recv(faults, reply_object);
    EXPECT_EQ(fault.badge, 1u);
    EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
    EXPECT_EQ(fault.word(seL4_CapFault_InRecvPhase), 1u);

    // A send that finds the slot empty is dropped; a call is told.
    CPtr second = t.make(seL4_EndpointObject);
    Shared<Word> error;
    Thread caller;
    ASSERT_TRUE(t.create(sender, {.priority = kAboveMain}));
    ASSERT_TRUE(t.create(caller, {.priority = kAboveMain}));
    EXPECT_OK(sender.start([&] { send(second, Tag::make(0, 0)); }));
    EXPECT_OK(caller.start([&] { error.set(call(second, Tag::make(0, 0)).label()); }));
    EXPECT_FALSE(sender.finished());
    EXPECT_FALSE(caller.finished());
    EXPECT_OK(cnode_delete(root_slot(second)));
    EXPECT_TRUE(sender.finished());
    EXPECT_TRUE(caller.finished());
    EXPECT_EQ(error.get(), Word{seL4_InvalidCapability});
}
