// Capabilities that raise software generated interrupts (kernels for one node), and what invoking them does.
#include "bare.h"

namespace {

constexpr CPtr kControl = seL4_CapIRQControl;
constexpr CPtr kRoot = seL4_CapInitThreadCNode;
constexpr Word kInterrupt = 5;
constexpr Word kBadge = 0x50;

// A handler of kInterrupt with a notification, and a capability that raises it on this core.
struct Raised {
    CPtr notification = kNullCap;
    CPtr handler = kNullCap;
    CPtr signal_cap = kNullCap;

    bool create(TestContext& t) {
        notification = t.make(seL4_NotificationObject);
        handler = t.slot();
        signal_cap = t.slot();
        Result result = irq_control_get(kControl, kInterrupt, root_slot(handler));
        if (result.ok()) {
            result = irq_handler_set_notification(handler, t.mint(notification, kBadge));
        }
        if (result.ok()) {
            result = irq_control_issue_sgi_signal(kControl, kInterrupt, 0, root_slot(signal_cap));
        }
        EXPECT_OK(result);
        return result.ok();
    }
};

}  // namespace

KOS_TEST(sgi_signal_error) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    SlotPath to = root_slot(t.slot());
    for (Word irq : {Word{16}, Word{30}, Word{SEL4_MAX_IRQ}, Word{1} << 32, ~Word{0}}) {
        EXPECT_RANGE_ERROR(irq_control_issue_sgi_signal(kControl, irq, 0, to), 0, 15);
        EXPECT_RANGE_ERROR(irq_control_issue_sgi_signal(kControl, irq, 100, root_slot(kRoot)), 0, 15);
    }
    for (Word target : {Word{8}, Word{100}, Word{1} << 32, ~Word{0}}) {
        EXPECT_INVALID_ARGUMENT(irq_control_issue_sgi_signal(kControl, kInterrupt, target, to), 1);
        EXPECT_INVALID_ARGUMENT(irq_control_issue_sgi_signal(kControl, kInterrupt, target, root_slot(kRoot)), 1);
    }
    EXPECT_ERROR(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, root_slot(kRoot)), seL4_DeleteFirst);
    EXPECT_RANGE_ERROR(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, {kRoot, to.index, 0}), 1, 64);
    EXPECT_RANGE_ERROR(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, {kRoot, to.index, 65}), 1, 64);
    EXPECT_FAILED_LOOKUP(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, {seL4_CapInitThreadTCB, to.index, 64}),
                         0, seL4_InvalidRoot);
    EXPECT_ERROR(invoke(kControl, seL4_ARMIRQIssueSGISignal_OneNode, {kRoot}, {kInterrupt, 0, to.index}),
                 seL4_TruncatedMessage);
    EXPECT_ERROR(invoke(kControl, seL4_ARMIRQIssueSGISignal_OneNode, {}, {kInterrupt, 0, to.index, 64}),
                 seL4_TruncatedMessage);
    // Any number of capabilities, whether or not somebody handles the interrupt, for cores that do not exist.
    for (Word target = 0; target < 8; ++target) {
        EXPECT_OK(irq_control_issue_sgi_signal(kControl, kInterrupt, target, root_slot(t.slot())));
    }
    for (Word irq = 0; irq < 16; ++irq) {
        EXPECT_OK(irq_control_issue_sgi_signal(kControl, irq, 0, root_slot(t.slot())));
    }
}

KOS_TEST(sgi_signal_reaches_the_handler) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    Raised raised;
    ASSERT_TRUE(raised.create(t));
    EXPECT_EQ(nb_wait(raised.notification).badge, 0u);
    for (int i = 0; i < 20; ++i) {
        signal(raised.signal_cap);
        EXPECT_EQ(wait(raised.notification).badge, kBadge);
        EXPECT_OK(irq_handler_ack(raised.handler));
    }
    EXPECT_EQ(nb_wait(raised.notification).badge, 0u);
}

KOS_TEST(sgi_signal_raised_again_before_the_acknowledgement) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    Raised raised;
    ASSERT_TRUE(raised.create(t));
    for (int i = 0; i < 5; ++i) {
        signal(raised.signal_cap);
    }
    EXPECT_EQ(wait(raised.notification).badge, kBadge);
    // Whether this kind of interrupt can be masked is up to the interrupt controller, so there may be one more.
    EXPECT_OK(irq_handler_ack(raised.handler));
    spin_us(1000);
    (void)nb_wait(raised.notification);
    EXPECT_OK(irq_handler_ack(raised.handler));
    spin_us(1000);
    EXPECT_EQ(nb_wait(raised.notification).badge, 0u);
    signal(raised.signal_cap);
    EXPECT_EQ(wait(raised.notification).badge, kBadge);
}

KOS_TEST(sgi_signal_by_every_system_call_that_sends) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    Raised raised;
    ASSERT_TRUE(raised.create(t));
    CPtr silent = t.make(seL4_NotificationObject);
    signal(silent);
    for (int way = 0; way < 6; ++way) {
        switch (way) {
            case 0: send(raised.signal_cap, Tag::make(77, 3, 1)); break;
            case 1: nb_send(raised.signal_cap, Tag{}); break;
            case 2: EXPECT_OK(invoke(raised.signal_cap, seL4_TCBSuspend, {silent}, {1, 2, 3, 4, 5})); break;
            case 3:
                signal(silent);
                nb_send_wait(raised.signal_cap, Tag{}, {}, silent);
                break;
            case 4:  // without rights
                signal(t.copy(raised.signal_cap, seL4_NoRights));
                break;
            default: signal(t.mint(raised.signal_cap, 9));
        }
        EXPECT_EQ(wait(raised.notification).badge, kBadge);
        EXPECT_OK(irq_handler_ack(raised.handler));
    }
}

KOS_TEST(sgi_signal_capability_cannot_be_received_from) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    Raised raised;
    ASSERT_TRUE(raised.create(t));
    BareThread thread;
    ASSERT_TRUE(thread.create(t));
    for (int number : {int{seL4_SysRecv}, int{seL4_SysNBRecv}, int{seL4_SysWait}, int{seL4_SysNBWait}}) {
        EXPECT_OK(thread.start_syscall(
            {.x0 = raised.signal_cap, .x6 = t.make(seL4_ReplyObject), .x7 = static_cast<Word>(int64_t{number})}));
        MessageCopy fault = thread.take();
        EXPECT_EQ(fault.label(), Word{seL4_Fault_CapFault});
        EXPECT_EQ(fault.word(seL4_CapFault_Addr), raised.signal_cap);
        EXPECT_EQ(fault.word(seL4_CapFault_InRecvPhase), 1u);
    }
    EXPECT_EQ(nb_wait(raised.notification).badge, 0u);
}

KOS_TEST(sgi_signal_capabilities_belong_to_the_control) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    CPtr raise = t.slot();
    ASSERT_OK(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, root_slot(raise)));
    CPtr copy = t.copy(raise);
    EXPECT_OK(cnode_revoke(root_slot(raise)));
    EXPECT_TRUE(holds_cap(t, raise));
    EXPECT_OK(cnode_revoke(root_slot(kControl)));
    EXPECT_FALSE(holds_cap(t, raise));
    EXPECT_FALSE(holds_cap(t, copy));
}

KOS_TEST(sgi_without_handler_is_harmless) {
    if (t.nodes() > 1) {
        KOS_SKIP("several nodes");
    }
    CPtr raise = t.slot();
    ASSERT_OK(irq_control_issue_sgi_signal(kControl, kInterrupt, 0, root_slot(raise)));
    for (int i = 0; i < 3; ++i) {
        signal(raise);
    }
    // Whoever takes the interrupt now may find it pending from before or not; it works from then on.
    CPtr notification = t.make(seL4_NotificationObject);
    CPtr handler = t.slot();
    ASSERT_OK(irq_control_get(kControl, kInterrupt, root_slot(handler)));
    EXPECT_OK(irq_handler_set_notification(handler, t.mint(notification, kBadge)));
    EXPECT_OK(irq_handler_ack(handler));
    signal(raise);
    EXPECT_EQ(wait(notification).badge, kBadge);
}
