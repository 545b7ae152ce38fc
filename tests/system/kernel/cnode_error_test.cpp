// Every documented error of the CNode methods, with the words that explain it and the order of the checks.
#include "support.h"

namespace {

constexpr CPtr kRoot = seL4_CapInitThreadCNode;

struct Fixture {
    TestCNode node;
    CPtr endpoint;
    CPtr spare;
};

Fixture make_fixture(TestContext& t) {
    Fixture f{make_cnode(t, 4), t.make(seL4_EndpointObject), t.slot()};
    EXPECT_OK(cnode_copy(f.node.at(1), root_slot(f.endpoint)));
    return f;
}

constexpr Word kOneSlotMethods[] = {seL4_CNodeRevoke, seL4_CNodeDelete, seL4_CNodeCancelBadgedSends};
constexpr Word kTwoSlotMethods[] = {seL4_CNodeCopy, seL4_CNodeMint, seL4_CNodeMove, seL4_CNodeMutate};

// A two-slot method with as many words as the longest takes.
Result two_slots(Word method, const SlotPath& to, const SlotPath& from) {
    if (method == seL4_CNodeMutate) {
        return cnode_mutate(to, from, 0);
    }
    return invoke(to.root, method, {from.root}, {to.index, to.depth, from.index, from.depth, seL4_AllRights, 0});
}

}  // namespace

KOS_TEST(cnode_error_label) {
    Fixture f = make_fixture(t);
    for (Word label :
         {Word{0}, Word{seL4_UntypedRetype}, Word{seL4_TCBSetFlags}, Word{seL4_IRQIssueIRQHandler}, Word{12345}}) {
        EXPECT_ERROR(invoke(f.node.cap, label, {kRoot}, {1, 4, 1, 4, 15, 0, 0, 0}), seL4_IllegalOperation);
    }
}

KOS_TEST(cnode_error_truncated) {
    Fixture f = make_fixture(t);
    for (Word method : kOneSlotMethods) {
        EXPECT_ERROR(invoke(f.node.cap, method), seL4_TruncatedMessage);
        EXPECT_ERROR(invoke(f.node.cap, method, {}, {1}), seL4_TruncatedMessage);
    }
    const Word needed[] = {5, 6, 4, 5};
    for (Word i = 0; i < 4; ++i) {
        EXPECT_ERROR(invoke(f.node.cap, kTwoSlotMethods[i], {kRoot}, {2}), seL4_TruncatedMessage);
        EXPECT_ERROR(invoke(f.node.cap, kTwoSlotMethods[i], {kRoot}, {2, 4, f.endpoint}), seL4_TruncatedMessage);
        EXPECT_ERROR(invoke(f.node.cap, kTwoSlotMethods[i], {}, {2, 4, f.endpoint, 64, 15, 0}), seL4_TruncatedMessage);
        if (needed[i] > 4) {
            EXPECT_ERROR(invoke(f.node.cap, kTwoSlotMethods[i], {kRoot}, {2, 4, f.endpoint, 64}),
                         seL4_TruncatedMessage);
        }
    }
    EXPECT_ERROR(invoke(f.node.cap, seL4_CNodeMint, {kRoot}, {2, 4, f.endpoint, 64, 15}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(f.node.cap, seL4_CNodeRotate, {kRoot, kRoot}, {2, 4, 0, f.endpoint, 64, 0, f.spare}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(f.node.cap, seL4_CNodeRotate, {kRoot}, {2, 4, 0, f.endpoint, 64, 0, f.spare, 64}),
                 seL4_TruncatedMessage);
}

KOS_TEST(cnode_error_depth_range) {
    Fixture f = make_fixture(t);
    for (Word depth : {Word{0}, Word{65}, Word{255}, ~Word{0}}) {
        for (Word method : kOneSlotMethods) {
            EXPECT_RANGE_ERROR(invoke(f.node.cap, method, {}, {1, depth}), 1, 64);
        }
        for (Word method : kTwoSlotMethods) {
            EXPECT_RANGE_ERROR(two_slots(method, {f.node.cap, 2, depth}, root_slot(f.endpoint)), 1, 64);
            EXPECT_RANGE_ERROR(two_slots(method, f.node.at(2), {kRoot, f.endpoint, depth}), 1, 64);
        }
        EXPECT_RANGE_ERROR(cnode_rotate({f.node.cap, 2, depth}, 0, root_slot(f.endpoint), 0, f.node.at(1)), 1, 64);
        EXPECT_RANGE_ERROR(cnode_rotate(f.node.at(2), 0, {kRoot, f.endpoint, depth}, 0, f.node.at(1)), 1, 64);
        EXPECT_RANGE_ERROR(cnode_rotate(f.node.at(2), 0, root_slot(f.endpoint), 0, {f.node.cap, 1, depth}), 1, 64);
    }
}

KOS_TEST(cnode_error_target_lookup) {
    Fixture f = make_fixture(t);
    CPtr guarded = t.mint(f.node.cap, seL4_CNode_CapData_new(2, 3).words[0]);
    auto check_all = [&](const SlotPath& path, Word type, std::initializer_list<Word> details, int line) {
        for (Word method : kOneSlotMethods) {
            check_failed_lookup(invoke(path.root, method, {}, {path.index, path.depth}), 0, type, details, line);
        }
        for (Word method : kTwoSlotMethods) {
            check_failed_lookup(two_slots(method, path, root_slot(f.endpoint)), 0, type, details, line);
        }
        check_failed_lookup(cnode_rotate(path, 0, root_slot(f.endpoint), 0, f.node.at(1)), 0, type, details, line);
    };
    check_all({f.node.cap, 1, 3}, seL4_DepthMismatch, {3, 4}, __LINE__);
    check_all({f.node.cap, 1, 1}, seL4_DepthMismatch, {1, 4}, __LINE__);
    // One bit is left and the slot holds no CNode, or nothing.
    check_all({f.node.cap, 1 << 1, 5}, seL4_DepthMismatch, {1, 0}, __LINE__);
    check_all({f.node.cap, 2 << 1, 5}, seL4_DepthMismatch, {1, 0}, __LINE__);
    check_all({guarded, 1 << 4, 7}, seL4_GuardMismatch, {7, 2, 3}, __LINE__);
    check_all({guarded, 0, 2}, seL4_GuardMismatch, {2, 2, 3}, __LINE__);
    check_all({guarded, 2, 3}, seL4_DepthMismatch, {3, 7}, __LINE__);
    check_all({guarded, 2 << 4, 64}, seL4_GuardMismatch, {64, 2, 3}, __LINE__);
}

KOS_TEST(cnode_error_source_lookup) {
    Fixture f = make_fixture(t);
    CPtr guarded = t.mint(f.node.cap, seL4_CNode_CapData_new(2, 3).words[0]);
    for (Word method : kTwoSlotMethods) {
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), {f.node.cap, 1, 3}), 1, seL4_DepthMismatch, 3, 4);
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), {f.node.cap, 2, 5}), 1, seL4_DepthMismatch, 1, 0);
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), {guarded, 1 << 4, 7}), 1, seL4_GuardMismatch, 7, 2, 3);
        // The root of the source is no CNode.
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), {f.endpoint, 0, 64}), 1, seL4_InvalidRoot);
        // The source slot is empty.
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), f.node.at(3)), 1, seL4_MissingCapability, 4);
        EXPECT_FAILED_LOOKUP(two_slots(method, f.node.at(2), root_slot(f.spare)), 1, seL4_MissingCapability, 64);
    }
}

KOS_TEST(cnode_error_delete_first) {
    Fixture f = make_fixture(t);
    for (Word method : kTwoSlotMethods) {
        EXPECT_ERROR(two_slots(method, f.node.at(1), root_slot(f.endpoint)), seL4_DeleteFirst);
        // Onto itself.
        EXPECT_ERROR(two_slots(method, f.node.at(1), f.node.at(1)), seL4_DeleteFirst);
        // Before the source is looked at.
        EXPECT_ERROR(two_slots(method, f.node.at(1), {f.endpoint, 0, 64}), seL4_DeleteFirst);
    }
    // Rotate: only when the destination is another slot than the source.
    EXPECT_ERROR(cnode_rotate(f.node.at(1), 0, root_slot(f.endpoint), 0, root_slot(t.copy(f.endpoint))),
                 seL4_DeleteFirst);
}

KOS_TEST(cnode_error_rotate) {
    Fixture f = make_fixture(t);
    SlotPath to = f.node.at(2);
    SlotPath full = f.node.at(1);
    SlotPath empty = f.node.at(3);
    SlotPath other = root_slot(t.copy(f.endpoint));
    // The pivot must differ from both.
    EXPECT_ERROR(cnode_rotate(full, 0, full, 0, other), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_rotate(to, 0, full, 0, full), seL4_IllegalOperation);
    EXPECT_FAILED_LOOKUP(cnode_rotate(to, 0, full, 0, empty), 1, seL4_MissingCapability, 4);
    EXPECT_FAILED_LOOKUP(cnode_rotate(to, 0, empty, 0, full), 0, seL4_MissingCapability, 4);
    // In a pivot look-up that fails before the slot is found, the pivot counts as a source.
    EXPECT_FAILED_LOOKUP(cnode_rotate(to, 0, full, 0, {f.endpoint, 0, 64}), 1, seL4_InvalidRoot);
    EXPECT_FAILED_LOOKUP(cnode_rotate(to, 0, {f.endpoint, 0, 64}, 0, full), 1, seL4_InvalidRoot);
    EXPECT_FAILED_LOOKUP(cnode_rotate(to, 0, {f.node.cap, 1, 3}, 0, full), 1, seL4_DepthMismatch, 3, 4);
    // A badge is not changed in place.
    EXPECT_ERROR(cnode_rotate(to, 5, full, 0, other), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_rotate(to, 0, full, 5, other), seL4_IllegalOperation);
    EXPECT_TRUE(holds_cap(t, full));
    EXPECT_TRUE(holds_cap(t, other));
}

KOS_TEST(cnode_error_badge) {
    Fixture f = make_fixture(t);
    CPtr badged = t.mint(f.endpoint, 5);
    // A badge can be given once.
    EXPECT_ERROR(cnode_mint(f.node.at(2), root_slot(badged), seL4_AllRights, 6), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mint(f.node.at(2), root_slot(badged), seL4_AllRights, 5), seL4_IllegalOperation);
    CPtr notification = t.mint(t.make(seL4_NotificationObject), 5);
    EXPECT_ERROR(cnode_mint(f.node.at(2), root_slot(notification), seL4_AllRights, 6), seL4_IllegalOperation);
    // 0 is no badge and no change.
    EXPECT_ERROR(cnode_mint(f.node.at(2), root_slot(badged), seL4_AllRights, 0), seL4_IllegalOperation);
    EXPECT_OK(cnode_copy(f.node.at(2), root_slot(badged)));
}

KOS_TEST(cnode_error_guard) {
    Fixture f = make_fixture(t);
    TestCNode big = make_cnode(t, 10);
    // Guard and radix together may not exceed a word.
    EXPECT_OK(cnode_mint(f.node.at(2), root_slot(big.cap), 15, seL4_CNode_CapData_new(1, 54).words[0]));
    EXPECT_ERROR(cnode_mint(f.node.at(3), root_slot(big.cap), 15, seL4_CNode_CapData_new(1, 55).words[0]),
                 seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mint(f.node.at(3), root_slot(big.cap), 15, seL4_CNode_CapData_new(1, 63).words[0]),
                 seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mutate(f.node.at(3), root_slot(big.cap), seL4_CNode_CapData_new(1, 55).words[0]),
                 seL4_IllegalOperation);
    EXPECT_ERROR(cnode_rotate(f.node.at(3), seL4_CNode_CapData_new(1, 55).words[0], root_slot(big.cap), 0,
                              root_slot(f.endpoint)),
                 seL4_IllegalOperation);
}

KOS_TEST(cnode_error_derive) {
    Fixture f = make_fixture(t);
    for (Word method : {Word{seL4_CNodeCopy}, Word{seL4_CNodeMint}}) {
        SlotPath to = f.node.at(2);
        // Never: the interrupt control capability.
        EXPECT_ERROR(two_slots(method, to, root_slot(seL4_CapIRQControl)), seL4_IllegalOperation);
        // Page tables and address spaces that are in use nowhere.
        EXPECT_ERROR(two_slots(method, to, root_slot(t.make(seL4_ARM_PageTableObject))), seL4_IllegalOperation);
        EXPECT_ERROR(two_slots(method, to, root_slot(t.make(seL4_ARM_VSpaceObject))), seL4_IllegalOperation);
        // Untyped memory with children.
        CPtr untyped = t.make(seL4_UntypedObject, 12);
        EXPECT_OK(untyped_retype(untyped, seL4_EndpointObject, 0, {kRoot, 0, 0, t.slot(), 1}));
        EXPECT_ERROR(two_slots(method, to, root_slot(untyped)), seL4_RevokeFirst);
        EXPECT_FALSE(holds_cap(t, to));
    }
    // Once in use they can be copied.
    CPtr vspace = t.make(seL4_ARM_VSpaceObject);
    EXPECT_OK(asid_pool_assign(seL4_CapInitThreadASIDPool, vspace));
    EXPECT_OK(cnode_copy(f.node.at(4), root_slot(vspace)));
    // A reply object is an object like others.
    EXPECT_OK(cnode_copy(f.node.at(5), root_slot(t.make(seL4_ReplyObject))));
}

KOS_TEST(cnode_error_control_capabilities) {
    // Which of the initial capabilities can be copied.
    Fixture f = make_fixture(t);
    Word index = 5;
    for (CPtr cap : {CPtr{seL4_CapInitThreadTCB}, CPtr{seL4_CapInitThreadCNode}, CPtr{seL4_CapInitThreadVSpace},
                     CPtr{seL4_CapASIDControl}, CPtr{seL4_CapInitThreadASIDPool}, CPtr{seL4_CapDomain},
                     CPtr{seL4_CapInitThreadSC}, t.sched_control()}) {
        EXPECT_OK(cnode_copy(f.node.at(index++), root_slot(cap)));
    }
}

KOS_TEST(cnode_error_cancel_badged_sends) {
    Fixture f = make_fixture(t);
    CPtr badged = t.mint(f.endpoint, 3);
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(badged)));
    EXPECT_OK(cnode_cancel_badged_sends(root_slot(f.endpoint)));
    // All rights are needed, and an endpoint.
    for (Word rights :
         {Word{seL4_ReadWrite}, Word{seL4_NoRead}, Word{seL4_NoWrite}, Word{seL4_ReadWrite | seL4_CanGrantReply}}) {
        EXPECT_ERROR(cnode_cancel_badged_sends(root_slot(t.copy(badged, rights))), seL4_IllegalOperation);
    }
    EXPECT_ERROR(cnode_cancel_badged_sends(root_slot(t.make(seL4_NotificationObject))), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_cancel_badged_sends(root_slot(f.spare)), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_cancel_badged_sends(root_slot(seL4_CapInitThreadTCB)), seL4_IllegalOperation);
}

KOS_TEST(cnode_error_service_is_no_cnode) {
    Fixture f = make_fixture(t);
    for (CPtr cap : {t.make(seL4_UntypedObject, 12), CPtr{seL4_CapInitThreadTCB}, CPtr{seL4_CapInitThreadVSpace}}) {
        for (Word method : kTwoSlotMethods) {
            EXPECT_ERROR(two_slots(method, {cap, 1, 64}, root_slot(f.endpoint)), seL4_IllegalOperation);
        }
    }
}
