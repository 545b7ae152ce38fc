// Tests of destroy.h: what goes when the last capability goes, and that interrupting it anywhere changes nothing.
// Containers, which are emptied first, are in destroy_container_test.cpp.
#include "core/destroy.h"

#include "testing/destroy_test.h"

namespace keel {
namespace {

using host::machine;
using testing::Bench;
using testing::interrupt_everywhere;
using testing::Made;
using testing::nothing;

class Destroy : public Bench {};

TEST_F(Destroy, DeletingAnEmptySlotIsDone) {
    CPtr const cptr = free_slot();
    EXPECT_EQ(delete_cap(slot(cptr)), Progress::kDone);
    EXPECT_TRUE(cap(cptr).is_null());
}

TEST_F(Destroy, ACopyGoesAloneTheLastTakesTheObject) {
    auto const endpoint = make_endpoint();
    auto const waiter = make_thread(10);
    CPtr const other = copy(endpoint.cptr);
    block_on_send(*waiter, *endpoint);
    EXPECT_EQ(delete_cap(slot(endpoint.cptr)), Progress::kDone);
    EXPECT_EQ(waiter->state, ThreadState::kBlockedOnSend);
    EXPECT_EQ(delete_cap(slot(other)), Progress::kDone);
    EXPECT_EQ(waiter->state, ThreadState::kRestart);
    forbid(endpoint.get());
    schedule(cpu());
    EXPECT_EQ(cpu().current, waiter.get());
}

TEST(DestroyInterrupted, WaitersOfAnEndpointTryAgain) {
    for (bool senders : {true, false}) {
        interrupt_everywhere(
            [=](Bench& b) {
                auto const endpoint = b.make_endpoint();
                for (unsigned i = 0; i < 5; ++i) {
                    auto const tcb = b.make_thread(10 + i % 2);
                    if (senders)
                        b.block_on_send(*tcb, *endpoint, i);
                    else
                        b.block_on_receive(*tcb, b.cap(endpoint.cptr), b.make_reply().get());
                }
                return endpoint.cptr;
            },
            delete_cap,
            [](Bench& b) {
                for (Tcb* tcb : b.inventory().threads) {
                    EXPECT_EQ(tcb->state, ThreadState::kRestart);
                    EXPECT_EQ(tcb->reply, nullptr);
                }
                schedule(b.cpu());
                b.expect_sound(true);
            });
    }
}

TEST_F(Destroy, AThreadInAFaultStopsWithItsHandlersEndpoint) {
    auto const endpoint = make_endpoint();
    auto const tcb = make_thread(10);
    run(*tcb);
    tcb->fault = {FaultType::kVm, {1, 2, 3}, {}};
    send(*endpoint, *tcb, {0, true, true, true, true, true});
    EXPECT_EQ(tcb->state, ThreadState::kBlockedOnSend);
    EXPECT_EQ(delete_cap(slot(endpoint.cptr)), Progress::kDone);
    EXPECT_EQ(tcb->state, ThreadState::kInactive);
}

TEST(DestroyInterrupted, WaitersOfANotificationTryAgain) {
    interrupt_everywhere(
        [](Bench& b) {
            auto const notification = b.make_notification();
            for (unsigned i = 0; i < 4; ++i) {
                auto const tcb = b.make_thread(10 + i);
                b.run(*tcb);
                wait_for_signal(*tcb, *notification, true);
                schedule(b.cpu());
            }
            return notification.cptr;
        },
        delete_cap,
        [](Bench& b) {
            for (Tcb* tcb : b.inventory().threads) EXPECT_EQ(tcb->state, ThreadState::kRestart);
        });
}

TEST_F(Destroy, ANotificationLetsGoOfItsThreadAndContext) {
    auto const notification = make_notification();
    auto const tcb = make_thread(10);
    auto const sc = make_context(1000, 2000);
    bind_notification(*tcb, *notification);
    bind_notification(*sc, *notification);
    EXPECT_EQ(delete_cap(slot(notification.cptr)), Progress::kDone);
    forbid(notification.get());
    EXPECT_EQ(tcb->bound_notification, nullptr);
    EXPECT_EQ(sc->notification, nullptr);
}

TEST_F(Destroy, AReplyObjectFreesItsCaller) {
    auto const endpoint = make_endpoint();
    auto const reply = make_reply();
    auto const server = make_passive(20);
    auto const client = make_thread(10);
    server->state = ThreadState::kRunning;
    receive(*server, cap(endpoint.cptr), reply.get(), true);
    block_on_send(*client, *endpoint);
    ASSERT_EQ(client->state, ThreadState::kBlockedOnReply);
    ASSERT_NE(server->sched_context, nullptr);
    EXPECT_EQ(delete_cap(slot(reply.cptr)), Progress::kDone);
    forbid(reply.get());
    EXPECT_EQ(client->state, ThreadState::kInactive);
    EXPECT_NE(client->sched_context, nullptr) << "its time comes back to the caller";
    EXPECT_EQ(server->sched_context, nullptr);
}

TEST_F(Destroy, AReplyObjectTakesItsReceiverOffTheEndpoint) {
    auto const endpoint = make_endpoint();
    auto const reply = make_reply();
    auto const server = make_thread(10);
    block_on_receive(*server, cap(endpoint.cptr), reply.get());
    EXPECT_EQ(delete_cap(slot(reply.cptr)), Progress::kDone);
    forbid(reply.get());
    EXPECT_EQ(server->state, ThreadState::kInactive);
    EXPECT_EQ(endpoint->state(), EndpointState::kIdle);
}

TEST_F(Destroy, AContextLeavesItsThreadWithoutTime) {
    auto const tcb = make_passive(10);
    auto const sc = make_context(1000, 2000);
    auto const notification = make_notification();
    bind_thread(*sc, *tcb);
    bind_notification(*sc, *notification);
    resume(*tcb);
    schedule(cpu());
    ASSERT_EQ(cpu().current, tcb.get());
    EXPECT_EQ(delete_cap(slot(sc.cptr)), Progress::kDone);
    forbid(sc.get());
    EXPECT_EQ(tcb->sched_context, nullptr);
    EXPECT_EQ(notification->sched_context, nullptr);
    EXPECT_EQ(cpu().current_sc, nullptr);
    schedule(cpu());
    EXPECT_EQ(cpu().current, &cpu().idle);
    expect_sound();
}

TEST_F(Destroy, AContextInTheMiddleOfACallChain) {
    auto const sc = make_context(1000, 2000);
    auto const client = make_passive(10);
    bind_thread(*sc, *client);
    resume(*client);
    schedule(cpu());
    Made<Reply> replies[2] = {make_reply(), make_reply()};
    Made<Endpoint> endpoints[2] = {make_endpoint(), make_endpoint()};
    Made<Tcb> servers[2] = {make_passive(20), make_passive(20)};
    for (unsigned i = 0; i < 2; ++i) {
        servers[i]->state = ThreadState::kRunning;
        receive(*servers[i], cap(endpoints[i].cptr), replies[i].get(), true);
    }
    send(*endpoints[0], *client, {0, true, true, true, true, true});
    schedule(cpu());
    send(*endpoints[1], *servers[0], {0, true, true, true, true, true});
    schedule(cpu());
    ASSERT_EQ(sc->tcb, servers[1].get());
    EXPECT_EQ(delete_cap(slot(sc.cptr)), Progress::kDone);
    forbid(sc.get());
    schedule(cpu());
    EXPECT_EQ(cpu().current, &cpu().idle);
    EXPECT_EQ(servers[1]->sched_context, nullptr);
    expect_sound();
    // The answers find their callers all the same.
    answer(*servers[1], *replies[1], false);
    EXPECT_EQ(servers[0]->state, ThreadState::kRunning);
    answer(*servers[0], *replies[0], false);
    EXPECT_EQ(client->state, ThreadState::kRunning);
}

TEST_F(Destroy, AThreadLeavesAllQueues) {
    auto const endpoint = make_endpoint();
    auto const notification = make_notification();
    auto const sc = make_context(1000, 2000);
    auto const tcb = make_passive(10);
    bind_thread(*sc, *tcb);
    bind_notification(*tcb, *notification);
    resume(*tcb);
    schedule(cpu());
    receive(*tcb, cap(endpoint.cptr), nullptr, true);
    EXPECT_EQ(delete_cap(slot(tcb.cptr)), Progress::kDone);
    schedule(cpu());
    forbid(tcb.get());
    EXPECT_EQ(endpoint->state(), EndpointState::kIdle);
    EXPECT_EQ(notification->bound_tcb, nullptr);
    EXPECT_EQ(sc->tcb, nullptr);
    expect_sound();
}

TEST_F(Destroy, AThreadThatWaitsForTimeLeavesTheReleaseQueue) {
    auto const tcb = make_thread(10, 100, 1000);
    schedule(cpu());
    pass(100);
    tick();
    ASSERT_TRUE(tcb->in_release_queue);
    EXPECT_EQ(delete_cap(slot(tcb.cptr)), Progress::kDone);
    forbid(tcb.get());
    EXPECT_EQ(cpu().release.first(), nullptr);
    pass(2000);
    tick();
    expect_sound();
}

TEST_F(Destroy, TheRunningThreadCanGo) {
    auto const tcb = make_thread(10);
    schedule(cpu());
    ASSERT_EQ(cpu().current, tcb.get());
    EXPECT_EQ(delete_cap(slot(tcb.cptr)), Progress::kDone);
    schedule(cpu());
    forbid(tcb.get());
    EXPECT_EQ(cpu().current, &cpu().idle);
    EXPECT_NE(cpu().arch.fpu_owner, tcb.get());
    expect_sound();
}

TEST_F(Destroy, AContextYieldedToAnswersWhenItsThreadGoes) {
    auto const target = make_thread(10);
    auto const yielder = make_thread(10);
    SchedContext& sc = *target->sched_context;
    yielder->yielding_to = &sc;
    yielder->yield_is_call = true;
    sc.yielding_from = yielder.get();
    EXPECT_EQ(delete_cap(slot(target.cptr)), Progress::kDone);
    EXPECT_EQ(yielder->yielding_to, nullptr);
    EXPECT_EQ(length_of(*yielder), 1u);
}

TEST_F(Destroy, AnInterruptHandlerGivesTheInterruptBack) {
    auto const notification = make_notification();
    CPtr const control = add(Cap::irq_control());
    CPtr const handler = free_slot();
    insert_derived(slot(control), slot(handler), Cap::irq_handler(40));
    claim_irq(40);
    insert_derived(slot(notification.cptr), kernel.irq_slots[40], cap(notification.cptr));
    CPtr const second = copy(handler);
    EXPECT_EQ(delete_cap(slot(handler)), Progress::kDone);
    EXPECT_TRUE(is_irq_taken(40)) << "another handler is left";
    EXPECT_FALSE(kernel.irq_slots[40].cap.is_null());
    EXPECT_EQ(delete_cap(slot(second)), Progress::kDone);
    EXPECT_FALSE(is_irq_taken(40));
    EXPECT_TRUE(machine.masked[40]);
    EXPECT_TRUE(kernel.irq_slots[40].cap.is_null());
}

TEST(DestroyInterrupted, AnInterruptHandlerWhoseNotificationHasNoOtherCap) {
    interrupt_everywhere(
        [](Bench& b) {
            auto const notification = b.make_notification();
            CPtr const control = b.add(Cap::irq_control());
            CPtr const handler = b.free_slot();
            insert_derived(b.slot(control), b.slot(handler), Cap::irq_handler(40));
            claim_irq(40);
            b.move(notification.cptr, kernel.irq_slots[40]);
            for (unsigned i = 0; i < 3; ++i) {
                auto const tcb = b.make_thread(10);
                b.run(*tcb);
                wait_for_signal(*tcb, *notification, true);
                schedule(b.cpu());
            }
            return handler;
        },
        delete_cap,
        [](Bench& b) {
            for (Tcb* tcb : b.inventory().threads) EXPECT_EQ(tcb->state, ThreadState::kRestart);
            EXPECT_FALSE(is_irq_taken(40));
        });
}

}  // namespace
}  // namespace keel
