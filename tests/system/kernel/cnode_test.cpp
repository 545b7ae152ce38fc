// CNode methods when they succeed: copy, mint, move, mutate, rotate, delete; rights, badges and guards of the results.
#include "support.h"

namespace {

// What a send through `endpoint` delivers as badge, or ~0 if it may not send.
Word badge_of(TestContext& t, CPtr endpoint, CPtr original) {
    Thread receiver;
    CPtr reply_object = t.make(seL4_ReplyObject);
    Shared<Word> badge{~Word{0}};
    t.create(receiver, {.priority = kAboveMain});
    EXPECT_OK(receiver.start([&] { badge.set(recv(original, reply_object).badge); }));
    nb_send(endpoint, Tag::make(0, 0));
    return badge.get();
}

}  // namespace

KOS_TEST(cnode_copy_keeps_badge_and_object) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr badged = t.mint(endpoint, 0x1234);
    CPtr copy = t.copy(badged);
    EXPECT_EQ(badge_of(t, endpoint, endpoint), 0u);
    EXPECT_EQ(badge_of(t, badged, endpoint), 0x1234u);
    EXPECT_EQ(badge_of(t, copy, endpoint), 0x1234u);
}

KOS_TEST(cnode_badges_have_64_bits) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    for (Word badge : {Word{1}, Word{1} << 63, ~Word{0} - 1, Word{0x123456789abcdef0}}) {
        EXPECT_EQ(badge_of(t, t.mint(endpoint, badge), endpoint), badge);
    }
}

KOS_TEST(cnode_mint_with_badge_zero_is_a_copy) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr plain = t.mint(endpoint, 0);
    EXPECT_EQ(badge_of(t, plain, endpoint), 0u);
    EXPECT_EQ(badge_of(t, t.mint(plain, 7), endpoint), 7u);  // still without a badge, so it can get one
}

KOS_TEST(cnode_copy_reduces_rights) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_EQ(badge_of(t, t.mint(endpoint, 5, seL4_CanWrite), endpoint), 5u);
    EXPECT_EQ(badge_of(t, t.mint(endpoint, 5, seL4_CanRead | seL4_CanGrant | seL4_CanGrantReply), endpoint), ~Word{0});
    // Rights do not come back.
    CPtr reading = t.copy(endpoint, seL4_CanRead);
    EXPECT_EQ(badge_of(t, t.copy(reading, seL4_AllRights), endpoint), ~Word{0});
    // Bits beyond the four rights have no meaning.
    CPtr odd = t.copy(endpoint, ~Word{0} & ~Word{seL4_RightWrite});
    EXPECT_EQ(badge_of(t, odd, endpoint), ~Word{0});
}

KOS_TEST(cnode_copy_without_rights) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr none = t.copy(endpoint, seL4_NoRights);
    EXPECT_EQ(badge_of(t, none, endpoint), ~Word{0});
    // Types without rights do not care.
    CPtr node = t.copy(t.make(seL4_CapTableObject, 3), seL4_NoRights);
    EXPECT_OK(cnode_copy({node, 1, 3}, root_slot(endpoint)));
    CPtr tcb = t.copy(t.make(seL4_TCBObject), seL4_NoRights);
    EXPECT_OK(tcb_suspend(tcb));
    CPtr untyped = t.copy(t.make(seL4_UntypedObject, 12), seL4_NoRights);
    EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {seL4_CapInitThreadCNode, 0, 0, t.slot(), 1}));
}

KOS_TEST(cnode_move_empties_the_source) {
    CPtr endpoint = t.make(seL4_EndpointObject);
    CPtr badged = t.mint(endpoint, 9);
    CPtr to = t.slot();
    EXPECT_OK(cnode_move(root_slot(to), root_slot(badged)));
    EXPECT_FALSE(holds_cap(t, badged));
    EXPECT_EQ(badge_of(t, to, endpoint), 9u);
}

KOS_TEST(cnode_mutate_changes_the_guard) {
    TestCNode node = make_cnode(t, 4);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(node.at(3), root_slot(endpoint)));
    CPtr to = t.slot();
    EXPECT_OK(cnode_mutate(root_slot(to), root_slot(node.cap), seL4_CNode_CapData_new(0x5a, 8).words[0]));
    EXPECT_FALSE(holds_cap(t, node.cap));
    EXPECT_TRUE(holds_cap(t, {to, 0x5a << 4 | 3, 12}));
    EXPECT_FAILED_LOOKUP(cnode_delete({to, 0x5b << 4 | 3, 12}), 0, seL4_GuardMismatch, 12, 0x5a, 8);
}

KOS_TEST(cnode_mutate_and_rotate_refuse_badged_types) {
    // The word would be a badge, and a badge is not changed in place; not even to nothing.
    CPtr to = t.slot();
    CPtr tcb = t.make(seL4_TCBObject);
    for (Word type : {Word{seL4_EndpointObject}, Word{seL4_NotificationObject}}) {
        CPtr object = t.make(type);
        for (Word data : {Word{0}, Word{77}}) {
            EXPECT_ERROR(cnode_mutate(root_slot(to), root_slot(object), data), seL4_IllegalOperation);
            EXPECT_ERROR(cnode_rotate(root_slot(to), data, root_slot(object), 0, root_slot(tcb)),
                         seL4_IllegalOperation);
            EXPECT_ERROR(cnode_rotate(root_slot(to), 0, root_slot(tcb), data, root_slot(object)),
                         seL4_IllegalOperation);
        }
        EXPECT_TRUE(holds_cap(t, object));
        EXPECT_FALSE(holds_cap(t, to));
    }
    // For types that have neither badge nor guard the word has no meaning.
    EXPECT_OK(cnode_mutate(root_slot(to), root_slot(tcb), 77));
    EXPECT_OK(tcb_suspend(to));
}

KOS_TEST(cnode_mint_guard) {
    TestCNode node = make_cnode(t, 3);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(node.at(5), root_slot(endpoint)));
    CPtr guarded = t.mint(node.cap, seL4_CNode_CapData_new(0x2bad, 58).words[0]);
    EXPECT_TRUE(holds_cap(t, {guarded, Word{0x2bad} << 3 | 5, 61}));
    // Guard bits beyond the guard's size are dropped.
    CPtr cut = t.mint(node.cap, seL4_CNode_CapData_new(0xff, 4).words[0]);
    EXPECT_TRUE(holds_cap(t, {cut, 0xf << 3 | 5, 7}));
    // Size 0: no guard, whatever the other bits say. A word of zero leaves the guard as it is.
    CPtr none = t.mint(guarded, seL4_CNode_CapData_new(1, 0).words[0]);
    EXPECT_TRUE(holds_cap(t, {none, 5, 3}));
    CPtr same = t.mint(cut, 0);
    EXPECT_TRUE(holds_cap(t, {same, 5, 3}));
}

KOS_TEST(cnode_rotate_three_slots) {
    CPtr pages = t.make_many(seL4_ARM_SmallPageObject, 0, 2);
    CPtr to = t.slot();
    Word first = page_get_address(pages).word(0);
    Word second = page_get_address(pages + 1).word(0);
    EXPECT_OK(cnode_rotate(root_slot(to), 0, root_slot(pages), 0, root_slot(pages + 1)));
    EXPECT_EQ(page_get_address(to).word(0), first);
    EXPECT_EQ(page_get_address(pages).word(0), second);
    EXPECT_FALSE(holds_cap(t, pages + 1));
}

KOS_TEST(cnode_rotate_swaps_two_slots) {
    CPtr pages = t.make_many(seL4_ARM_SmallPageObject, 0, 2);
    Word first = page_get_address(pages).word(0);
    Word second = page_get_address(pages + 1).word(0);
    EXPECT_OK(cnode_rotate(root_slot(pages + 1), 0, root_slot(pages), 0, root_slot(pages + 1)));
    EXPECT_EQ(page_get_address(pages).word(0), second);
    EXPECT_EQ(page_get_address(pages + 1).word(0), first);
}

KOS_TEST(cnode_rotate_sets_guards) {
    TestCNode first = make_cnode(t, 2);
    TestCNode second = make_cnode(t, 2);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(first.at(1), root_slot(endpoint)));
    EXPECT_OK(cnode_copy(second.at(1), root_slot(endpoint)));
    CPtr to = t.slot();
    EXPECT_OK(cnode_rotate(root_slot(to), seL4_CNode_CapData_new(3, 2).words[0], root_slot(first.cap),
                           seL4_CNode_CapData_new(1, 1).words[0], root_slot(second.cap)));
    EXPECT_TRUE(holds_cap(t, {to, 3 << 2 | 1, 4}));
    EXPECT_TRUE(holds_cap(t, {first.cap, 1 << 2 | 1, 3}));
}

KOS_TEST(cnode_delete_empty_slot) {
    EXPECT_OK(cnode_delete(root_slot(t.slot())));
    EXPECT_OK(cnode_revoke(root_slot(t.slot())));
}

KOS_TEST(cnode_delete_last_capability_frees_the_object) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr to = t.slots(2);
    const RetypeWindow window{seL4_CapInitThreadCNode, 0, 0, to, 1};
    EXPECT_OK(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, window));
    EXPECT_OK(cnode_copy(root_slot(to + 1), root_slot(to)));
    EXPECT_OK(cnode_delete(root_slot(to)));
    EXPECT_ERROR(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, window), seL4_NotEnoughMemory);
    EXPECT_OK(cnode_delete(root_slot(to + 1)));
    EXPECT_OK(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, window));
}

KOS_TEST(cnode_depth_selects_the_level) {
    // outer[2] -> inner[6]; depth 3 names the inner CNode itself, depth 7 a slot of it.
    TestCNode outer = make_cnode(t, 3);
    TestCNode inner = make_cnode(t, 4);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(outer.at(2), root_slot(inner.cap)));
    EXPECT_OK(cnode_copy({outer.cap, 2 << 4 | 6, 7}, root_slot(endpoint)));
    EXPECT_TRUE(holds_cap(t, inner.at(6)));
    EXPECT_OK(cnode_delete({outer.cap, 2, 3}));
    EXPECT_FALSE(holds_cap(t, outer.at(2)));
    EXPECT_TRUE(holds_cap(t, inner.at(6)));
}

KOS_TEST(cnode_depth_uses_the_low_bits) {
    TestCNode node = make_cnode(t, 4);
    CPtr endpoint = t.make(seL4_EndpointObject);
    // Only the `depth` least significant bits of an index count.
    EXPECT_OK(cnode_copy({node.cap, ~Word{0xf} | 11, 4}, root_slot(endpoint)));
    EXPECT_TRUE(holds_cap(t, node.at(11)));
}

KOS_TEST(cnode_of_one_bit) {
    TestCNode node = make_cnode(t, 1);
    CPtr endpoint = t.make(seL4_EndpointObject);
    EXPECT_OK(cnode_copy(node.at(0), root_slot(endpoint)));
    EXPECT_OK(cnode_copy(node.at(1), root_slot(endpoint)));
    EXPECT_TRUE(holds_cap(t, node.at(0)));
    EXPECT_TRUE(holds_cap(t, node.at(1)));
}
