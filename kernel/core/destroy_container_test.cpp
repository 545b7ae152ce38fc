// Tests of destroy.h with CNodes, threads and untyped memory: what holds other capabilities is emptied first, step by
// step, and may hold itself.
#include "core/destroy.h"

#include "testing/destroy_test.h"

namespace keel {
namespace {

using host::machine;
using testing::Bench;
using testing::interrupt_everywhere;
using testing::Made;
using testing::nothing;

class DestroyContainer : public Bench {};

TEST(DestroyContainerInterrupted, ACNodeWithEverythingInIt) {
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

TEST(DestroyContainerInterrupted, CNodesInCNodes) {
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

TEST(DestroyContainerInterrupted, ManyCNodesInOne) {
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

TEST(DestroyContainerInterrupted, ACNodeThatHoldsItself) {
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

TEST(DestroyContainerInterrupted, TheOnlyCapOfACNodeInItsFirstSlot) {
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

TEST(DestroyContainerInterrupted, CyclesOfCNodes) {
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

TEST(DestroyContainerInterrupted, ACycleWithOneWayIn) {
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

TEST(DestroyContainerInterrupted, AThreadWhoseCSpaceHoldsItsOnlyCap) {
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

TEST(DestroyContainerInterrupted, AThreadAndItsCSpaceHoldEachOther) {
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

TEST(DestroyContainerInterrupted, RevokingUntypedFreesAllOfIt) {
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

TEST_F(DestroyContainer, RevokingABadgeLeavesTheOthers) {
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
TEST(DestroyContainerInterrupted, AZombieIsFinishedByWhoeverFindsIt) {
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

TEST(DestroyContainerInterrupted, AZombieCanMove) {
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
