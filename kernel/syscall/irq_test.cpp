// Tests of the IRQControl and IRQHandler methods, also those of the architecture.
#include "core/irq.h"

#include "core/derivation.h"
#include "testing/call_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class IrqMethods : public CallTest {
protected:
    IrqMethods() : control_(add(Cap::irq_control())) {}
    Answer issue(Word irq, CPtr to) { return call(control_, seL4_IRQIssueIRQHandler, {irq, to, 64}, {kRootCNode}); }
    Answer issue_trigger(Word irq, Word edge, CPtr to) {
        return call(control_, seL4_ARMIRQIssueIRQHandlerTrigger, {irq, edge, to, 64}, {kRootCNode});
    }
    Answer issue_sgi(Word irq, Word target, CPtr to) {
        return call(control_, seL4_ARMIRQIssueSGISignal_OneNode, {irq, target, to, 64}, {kRootCNode});
    }
    CPtr control_;
};

TEST_F(IrqMethods, AHandlerForEachInterruptOnce) {
    CPtr const first = free_slot(), second = free_slot();
    EXPECT_EQ(issue(40, first), ok());
    EXPECT_EQ(cap(first).irq(), irq_index(0, 40));
    EXPECT_TRUE(is_parent_of(slot(control_), slot(first)));
    EXPECT_FALSE(machine.masked[40]);
    EXPECT_EQ(issue(40, second), revoke_first());
    EXPECT_EQ(issue_trigger(40, 0, second), revoke_first());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {first, 64}), ok());
    EXPECT_TRUE(machine.masked[40]);
    EXPECT_EQ(issue_trigger(40, 1, second), ok());
    EXPECT_TRUE(machine.edge[40]);
    EXPECT_EQ(issue(kMaxIrq, first), ok());
    expect_sound();
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {control_, 64}), ok());
    EXPECT_FALSE(is_irq_taken(40));
    EXPECT_FALSE(is_irq_taken(kMaxIrq));
}

TEST_F(IrqMethods, WhatIssueRefuses) {
    CPtr const empty = free_slot();
    for (Word irq : {Word{kMaxIrq} + 1, Word{1000}, ~Word{0}}) {
        EXPECT_EQ(issue(irq, empty), range_error(0, kMaxIrq));
        EXPECT_EQ(issue_trigger(irq, 0, empty), range_error(0, kMaxIrq));
    }
    kernel.irq_state[kTimerIrq] = static_cast<uint8_t>(IrqState::kTimer);
    EXPECT_EQ(issue(kTimerIrq, empty), revoke_first()) << "the kernel's own";
    EXPECT_EQ(issue(40, control_), delete_first());
    EXPECT_EQ(issue_trigger(40, 0, control_), delete_first());
    EXPECT_EQ(issue_sgi(1, 0, control_), delete_first());
    EXPECT_EQ(call(control_, seL4_IRQIssueIRQHandler, {40, empty, 65}, {kRootCNode}), range_error(1, 64));
    EXPECT_EQ(call(control_, seL4_IRQIssueIRQHandler, {40, empty, 64}, {main_.cptr}), invalid_root(0));
    EXPECT_EQ(call(control_, seL4_IRQIssueIRQHandler, {40, empty, 60}, {kRootCNode}), depth_mismatch(0, 60, 64));
    EXPECT_FALSE(is_irq_taken(40));
    kernel.irq_state[kTimerIrq] = 0;
}

TEST_F(IrqMethods, SoftwareGeneratedInterrupts) {
    CPtr const to = free_slot();
    EXPECT_EQ(issue_sgi(16, 0, to), range_error(0, 15));
    EXPECT_EQ(issue_sgi(15, 8, to).label, Word{seL4_InvalidArgument});
    EXPECT_EQ(issue_sgi(15, 7, to), ok());
    EXPECT_EQ(cap(to).sgi_irq(), 15u);
    syscall_as(*main_, seL4_SysSend, to);
    ASSERT_EQ(machine.sgis.size(), 1u);
    EXPECT_EQ(machine.sgis[0].irq, 15u);
    EXPECT_EQ(machine.sgis[0].targets, 128u);
}

TEST_F(IrqMethods, TheNotificationOfAHandler) {
    CPtr const handler = free_slot();
    auto const notification = make_notification();
    EXPECT_EQ(issue(40, handler), ok());
    auto const set = [&](CPtr cptr) { return call(handler, seL4_IRQSetIRQHandler, {}, {cptr}); };
    for (CPtr wrong : {make_endpoint().cptr, free_slot(), main_.cptr, copy(notification.cptr, {2}, 0)})
        EXPECT_EQ(set(wrong).label, Word{seL4_InvalidCapability});
    EXPECT_EQ(set(copy(notification.cptr, {1}, 5)), ok());
    EXPECT_EQ(kernel.irq_slots[40].cap.badge(), 5u);
    EXPECT_TRUE(is_parent_of(slot(notification.cptr), kernel.irq_slots[40]));
    // Another one takes its place.
    EXPECT_EQ(set(copy(notification.cptr, {1}, 6)), ok());
    EXPECT_EQ(kernel.irq_slots[40].cap.badge(), 6u);
    expect_sound();
    EXPECT_EQ(call(handler, seL4_IRQClearIRQHandler), ok());
    EXPECT_TRUE(kernel.irq_slots[40].cap.is_null());
    EXPECT_EQ(call(handler, seL4_IRQClearIRQHandler), ok());
    // Revoking the notification takes it out of the kernel's slot too.
    EXPECT_EQ(set(copy(notification.cptr, {1}, 7)), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {notification.cptr, 64}), ok());
    EXPECT_TRUE(kernel.irq_slots[40].cap.is_null());
    expect_sound();
}

TEST_F(IrqMethods, SettingTheNotificationThatOnlyTheHandlerHolds) {
    CPtr const handler = free_slot(), other = free_slot();
    auto const notification = make_notification();
    EXPECT_EQ(issue(40, handler), ok());
    EXPECT_EQ(call(handler, seL4_IRQSetIRQHandler, {}, {notification.cptr}), ok());
    EXPECT_EQ(call(handler, seL4_IRQSetIRQHandler, {}, {notification.cptr}), ok()) << "the same again";
    EXPECT_EQ(kernel.irq_slots[40].cap.notification(), notification.get());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {notification.cptr, 64}), ok());
    EXPECT_EQ(issue(41, other), ok());
    auto const next = make_notification();
    EXPECT_EQ(call(handler, seL4_IRQSetIRQHandler, {}, {next.cptr}), ok());
    forbid(notification.get());
    expect_sound();
}

TEST_F(IrqMethods, Acknowledge) {
    CPtr const handler = free_slot();
    EXPECT_EQ(issue(40, handler), ok());
    machine.waiting_irq = 40;
    tick();
    EXPECT_TRUE(machine.masked[40]);
    EXPECT_EQ(call(handler, seL4_IRQAckIRQ), ok());
    EXPECT_FALSE(machine.masked[40]);
}

}  // namespace
}  // namespace keel
