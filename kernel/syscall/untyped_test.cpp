// Tests of Untyped_Retype: arithmetic, clearing, errors.
#include "testing/call_test.h"

#include <cstring>

#include "core/untyped.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class Untyped : public CallTest {
protected:
    Answer retype(CPtr untyped, Word type, Word size_bits, CPtr at, Word count = 1) {
        return call(untyped, seL4_UntypedRetype, {type, size_bits, 0, 0, at, count}, {kRootCNode});
    }
    static Word base_of(const Cap& cap) { return raw(cap.untyped_base()); }
    static const uint8_t* bytes(Word address) { return reinterpret_cast<const uint8_t*>(address); }
    static bool is_zero(Word address, Word size) {
        for (Word i = 0; i < size; ++i) {
            if (bytes(address)[i] != 0) return false;
        }
        return true;
    }
    // 32 slots that nobody has used.
    CPtr next_window() { return 512 + 32 * windows_++; }

private:
    unsigned windows_ = 0;
};

TEST_F(Untyped, ObjectsLieOneBehindTheOtherAtTheirAlignment) {
    CPtr const untyped = make_untyped(16, true);
    Word const base = base_of(cap(untyped));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512), ok());
    EXPECT_EQ(cap(512).address(), base);
    EXPECT_EQ(retype(untyped, seL4_NotificationObject, 0, 513), ok());
    EXPECT_EQ(cap(513).address(), base + 64);
    EXPECT_EQ(retype(untyped, seL4_TCBObject, 0, 514, 2), ok());
    EXPECT_EQ(cap(514).address(), base + 2048);
    EXPECT_EQ(cap(515).address(), base + 4096);
    EXPECT_EQ(retype(untyped, seL4_ReplyObject, 0, 516), ok());
    EXPECT_EQ(cap(516).address(), base + 6144);
    EXPECT_EQ(retype(untyped, seL4_SchedContextObject, 8, 517), ok());
    EXPECT_EQ(cap(517).address(), base + 6144 + 256);
    EXPECT_EQ(cap(517).sched_context_bits(), 8u);
    EXPECT_EQ(retype(untyped, seL4_CapTableObject, 4, 518), ok());
    EXPECT_EQ(cap(518).address() & ~Word{63}, base + 6144 + 512);
    EXPECT_EQ(cap(518).cnode_radix(), 4u);
    EXPECT_EQ(cap(518).cnode_guard_size(), 0u);
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 519), ok());
    EXPECT_EQ(raw(cap(519).frame_base()), base + 8192);
    EXPECT_EQ(cap(untyped).untyped_free(), 12288u);
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 13, 520), ok());
    EXPECT_EQ(base_of(cap(520)), base + 16384);
    EXPECT_EQ(cap(520).untyped_bits(), 13u);
    for (CPtr child = 512; child <= 520; ++child) EXPECT_TRUE(slot(child).original());
    expect_sound();
}

TEST_F(Untyped, EveryTypeHasItsSizeAndCapability) {
    struct Row {
        Word type, size_bits;
        unsigned bits;
        CapType cap;
    };
    for (Row const& row : {Row{seL4_UntypedObject, 4, 4, CapType::kUntyped},
                           {seL4_UntypedObject, 12, 12, CapType::kUntyped},
                           {seL4_TCBObject, 0, 11, CapType::kThread},
                           {seL4_EndpointObject, 0, 4, CapType::kEndpoint},
                           {seL4_NotificationObject, 0, 6, CapType::kNotification},
                           {seL4_CapTableObject, 1, 6, CapType::kCNode},
                           {seL4_CapTableObject, 7, 12, CapType::kCNode},
                           {seL4_SchedContextObject, 7, 7, CapType::kSchedContext},
                           {seL4_SchedContextObject, 10, 10, CapType::kSchedContext},
                           {seL4_ReplyObject, 0, 5, CapType::kReply},
                           {seL4_ARM_VSpaceObject, 0, 12, CapType::kVSpace},
                           {seL4_ARM_SmallPageObject, 0, 12, CapType::kFrame},
                           {seL4_ARM_PageTableObject, 0, 12, CapType::kPageTable}}) {
        SCOPED_TRACE(row.type);
        CPtr const untyped = make_untyped(13, true);
        CPtr const at = free_slot();
        EXPECT_EQ(retype(untyped, row.type, row.size_bits, at), ok());
        EXPECT_EQ(cap(at).type(), row.cap);
        EXPECT_EQ(cap(untyped).untyped_free(), bit(row.bits));
        EXPECT_EQ(object_size_bits(static_cast<ObjectType>(row.type), row.size_bits), row.bits);
        // The size argument of an object of fixed size does not matter.
        if (row.size_bits == 0) {
            EXPECT_EQ(object_size_bits(static_cast<ObjectType>(row.type), 40), row.bits);
        }
    }
    EXPECT_EQ(object_size_bits(ObjectType::kFrame2MiB, 0), 21u);
    EXPECT_EQ(object_size_bits(ObjectType::kFrame1GiB, 0), 30u);
}

TEST_F(Untyped, LargeFrames) {
    CPtr const untyped = add(Cap::untyped(PhysAddr{bit(40) - bit(31)}, 31, true));
    EXPECT_EQ(retype(untyped, seL4_ARM_LargePageObject, 0, 512), ok());
    EXPECT_EQ(retype(untyped, seL4_ARM_HugePageObject, 0, 513), ok());
    EXPECT_EQ(cap(512).frame_size(), FrameSize::k2MiB);
    EXPECT_EQ(cap(513).frame_size(), FrameSize::k1GiB);
    EXPECT_EQ(raw(cap(513).frame_base()), bit(40) - bit(30));
    EXPECT_TRUE(cap(513).frame_is_device());
    EXPECT_EQ(cap(untyped).untyped_free(), bit(31));
}

TEST_F(Untyped, WithoutChildrenItStartsOver) {
    CPtr const untyped = make_untyped(13, true);
    Word const base = base_of(cap(untyped));
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 512, 2), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 514), not_enough_memory(0));
    const_cast<uint8_t*>(bytes(base))[100] = 1;
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {512, 64}), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 514), not_enough_memory(0)) << "one child is left";
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {513, 64}), ok());
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 512, 2), ok());
    EXPECT_EQ(raw(cap(512).frame_base()), base);
    EXPECT_TRUE(is_zero(base, 8192));
}

TEST_F(Untyped, NotEnoughMemorySaysWhatIsLeft) {
    CPtr const untyped = make_untyped(13, false);
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 14, 512), not_enough_memory(8192));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512), ok());
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 513, 2), not_enough_memory(8192 - 16));
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 513), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 514), not_enough_memory(0));
    EXPECT_EQ(cap(untyped).untyped_free(), 8192u);
}

TEST_F(Untyped, AFailureChangesNothing) {
    CPtr const untyped = make_untyped(13, true);
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512), ok());
    Cap const before = cap(untyped);
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 510, 3), delete_first());
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 513, 9), not_enough_memory(8176));
    EXPECT_EQ(cap(untyped).meta, before.meta);
    EXPECT_EQ(cap(untyped).data, before.data);
    EXPECT_TRUE(cap(510).is_null());
    EXPECT_TRUE(cap(511).is_null());
    expect_sound();
}

TEST_F(Untyped, FanOut) {
    CPtr const untyped = make_untyped(13, true);
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512, 257), range_error(1, 256));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512, 0), range_error(1, 256));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512, ~Word{0}), range_error(1, 256));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512, 256), ok());
    Word const base = base_of(cap(untyped));
    for (Word i = 0; i < 256; ++i) EXPECT_EQ(cap(512 + i).address(), base + 16 * i);
    EXPECT_EQ(cap(untyped).untyped_free(), 4096u);
    expect_sound();
}

TEST_F(Untyped, TheWindowMustFit) {
    CPtr const untyped = make_untyped(16, true);
    auto const node = make_cnode(2);
    auto const into = [&](Word offset, Word count) {
        return call(untyped, seL4_UntypedRetype, {seL4_EndpointObject, 0, 0, 0, offset, count}, {node.cptr});
    };
    EXPECT_EQ(into(4, 1), range_error(0, 3));
    EXPECT_EQ(into(~Word{0}, 1), range_error(0, 3));
    EXPECT_EQ(into(3, 2), range_error(1, 1));
    EXPECT_EQ(into(0, 5), range_error(1, 4));
    EXPECT_EQ(into(1, 3), ok());
    EXPECT_EQ(into(0, 2), delete_first());
    EXPECT_EQ(into(0, 1), ok());
}

TEST_F(Untyped, ErrorsInTheirOrder) {
    CPtr const untyped = make_untyped(13, true);
    auto const with = [&](std::vector<Word> words, CPtr root = kRootCNode) {
        return call(untyped, seL4_UntypedRetype, std::move(words), {root});
    };
    expect_truncated(untyped, seL4_UntypedRetype, {seL4_EndpointObject, 0, 0, 0, 512, 1}, {kRootCNode});
    EXPECT_EQ(call(untyped, seL4_UntypedRetype + 1), illegal_operation());
    EXPECT_EQ(call(untyped, 0), illegal_operation());
    EXPECT_EQ(with({seL4_ObjectTypeCount, 0, 0, 0, 5000, 0}), invalid_argument(0));
    EXPECT_EQ(with({~Word{0}, 0, 0, 0, 512, 1}), invalid_argument(0));
    EXPECT_EQ(with({seL4_CapTableObject, 0, 0, 0, 5000, 0}), invalid_argument(1));
    EXPECT_EQ(with({seL4_UntypedObject, 3, 0, 0, 5000, 0}), invalid_argument(1));
    EXPECT_EQ(with({seL4_SchedContextObject, 6, 0, 0, 5000, 0}), invalid_argument(1));
    EXPECT_EQ(with({seL4_UntypedObject, 48, 0, 0, 5000, 0}), range_error(0, 47));
    EXPECT_EQ(with({seL4_CapTableObject, 43, 0, 0, 5000, 0}), range_error(0, 47));
    EXPECT_EQ(with({seL4_SchedContextObject, 64, 0, 0, 5000, 0}), range_error(0, 47));
    EXPECT_EQ(with({seL4_UntypedObject, ~Word{0}, 0, 0, 5000, 0}), range_error(0, 47));
    // The destination: by the root capability itself (depth 0), or a CNode that is looked up in it.
    CPtr const endpoint = make_endpoint().cptr;
    EXPECT_EQ(with({seL4_EndpointObject, 0, 0, 0, 512, 1}, endpoint), missing(0, 0));
    EXPECT_EQ(with({seL4_EndpointObject, 0, 0, 64, 512, 1}, endpoint), invalid_root(0));
    EXPECT_EQ(with({seL4_EndpointObject, 0, 0, 65, 512, 1}), range_error(1, 64));
    EXPECT_EQ(with({seL4_EndpointObject, 0, endpoint, 64, 512, 1}), missing(0, 64));
    EXPECT_EQ(with({seL4_EndpointObject, 0, bit(40), 64, 512, 1}), guard_mismatch(0, 64, 0, 54));
    EXPECT_EQ(with({seL4_EndpointObject, 0, endpoint, 60, 512, 1}), depth_mismatch(0, 60, 64));
    EXPECT_EQ(with({seL4_EndpointObject, 0, 0, 0, 1024, 0}), range_error(0, 1023));
    EXPECT_EQ(with({seL4_EndpointObject, 0, kRootCNode, 64, 512, 1}), ok());
}

TEST_F(Untyped, DeviceMemoryBecomesFramesAndUntypedOnly) {
    CPtr const untyped = make_untyped(16, true, true);
    Word const base = base_of(cap(untyped));
    for (Word type : {seL4_TCBObject, seL4_EndpointObject, seL4_NotificationObject, seL4_ReplyObject,
                      seL4_ARM_VSpaceObject, seL4_ARM_PageTableObject})
        EXPECT_EQ(retype(untyped, type, 0, 512), invalid_argument(1)) << type;
    EXPECT_EQ(retype(untyped, seL4_CapTableObject, 4, 512), invalid_argument(1));
    EXPECT_EQ(retype(untyped, seL4_SchedContextObject, 8, 512), invalid_argument(1));
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 512), ok());
    EXPECT_TRUE(cap(512).frame_is_device());
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 13, 513), ok());
    EXPECT_TRUE(cap(513).untyped_is_device());
    EXPECT_EQ(retype(513, seL4_ARM_SmallPageObject, 0, 514), ok());
    EXPECT_EQ(machine.bytes_cleared, 0u);
    for (Word i = 0; i < bit(16); ++i) ASSERT_EQ(bytes(base)[i], 0xa5) << "device memory is never touched";
}

TEST_F(Untyped, MemoryIsZeroInEveryObject) {
    CPtr const untyped = make_untyped(16, true);
    Word const base = base_of(cap(untyped));
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 512), ok());
    EXPECT_TRUE(is_zero(base, 16));
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 513, 3), ok());
    EXPECT_TRUE(is_zero(base + 4096, 3 * 4096));
    EXPECT_EQ(retype(untyped, seL4_CapTableObject, 5, 514 + 2), ok());
    EXPECT_TRUE(is_zero(base + 4 * 4096, 1024));
    // Untyped memory within is cleared when it becomes something else.
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 13, 520), ok());
    Word const inner = base_of(cap(520));
    EXPECT_EQ(retype(520, seL4_ARM_PageTableObject, 0, 521), ok());
    EXPECT_TRUE(is_zero(inner, 4096));
}

// After an interruption the clearing goes on where it was, and the retype as if nothing had happened.
TEST_F(Untyped, InterruptedClearingGoesOn) {
    constexpr Word kFrames = 16;
    for (unsigned n = 1;; ++n) {
        SCOPED_TRACE(n);
        CPtr const untyped = make_untyped(16, true);
        CPtr const at = next_window();
        machine.bytes_cleared = 0;
        machine.preempt_at = n;
        syscall_as(*main_, seL4_SysCall, untyped,
                   {seL4_UntypedRetype, {seL4_ARM_SmallPageObject, 0, 0, 0, at, kFrames}, {kRootCNode}});
        bool const interrupted = machine.preempt_at == 0;
        if (interrupted) {
            EXPECT_TRUE(cap(at).is_null());
            EXPECT_EQ(cap(untyped).untyped_clean(), n * 4096);
        }
        finish_syscall();
        EXPECT_EQ(answer(), ok());
        EXPECT_EQ(machine.bytes_cleared, kFrames * 4096);
        EXPECT_TRUE(is_zero(base_of(cap(untyped)), bit(16)));
        EXPECT_EQ(raw(cap(at + kFrames - 1).frame_base()), base_of(cap(untyped)) + (kFrames - 1) * 4096);
        if (!interrupted) break;
        ASSERT_LT(n, 100u);
    }
}

TEST_F(Untyped, WhatWasClearedForNothingIsNotTrustedAfterUse) {
    CPtr const untyped = make_untyped(14, true);
    Word const base = base_of(cap(untyped));
    // Interrupted and given up: two pages are clean and nothing is allocated.
    machine.preempt_at = 2;
    syscall_as(*main_, seL4_SysCall, untyped,
               {seL4_UntypedRetype, {seL4_ARM_SmallPageObject, 0, 0, 0, 512, 4}, {kRootCNode}});
    ASSERT_EQ(cap(untyped).untyped_clean(), 8192u);
    // An untyped child takes the memory, is used and goes.
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 13, 520), ok());
    EXPECT_EQ(retype(520, seL4_ARM_SmallPageObject, 0, 521), ok());
    const_cast<uint8_t*>(bytes(base))[5] = 1;
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {untyped, 64}), ok());
    EXPECT_EQ(retype(untyped, seL4_ARM_SmallPageObject, 0, 512, 4), ok());
    EXPECT_TRUE(is_zero(base, bit(14)));
}

// The same through a copy of the capability: the clean mark must not survive the use by the other one.
TEST_F(Untyped, ACopyDoesNotTrustTheOthersMark) {
    CPtr const untyped = make_untyped(14, true);
    Word const base = base_of(cap(untyped));
    machine.preempt_at = 2;
    syscall_as(*main_, seL4_SysCall, untyped,
               {seL4_UntypedRetype, {seL4_ARM_SmallPageObject, 0, 0, 0, 512, 4}, {kRootCNode}});
    ASSERT_EQ(cap(untyped).untyped_clean(), 8192u);
    EXPECT_EQ(call(kRootCNode, seL4_CNodeCopy, {520, 64, untyped, 64, 15}, {kRootCNode}), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeCopy, {521, 64, 520, 64, 15}, {kRootCNode}), ok());
    EXPECT_EQ(retype(521, seL4_ARM_SmallPageObject, 0, 522, 2), ok());
    std::memset(reinterpret_cast<void*>(base), 1, 8192);
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {522, 64}), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {523, 64}), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {521, 64}), ok());
    EXPECT_EQ(retype(520, seL4_ARM_SmallPageObject, 0, 522, 2), ok());
    EXPECT_TRUE(is_zero(base, 8192));
}

TEST_F(Untyped, ACopiedUntypedIsFullUntilTheCopyIsGone) {
    CPtr const untyped = make_untyped(13, false);
    EXPECT_EQ(call(kRootCNode, seL4_CNodeCopy, {512, 64, untyped, 64, 15}, {kRootCNode}), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 513), not_enough_memory(0));
    EXPECT_EQ(call(kRootCNode, seL4_CNodeCopy, {513, 64, untyped, 64, 15}, {kRootCNode}), revoke_first());
    EXPECT_EQ(retype(512, seL4_EndpointObject, 0, 513), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {untyped, 64}), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 513), ok());
    EXPECT_EQ(cap(513).address(), base_of(cap(untyped)));
}

TEST_F(Untyped, ANestedUntypedOfTheSameSize) {
    CPtr const untyped = make_untyped(12, true);
    EXPECT_EQ(retype(untyped, seL4_UntypedObject, 12, 512), ok());
    EXPECT_EQ(retype(512, seL4_UntypedObject, 12, 513), ok());
    EXPECT_EQ(retype(513, seL4_EndpointObject, 0, 514), ok());
    EXPECT_EQ(retype(untyped, seL4_EndpointObject, 0, 515), not_enough_memory(0));
    EXPECT_EQ(call(kRootCNode, seL4_CNodeRevoke, {512, 64}), ok());
    EXPECT_TRUE(cap(513).is_null());
    EXPECT_TRUE(cap(514).is_null());
    EXPECT_EQ(retype(512, seL4_EndpointObject, 0, 515), ok());
}

// Random retypes, deletions and revocations: children never overlap, and every new object is zero.
TEST_F(Untyped, RandomAllocationsDoNotOverlap) {
    Random random(7);
    CPtr const root = make_untyped(16, true);
    for (unsigned step = 0; step < 3000; ++step) {
        CPtr const at = 512 + random.below(200);
        if (random.chance(25)) {
            call(kRootCNode, random.chance(90) ? seL4_CNodeDelete : seL4_CNodeRevoke, {at, 64});
            continue;
        }
        CPtr const from = random.chance(50) ? root : 512 + random.below(200);
        if (!cap(from).is(CapType::kUntyped)) continue;
        static constexpr Word kTypes[] = {seL4_UntypedObject, seL4_EndpointObject, seL4_CapTableObject,
                                          seL4_ARM_SmallPageObject};
        Word const type = kTypes[random.below(4)];
        Word const size = type == seL4_UntypedObject ? 4 + random.below(10) : 1 + random.below(3);
        Word const count = 1 + random.below(3);
        machine.preempt_at = random.below(4);
        if (retype(from, type, size, at, count).label != seL4_NoError) continue;
        for (Word i = 0; i < count; ++i) {
            Cap const made = cap(at + i);
            Word const start = made.is(CapType::kFrame)     ? raw(made.frame_base())
                               : made.is(CapType::kUntyped) ? base_of(made)
                               : made.is(CapType::kCNode)   ? reinterpret_cast<Word>(made.cnode_slots())
                                                            : made.address();
            Word const bytes_of = bit(object_size_bits(static_cast<ObjectType>(type), size));
            Word const parent = base_of(cap(from));
            ASSERT_GE(start, parent);
            ASSERT_LE(start + bytes_of, parent + bit(cap(from).untyped_bits()));
            ASSERT_TRUE(is_aligned(start, static_cast<unsigned>(__builtin_ctzll(bytes_of))));
            if (type == seL4_UntypedObject) continue;
            ASSERT_TRUE(is_zero(start, bytes_of)) << "step " << step;
            // Overlap would be seen as somebody else's bytes.
            if (made.is(CapType::kFrame)) std::memset(reinterpret_cast<void*>(start), 0x5a, bytes_of);
        }
        for (CPtr cptr = 512; cptr < 720; ++cptr) {
            if (!cap(cptr).is(CapType::kFrame)) continue;
            Word const start = raw(cap(cptr).frame_base());
            for (Word i = 0; i < 4096; i += 64) ASSERT_EQ(bytes(start)[i], 0x5a) << "step " << step;
        }
    }
    expect_sound();
}

}  // namespace
}  // namespace keel
