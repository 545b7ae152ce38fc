// Tests of decoding in general: which capability knows which labels, how long their messages must be, and that garbage
// gets one of the documented answers and changes nothing it should not.
#include <algorithm>
#include <map>
#include <set>

#include "testing/call_test.h"

namespace keel {
namespace {

using namespace testing;

constexpr Word kLastLabel = seL4_ARMIRQIssueSGISignal_OneNode;

class Decode : public CallTest {
protected:
    // One capability of every type that can be invoked by methods.
    std::map<CapType, CPtr> one_of_each() {
        return {
            {CapType::kUntyped, make_untyped(12, false)},
            {CapType::kCNode, make_cnode(4).cptr},
            {CapType::kThread, make_passive(5).cptr},
            {CapType::kSchedContext, make_empty_context().cptr},
            {CapType::kSchedControl, add(Cap::sched_control(0))},
            {CapType::kIrqControl, add(Cap::irq_control())},
            {CapType::kIrqHandler, add(Cap::irq_handler(40))},
            {CapType::kSgiSignal, add(Cap::sgi_signal(3, 1))},
            {CapType::kDomainControl, add(Cap::domain_control())},
            {CapType::kSmc, add(Cap::smc(0))},
            {CapType::kAsidControl, add(Cap::asid_control())},
            {CapType::kAsidPool, kAsidPool},
            {CapType::kVSpace, kVSpace},
            {CapType::kPageTable, add(Cap::page_table(allocate_object(12)))},
            {CapType::kFrame, add(Cap::frame(PhysAddr{reinterpret_cast<Word>(allocate_object(12))}, FrameSize::k4KiB,
                                             false, kAllRights))},
        };
    }
};

struct Method {
    CapType type;
    Word label;
    unsigned words, caps;  // that the message needs
};

constexpr Method kMethods[] = {
    {CapType::kUntyped, seL4_UntypedRetype, 6, 1},
    {CapType::kThread, seL4_TCBReadRegisters, 2, 0},
    {CapType::kThread, seL4_TCBWriteRegisters, 2, 0},
    {CapType::kThread, seL4_TCBCopyRegisters, 1, 1},
    {CapType::kThread, seL4_TCBConfigure, 3, 3},
    {CapType::kThread, seL4_TCBSetPriority, 1, 1},
    {CapType::kThread, seL4_TCBSetMCPriority, 1, 1},
    {CapType::kThread, seL4_TCBSetSchedParams, 2, 3},
    {CapType::kThread, seL4_TCBSetTimeoutEndpoint, 0, 1},
    {CapType::kThread, seL4_TCBSetIPCBuffer, 1, 1},
    {CapType::kThread, seL4_TCBSetSpace, 2, 3},
    {CapType::kThread, seL4_TCBSuspend, 0, 0},
    {CapType::kThread, seL4_TCBResume, 0, 0},
    {CapType::kThread, seL4_TCBBindNotification, 0, 1},
    {CapType::kThread, seL4_TCBUnbindNotification, 0, 0},
    {CapType::kThread, seL4_TCBSetTLSBase, 1, 0},
    {CapType::kThread, seL4_TCBSetFlags, 2, 0},
    {CapType::kCNode, seL4_CNodeRevoke, 2, 0},
    {CapType::kCNode, seL4_CNodeDelete, 2, 0},
    {CapType::kCNode, seL4_CNodeCancelBadgedSends, 2, 0},
    {CapType::kCNode, seL4_CNodeCopy, 4, 1},
    {CapType::kCNode, seL4_CNodeMint, 4, 1},
    {CapType::kCNode, seL4_CNodeMove, 4, 1},
    {CapType::kCNode, seL4_CNodeMutate, 4, 1},
    {CapType::kCNode, seL4_CNodeRotate, 8, 2},
    {CapType::kIrqControl, seL4_IRQIssueIRQHandler, 3, 1},
    {CapType::kIrqControl, seL4_ARMIRQIssueIRQHandlerTrigger, 4, 1},
    {CapType::kIrqControl, seL4_ARMIRQIssueSGISignal_OneNode, 4, 1},
    {CapType::kIrqHandler, seL4_IRQAckIRQ, 0, 0},
    {CapType::kIrqHandler, seL4_IRQSetIRQHandler, 0, 1},
    {CapType::kIrqHandler, seL4_IRQClearIRQHandler, 0, 0},
    {CapType::kDomainControl, seL4_DomainSetSet, 1, 1},
    {CapType::kDomainControl, seL4_DomainScheduleConfigure, 3, 0},
    {CapType::kDomainControl, seL4_DomainScheduleSetStart, 1, 0},
    {CapType::kSchedControl, seL4_SchedControlConfigureFlags, 5, 1},
    {CapType::kSchedContext, seL4_SchedContextBind, 0, 1},
    {CapType::kSchedContext, seL4_SchedContextUnbind, 0, 0},
    {CapType::kSchedContext, seL4_SchedContextUnbindObject, 0, 1},
    {CapType::kSchedContext, seL4_SchedContextConsumed, 0, 0},
    {CapType::kSchedContext, seL4_SchedContextYieldTo, 0, 0},
    {CapType::kVSpace, seL4_ARMVSpaceClean_Data, 2, 0},
    {CapType::kVSpace, seL4_ARMVSpaceInvalidate_Data, 2, 0},
    {CapType::kVSpace, seL4_ARMVSpaceCleanInvalidate_Data, 2, 0},
    {CapType::kVSpace, seL4_ARMVSpaceUnify_Instruction, 2, 0},
    {CapType::kSmc, seL4_ARMSMCCall, 8, 0},
    {CapType::kPageTable, seL4_ARMPageTableMap, 2, 1},
    {CapType::kPageTable, seL4_ARMPageTableUnmap, 0, 0},
    {CapType::kFrame, seL4_ARMPageMap, 3, 1},
    {CapType::kFrame, seL4_ARMPageUnmap, 0, 0},
    {CapType::kFrame, seL4_ARMPageClean_Data, 2, 0},
    {CapType::kFrame, seL4_ARMPageInvalidate_Data, 2, 0},
    {CapType::kFrame, seL4_ARMPageCleanInvalidate_Data, 2, 0},
    {CapType::kFrame, seL4_ARMPageUnify_Instruction, 2, 0},
    {CapType::kFrame, seL4_ARMPageGetAddress, 0, 0},
    {CapType::kAsidControl, seL4_ARMASIDControlMakePool, 2, 2},
    {CapType::kAsidPool, seL4_ARMASIDPoolAssign, 0, 1},
};

TEST_F(Decode, TheTableKnowsEveryLabel) {
    std::set<Word> labels;
    for (Method const& method : kMethods) labels.insert(method.label);
    for (Word label = seL4_UntypedRetype; label <= kLastLabel; ++label) EXPECT_TRUE(labels.contains(label)) << label;
}

TEST_F(Decode, LabelsOfOthersAreIllegal) {
    std::vector<Word> const words(10, 0);
    for (auto const& [type, cptr] : one_of_each()) {
        if (type == CapType::kSgiSignal) continue;  // any message to it is a signal
        for (Word label = 0; label <= kLastLabel + 8; ++label) {
            bool const known = std::any_of(
                std::begin(kMethods), std::end(kMethods),
                [type = type, label](const Method& method) { return method.type == type && method.label == label; });
            if (known) continue;
            EXPECT_EQ(call(cptr, label, words, {kRootCNode, kRootCNode, kRootCNode}), illegal_operation())
                << "type " << int(type) << ", label " << label;
        }
        EXPECT_EQ(call(cptr, low_mask(52), words), illegal_operation());
    }
    expect_sound();
}

TEST_F(Decode, ShortMessagesAreTruncated) {
    auto const caps = one_of_each();
    for (Method const& method : kMethods) {
        // Depth 64 and index 0, so that looking up a target slot does not fail first.
        std::vector<Word> words(method.words, 0);
        CPtr cptr = caps.at(method.type);
        if (method.type == CapType::kCNode) {
            cptr = kRootCNode;
            words[0] = 700;
            words[1] = 64;
        }
        expect_truncated(cptr, method.label, words, std::vector<CPtr>(method.caps, kRootCNode));
    }
}

TEST_F(Decode, MessagesAndSignalsAreNoMethods) {
    // A call to nothing at all, and to what is being destroyed.
    EXPECT_EQ(call(free_slot(), seL4_TCBSuspend), invalid_capability(0));
    CPtr const zombie = free_slot();
    auto const node = make_cnode(1);
    slot(zombie).cap = Cap::zombie(node.get(), 1, 2);
    EXPECT_EQ(call(zombie, seL4_CNodeDelete, {0, 1}), invalid_capability(0));
    slot(zombie) = Slot{};
    EXPECT_EQ(call(add(Cap::sgi_signal(3, 1)), 12345, {1, 2, 3}), ok());
    EXPECT_EQ(host::machine.sgis.size(), 1u);
    EXPECT_EQ(host::machine.sgis[0].irq, 3u);
    EXPECT_EQ(host::machine.sgis[0].targets, 2u);
}

TEST_F(Decode, WithoutBufferThereAreFourWords) {
    Slot const buffer_slot = main_->slots[kSlotBuffer];
    main_->slots[kSlotBuffer] = Slot{};
    CPtr const untyped = make_untyped(12, false);
    EXPECT_EQ(call(untyped, seL4_UntypedRetype, {seL4_EndpointObject, 0, 0, 0, 512, 1}, {kRootCNode}), truncated());
    // What does not fit is left out of the answer.
    auto const other = make_passive(5);
    EXPECT_EQ(call(other.cptr, seL4_TCBReadRegisters, {0, 36}).words.size(), 4u);
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {bit(40), 64}),
              (Answer{seL4_FailedLookup, {0, seL4_GuardMismatch, 64, 0}}));
    main_->slots[kSlotBuffer] = buffer_slot;
}

// Words and capabilities at random, for every label on every type.
TEST_F(Decode, GarbageGetsADocumentedAnswer) {
    Random random(17);
    auto const caps = one_of_each();
    auto const word = [&]() -> Word {
        switch (random.below(4)) {
            case 0: return random.below(5);
            case 1: return random.below(70);
            case 2: return random.next() >> random.below(64);
            default: return 512 + random.below(64);
        }
    };
    for (unsigned step = 0; step < 20000; ++step) {
        Method const& method = kMethods[random.below(std::size(kMethods))];
        if (method.label == seL4_DomainScheduleSetStart) continue;  // the test's domain would end
        // What would end the test itself.
        bool const ends = method.label == seL4_CNodeRevoke || method.label == seL4_CNodeDelete ||
                          method.label == seL4_CNodeMove || method.label == seL4_CNodeMutate ||
                          method.label == seL4_CNodeRotate;
        CPtr const target = ends ? caps.at(CapType::kCNode) : caps.at(method.type);
        std::vector<Word> words;
        for (unsigned i = 0; i < method.words + random.below(3); ++i) words.push_back(word());
        std::vector<CPtr> extra;
        for (unsigned i = 0; i < method.caps; ++i) {
            auto pick = caps.begin();
            std::advance(pick, random.below(caps.size()));
            extra.push_back(random.chance(30) ? kRootCNode : pick->second);
        }
        if (ends && !extra.empty()) extra.assign(extra.size(), caps.at(CapType::kCNode));
        SCOPED_TRACE(::testing::Message() << "step " << step << " label " << method.label);
        Answer const got = call(target, method.label, words, extra);
        static const std::map<Word, std::vector<size_t>> kWordCounts = {
            {seL4_InvalidArgument, {1}},  {seL4_InvalidCapability, {1}}, {seL4_IllegalOperation, {0}},
            {seL4_RangeError, {2}},       {seL4_AlignmentError, {0}},    {seL4_FailedLookup, {2, 3, 4, 5}},
            {seL4_TruncatedMessage, {0}}, {seL4_DeleteFirst, {0}},       {seL4_RevokeFirst, {0}},
            {seL4_NotEnoughMemory, {1}},
        };
        if (got.label != seL4_NoError) {
            ASSERT_TRUE(kWordCounts.contains(got.label)) << got;
            auto const& counts = kWordCounts.at(got.label);
            ASSERT_NE(std::find(counts.begin(), counts.end(), got.words.size()), counts.end()) << got;
        }
        if (step % 64 == 0) expect_sound();
        ASSERT_FALSE(HasFailure());
        ASSERT_EQ(current(), main_.get());
    }
}

}  // namespace
}  // namespace keel
