// Tests of the CNode methods and of looking up slots.
#include "core/cspace.h"
#include "core/derivation.h"
#include "testing/call_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class CNodeMethods : public CallTest {
protected:
    CNodeMethods() : node_(make_cnode(4)), endpoint_(make_endpoint()) { put(1, endpoint_.cptr); }

    void put(unsigned index, CPtr source) { insert_derived(slot(source), node_.get()[index], cap(source)); }
    Cap in_node(unsigned index) { return node_.get()[index].cap; }
    Answer one(Word label, CPtr root, Word index, Word depth) { return call(root, label, {index, depth}); }
    // As many words as the longest of them takes.
    Answer two(Word label, CPtr to_root, Word to, Word to_depth, CPtr from_root, Word from, Word from_depth,
               Word rights = 15, Word data = 0) {
        if (label == seL4_CNodeMutate) rights = data;
        return call(to_root, label, {to, to_depth, from, from_depth, rights, data}, {from_root});
    }
    Answer to_node(Word label, Word index, CPtr source, Word rights = 15, Word data = 0) {
        return two(label, node_.cptr, index, 4, kRootCNode, source, 64, rights, data);
    }
    Answer rotate(Word to, Word pivot, Word source, Word pivot_data = 0, Word source_data = 0) {
        return call(node_.cptr, seL4_CNodeRotate, {to, 4, pivot_data, pivot, 4, source_data, source, 4},
                    {node_.cptr, node_.cptr});
    }

    Made<Slot> node_;
    Made<Endpoint> endpoint_;
};

constexpr Word kOneSlot[] = {seL4_CNodeRevoke, seL4_CNodeDelete, seL4_CNodeCancelBadgedSends};
constexpr Word kTwoSlots[] = {seL4_CNodeCopy, seL4_CNodeMint, seL4_CNodeMove, seL4_CNodeMutate};

// --- Looking up
// --------------------------------------------------------------------------------------------------------------

TEST_F(CNodeMethods, ALookupFollowsGuardsAndLevels) {
    // Three levels: 4 bits of guard 5 and radix 4, then radix 4 without guard, then 8 bits of guard and radix 2.
    auto const middle = make_cnode(4), last = make_cnode(2);
    Cap const root = Cap::cnode(node_.get(), 4, 4, 5);
    node_.get()[9].cap = Cap::cnode(middle.get(), 4, 0, 0);
    middle.get()[3].cap = Cap::cnode(last.get(), 2, 8, 0xab);
    Word const path = Word{5} << 18 | Word{9} << 14 | Word{3} << 10 | Word{0xab} << 2 | 1;
    SlotLookup const found = lookup_slot(root, path, 22);
    EXPECT_EQ(found.slot, &last.get()[1]);
    EXPECT_EQ(found.bits_left, 0u);
    // Higher bits of the address do not count.
    EXPECT_EQ(lookup_slot(root, path | ~low_mask(22), 22).slot, &last.get()[1]);
    // It ends early at anything that is not a CNode, and exactly where the bits end.
    EXPECT_EQ(lookup_slot(root, path >> 10, 12).slot, &middle.get()[3]);
    EXPECT_EQ(lookup_slot(root, path >> 14, 8).slot, &node_.get()[9]);
    SlotLookup const early = lookup_slot(root, Word{5} << 60 | Word{2} << 56, 64);
    EXPECT_EQ(early.slot, &node_.get()[2]);
    EXPECT_EQ(early.bits_left, 56u);
    auto const expect = [&](Word address, unsigned bits, LookupFailure const& failure) {
        SlotLookup const result = lookup_slot(root, address, bits);
        EXPECT_EQ(result.slot, nullptr);
        EXPECT_EQ(result.failure.kind, failure.kind);
        EXPECT_EQ(result.failure.bits_left, failure.bits_left);
        EXPECT_EQ(result.failure.detail[0], failure.detail[0]);
        EXPECT_EQ(result.failure.detail[1], failure.detail[1]);
    };
    expect(Word{4} << 18, 22, LookupFailure::guard_mismatch(22, 5, 4));
    expect(5, 3, LookupFailure::guard_mismatch(3, 5, 4));
    expect(Word{5} << 2, 6, LookupFailure::depth_mismatch(6, 8));
    expect(path ^ 1 << 5, 22, LookupFailure::guard_mismatch(10, 0xab, 8));
    expect(path >> 5, 17, LookupFailure::guard_mismatch(5, 0xab, 8));
    expect(path >> 1, 21, LookupFailure::depth_mismatch(9, 10));
    SlotLookup const no_root = lookup_slot(Cap::endpoint(endpoint_.get(), kAllRights, 0), 0, 64);
    EXPECT_EQ(no_root.failure.kind, LookupFailure::kInvalidRoot);
    node_.get()[9] = middle.get()[3] = Slot{};
}

TEST_F(CNodeMethods, AGuardOfAWholeWord) {
    Cap const root = Cap::cnode(node_.get(), 1, 63, low_mask(63));
    EXPECT_EQ(lookup_slot(root, ~Word{0}, 64).slot, &node_.get()[1]);
    EXPECT_EQ(lookup_slot(root, ~Word{1}, 64).slot, &node_.get()[0]);
    EXPECT_EQ(lookup_slot(root, ~Word{2}, 64).slot, nullptr);
}

TEST_F(CNodeMethods, DepthsOutOfRange) {
    for (Word depth : {Word{0}, Word{65}, Word{256}, ~Word{0}}) {
        for (Word label : kOneSlot) EXPECT_EQ(one(label, node_.cptr, 1, depth), range_error(1, 64));
        for (Word label : kTwoSlots) {
            EXPECT_EQ(two(label, node_.cptr, 2, depth, kRootCNode, endpoint_.cptr, 64), range_error(1, 64));
            EXPECT_EQ(two(label, node_.cptr, 2, 4, kRootCNode, endpoint_.cptr, depth), range_error(1, 64));
        }
    }
}

TEST_F(CNodeMethods, FailingLookups) {
    CPtr const guarded = add(Cap::cnode(node_.get(), 4, 3, 2));
    struct Case {
        CPtr root;
        Word index, depth;
        Word type;
        std::vector<Word> details;
    };
    for (Case const& c :
         {Case{node_.cptr, 1, 3, seL4_DepthMismatch, {3, 4}}, Case{node_.cptr, 2, 5, seL4_DepthMismatch, {1, 0}},
          Case{guarded, 1 << 4, 7, seL4_GuardMismatch, {7, 2, 3}}, Case{guarded, 0, 2, seL4_GuardMismatch, {2, 2, 3}},
          Case{guarded, 2, 3, seL4_DepthMismatch, {3, 7}}}) {
        auto const expected = [&](Word was_source) {
            Answer answer{seL4_FailedLookup, {was_source, c.type}};
            answer.words.insert(answer.words.end(), c.details.begin(), c.details.end());
            return answer;
        };
        for (Word label : kOneSlot) EXPECT_EQ(one(label, c.root, c.index, c.depth), expected(0));
        for (Word label : kTwoSlots) {
            EXPECT_EQ(two(label, c.root, c.index, c.depth, kRootCNode, endpoint_.cptr, 64), expected(0));
            EXPECT_EQ(two(label, node_.cptr, 2, 4, c.root, c.index, c.depth), expected(1));
        }
    }
    for (Word label : kTwoSlots) {
        EXPECT_EQ(two(label, node_.cptr, 2, 4, endpoint_.cptr, 0, 64), invalid_root(1));
        EXPECT_EQ(to_node(label, 2, free_slot()), missing(1, 64));
        EXPECT_EQ(two(label, node_.cptr, 2, 4, node_.cptr, 3, 4), missing(1, 4));
        // The destination is looked at first.
        EXPECT_EQ(two(label, node_.cptr, 1, 4, endpoint_.cptr, 0, 64), delete_first());
    }
    slot(guarded) = Slot{};
}

// --- Copy, Mint, Move, Mutate
// ------------------------------------------------------------------------------------------------

TEST_F(CNodeMethods, CopyWithFewerRights) {
    for (Word rights = 0; rights < 16; ++rights) {
        EXPECT_EQ(to_node(seL4_CNodeCopy, 2, endpoint_.cptr, rights | 0xff0), ok());
        EXPECT_EQ(in_node(2).rights().bits, rights);
        // Rights do not come back.
        EXPECT_EQ(two(seL4_CNodeCopy, node_.cptr, 3, 4, node_.cptr, 2, 4, 15), ok());
        EXPECT_EQ(in_node(3).rights().bits, rights);
        EXPECT_EQ(one(seL4_CNodeDelete, node_.cptr, 2, 4), ok());
        EXPECT_EQ(one(seL4_CNodeDelete, node_.cptr, 3, 4), ok());
    }
    auto const reply = make_reply();
    EXPECT_EQ(to_node(seL4_CNodeCopy, 2, reply.cptr, 1), ok());
    EXPECT_FALSE(in_node(2).reply_grant());
    CPtr const frame = add(Cap::frame(PhysAddr{0x5000}, FrameSize::k4KiB, false, kAllRights));
    EXPECT_EQ(to_node(seL4_CNodeCopy, 3, frame, 2), ok());
    EXPECT_EQ(in_node(3).frame_rights().bits, 2u);
    // Rights mean nothing to others.
    EXPECT_EQ(to_node(seL4_CNodeCopy, 4, main_.cptr, 0), ok());
    EXPECT_EQ(in_node(4).thread(), main_.get());
    expect_sound();
}

TEST_F(CNodeMethods, MintGivesABadgeOnce) {
    EXPECT_EQ(to_node(seL4_CNodeMint, 2, endpoint_.cptr, 15, ~Word{0}), ok());
    EXPECT_EQ(in_node(2).badge(), ~Word{0});
    EXPECT_TRUE(node_.get()[2].first_badged());
    for (Word data : {Word{0}, Word{7}, ~Word{0}})
        EXPECT_EQ(two(seL4_CNodeMint, node_.cptr, 3, 4, node_.cptr, 2, 4, 15, data), illegal_operation());
    EXPECT_EQ(two(seL4_CNodeMint, node_.cptr, 3, 4, kRootCNode, endpoint_.cptr, 64, 15, 0), ok());
    EXPECT_FALSE(node_.get()[3].original()) << "badge 0 is no badge: a copy";
    auto const notification = make_notification();
    EXPECT_EQ(to_node(seL4_CNodeMint, 4, notification.cptr, 15, 5), ok());
    EXPECT_EQ(in_node(4).badge(), 5u);
    // Data of capabilities that take none is ignored.
    EXPECT_EQ(to_node(seL4_CNodeMint, 5, main_.cptr, 15, 5), ok());
    expect_sound();
}

TEST_F(CNodeMethods, GuardsByMintAndMutate) {
    auto const other = make_cnode(10);
    auto const data = [](Word guard, Word size) { return seL4_CNode_CapData_new(guard, size).words[0]; };
    EXPECT_EQ(to_node(seL4_CNodeMint, 2, other.cptr, 15, data(0x3ff, 54)), ok());
    EXPECT_EQ(in_node(2).cnode_guard_size(), 54u);
    EXPECT_EQ(in_node(2).cnode_guard(), 0x3ffu);
    EXPECT_EQ(to_node(seL4_CNodeMint, 3, other.cptr, 15, data(~Word{0}, 3)), ok());
    EXPECT_EQ(in_node(3).cnode_guard(), 7u) << "no more bits than the size says";
    for (Word size : {55, 63})
        EXPECT_EQ(to_node(seL4_CNodeMint, 4, other.cptr, 15, data(1, size)), illegal_operation());
    EXPECT_EQ(two(seL4_CNodeMutate, node_.cptr, 4, 4, node_.cptr, 2, 4, 0, data(1, 55)), illegal_operation());
    EXPECT_EQ(two(seL4_CNodeMutate, node_.cptr, 4, 4, node_.cptr, 2, 4, 0, data(1, 5)), ok());
    EXPECT_TRUE(in_node(2).is_null());
    EXPECT_EQ(in_node(4).cnode_guard_size(), 5u);
    EXPECT_EQ(in_node(4).cnode_guard(), 1u);
    EXPECT_EQ(to_node(seL4_CNodeMint, 5, other.cptr, 15, 0), ok());
    EXPECT_EQ(in_node(5).cnode_guard_size(), 0u);
    expect_sound();
}

TEST_F(CNodeMethods, MutateNeverTouchesABadge) {
    CPtr const badged = copy(endpoint_.cptr, kAllRights, 3);
    for (CPtr source : {endpoint_.cptr, badged, make_notification().cptr}) {
        for (Word data : {0, 3, 5})
            EXPECT_EQ(two(seL4_CNodeMutate, node_.cptr, 2, 4, kRootCNode, source, 64, 0, data), illegal_operation());
    }
    EXPECT_EQ(two(seL4_CNodeMutate, node_.cptr, 2, 4, kRootCNode, main_.cptr, 64, 0, 5), ok());
    EXPECT_TRUE(slot(main_.cptr).cap.is_null());
    EXPECT_EQ(two(seL4_CNodeMove, kRootCNode, main_.cptr, 64, node_.cptr, 2, 4), ok());
}

TEST_F(CNodeMethods, WhatCannotBeCopied) {
    CPtr const unmapped_table = add(Cap::page_table(allocate_object(12)));
    CPtr const unassigned = add(Cap::vspace(allocate_object(12), 0));
    CPtr const control = add(Cap::irq_control());
    CPtr const zombie = free_slot();
    slot(zombie).cap = Cap::zombie(make_cnode(1).get(), 1, 2);
    for (Word label : {seL4_CNodeCopy, seL4_CNodeMint}) {
        for (CPtr source : {unmapped_table, unassigned, control, zombie})
            EXPECT_EQ(to_node(label, 2, source), illegal_operation()) << source;
    }
    slot(zombie) = Slot{};
    // All of them can move.
    EXPECT_EQ(to_node(seL4_CNodeMove, 2, control), ok());
    EXPECT_EQ(to_node(seL4_CNodeMove, 3, unmapped_table), ok());
    // A copy of a frame is mapped nowhere.
    Cap mapped = Cap::frame(PhysAddr{0x5000}, FrameSize::k4KiB, false, kAllRights);
    mapped.set_mapping(5, UserAddr{0x1000});
    EXPECT_EQ(to_node(seL4_CNodeCopy, 4, add(mapped)), ok());
    EXPECT_EQ(in_node(4).mapped_asid(), 0);
}

TEST_F(CNodeMethods, MoveKeepsTheFamily) {
    CPtr const child = copy(endpoint_.cptr, kAllRights, 3);
    EXPECT_EQ(to_node(seL4_CNodeMove, 2, endpoint_.cptr), ok());
    EXPECT_TRUE(cap(endpoint_.cptr).is_null());
    EXPECT_TRUE(is_parent_of(node_.get()[2], slot(child)));
    EXPECT_EQ(one(seL4_CNodeRevoke, node_.cptr, 2, 4), ok());
    EXPECT_TRUE(cap(child).is_null());
    expect_sound();
}

// --- Rotate
// ------------------------------------------------------------------------------------------------------------------

TEST_F(CNodeMethods, RotateMovesTwo) {
    put(2, main_.cptr);
    put(3, kRootCNode);
    EXPECT_EQ(rotate(5, 2, 3), ok());
    EXPECT_TRUE(in_node(5).is(CapType::kThread));
    EXPECT_TRUE(in_node(2).is(CapType::kCNode));
    EXPECT_TRUE(in_node(3).is_null());
    // Source and destination the same: they change places.
    EXPECT_EQ(rotate(2, 5, 2), ok());
    EXPECT_TRUE(in_node(5).is(CapType::kCNode));
    EXPECT_TRUE(in_node(2).is(CapType::kThread));
    // With new guards.
    put(6, kRootCNode);
    EXPECT_EQ(rotate(7, 5, 6, seL4_CNode_CapData_new(1, 2).words[0], seL4_CNode_CapData_new(3, 4).words[0]), ok());
    EXPECT_EQ(in_node(7).cnode_guard_size(), 2u);
    EXPECT_EQ(in_node(5).cnode_guard_size(), 4u);
    expect_sound();
}

TEST_F(CNodeMethods, RotateRefuses) {
    put(2, main_.cptr);
    put(3, kRootCNode);
    EXPECT_EQ(rotate(2, 2, 3), illegal_operation());
    EXPECT_EQ(rotate(5, 2, 2), illegal_operation());
    EXPECT_EQ(rotate(5, 2, 7), missing(1, 4));
    EXPECT_EQ(rotate(5, 7, 2), missing(0, 4));
    EXPECT_EQ(rotate(1, 2, 3), delete_first());
    EXPECT_EQ(rotate(5, 1, 3), illegal_operation()) << "an endpoint does not rotate";
    EXPECT_EQ(rotate(5, 3, 1), illegal_operation());
    EXPECT_EQ(rotate(5, 3, 2, seL4_CNode_CapData_new(1, 63).words[0]), illegal_operation());
    EXPECT_TRUE(in_node(2).is(CapType::kThread));
    EXPECT_TRUE(in_node(3).is(CapType::kCNode));
    expect_sound();
}

// --- Revoke, Delete, CancelBadgedSends
// ---------------------------------------------------------------------------------------

TEST_F(CNodeMethods, RevokingOrDeletingNothingIsDone) {
    EXPECT_EQ(one(seL4_CNodeRevoke, node_.cptr, 9, 4), ok());
    EXPECT_EQ(one(seL4_CNodeDelete, node_.cptr, 9, 4), ok());
}

TEST_F(CNodeMethods, RevokeIsInterruptible) {
    for (unsigned n = 1; n < 30; ++n) {
        auto const endpoint = make_endpoint();
        for (unsigned i = 0; i < 10; ++i) copy(endpoint.cptr, kAllRights, i);
        machine.preempt_at = n;
        EXPECT_EQ(one(seL4_CNodeRevoke, kRootCNode, endpoint.cptr, 64), ok());
        EXPECT_FALSE(has_children(slot(endpoint.cptr)));
        EXPECT_TRUE(is_final(slot(endpoint.cptr)));
    }
}

// Somebody else works on the same family while the revocation is interrupted.
TEST_F(CNodeMethods, TwoRevocationsOfOneFamily) {
    auto const other = make_thread(100);
    auto const endpoint = make_endpoint();
    for (unsigned i = 0; i < 10; ++i) copy(endpoint.cptr, kAllRights, i);
    machine.preempt_at = 3;
    syscall_as(*main_, seL4_SysCall, kRootCNode, {seL4_CNodeRevoke, {endpoint.cptr, 64}});
    EXPECT_EQ(main_->context.pc, kSvcAddress);
    EXPECT_TRUE(has_children(slot(endpoint.cptr)));
    syscall_as(*other, seL4_SysCall, kRootCNode, {seL4_CNodeRevoke, {endpoint.cptr, 64}});
    EXPECT_EQ(label_of(*other), 0u);
    EXPECT_FALSE(has_children(slot(endpoint.cptr)));
    run(*main_);
    finish_syscall();
    EXPECT_EQ(answer(), ok());
    expect_sound();
}

TEST_F(CNodeMethods, AThreadCanDeleteItsOwnCSpaceCapability) {
    auto const tcb = make_thread(60);
    CPtr const own = copy(kRootCNode);
    syscall_as(*tcb, seL4_SysCall, kRootCNode, {seL4_CNodeDelete, {own, 64}});
    EXPECT_EQ(label_of(*tcb), 0u);
    // Its own TCB capability, the last one.
    syscall_as(*tcb, seL4_SysCall, kRootCNode, {seL4_CNodeDelete, {tcb.cptr, 64}});
    EXPECT_NE(current(), tcb.get());
    forbid(tcb.get());
    expect_sound();
}

class CancelBadgedSends : public CNodeMethods {
protected:
    // Senders of two badges and two priorities, in turn.
    void make_senders() {
        badged_ = copy(endpoint_.cptr, kAllRights, 7);
        CPtr const others = copy(endpoint_.cptr, kAllRights, 8);
        for (unsigned i = 0; i < 12; ++i) {
            senders_.push_back(make_thread(5 + i / 4));
            syscall_as(*senders_.back(), i % 3 == 2 ? seL4_SysCall : seL4_SysSend, i % 2 ? badged_ : others);
            EXPECT_EQ(senders_.back()->state, ThreadState::kBlockedOnSend);
        }
    }
    void expect_only_others() {
        for (unsigned i = 0; i < 12; ++i) {
            EXPECT_EQ(senders_[i]->state == ThreadState::kBlockedOnSend, i % 2 == 0) << i;
            if (i % 2) {
                EXPECT_EQ(senders_[i]->state, ThreadState::kRestart);
            }
        }
        expect_sound();
    }
    CPtr badged_ = 0;
    std::vector<Made<Tcb>> senders_;
};

TEST_F(CancelBadgedSends, OnlySendersWithTheBadgeTryAgain) {
    make_senders();
    EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, badged_, 64), ok());
    expect_only_others();
}

TEST_F(CancelBadgedSends, WithoutABadgeNothingHappens) {
    make_senders();
    EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, endpoint_.cptr, 64), ok());
    for (auto const& sender : senders_) EXPECT_EQ(sender->state, ThreadState::kBlockedOnSend);
}

TEST_F(CancelBadgedSends, Errors) {
    for (Word rights = 0; rights < 15; ++rights)
        EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, copy(endpoint_.cptr, {rights}, 3), 64),
                  illegal_operation());
    for (CPtr wrong : {main_.cptr, free_slot(), make_notification().cptr})
        EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, wrong, 64), illegal_operation());
    // Receivers are left alone.
    auto const receiver = make_thread(5);
    syscall_as(*receiver, seL4_SysWait, endpoint_.cptr);
    EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, copy(endpoint_.cptr, kAllRights, 3), 64), ok());
    EXPECT_EQ(receiver->state, ThreadState::kBlockedOnReceive);
}

TEST_F(CancelBadgedSends, Interrupted) {
    for (unsigned n = 1; n < 14; ++n) {
        SCOPED_TRACE(n);
        senders_.clear();
        make_senders();
        machine.preempt_at = n;
        EXPECT_EQ(one(seL4_CNodeCancelBadgedSends, kRootCNode, badged_, 64), ok());
        expect_only_others();
        for (auto const& sender : senders_) EXPECT_EQ(call(sender.cptr, seL4_TCBSuspend), ok());
    }
}

// While it is interrupted, the thread at which it stopped goes away, priorities change, others send and receive.
TEST_F(CancelBadgedSends, TheQueueChangesMeanwhile) {
    auto const helper = make_thread(100);
    for (unsigned n : {1u, 2u, 5u, 9u}) {
        for (unsigned what = 0; what < 5; ++what) {
            SCOPED_TRACE(::testing::Message() << "interrupted at " << n << ", event " << what);
            senders_.clear();
            make_senders();
            machine.preempt_at = n;
            syscall_as(*main_, seL4_SysCall, kRootCNode, {seL4_CNodeCancelBadgedSends, {badged_, 64}});
            ASSERT_EQ(main_->context.pc, kSvcAddress);
            expect_sound();
            auto const as_helper = [&](CPtr cptr, const Message& message) {
                syscall_as(*helper, seL4_SysCall, cptr, message);
                expect_sound();
            };
            for (auto const& sender : senders_) {
                switch (what) {
                    case 0: as_helper(sender.cptr, {seL4_TCBSuspend}); break;
                    case 1: as_helper(sender.cptr, {seL4_TCBSetPriority, {3}, {main_.cptr}}); break;
                    case 2: syscall_as(*helper, seL4_SysNBRecv, endpoint_.cptr, {}, make_reply().cptr); break;
                    case 3: as_helper(main_.cptr, {seL4_TCBSuspend}); break;
                    default: as_helper(kRootCNode, {seL4_CNodeCancelBadgedSends, {badged_, 64}}); break;
                }
            }
            if (what == 3) as_helper(main_.cptr, {seL4_TCBResume});
            run(*main_);
            finish_syscall();
            EXPECT_EQ(answer(), ok());
            for (unsigned i = 1; i < 12; i += 2) EXPECT_NE(senders_[i]->state, ThreadState::kBlockedOnSend);
            expect_sound();
            for (auto const& sender : senders_) EXPECT_EQ(call(sender.cptr, seL4_TCBSuspend), ok());
        }
    }
}

TEST_F(CancelBadgedSends, TheEndpointGoesMeanwhile) {
    auto const helper = make_thread(100);
    make_senders();
    machine.preempt_at = 4;
    syscall_as(*main_, seL4_SysCall, kRootCNode, {seL4_CNodeCancelBadgedSends, {badged_, 64}});
    for (CPtr cptr = endpoint_.cptr; cptr < next_free(); ++cptr) {
        if (!cap(cptr).is(CapType::kEndpoint)) continue;
        syscall_as(*helper, seL4_SysCall, kRootCNode, {seL4_CNodeDelete, {cptr, 64}});
    }
    syscall_as(*helper, seL4_SysCall, node_.cptr, {seL4_CNodeDelete, {1, 4}});
    forbid(endpoint_.get());
    for (auto const& sender : senders_) EXPECT_EQ(sender->state, ThreadState::kRestart);
    run(*main_);
    finish_syscall();
    EXPECT_EQ(answer(), illegal_operation());
    expect_sound();
}

}  // namespace
}  // namespace keel
