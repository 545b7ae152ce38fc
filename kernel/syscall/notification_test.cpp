// Tests of notifications: flags, waiting, bound threads, lent time, interrupts.
#include "core/notification.h"

#include "core/derivation.h"
#include "core/destroy.h"
#include "core/irq.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "testing/ipc_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class NotificationTest : public IpcTest {
protected:
    NotificationTest() : notification_(make_notification()) {}
    CPtr badged(Word badge) { return copy(notification_.cptr, kAllRights, badge); }
    void signal_as(Tcb& tcb, CPtr cptr) { syscall_as(tcb, seL4_SysSend, cptr); }
    void wait_as(Tcb& tcb) { syscall_as(tcb, seL4_SysWait, notification_.cptr); }

    Made<Notification> notification_;
};

TEST_F(NotificationTest, FlagsAddUpUntilTheyAreTaken) {
    for (Word badge : {1, 2, 8}) signal_as(*client_, badged(badge));
    EXPECT_EQ(notification_->state, NotificationState::kActive);
    wait_as(*client_);
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(badge_of(*client_), 11u);
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    syscall_as(*client_, seL4_SysNBWait, notification_.cptr);
    EXPECT_EQ(badge_of(*client_), 0u);
    // Old flags do not come back.
    signal_as(*client_, badged(4));
    syscall_as(*client_, seL4_SysNBWait, notification_.cptr);
    EXPECT_EQ(badge_of(*client_), 4u);
}

TEST_F(NotificationTest, ASignalWithoutBadgeCounts) {
    signal_as(*client_, notification_.cptr);
    EXPECT_EQ(notification_->state, NotificationState::kActive);
    wait_as(*client_);
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(badge_of(*client_), 0u);
}

TEST_F(NotificationTest, ASignalWakesOne) {
    auto const low = make_thread(5), high = make_thread(20);
    wait_as(*low);
    wait_as(*high);
    EXPECT_EQ(notification_->state, NotificationState::kWaiting);
    signal_as(*client_, badged(3));
    EXPECT_EQ(current(), high.get());
    EXPECT_EQ(badge_of(*high), 3u);
    EXPECT_EQ(low->state, ThreadState::kBlockedOnNotification);
    signal_as(*client_, badged(4));
    EXPECT_EQ(badge_of(*low), 4u);
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    expect_sound();
}

TEST_F(NotificationTest, EveryWayToSignal) {
    for (int64_t number : {seL4_SysSend, seL4_SysNBSend, seL4_SysCall}) {
        SCOPED_TRACE(number);
        syscall_as(*client_, number, badged(6), {9, {1, 2}});
        EXPECT_EQ(current(), client_.get());
        if (number == seL4_SysCall) {
            EXPECT_EQ(label_of(*client_), 0u);
        }
        syscall_as(*client_, seL4_SysNBWait, notification_.cptr);
        EXPECT_EQ(badge_of(*client_), 6u);
    }
    // As the first half of a double call.
    auto const other = make_notification();
    syscall_as(*client_, seL4_SysNBSendWait, other.cptr, {}, 0, badged(7));
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnNotification);
    EXPECT_EQ(notification_->badge, 7u);
    expect_sound();
}

TEST_F(NotificationTest, Rights) {
    CPtr const wait_only = copy(notification_.cptr, {2}, 1), signal_only = copy(notification_.cptr, {1}, 2);
    syscall_as(*client_, seL4_SysCall, wait_only);
    EXPECT_EQ(label_of(*client_), Word{seL4_InvalidCapability});
    syscall_as(*client_, seL4_SysSend, wait_only);
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    auto const other = make_thread(9);
    syscall_as(*other, seL4_SysWait, signal_only);
    EXPECT_EQ(other->state, ThreadState::kInactive) << "a fault without handler";
}

TEST_F(NotificationTest, TheBoundThreadHearsItOnAnEndpoint) {
    auto const server = make_thread(20);
    bind_notification(*server, *notification_);
    // It waits for messages ...
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    signal_as(*client_, badged(5));
    EXPECT_EQ(current(), server.get());
    EXPECT_EQ(badge_of(*server), 5u);
    EXPECT_EQ(endpoint_->state(), EndpointState::kIdle);
    EXPECT_EQ(reply_->tcb, nullptr);
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    expect_sound();
    // ... or finds it signalled, even when a message waits too.
    run(*client_);
    signal_as(*client_, badged(6));
    send_as(*client_, endpoint_.cptr, {1, {2}});
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(badge_of(*server), 6u);
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    expect_message(*server, 0, 1, {2});
    expect_sound();
}

TEST_F(NotificationTest, ABoundThreadThatSendsIsNotDisturbed) {
    bind_notification(*client_, *notification_);
    send_as(*client_, endpoint_.cptr);
    ASSERT_EQ(client_->state, ThreadState::kBlockedOnSend);
    auto const other = make_thread(5);
    signal_as(*other, badged(5));
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnSend);
    EXPECT_EQ(notification_->state, NotificationState::kActive);
}

TEST_F(NotificationTest, OnlyTheBoundThreadMayWait) {
    auto const other = make_thread(9);
    bind_notification(*client_, *notification_);
    wait_as(*other);
    EXPECT_EQ(other->state, ThreadState::kInactive);
    wait_as(*client_);
    EXPECT_EQ(client_->state, ThreadState::kBlockedOnNotification);
}

TEST_F(NotificationTest, APassiveThreadBorrowsItsTime) {
    auto const sc = make_context(1000, 10000);
    bind_notification(*sc, *notification_);
    auto const worker = make_passive(20);
    worker->state = ThreadState::kRunning;
    wait_for_signal(*worker, *notification_, true);
    signal_as(*client_, badged(1));
    EXPECT_EQ(current(), worker.get());
    EXPECT_EQ(worker->sched_context, sc.get());
    expect_sound();
    // When it waits again it gives the time back.
    wait_as(*worker);
    EXPECT_EQ(worker->sched_context, nullptr);
    EXPECT_EQ(sc->tcb, nullptr);
    EXPECT_EQ(current(), client_.get());
    expect_sound();
    // Without budget it waits for it.
    signal_as(*client_, badged(1));
    ASSERT_EQ(current(), worker.get());
    pass(990);
    tick();
    EXPECT_TRUE(worker->in_release_queue);
    EXPECT_EQ(worker->sched_context, sc.get());
    expect_sound();
}

TEST_F(NotificationTest, TheTimeIsLentOnce) {
    auto const sc = make_context(1000, 10000);
    bind_notification(*sc, *notification_);
    auto const first = make_passive(20), second = make_passive(21);
    for (auto const& tcb : {first, second}) {
        tcb->state = ThreadState::kRunning;
        wait_for_signal(*tcb, *notification_, true);
    }
    signal_as(*client_, badged(1));
    signal_as(*client_, badged(2));
    EXPECT_EQ(second->sched_context, sc.get());
    EXPECT_EQ(first->sched_context, nullptr);
    EXPECT_EQ(first->state, ThreadState::kRunning) << "it has its signal and waits for time";
    expect_sound();
}

TEST_F(NotificationTest, ABoundPassiveServerBorrowsAndReturns) {
    auto const sc = make_context(1000, 10000);
    bind_notification(*sc, *notification_);
    auto const server = passive_server(20, endpoint_.cptr, reply_.cptr);
    bind_notification(*server, *notification_);
    signal_as(*client_, badged(1));
    EXPECT_EQ(current(), server.get());
    EXPECT_EQ(server->sched_context, sc.get());
    receive_as(*server, endpoint_.cptr, reply_.cptr);
    EXPECT_EQ(server->sched_context, nullptr);
    EXPECT_EQ(server->state, ThreadState::kBlockedOnReceive);
    expect_sound();
    // A client's time is its own all the same.
    call_as(*client_, endpoint_.cptr);
    EXPECT_EQ(server->sched_context, reply_->owner);
    EXPECT_NE(server->sched_context, sc.get());
    expect_sound();
}

TEST_F(NotificationTest, SuspendingAWaiter) {
    auto const other = make_thread(9);
    wait_as(*other);
    suspend(*other);
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    signal_as(*client_, badged(3));
    EXPECT_EQ(notification_->state, NotificationState::kActive);
    resume(*other);
    EXPECT_EQ(other->state, ThreadState::kRestart) << "it waits again when it runs";
    expect_sound(false);
}

// --- Interrupts
// ------------------------------------------------------------------------------------------------------------

TEST_F(NotificationTest, AnInterruptSignals) {
    CPtr const control = add(Cap::irq_control());
    CPtr const handler = free_slot();
    insert_derived(slot(control), slot(handler), Cap::irq_handler(irq_index(0, 40)));
    claim_irq(40);
    EXPECT_FALSE(machine.masked[40]);
    insert_derived(slot(notification_.cptr), kernel.irq_slots[40], cap(badged(16)));
    auto const driver = make_thread(20);
    wait_as(*driver);
    machine.waiting_irq = 40;
    tick();
    EXPECT_EQ(current(), driver.get());
    EXPECT_EQ(badge_of(*driver), 16u);
    EXPECT_TRUE(machine.masked[40]) << "until it is acknowledged";
    EXPECT_EQ(machine.completed[40], 1u);
    syscall_as(*driver, seL4_SysCall, handler, {seL4_IRQAckIRQ});
    EXPECT_FALSE(machine.masked[40]);
    EXPECT_EQ(machine.acknowledged[40], 1u);
    expect_sound();
}

TEST_F(NotificationTest, ForgettingANotificationWithManyWaitersLetsInterruptsThrough) {
    for (Word label : {seL4_IRQClearIRQHandler, seL4_IRQSetIRQHandler}) {
        SCOPED_TRACE(label);
        auto const last = make_notification();
        CPtr const control = add(Cap::irq_control());
        CPtr const handler = free_slot();
        insert_derived(slot(control), slot(handler), Cap::irq_handler(irq_index(0, 41)));
        std::vector<Tcb*> waiting;
        for (unsigned i = 0; i < 3; ++i) {
            waiting.push_back(make_thread(5).get());
            syscall_as(*waiting.back(), seL4_SysWait, last.cptr);
        }
        move_cap(slot(last.cptr), kernel.irq_slots[41], cap(last.cptr));
        run(*client_);
        machine.preempt_at = 1;
        syscall(seL4_SysCall, handler, {label, {}, {notification_.cptr}});
        EXPECT_EQ(client_->context.pc, kSvcAddress) << "it is made again";
        EXPECT_EQ(waiting.back()->state, ThreadState::kBlockedOnNotification);
        finish_syscall();
        EXPECT_EQ(label_of(*client_), 0u);
        EXPECT_EQ(waiting.back()->state, ThreadState::kRestart);
        EXPECT_EQ(kernel.irq_slots[41].cap.is_null(), label == seL4_IRQClearIRQHandler);
        expect_sound();
        for (Tcb* tcb : waiting) suspend(*tcb);
        EXPECT_EQ(delete_cap(slot(handler)), Progress::kDone);
    }
}

TEST_F(NotificationTest, InterruptsNobodyAskedForAreMasked) {
    schedule_now();
    machine.waiting_irq = 50;
    tick();
    EXPECT_TRUE(machine.masked[50]);
    EXPECT_EQ(machine.completed[50], 1u);
    // A handler without notification.
    claim_irq(51);
    machine.waiting_irq = 51;
    tick();
    EXPECT_TRUE(machine.masked[51]);
    // One that may not signal.
    claim_irq(52);
    insert_derived(slot(notification_.cptr), kernel.irq_slots[52], Cap::notification(notification_.get(), {2}, 1));
    machine.waiting_irq = 52;
    tick();
    EXPECT_EQ(notification_->state, NotificationState::kIdle);
    // Nothing there after all.
    tick();
    EXPECT_EQ(current(), client_.get());
}

}  // namespace
}  // namespace keel
