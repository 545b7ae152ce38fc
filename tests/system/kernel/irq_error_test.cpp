// Every documented error of IRQControl and IRQHandler, which interrupts can be had, and in which order it is checked.
#include "support.h"

namespace {

constexpr CPtr kControl = seL4_CapIRQControl;
constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr Word kKernelTimer = 27;
constexpr Word kFirstShared = SEL4_NUM_PRIVATE_IRQS;
constexpr Word kUnused = 40;  // a shared interrupt that no device of the board raises
constexpr Word kTooBig[] = {SEL4_MAX_IRQ + 1, 1000, Word{1} << 32, ~Word{0}};

Result issue(Word irq, const SlotPath& to) { return irq_control_get(kControl, irq, to); }
Result issue_trigger(Word irq, const SlotPath& to) {
    return irq_control_get_trigger(kControl, irq, Trigger::kLevel, to);
}
Result issue_core(Word irq, const SlotPath& to, Word core = 0) {
    return irq_control_get_trigger_core(kControl, irq, Trigger::kLevel, to, core);
}

// The methods that take the destination slot alike.
using Issue = Result (*)(Word irq, const SlotPath& to);

void expect_slot_errors(TestContext& t, Issue method, int line) {
    SlotPath to = root_slot(t.slot());
    check_failed_lookup(method(kUnused, {seL4_CapInitThreadTCB, to.index, 64}), 0, seL4_InvalidRoot, {}, line);
    check_failed_lookup(method(kUnused, {kNullCap, to.index, 64}), 0, seL4_InvalidRoot, {}, line);
    check_range_error(method(kUnused, {kRoot, to.index, 0}), 1, 64, line);
    check_range_error(method(kUnused, {kRoot, to.index, 65}), 1, 64, line);
    check_failed_lookup(method(kUnused, {kRoot, to.index, 63}), 0, seL4_DepthMismatch, {63, 64}, line);
    check_failed_lookup(method(kUnused, {kRoot, Word{1} << 40, 64}), 0, seL4_GuardMismatch, {64, 0, 47}, line);
    EXPECT_ERROR(method(kUnused, root_slot(seL4_CapInitThreadTCB)), seL4_DeleteFirst);
    // Nothing was issued.
    EXPECT_OK(method(kUnused, to));
    // An interrupt that is taken says so before anything about the slot; one that does not exist says so first.
    EXPECT_ERROR(method(kUnused, root_slot(t.slot())), seL4_RevokeFirst);
    EXPECT_ERROR(method(kUnused, root_slot(seL4_CapInitThreadTCB)), seL4_RevokeFirst);
    EXPECT_ERROR(method(kUnused, {seL4_CapInitThreadTCB, to.index, 64}), seL4_RevokeFirst);
    EXPECT_ERROR(method(kUnused, {kRoot, to.index, 65}), seL4_RevokeFirst);
    for (Word irq : kTooBig) {
        check_range_error(method(irq, root_slot(seL4_CapInitThreadTCB)), 0, SEL4_MAX_IRQ, line);
    }
    EXPECT_OK(cnode_delete(to));
    EXPECT_OK(method(kUnused, to));
}

}  // namespace

KOS_TEST(irq_control_which_interrupts) {
    for (Word irq = 0; irq <= SEL4_MAX_IRQ; ++irq) {
        SlotPath to = root_slot(t.slot());
        // The kernel keeps its timer, and on several nodes the interrupts that it sends between them.
        bool taken = irq == kKernelTimer || (t.nodes() > 1 && irq < 2);
        Result answer = issue(irq, to);
        if (answer.error != (taken ? seL4_RevokeFirst : seL4_NoError)) {
            EXPECT_EQ(answer.error, taken ? seL4_RevokeFirst : seL4_NoError);
            EXPECT_EQ(irq, SEL4_NUM_PRIVATE_IRQS + 0u);  // says which
        }
        EXPECT_OK(cnode_delete(to));
    }
    for (Word irq : kTooBig) {
        EXPECT_RANGE_ERROR(issue(irq, root_slot(t.slot())), 0, SEL4_MAX_IRQ);
    }
}

KOS_TEST(irq_control_trigger_which_interrupts) {
    for (Word irq = 0; irq <= SEL4_MAX_IRQ; ++irq) {
        SlotPath to = root_slot(t.slot());
        // On several nodes a private interrupt needs the method that names the node.
        seL4_Error expected = t.nodes() > 1 && irq < SEL4_NUM_PRIVATE_IRQS ? seL4_IllegalOperation
                              : irq == kKernelTimer                        ? seL4_RevokeFirst
                                                                           : seL4_NoError;
        // The last one stays set when the handler is gone.
        for (Trigger trigger : {Trigger::kEdge, Trigger::kLevel}) {
            Result answer = irq_control_get_trigger(kControl, irq, trigger, to);
            if (answer.error != expected) {
                EXPECT_EQ(answer.error, expected);
                EXPECT_EQ(irq, SEL4_MAX_IRQ + 1u);  // says which
            }
            EXPECT_OK(cnode_delete(to));
        }
    }
    for (Word irq : kTooBig) {
        EXPECT_RANGE_ERROR(issue_trigger(irq, root_slot(t.slot())), 0, SEL4_MAX_IRQ);
    }
    // Any value of the trigger is accepted.
    SlotPath to = root_slot(t.slot());
    for (Word trigger : {Word{2}, Word{1} << 32, ~Word{0}}) {
        EXPECT_OK(irq_control_get_trigger(kControl, kUnused, static_cast<Trigger>(trigger), to));
        EXPECT_OK(cnode_delete(to));
    }
    EXPECT_OK(issue_trigger(kUnused, to));
}

KOS_TEST(irq_control_error_slot) {
    expect_slot_errors(t, issue, __LINE__);
    t.arena().free_all();
    expect_slot_errors(t, issue_trigger, __LINE__);
}

KOS_TEST(irq_control_error_message) {
    Word slot = t.slot();
    EXPECT_ERROR(invoke(kControl, seL4_IRQIssueIRQHandler, {kRoot}, {kUnused, slot}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(kControl, seL4_IRQIssueIRQHandler, {}, {kUnused, slot, 64}), seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(kControl, seL4_ARMIRQIssueIRQHandlerTrigger, {kRoot}, {kUnused, 0, slot}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(kControl, seL4_ARMIRQIssueIRQHandlerTrigger, {}, {kUnused, 0, slot, 64}),
                 seL4_TruncatedMessage);
    for (Word label : {Word{0}, Word{seL4_IRQAckIRQ}, Word{seL4_IRQSetIRQHandler}, Word{seL4_IRQClearIRQHandler},
                       Word{57}, Word{1000}}) {
        EXPECT_ERROR(invoke(kControl, label, {kRoot}, {kUnused, slot, 64}), seL4_IllegalOperation);
    }
}

KOS_TEST(irq_control_cannot_be_copied) {
    EXPECT_ERROR(cnode_copy(root_slot(t.slot()), root_slot(kControl)), seL4_IllegalOperation);
    EXPECT_ERROR(cnode_mint(root_slot(t.slot()), root_slot(kControl), seL4_AllRights, 1), seL4_IllegalOperation);
    // It can be moved, and still works.
    CPtr elsewhere = t.slot();
    EXPECT_OK(cnode_move(root_slot(elsewhere), root_slot(kControl)));
    EXPECT_OK(irq_control_get(elsewhere, kUnused, root_slot(t.slot())));
    EXPECT_OK(cnode_move(root_slot(kControl), root_slot(elsewhere)));
}

KOS_TEST(irq_control_revoke_takes_all_handlers) {
    CPtr handlers = t.slots(3);
    for (Word i = 0; i < 3; ++i) {
        ASSERT_OK(issue(kUnused + i, root_slot(handlers + i)));
    }
    CPtr copy = t.copy(handlers);
    EXPECT_OK(cnode_revoke(root_slot(kControl)));
    for (CPtr handler : {handlers, handlers + 1, handlers + 2, copy}) {
        EXPECT_INVALID_CAPABILITY(irq_handler_ack(handler), 0);
    }
    EXPECT_OK(issue(kUnused, root_slot(handlers)));
}

KOS_TEST(irq_handler_is_taken_until_its_last_capability_is_deleted) {
    CPtr handler = t.slot();
    ASSERT_OK(issue(kUnused, root_slot(handler)));
    CPtr copy = t.copy(handler);
    CPtr minted = t.mint(handler, 7, seL4_NoRights);
    EXPECT_OK(cnode_delete(root_slot(handler)));
    EXPECT_ERROR(issue(kUnused, root_slot(handler)), seL4_RevokeFirst);
    EXPECT_OK(irq_handler_ack(copy));
    EXPECT_OK(cnode_delete(root_slot(copy)));
    EXPECT_ERROR(issue_trigger(kUnused, root_slot(handler)), seL4_RevokeFirst);
    EXPECT_OK(irq_handler_ack(minted));  // rights do not matter
    EXPECT_OK(cnode_delete(root_slot(minted)));
    EXPECT_OK(issue(kUnused, root_slot(handler)));
}

KOS_TEST(irq_handler_error) {
    CPtr handler = t.slot();
    ASSERT_OK(issue(kUnused, root_slot(handler)));
    CPtr notification = t.make(seL4_NotificationObject);
    for (CPtr wrong : {t.make(seL4_EndpointObject), t.slot(), kNullCap, CPtr{seL4_CapInitThreadTCB},
                       t.copy(notification, seL4_CanRead), t.copy(notification, seL4_NoRights)}) {
        EXPECT_INVALID_CAPABILITY(irq_handler_set_notification(handler, wrong), 0);
    }
    EXPECT_ERROR(invoke(handler, seL4_IRQSetIRQHandler), seL4_TruncatedMessage);
    for (Word label : {Word{0}, Word{seL4_IRQIssueIRQHandler}, Word{seL4_DomainSetSet}, Word{1000}}) {
        EXPECT_ERROR(invoke(handler, label, {notification}, {1, 2, 3}), seL4_IllegalOperation);
    }
    EXPECT_OK(irq_handler_set_notification(handler, t.copy(notification, seL4_CanWrite)));
    EXPECT_OK(irq_handler_set_notification(handler, notification));  // instead of the one before
    // Nothing to acknowledge, nothing to clear: no errors.
    EXPECT_OK(irq_handler_ack(handler));
    EXPECT_OK(irq_handler_clear(handler));
    EXPECT_OK(irq_handler_clear(handler));
    EXPECT_OK(irq_handler_ack(handler));
}

// Too short messages are left out: seL4 16.0.0 stops for good when the CNode is missing, and takes what the message
// buffer holds for words beyond the third.
KOS_TEST(irq_control_trigger_core_error) {
    if (t.nodes() == 1) {
        KOS_SKIP("one node");
    }
    t.arena().free_all();
    expect_slot_errors(
        t, [](Word irq, const SlotPath& to) { return issue_core(irq, to); }, __LINE__);
    SlotPath to = root_slot(t.slot());
    for (Word core : {t.nodes(), Word{8}, Word{100}, Word{1} << 32, ~Word{0}}) {
        for (Word irq : {Word{30}, Word{kUnused + 1}, Word{kKernelTimer}}) {
            // Before "taken". The answer does not say which argument: its word is not set.
            EXPECT_ERROR(issue_core(irq, to, core), seL4_InvalidArgument);
        }
        EXPECT_RANGE_ERROR(issue_core(SEL4_MAX_IRQ + 1, to, core), 0, SEL4_MAX_IRQ);
    }
    for (Word core = 0; core < t.nodes(); ++core) {
        for (Word irq : {Word{0}, Word{1}, Word{kKernelTimer}}) {
            EXPECT_ERROR(issue_core(irq, to, core), seL4_RevokeFirst);
        }
    }
}

KOS_TEST(irq_control_private_interrupts_belong_to_a_core) {
    if (t.nodes() == 1) {
        KOS_SKIP("one node");
    }
    constexpr Word kPrivate = 29;
    CPtr plain = t.slot();
    // The method without a core means core 0.
    ASSERT_OK(issue(kPrivate, root_slot(plain)));
    EXPECT_ERROR(issue_core(kPrivate, root_slot(t.slot()), 0), seL4_RevokeFirst);
    for (Word core = 1; core < t.nodes(); ++core) {
        CPtr handler = t.slot();
        EXPECT_OK(issue_core(kPrivate, root_slot(handler), core));
        EXPECT_ERROR(issue_core(kPrivate, root_slot(t.slot()), core), seL4_RevokeFirst);
        EXPECT_OK(irq_handler_set_notification(handler, t.make(seL4_NotificationObject)));
        EXPECT_OK(irq_handler_ack(handler));
    }
    // A shared one exists once.
    EXPECT_OK(issue_core(kFirstShared + 20, root_slot(t.slot()), 1));
    EXPECT_ERROR(issue_core(kFirstShared + 20, root_slot(t.slot()), 0), seL4_RevokeFirst);
    EXPECT_ERROR(issue(kFirstShared + 20, root_slot(t.slot())), seL4_RevokeFirst);
}
