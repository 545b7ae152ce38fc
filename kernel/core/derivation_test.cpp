// Tests of derivation.h: who is whose child, and what copying, moving and removing do to it. Objects are never
// touched here, so capabilities name addresses at which nothing lies.
#include "core/derivation.h"

#include <gtest/gtest.h>

#include "core/objects.h"

namespace keel {
namespace {

constexpr Word kBase = 0x10000000;

Cap endpoint(Word address, Word badge = 0, Rights rights = kAllRights) {
    return Cap::endpoint(reinterpret_cast<Endpoint*>(address), rights, badge);
}
Cap notification(Word address, Word badge = 0) {
    return Cap::notification(reinterpret_cast<Notification*>(address), kAllRights, badge);
}

class Derivation : public ::testing::Test {
protected:
    void SetUp() override { insert_root(root, Cap::untyped(PhysAddr{kBase}, 20, false)); }

    std::vector<Slot*> children(Slot& slot) {
        std::vector<Slot*> result;
        for (Slot* next = slot.next(); next && is_parent_of(slot, *next); next = next->next()) result.push_back(next);
        return result;
    }

    Slot root, a, b, c, d, e;
};

TEST_F(Derivation, ARootHasNoFamily) {
    EXPECT_FALSE(has_children(root));
    EXPECT_TRUE(root.original());
    EXPECT_EQ(root.prev, nullptr);
    EXPECT_EQ(root.next(), nullptr);
}

TEST_F(Derivation, ObjectsAreChildrenOfTheirUntyped) {
    insert_original(root, a, endpoint(kBase));
    insert_original(root, b, notification(kBase + 64));
    EXPECT_EQ(children(root), (std::vector<Slot*>{&b, &a}));
    EXPECT_FALSE(has_children(a));
    EXPECT_FALSE(has_children(b));
}

TEST_F(Derivation, UntypedHoldsWhatLiesInItAndNothingElse) {
    Slot parent, child;
    parent.set_flags(true, true);
    child.set_flags(true, true);
    parent.cap = Cap::untyped(PhysAddr{kBase}, 12, false);
    auto const covers = [&](const Cap& cap) {
        child.cap = cap;
        return is_parent_of(parent, child);
    };
    EXPECT_TRUE(covers(Cap::untyped(PhysAddr{kBase}, 12, false)));
    EXPECT_TRUE(covers(Cap::untyped(PhysAddr{kBase + 0xff0}, 4, false)));
    EXPECT_FALSE(covers(Cap::untyped(PhysAddr{kBase}, 13, false)));
    EXPECT_FALSE(covers(Cap::untyped(PhysAddr{kBase + 0x1000}, 12, false)));
    EXPECT_FALSE(covers(Cap::untyped(PhysAddr{kBase - 16}, 4, false)));
    EXPECT_TRUE(covers(endpoint(kBase)));
    EXPECT_TRUE(covers(endpoint(kBase + 0xff0)));
    EXPECT_FALSE(covers(endpoint(kBase + 0x1000)));
    EXPECT_FALSE(covers(endpoint(kBase - 16)));
    EXPECT_TRUE(covers(Cap::frame(PhysAddr{kBase}, FrameSize::k4KiB, false, kAllRights)));
    EXPECT_FALSE(covers(Cap::frame(PhysAddr{kBase}, FrameSize::k2MiB, false, kAllRights)));
    EXPECT_TRUE(covers(Cap::cnode(reinterpret_cast<Slot*>(kBase), 4, 60, 3)));
    EXPECT_TRUE(covers(Cap::thread(reinterpret_cast<Tcb*>(kBase))));
    EXPECT_TRUE(covers(Cap::reply(reinterpret_cast<Reply*>(kBase), true)));
    EXPECT_TRUE(covers(Cap::sched_context(reinterpret_cast<SchedContext*>(kBase), 8)));
    EXPECT_TRUE(covers(Cap::vspace(reinterpret_cast<void*>(kBase), 5)));
    EXPECT_TRUE(covers(Cap::page_table(reinterpret_cast<void*>(kBase))));
    EXPECT_TRUE(covers(Cap::asid_pool(reinterpret_cast<void*>(kBase), 512)));
    EXPECT_TRUE(covers(Cap::zombie(reinterpret_cast<Slot*>(kBase), 4, 16)));
    for (Cap const& cap : {Cap::irq_control(), Cap::irq_handler(0), Cap::asid_control(), Cap::domain_control(),
                           Cap::smc(0), Cap::sched_control(0), Cap::sgi_signal(0, 0)})
        EXPECT_FALSE(covers(cap));
}

TEST_F(Derivation, ACopyIsAChildOfTheOriginal) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase, 0, {1}));
    insert_derived(b, c, endpoint(kBase, 0, {1}));
    EXPECT_EQ(children(a), (std::vector<Slot*>{&b, &c}));
    EXPECT_FALSE(has_children(b));
    EXPECT_FALSE(b.original());
}

TEST_F(Derivation, ABadgeStartsAFamily) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase, 1));
    insert_derived(b, c, endpoint(kBase, 1));
    insert_derived(c, d, endpoint(kBase, 1));
    insert_derived(a, e, endpoint(kBase, 1));
    // Two families with the same badge, made one after the other, stay apart.
    EXPECT_EQ(children(a), (std::vector<Slot*>{&e, &b, &c, &d}));
    EXPECT_FALSE(has_children(e));
    EXPECT_EQ(children(b), (std::vector<Slot*>{&c, &d}));
    EXPECT_FALSE(has_children(c));
}

TEST_F(Derivation, WithoutItsFirstABadgedFamilyStaysApart) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase, 1));
    insert_derived(b, c, endpoint(kBase, 1));
    insert_derived(b, d, endpoint(kBase, 1));
    remove_cap(b);
    insert_derived(a, e, endpoint(kBase, 1));
    EXPECT_FALSE(has_children(e)) << "an older family is no child of a newer one";
    EXPECT_EQ(children(a), (std::vector<Slot*>{&e, &d, &c}));
}

TEST_F(Derivation, CopiesOfADeletedOriginalBelongToTheUntyped) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase));
    insert_derived(a, c, endpoint(kBase));
    remove_cap(a);
    EXPECT_EQ(children(root), (std::vector<Slot*>{&c, &b}));
    EXPECT_FALSE(has_children(c)) << "a copy is nobody's parent";
    EXPECT_FALSE(is_final(c));
    remove_cap(c);
    EXPECT_TRUE(is_final(b));
}

TEST_F(Derivation, InterruptHandlers) {
    Slot control;
    insert_root(control, Cap::irq_control());
    insert_derived(control, a, Cap::irq_handler(40));
    insert_derived(control, b, Cap::irq_handler(41));
    insert_derived(a, c, Cap::irq_handler(40));
    insert_derived(control, d, Cap::sgi_signal(1, 2));
    EXPECT_EQ(children(control), (std::vector<Slot*>{&d, &b, &a, &c}));
    EXPECT_EQ(children(a), (std::vector<Slot*>{&c}));
    EXPECT_FALSE(has_children(b));
    EXPECT_FALSE(is_final(a));
    EXPECT_TRUE(is_final(b));
}

TEST_F(Derivation, ACopiedUntypedHasNothingLeft) {
    insert_original(root, a, Cap::untyped(PhysAddr{kBase}, 12, false));
    insert_derived(a, b, a.cap);
    EXPECT_EQ(a.cap.untyped_free(), bit(12));
    EXPECT_EQ(b.cap.untyped_free(), 0u);
    insert_original(b, c, endpoint(kBase));
    EXPECT_EQ(children(a), (std::vector<Slot*>{&b, &c}));
    EXPECT_EQ(children(b), (std::vector<Slot*>{&c}));
    remove_cap(b);
    EXPECT_EQ(children(a), (std::vector<Slot*>{&c}));
}

TEST_F(Derivation, FinalMeansThatNobodyElseNamesTheObject) {
    insert_original(root, a, endpoint(kBase));
    EXPECT_TRUE(is_final(a));
    insert_derived(a, b, endpoint(kBase, 5));
    EXPECT_FALSE(is_final(a));
    EXPECT_FALSE(is_final(b));
    insert_original(root, c, notification(kBase + 64));
    EXPECT_TRUE(is_final(c));
    // The same address in another role is another object.
    EXPECT_FALSE(same_object(endpoint(kBase), notification(kBase)));
    EXPECT_FALSE(same_object(Cap::untyped(PhysAddr{kBase}, 12, false), Cap::untyped(PhysAddr{kBase}, 12, false)));
    EXPECT_FALSE(same_object(Cap{}, Cap{}));
    EXPECT_FALSE(same_object(Cap::sched_control(0), Cap::sched_control(1)));
    EXPECT_TRUE(same_object(Cap::cnode(reinterpret_cast<Slot*>(kBase), 4, 60, 3),
                            Cap::cnode(reinterpret_cast<Slot*>(kBase), 4, 0, 0)));
}

TEST_F(Derivation, MoveKeepsThePlace) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase, 1));
    insert_derived(b, c, endpoint(kBase, 1));
    move_cap(b, d, b.cap);
    EXPECT_TRUE(b.cap.is_null());
    EXPECT_EQ(b.prev, nullptr);
    EXPECT_EQ(b.next_and_flags, 0u);
    EXPECT_EQ(children(a), (std::vector<Slot*>{&d, &c}));
    EXPECT_EQ(children(d), (std::vector<Slot*>{&c}));
}

TEST_F(Derivation, SwapOfNeighboursAndOfStrangers) {
    insert_original(root, a, endpoint(kBase));
    insert_derived(a, b, endpoint(kBase, 1));
    insert_derived(b, c, endpoint(kBase, 1));
    swap_caps(a, a.cap, b, b.cap);
    EXPECT_EQ(b.cap.badge(), 0u);
    EXPECT_EQ(children(root), (std::vector<Slot*>{&b, &a, &c}));
    EXPECT_EQ(children(b), (std::vector<Slot*>{&a, &c}));
    EXPECT_EQ(children(a), (std::vector<Slot*>{&c}));
    swap_caps(c, c.cap, b, b.cap);
    EXPECT_EQ(children(root), (std::vector<Slot*>{&c, &a, &b}));
    EXPECT_EQ(children(a), (std::vector<Slot*>{&b}));
    // With an empty slot: a move.
    swap_caps(a, a.cap, e, e.cap);
    EXPECT_TRUE(a.cap.is_null());
    EXPECT_EQ(children(root), (std::vector<Slot*>{&c, &e, &b}));
}

}  // namespace
}  // namespace keel
