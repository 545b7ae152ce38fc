// Every documented error of Untyped_Retype, with the words that explain it.
#include "support.h"

namespace {

constexpr Word kRoot = seL4_CapInitThreadCNode;

Result endpoint_into(CPtr untyped, const RetypeWindow& window) {
    return untyped_retype(untyped, seL4_EndpointObject, 0, window);
}

}  // namespace

KOS_TEST(retype_error_truncated) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr to = t.slot();
    EXPECT_ERROR(invoke(untyped, seL4_UntypedRetype, {kRoot}, {seL4_EndpointObject, 0, 0, 0, to}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(untyped, seL4_UntypedRetype, {}, {seL4_EndpointObject, 0, 0, 0, to, 1}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(untyped, seL4_UntypedRetype), seL4_TruncatedMessage);
    // Words beyond those that the method takes do not matter.
    EXPECT_OK(invoke(untyped, seL4_UntypedRetype, {kRoot}, {seL4_EndpointObject, 0, 0, 0, to, 1, 7, 8, 9}));
}

KOS_TEST(retype_error_wrong_label) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    for (Word label : {Word{0}, Word{seL4_TCBReadRegisters}, Word{seL4_CNodeCopy}, Word{1000}, Word{0xfffffffffffff}}) {
        EXPECT_ERROR(invoke(untyped, label, {kRoot}, {seL4_EndpointObject, 0, 0, 0, 0, 1}), seL4_IllegalOperation);
    }
}

KOS_TEST(retype_error_wrong_service) {
    for (Word type : {Word{seL4_TCBObject}, Word{seL4_CapTableObject}, Word{seL4_ARM_SmallPageObject}}) {
        CPtr object = t.make(type, 4);
        EXPECT_ERROR(endpoint_into(object, {kRoot, 0, 0, t.slot(), 1}), seL4_IllegalOperation);
    }
}

KOS_TEST(retype_error_type) {
    CPtr untyped = t.make(seL4_UntypedObject, 20);
    for (Word type : {Word{seL4_ObjectTypeCount}, Word{seL4_ObjectTypeCount + 1}, Word{255}, ~Word{0}}) {
        Result answer = untyped_retype(untyped, type, 12, {kRoot, 0, 0, t.slot(), 1});
        EXPECT_ERROR(answer, seL4_InvalidArgument);
        EXPECT_EQ(answer.word(0), 0u);  // the number of the argument
    }
}

KOS_TEST(retype_error_size_bits) {
    CPtr untyped = t.make(seL4_UntypedObject, 20);
    struct Case {
        Word type;
        Word size_bits;
        seL4_Error error;
    };
    constexpr Case kCases[] = {
        {seL4_UntypedObject, 0, seL4_InvalidArgument},
        {seL4_UntypedObject, seL4_MinUntypedBits - 1, seL4_InvalidArgument},
        {seL4_UntypedObject, seL4_MaxUntypedBits, seL4_NotEnoughMemory},
        {seL4_UntypedObject, seL4_MaxUntypedBits + 1, seL4_RangeError},
        {seL4_UntypedObject, 63, seL4_RangeError},
        {seL4_UntypedObject, 64, seL4_RangeError},
        {seL4_UntypedObject, ~Word{0}, seL4_RangeError},
        {seL4_CapTableObject, 0, seL4_InvalidArgument},
        {seL4_CapTableObject, 43, seL4_RangeError},
        {seL4_CapTableObject, ~Word{0}, seL4_RangeError},
        {seL4_SchedContextObject, 0, seL4_InvalidArgument},
        {seL4_SchedContextObject, seL4_MinSchedContextBits - 1, seL4_InvalidArgument},
        {seL4_SchedContextObject, 48, seL4_RangeError},
    };
    for (const Case& c : kCases) {
        Result answer = untyped_retype(untyped, c.type, c.size_bits, {kRoot, 0, 0, t.slot(), 1});
        EXPECT_ERROR(answer, c.error);
        if (c.error == seL4_InvalidArgument) {
            EXPECT_EQ(answer.word(0), 1u);
        }
        if (c.error == seL4_RangeError) {
            EXPECT_EQ(answer.word(0), 0u);
            EXPECT_EQ(answer.word(1), Word{seL4_MaxUntypedBits});
        }
    }
}

KOS_TEST(retype_error_root) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr endpoint = t.make(seL4_EndpointObject);
    // Depth 0: the root itself must be a CNode.
    for (CPtr root : {endpoint, untyped, CPtr{seL4_CapInitThreadTCB}}) {
        Result answer = endpoint_into(untyped, {root, 0, 0, t.slot(), 1});
        EXPECT_ERROR(answer, seL4_FailedLookup);
        EXPECT_EQ(answer.word(0), 0u);
        EXPECT_EQ(answer.word(1), Word{seL4_MissingCapability});
        // Deeper: it is where the look-up starts.
        answer = endpoint_into(untyped, {root, 0, 64, 0, 1});
        EXPECT_ERROR(answer, seL4_FailedLookup);
        EXPECT_EQ(answer.word(0), 0u);
        EXPECT_EQ(answer.word(1), Word{seL4_InvalidRoot});
    }
}

KOS_TEST(retype_error_node_lookup) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr node = t.make(seL4_CapTableObject, 4);
    CPtr guarded = t.mint(node, seL4_CNode_CapData_new(2, 3).words[0]);
    struct Case {
        CPtr root;
        Word index;
        Word depth;
        Word type;
        Word detail_count;
        Word details[3];
    };
    const Case cases[] = {
        // An empty slot, and one that holds something else than a CNode.
        {node, 3, 4, seL4_MissingCapability, 1, {4}},
        {kRoot, seL4_CapInitThreadTCB, 64, seL4_MissingCapability, 1, {64}},
        // Fewer bits than guard and radix take.
        {node, 0, 3, seL4_DepthMismatch, 2, {3, 4}},
        {guarded, 0, 2, seL4_GuardMismatch, 3, {2, 2, 3}},
        {guarded, 2 << 2, 5, seL4_DepthMismatch, 2, {5, 7}},
        {guarded, 1 << 4, 7, seL4_GuardMismatch, 3, {7, 2, 3}},
    };
    for (const Case& c : cases) {
        Result answer = endpoint_into(untyped, {c.root, c.index, c.depth, 0, 1});
        EXPECT_ERROR(answer, seL4_FailedLookup);
        EXPECT_EQ(answer.word(0), 0u);
        EXPECT_EQ(answer.word(1), c.type);
        EXPECT_EQ(answer.message.length(), 2 + c.detail_count);
        for (Word i = 0; i < c.detail_count; ++i) {
            EXPECT_EQ(answer.word(2 + i), c.details[i]);
        }
    }
    // Depth of more than a word is refused as such.
    Result answer = endpoint_into(untyped, {kRoot, 0, 65, 0, 1});
    EXPECT_ERROR(answer, seL4_RangeError);
    EXPECT_EQ(answer.word(0), 1u);
    EXPECT_EQ(answer.word(1), 64u);
}

KOS_TEST(retype_error_window) {
    CPtr untyped = t.make(seL4_UntypedObject, 16);
    CPtr node = t.make(seL4_CapTableObject, 4);
    Result answer = endpoint_into(untyped, {node, 0, 0, 16, 1});
    EXPECT_ERROR(answer, seL4_RangeError);
    EXPECT_EQ(answer.word(0), 0u);
    EXPECT_EQ(answer.word(1), 15u);
    answer = endpoint_into(untyped, {node, 0, 0, ~Word{0}, 1});
    EXPECT_ERROR(answer, seL4_RangeError);
    for (Word count : {Word{0}, Word{SEL4_RETYPE_FAN_OUT_LIMIT + 1}, ~Word{0}}) {
        answer = endpoint_into(untyped, {kRoot, 0, 0, t.slot(), count});
        EXPECT_ERROR(answer, seL4_RangeError);
        EXPECT_EQ(answer.word(0), 1u);
        EXPECT_EQ(answer.word(1), Word{SEL4_RETYPE_FAN_OUT_LIMIT});
    }
    answer = endpoint_into(untyped, {node, 0, 0, 10, 7});
    EXPECT_ERROR(answer, seL4_RangeError);
    EXPECT_EQ(answer.word(0), 1u);
    EXPECT_EQ(answer.word(1), 6u);  // as many as there is room for
    EXPECT_OK(endpoint_into(untyped, {node, 0, 0, 10, 6}));
}

KOS_TEST(retype_error_delete_first) {
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr node = t.make(seL4_CapTableObject, 4);
    EXPECT_OK(cnode_copy({node, 7, 4}, root_slot(seL4_CapInitThreadTCB)));
    EXPECT_ERROR(endpoint_into(untyped, {node, 0, 0, 7, 1}), seL4_DeleteFirst);
    EXPECT_ERROR(endpoint_into(untyped, {node, 0, 0, 0, 16}), seL4_DeleteFirst);
    // Nothing was made.
    EXPECT_ERROR(cnode_move(root_slot(t.slot()), {node, 0, 4}), seL4_FailedLookup);
    EXPECT_OK(endpoint_into(untyped, {node, 0, 0, 0, 7}));
}

KOS_TEST(retype_error_memory) {
    CPtr untyped = t.make(seL4_UntypedObject, 13);
    CPtr to = t.slots(256);
    Result answer = untyped_retype(untyped, seL4_ARM_LargePageObject, 0, {kRoot, 0, 0, to, 1});
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    EXPECT_EQ(answer.word(0), 0x2000u);
    answer = untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, {kRoot, 0, 0, to, 3});
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    EXPECT_EQ(answer.word(0), 0x2000u);
    // A product that overflows a word.
    answer = untyped_retype(untyped, seL4_UntypedObject, seL4_MaxUntypedBits, {kRoot, 0, 0, to, 256});
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    answer = untyped_retype(untyped, seL4_CapTableObject, 42, {kRoot, 0, 0, to, 256});
    EXPECT_ERROR(answer, seL4_NotEnoughMemory);
    EXPECT_OK(untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, {kRoot, 0, 0, to, 2}));
}

KOS_TEST(retype_error_order) {
    // Several things wrong at once: which one is reported.
    CPtr untyped = t.make(seL4_UntypedObject, 12);
    CPtr occupied = seL4_CapInitThreadTCB;
    EXPECT_ERROR(untyped_retype(untyped, 99, 99, {seL4_CapInitThreadTCB, 0, 0, occupied, 0}), seL4_InvalidArgument);
    EXPECT_ERROR(untyped_retype(untyped, seL4_UntypedObject, 99, {seL4_CapInitThreadTCB, 0, 0, occupied, 0}),
                 seL4_RangeError);
    EXPECT_ERROR(untyped_retype(untyped, seL4_CapTableObject, 0, {seL4_CapInitThreadTCB, 0, 0, occupied, 0}),
                 seL4_InvalidArgument);
    EXPECT_ERROR(untyped_retype(untyped, seL4_EndpointObject, 0, {seL4_CapInitThreadTCB, 0, 0, occupied, 0}),
                 seL4_FailedLookup);
    EXPECT_ERROR(untyped_retype(untyped, seL4_EndpointObject, 0, {kRoot, 0, 0, kOutsideRootCNode, 0}), seL4_RangeError);
    EXPECT_ERROR(untyped_retype(untyped, seL4_ARM_LargePageObject, 0, {kRoot, 0, 0, occupied, 1}), seL4_DeleteFirst);
}
