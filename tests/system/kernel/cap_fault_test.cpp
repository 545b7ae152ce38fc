// Capability faults: which system call faults on what, every lookup failure in the message, restart after the reply.
#include "faults.h"
#include "stubs.h"

namespace {

enum class Phase : Word { kSend = 0, kReceive = 1 };

// What a thread's system call with this number does.
struct Syscall {
    int number;
    Phase phase;  // of the capability in x0
    bool faults_on_bad_address;
};

constexpr Syscall kSyscalls[] = {
    {seL4_SysCall, Phase::kSend, true},          {seL4_SysSend, Phase::kSend, true},
    {seL4_SysNBSend, Phase::kSend, false},       {seL4_SysReplyRecv, Phase::kReceive, true},
    {seL4_SysNBSendRecv, Phase::kReceive, true}, {seL4_SysNBSendWait, Phase::kReceive, true},
    {seL4_SysRecv, Phase::kReceive, true},       {seL4_SysNBRecv, Phase::kReceive, true},
    {seL4_SysWait, Phase::kReceive, true},       {seL4_SysNBWait, Phase::kReceive, true},
};

Word number_word(int number) { return static_cast<Word>(static_cast<int64_t>(number)); }

// The fault of a thread in its own small CSpace that makes one system call; badge 0 if there was none.
MessageCopy fault_of(TestContext& t, const Spaces& spaces, int number, CPtr target, CPtr reply_object, Word tag = 0,
                     CPtr extra_cap = kNullCap) {
    FaultingThread faulting;
    if (!faulting.create(t, {.spaces = spaces})) {
        return {};
    }
    Word registers[9] = {target, tag, 2, 3, 4, 5, reply_object, number_word(number), 0};
    faulting.thread().buffer()->caps_or_badges[0] = extra_cap;
    EXPECT_OK(faulting.thread().start([&] { stub_svc(registers); }));
    MessageCopy fault = faulting.take();
    if (fault.badge != 0 && fault.word(seL4_CapFault_IP) != address_of(stub_svc_at)) {
        // A thread without capabilities faults once more when it is done; that one is not meant.
        return {};
    }
    return fault;
}

void check_fault(const MessageCopy& fault, Phase phase, CPtr address, Word type, std::initializer_list<Word> details,
                 int line) {
    using kos::roottask::testing::check;
    check(fault.badge == FaultingThread::kBadge, __FILE__, line, "badge", fault.badge, "expected",
          FaultingThread::kBadge);
    check(fault.label() == seL4_Fault_CapFault, __FILE__, line, "label", fault.label(), "expected",
          Word{seL4_Fault_CapFault});
    check(fault.word(seL4_CapFault_Addr) == address, __FILE__, line, "address", fault.word(seL4_CapFault_Addr),
          "expected", address);
    check(fault.word(seL4_CapFault_InRecvPhase) == static_cast<Word>(phase), __FILE__, line, "in receive phase",
          fault.word(seL4_CapFault_InRecvPhase), "expected", static_cast<Word>(phase));
    check(fault.word(seL4_CapFault_LookupFailureType) == type, __FILE__, line, "lookup failure",
          fault.word(seL4_CapFault_LookupFailureType), "expected", type);
    check(fault.length() == 4 + details.size(), __FILE__, line, "length", fault.length(), "expected",
          4 + details.size());
    size_t i = 4;
    for (Word detail : details) {
        check(fault.word(i) == detail, __FILE__, line, "detail", fault.word(i), "expected", detail);
        ++i;
    }
}
#define EXPECT_CAP_FAULT(fault, phase, address, type, ...) \
    check_fault((fault), (phase), (address), (type), {__VA_ARGS__}, __LINE__)

// radix 4: [1] endpoint, [2] reply object, [3] CNode of radix 3 with guard 1 of 2 bits, [4] CNode whose guard takes
// more bits than are left, [5] TCB, [6] notification; the others are empty.
struct SmallCSpace {
    TestCNode root;
    Spaces spaces;
    static constexpr CPtr slot(Word index) { return index << 60; }
};

SmallCSpace make_small_cspace(TestContext& t) {
    SmallCSpace space{make_cnode(t, 4), {}};
    space.spaces = {space.root.cap, 0, seL4_CapInitThreadVSpace, 0};
    EXPECT_OK(cnode_copy(space.root.at(1), root_slot(t.make(seL4_EndpointObject))));
    EXPECT_OK(cnode_copy(space.root.at(2), root_slot(t.make(seL4_ReplyObject))));
    CPtr inner = t.make(seL4_CapTableObject, 3);
    EXPECT_OK(cnode_mint(space.root.at(3), root_slot(inner), 15, seL4_CNode_CapData_new(1, 2).words[0]));
    EXPECT_OK(cnode_mint(space.root.at(4), root_slot(inner), 15, seL4_CNode_CapData_new(0, 58).words[0]));
    EXPECT_OK(cnode_copy(space.root.at(5), root_slot(t.make(seL4_TCBObject))));
    EXPECT_OK(cnode_copy(space.root.at(6), root_slot(t.make(seL4_NotificationObject))));
    return space;
}

constexpr CPtr kReply = SmallCSpace::slot(2);

}  // namespace

KOS_TEST(cap_fault_guard_mismatch) {
    SmallCSpace space = make_small_cspace(t);
    CPtr target = SmallCSpace::slot(3) | Word{2} << 58;
    for (const Syscall& call_kind : kSyscalls) {
        MessageCopy fault = fault_of(t, space.spaces, call_kind.number, target, kReply);
        if (call_kind.faults_on_bad_address) {
            EXPECT_CAP_FAULT(fault, call_kind.phase, target, seL4_GuardMismatch, 60, 1, 2);
        } else {
            EXPECT_EQ(fault.badge, 0u);
        }
    }
}

KOS_TEST(cap_fault_depth_mismatch) {
    SmallCSpace space = make_small_cspace(t);
    CPtr target = SmallCSpace::slot(4);
    for (const Syscall& call_kind : kSyscalls) {
        MessageCopy fault = fault_of(t, space.spaces, call_kind.number, target, kReply);
        if (call_kind.faults_on_bad_address) {
            EXPECT_CAP_FAULT(fault, call_kind.phase, target, seL4_DepthMismatch, 60, 61);
        } else {
            EXPECT_EQ(fault.badge, 0u);
        }
    }
}

KOS_TEST(cap_fault_invalid_root) {
    for (const Syscall& call_kind : kSyscalls) {
        TestCNode root = make_cnode(t, 4);
        FaultingThread faulting;
        ASSERT_TRUE(faulting.create(t, {.spaces = {root.cap, 0, seL4_CapInitThreadVSpace, 0}}));
        // Revoking the original takes the copy that the thread holds.
        EXPECT_OK(cnode_revoke(root_slot(root.cap)));
        Word registers[9] = {7, 0, 2, 3, 4, 5, 8, number_word(call_kind.number), 0};
        EXPECT_OK(faulting.thread().start([&] { stub_svc(registers); }));
        MessageCopy fault = faulting.take();
        if (call_kind.faults_on_bad_address) {
            EXPECT_CAP_FAULT(fault, call_kind.phase, 7, seL4_InvalidRoot);
        } else {
            EXPECT_NE(fault.word(seL4_CapFault_IP), address_of(stub_svc_at));
        }
    }
}

KOS_TEST(cap_fault_receive_from_what_cannot_be_received_from) {
    SmallCSpace space = make_small_cspace(t);
    EXPECT_OK(cnode_copy(space.root.at(7), root_slot(t.make(seL4_EndpointObject)), seL4_NoRead));
    EXPECT_OK(cnode_copy(space.root.at(8), root_slot(t.make(seL4_NotificationObject)), seL4_NoRead));
    for (const Syscall& call_kind : kSyscalls) {
        if (call_kind.phase == Phase::kSend) {
            continue;
        }
        // Empty, a TCB, an endpoint and a notification that may not be read.
        for (Word index : {Word{9}, Word{5}, Word{7}, Word{8}}) {
            CPtr target = SmallCSpace::slot(index);
            EXPECT_CAP_FAULT(fault_of(t, space.spaces, call_kind.number, target, kReply), Phase::kReceive, target,
                             seL4_MissingCapability, 0);
        }
    }
}

KOS_TEST(cap_fault_send_without_the_right_is_silent) {
    SmallCSpace space = make_small_cspace(t);
    EXPECT_OK(cnode_copy(space.root.at(7), root_slot(t.make(seL4_EndpointObject)), seL4_NoWrite));
    EXPECT_OK(cnode_copy(space.root.at(8), root_slot(t.make(seL4_NotificationObject)), seL4_NoWrite));
    for (int number : {seL4_SysCall, seL4_SysSend, seL4_SysNBSend}) {
        for (Word index : {Word{9}, Word{7}, Word{8}}) {  // an empty slot and two without the right
            EXPECT_EQ(fault_of(t, space.spaces, number, SmallCSpace::slot(index), kReply).badge, 0u);
        }
    }
}

KOS_TEST(cap_fault_call_without_the_right_is_told) {
    CPtr endpoint = t.copy(t.make(seL4_EndpointObject), seL4_NoWrite);
    EXPECT_INVALID_CAPABILITY(invoke(endpoint, 0), 0);
    CPtr notification = t.copy(t.make(seL4_NotificationObject), seL4_NoWrite);
    EXPECT_INVALID_CAPABILITY(invoke(notification, 0), 0);
    EXPECT_INVALID_CAPABILITY(invoke(t.slot(), 0), 0);
}

KOS_TEST(cap_fault_bits_beyond_an_object_are_ignored) {
    SmallCSpace space = make_small_cspace(t);
    // The notification is found after 4 bits; what follows is not looked at.
    EXPECT_EQ(fault_of(t, space.spaces, seL4_SysNBWait, SmallCSpace::slot(6) | 0x123456789, kReply).badge, 0u);
}

KOS_TEST(cap_fault_extra_capability) {
    SmallCSpace space = make_small_cspace(t);
    Word tag = Tag::make(0, 0, 1).word;
    CPtr wrong = SmallCSpace::slot(3) | Word{2} << 58;
    for (int number : {seL4_SysCall, seL4_SysSend}) {
        EXPECT_CAP_FAULT(fault_of(t, space.spaces, number, SmallCSpace::slot(1), kReply, tag, wrong), Phase::kSend,
                         wrong, seL4_GuardMismatch, 60, 1, 2);
        EXPECT_CAP_FAULT(fault_of(t, space.spaces, number, SmallCSpace::slot(1), kReply, tag, SmallCSpace::slot(4)),
                         Phase::kSend, SmallCSpace::slot(4), seL4_DepthMismatch, 60, 61);
    }
    // NBSend stays silent.
    EXPECT_EQ(fault_of(t, space.spaces, seL4_SysNBSend, SmallCSpace::slot(1), kReply, tag, wrong).badge, 0u);
}

KOS_TEST(cap_fault_reply_capability) {
    SmallCSpace space = make_small_cspace(t);
    CPtr source = SmallCSpace::slot(1);
    // Nobody is there to receive from, so what is wrong with x6 shows.
    for (int number : {seL4_SysRecv, seL4_SysNBRecv, seL4_SysReplyRecv, seL4_SysNBSendRecv}) {
        for (Word index : {Word{9}, Word{5}, Word{1}}) {  // empty, a TCB, an endpoint
            CPtr reply_object = SmallCSpace::slot(index);
            EXPECT_CAP_FAULT(fault_of(t, space.spaces, number, source, reply_object), Phase::kReceive, reply_object,
                             seL4_MissingCapability, 0);
        }
        CPtr wrong = SmallCSpace::slot(3) | Word{2} << 58;
        EXPECT_CAP_FAULT(fault_of(t, space.spaces, number, source, wrong), Phase::kReceive, wrong, seL4_GuardMismatch,
                         60, 1, 2);
    }
}

KOS_TEST(cap_fault_receive_from_notification_needs_no_reply) {
    SmallCSpace space = make_small_cspace(t);
    EXPECT_EQ(fault_of(t, space.spaces, seL4_SysNBRecv, SmallCSpace::slot(6), SmallCSpace::slot(9)).badge, 0u);
}

KOS_TEST(cap_fault_reply_restarts_the_system_call) {
    FaultingThread faulting;
    ASSERT_TRUE(faulting.create(t));
    CPtr later = t.slot();
    Shared<Word> badge;
    EXPECT_OK(faulting.thread().start([&] { badge.set(wait(later).badge); }));
    EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_CapFault});
    faulting.answer();  // nothing has changed: again
    EXPECT_EQ(faulting.take().label(), Word{seL4_Fault_CapFault});
    CPtr notification = t.make(seL4_NotificationObject);
    EXPECT_OK(cnode_copy(root_slot(later), root_slot(notification)));
    faulting.answer(99, {1, 2, 3});  // label and words do not matter
    EXPECT_EQ(faulting.take().badge, 0u);
    signal(t.mint(notification, 0x55));
    EXPECT_EQ(badge.get(), 0x55u);
    EXPECT_TRUE(faulting.thread().finished());
}
