// Tests of destroy.h: what goes when the last capability goes, and that interrupting it anywhere changes nothing.
#include "core/destroy.h"

#include <functional>
#include <sstream>

#include "core/derivation.h"
#include "core/endpoint.h"
#include "core/irq.h"
#include "core/notification.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/kernel_test.h"

namespace keel {
namespace {

using host::machine;
using testing::KernelTest;
using testing::Made;

// A kernel that a scenario can be built in, as often as needed.
class Bench : public KernelTest {
public:
    using KernelTest::add;
    using KernelTest::add_root;
    using KernelTest::allocate_object;
    using KernelTest::cap;
    using KernelTest::copy;
    using KernelTest::cpu;
    using KernelTest::expect_sound;
    using KernelTest::free_slot;
    using KernelTest::inventory;
    using KernelTest::kRootCNode;
    using KernelTest::make_cnode;
    using KernelTest::make_context;
    using KernelTest::make_endpoint;
    using KernelTest::make_notification;
    using KernelTest::make_passive;
    using KernelTest::make_reply;
    using KernelTest::make_thread;
    using KernelTest::make_untyped;
    using KernelTest::run;
    using KernelTest::slot;

    // An object below the untyped capability, at the next free place; its slot may be anywhere.
    void* carve(CPtr untyped, unsigned size_bits) {
        Cap& parent = slot(untyped).cap;
        Word const offset = align_up(parent.untyped_free(), size_bits);
        parent.set_untyped_marks(offset + bit(size_bits), 0);
        return reinterpret_cast<void*>(raw(parent.untyped_base()) + offset);
    }
    Made<Slot> carve_cnode(CPtr untyped, unsigned radix) {
        CPtr const cptr = free_slot();
        auto* const slots = static_cast<Slot*>(carve(untyped, radix + 5));
        insert_original(slot(untyped), slot(cptr), Cap::cnode(slots, radix, 0, 0));
        return {slots, cptr};
    }
    Made<Tcb> carve_thread(CPtr untyped) {
        CPtr const cptr = free_slot();
        auto* const tcb = static_cast<Tcb*>(carve(untyped, 11));
        init_thread(*tcb);
        insert_original(slot(untyped), slot(cptr), Cap::thread(tcb));
        return {tcb, cptr};
    }
    Made<Endpoint> carve_endpoint(CPtr untyped) {
        CPtr const cptr = free_slot();
        auto* const endpoint = static_cast<Endpoint*>(carve(untyped, 4));
        insert_original(slot(untyped), slot(cptr), Cap::endpoint(endpoint, kAllRights, 0));
        return {endpoint, cptr};
    }

    void move(CPtr from, Slot& to) { move_cap(slot(from), to, slot(from).cap); }
    void copy_to(CPtr from, Slot& to) { insert_derived(slot(from), to, slot(from).cap); }

    void block_on_send(Tcb& tcb, Endpoint& endpoint, Word badge = 0) {
        run(tcb);
        send(endpoint, tcb, {badge, true, true, true, true, true});
        schedule(cpu());
    }
    void block_on_receive(Tcb& tcb, const Cap& endpoint, Reply* reply = nullptr) {
        run(tcb);
        receive(tcb, endpoint, reply, true);
        schedule(cpu());
    }

    // What is left, in words that do not depend on addresses.
    std::string state() {
        std::ostringstream out;
        for (CPtr cptr = 0; cptr < 100; ++cptr) {
            Cap const at = cap(cptr);
            if (!at.is_null())
                out << cptr << ": type " << int(at.type()) << (has_children(slot(cptr)) ? " +" : "") << '\n';
        }
        auto const all = inventory();
        out << all.slots.size() << " slots, " << all.threads.size() << " threads, states";
        std::multiset<int> states;
        for (Tcb* tcb : all.threads) states.insert(int(tcb->state));
        for (int value : states) out << ' ' << value;
        for (unsigned i = 0; i < kNumIrqs; ++i) {
            if (kernel.irq_state[i] || machine.masked[i])
                out << " irq " << i << int(kernel.irq_state[i]) << machine.masked[i];
        }
        return out.str();
    }

private:
    void TestBody() override {}
};

using Build = std::function<CPtr(Bench&)>;  // gives the slot to work on
using Work = std::function<Progress(Slot&)>;

// Carries the work out on fresh scenarios, interrupted at the n-th question for every n until a run gets through, then
// at every question.
void interrupt_everywhere(const Build& build, const Work& work, const std::function<void(Bench&)>& check) {
    std::string expected;
    {
        Bench bench;
        CPtr const cptr = build(bench);
        bench.expect_sound(false);
        ASSERT_EQ(work(bench.slot(cptr)), Progress::kDone);
        expected = bench.state();
        check(bench);
        bench.expect_sound(false);
    }
    bool got_through = false;
    for (unsigned n = 1; !got_through; ++n) {
        ASSERT_LT(n, 10000u);
        SCOPED_TRACE(::testing::Message() << "interrupted at question " << n);
        Bench bench;
        CPtr const cptr = build(bench);
        machine.preempt_at = n;
        got_through = work(bench.slot(cptr)) == Progress::kDone;
        if (!got_through) {
            bench.expect_sound(false);
            ASSERT_EQ(work(bench.slot(cptr)), Progress::kDone);
        }
        EXPECT_EQ(bench.state(), expected);
        check(bench);
        bench.expect_sound(false);
        if (::testing::Test::HasFailure()) return;
    }
    SCOPED_TRACE("interrupted at every question");
    Bench bench;
    CPtr const cptr = build(bench);
    unsigned times = 0;
    do {
        machine.preempt_at = 1;
        ASSERT_LT(++times, 10000u);
        bench.expect_sound(false);
    } while (work(bench.slot(cptr)) == Progress::kPreempted);
    EXPECT_EQ(bench.state(), expected);
    check(bench);
}

void nothing(Bench&) {}

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

// --- Containers ------------------------------------------------------------------------------------------------------

TEST(DestroyInterrupted, ACNodeWithEverythingInIt) {
    interrupt_everywhere(
        [](Bench& b) {
            auto const node = b.make_cnode(4);
            b.move(b.make_endpoint().cptr, node.get()[0]);
            b.move(b.make_notification().cptr, node.get()[3]);
            b.move(b.make_thread(10).cptr, node.get()[5]);
            b.move(b.make_reply().cptr, node.get()[15]);
            b.move(b.make_context(1000, 1000).cptr, node.get()[9]);
            return node.cptr;
        },
        delete_cap, nothing);
}

TEST(DestroyInterrupted, CNodesInCNodes) {
    interrupt_everywhere(
        [](Bench& b) {
            Made<Slot> outer = b.make_cnode(2);
            CPtr const result = outer.cptr;
            for (unsigned depth = 0; depth < 6; ++depth) {
                auto const inner = b.make_cnode(1 + depth % 3);
                b.copy_to(b.make_endpoint().cptr, inner.get()[depth % 2]);
                b.move(inner.cptr, outer.get()[depth % 2]);
                outer = inner;
            }
            return result;
        },
        delete_cap, [](Bench& b) { EXPECT_EQ(b.inventory().endpoints.size(), 6u); });
}

TEST(DestroyInterrupted, ManyCNodesInOne) {
    interrupt_everywhere(
        [](Bench& b) {
            auto const outer = b.make_cnode(3);
            for (unsigned i = 0; i < 8; ++i) {
                auto const inner = b.make_cnode(2);
                b.move(b.make_endpoint().cptr, inner.get()[i % 4]);
                b.move(inner.cptr, outer.get()[i]);
            }
            return outer.cptr;
        },
        delete_cap, [](Bench& b) { EXPECT_EQ(b.inventory().endpoints.size(), 0u); });
}

TEST(DestroyInterrupted, ACNodeThatHoldsItself) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(12, false);
            auto const node = b.carve_cnode(untyped, 3);
            b.copy_to(node.cptr, node.get()[5]);
            b.copy_to(node.cptr, node.get()[0]);
            b.move(b.carve_endpoint(untyped).cptr, node.get()[2]);
            EXPECT_EQ(delete_cap(b.slot(node.cptr)), Progress::kDone);
            return untyped;
        },
        revoke_children, [](Bench& b) { EXPECT_EQ(b.inventory().endpoints.size(), 0u); });
}

TEST(DestroyInterrupted, TheOnlyCapOfACNodeInItsFirstSlot) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(12, false);
            auto const node = b.carve_cnode(untyped, 2);
            b.move(b.carve_endpoint(untyped).cptr, node.get()[2]);
            b.move(node.cptr, node.get()[0]);
            return untyped;
        },
        revoke_children, [](Bench& b) { EXPECT_EQ(b.inventory().endpoints.size(), 0u); });
}

TEST(DestroyInterrupted, CyclesOfCNodes) {
    for (unsigned length = 2; length <= 4; ++length) {
        for (unsigned place = 0; place < 2; ++place) {
            SCOPED_TRACE(::testing::Message() << length << " CNodes, slot " << place);
            interrupt_everywhere(
                [=](Bench& b) {
                    CPtr const untyped = b.make_untyped(13, false);
                    std::vector<Made<Slot>> nodes;
                    for (unsigned i = 0; i < length; ++i) nodes.push_back(b.carve_cnode(untyped, 1));
                    for (unsigned i = 0; i < length; ++i)
                        b.move(nodes[i].cptr, nodes[(i + 1) % length].get()[i == 0 ? 0 : place]);
                    return untyped;
                },
                revoke_children, nothing);
        }
    }
}

TEST(DestroyInterrupted, ACycleWithOneWayIn) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(13, false);
            auto const first = b.carve_cnode(untyped, 2);
            auto const second = b.carve_cnode(untyped, 2);
            b.copy_to(first.cptr, second.get()[3]);
            b.move(second.cptr, first.get()[3]);
            b.move(b.carve_endpoint(untyped).cptr, second.get()[0]);
            // The way in goes first: the two then hold each other only.
            EXPECT_EQ(delete_cap(b.slot(first.cptr)), Progress::kDone);
            return untyped;
        },
        revoke_children, [](Bench& b) { EXPECT_EQ(b.inventory().endpoints.size(), 0u); });
}

TEST(DestroyInterrupted, AThreadWhoseCSpaceHoldsItsOnlyCap) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(14, false);
            auto const tcb = b.carve_thread(untyped);
            auto const node = b.carve_cnode(untyped, 2);
            b.copy_to(node.cptr, tcb->slots[kSlotCSpace]);
            b.move(tcb.cptr, node.get()[1]);
            return node.cptr;
        },
        delete_cap,
        [](Bench& b) { EXPECT_EQ(b.inventory().threads.size(), 1u) << "the thread keeps its CSpace alive"; });
}

TEST(DestroyInterrupted, AThreadAndItsCSpaceHoldEachOther) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(14, false);
            auto const tcb = b.carve_thread(untyped);
            auto const node = b.carve_cnode(untyped, 2);
            b.move(node.cptr, tcb->slots[kSlotCSpace]);
            b.move(tcb.cptr, node.get()[1]);
            b.move(b.carve_endpoint(untyped).cptr, node.get()[3]);
            return untyped;
        },
        revoke_children,
        [](Bench& b) {
            EXPECT_EQ(b.inventory().threads.size(), 0u);
            EXPECT_EQ(b.inventory().endpoints.size(), 0u);
        });
}

TEST(DestroyInterrupted, RevokingUntypedFreesAllOfIt) {
    interrupt_everywhere(
        [](Bench& b) {
            CPtr const untyped = b.make_untyped(16, false);
            auto const outer = b.carve_cnode(untyped, 3);
            for (unsigned i = 0; i < 3; ++i) {
                auto const tcb = b.carve_thread(untyped);
                b.copy_to(outer.cptr, tcb->slots[kSlotCSpace]);
                b.move(tcb.cptr, outer.get()[i]);
            }
            auto const inner = b.carve_cnode(untyped, 2);
            b.copy_to(outer.cptr, inner.get()[0]);
            b.move(inner.cptr, outer.get()[4]);
            auto const endpoint = b.carve_endpoint(untyped);
            for (unsigned i = 0; i < 3; ++i) b.copy(endpoint.cptr, kAllRights, i);
            return untyped;
        },
        revoke_children,
        [](Bench& b) {
            EXPECT_EQ(b.inventory().threads.size(), 0u);
            EXPECT_EQ(b.inventory().endpoints.size(), 0u);
        });
}

TEST_F(Destroy, RevokingABadgeLeavesTheOthers) {
    auto const endpoint = make_endpoint();
    CPtr const first = copy(endpoint.cptr, kAllRights, 1);
    CPtr const first_copy = copy(first);
    CPtr const second = copy(endpoint.cptr, kAllRights, 2);
    EXPECT_EQ(revoke_children(slot(first)), Progress::kDone);
    EXPECT_FALSE(cap(first).is_null());
    EXPECT_TRUE(cap(first_copy).is_null());
    EXPECT_FALSE(cap(second).is_null());
    EXPECT_EQ(revoke_children(slot(endpoint.cptr)), Progress::kDone);
    EXPECT_TRUE(cap(first).is_null());
    EXPECT_TRUE(cap(second).is_null());
    EXPECT_FALSE(cap(endpoint.cptr).is_null());
}

// A half-destroyed container is deleted from another place than the one where it was begun.
TEST(DestroyInterrupted, AZombieIsFinishedByWhoeverFindsIt) {
    for (unsigned n = 1; n < 40; ++n) {
        SCOPED_TRACE(n);
        Bench b;
        CPtr const untyped = b.make_untyped(16, false);
        auto const outer = b.carve_cnode(untyped, 2);
        auto const inner = b.carve_cnode(untyped, 2);
        for (unsigned i = 0; i < 4; ++i) b.move(b.carve_endpoint(untyped).cptr, inner.get()[i]);
        b.move(inner.cptr, outer.get()[1]);
        machine.preempt_at = n;
        delete_cap(b.slot(outer.cptr));
        b.expect_sound(false);
        machine.preempt_at = 0;
        EXPECT_EQ(revoke_children(b.slot(untyped)), Progress::kDone);
        EXPECT_FALSE(has_children(b.slot(untyped)));
        EXPECT_TRUE(b.cap(outer.cptr).is_null());
        b.expect_sound(false);
    }
}

TEST(DestroyInterrupted, AZombieCanMove) {
    Bench b;
    auto const node = b.make_cnode(3);
    for (unsigned i = 0; i < 8; ++i) b.move(b.make_endpoint().cptr, node.get()[i]);
    machine.preempt_at = 3;
    ASSERT_EQ(delete_cap(b.slot(node.cptr)), Progress::kPreempted);
    ASSERT_TRUE(b.cap(node.cptr).is(CapType::kZombie));
    CPtr const elsewhere = b.free_slot();
    b.move(node.cptr, b.slot(elsewhere));
    EXPECT_EQ(delete_cap(b.slot(elsewhere)), Progress::kDone);
    EXPECT_TRUE(b.cap(elsewhere).is_null());
    EXPECT_EQ(b.inventory().endpoints.size(), 0u);
    b.expect_sound(false);
}

}  // namespace
}  // namespace keel
