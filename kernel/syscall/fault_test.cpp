// Tests of faults: what handlers are told, and what their answers change.
#include "core/fault.h"

#include <sel4/faults.h>

#include "core/derivation.h"
#include "core/entry.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/ipc_test.h"

namespace keel {
namespace {

using namespace testing;

class FaultTest : public IpcTest {
protected:
    FaultTest() : handler_(make_thread(20)) {
        set_handler(*client_, kSlotFaultHandler, 0x33);
        wait_for_fault();
    }

    void set_handler(Tcb& tcb, TcbSlot which, Word badge) {
        CPtr const cptr = copy(endpoint_.cptr, kAllRights, badge);
        insert_derived(slot(cptr), tcb.slots[which], cap(cptr));
    }
    void wait_for_fault() { receive_as(*handler_, endpoint_.cptr, reply_.cptr); }
    void answer(const Message& message) { reply_receive_as(*handler_, endpoint_.cptr, reply_.cptr, message); }
    void raise(const Fault& fault) {
        run(*client_);
        client_->context.fault_pc = 0x1000;
        client_->context.pc = 0x1000;
        on_fault(cpu(), *client_, fault);
        schedule(cpu());
    }
    void expect_fault(Word label, const std::vector<Word>& words) {
        EXPECT_EQ(client_->state, ThreadState::kBlockedOnReply);
        expect_message(*handler_, 0x33, label, words);
        expect_sound();
    }

    Made<Tcb> handler_;
};

TEST_F(FaultTest, UnknownSystemCall) {
    for (unsigned i = 0; i < 31; ++i) client_->context.x[i] = 1000 + i;
    client_->context.sp = 0x7000;
    client_->context.spsr = 0x60000140;
    client_->context.x[7] = 222;
    run(*client_);
    enter_syscall();
    expect_fault(seL4_Fault_UnknownSyscall, {1000, 1001, 1002, 1003, 1004, 1005, 1006, 222, kSvcAddress, 0x7000,
                                             kSvcAddress + 4, 0x60000140, 222});
    // The answer's words go into the same registers; the thread goes on at the FaultIP it is given.
    std::vector<Word> words = numbers(8, 50);
    words.insert(words.end(), {kSvcAddress + 4, 0x7100});
    answer({0, words});
    for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(client_->context.x[i], 50 + i);
    EXPECT_EQ(client_->context.x[8], 1008u);
    EXPECT_EQ(client_->context.pc, kSvcAddress + 4);
    EXPECT_EQ(client_->context.sp, 0x7100u);
    EXPECT_EQ(current(), client_.get());
}

TEST_F(FaultTest, NumbersThatAreNoSystemCalls) {
    for (int64_t number : {int64_t{0}, int64_t{1}, int64_t{-12}, int64_t{-13}, int64_t{-40}, int64_t{0xffffffff}}) {
        SCOPED_TRACE(number);
        run(*client_);
        client_->context.x[7] = static_cast<Word>(number);
        enter_syscall();
        EXPECT_EQ(label_of(*handler_), Word{seL4_Fault_UnknownSyscall});
        EXPECT_EQ(words_of(*handler_)[12], static_cast<Word>(number));
        answer({0, {}});
        EXPECT_EQ(client_->context.pc, kSvcAddress) << "without words it tries again";
    }
}

TEST_F(FaultTest, ANonZeroLabelLeavesTheThreadStopped) {
    for (Fault const& fault :
         {Fault{FaultType::kUnknownSyscall, {5, 0, 0}, {}}, Fault{FaultType::kUserException, {1, 2, 0}, {}}}) {
        raise(fault);
        answer({1, {7}});
        EXPECT_EQ(client_->state, ThreadState::kInactive);
        EXPECT_EQ(client_->fault.type, FaultType::kNone);
        resume(*client_);
        schedule(cpu());
    }
    raise({FaultType::kVm, {1, 2, 3}, {}});
    answer({1, {7}});
    EXPECT_EQ(client_->state, ThreadState::kRunning) << "any answer to a VM fault resumes";
}

TEST_F(FaultTest, VmFault) {
    raise({FaultType::kVm, {0xdead000, 0x92000006, 1}, {}});
    expect_fault(seL4_Fault_VMFault, {0x1000, 0xdead000, 1, 0x92000006});
    Word const x0 = client_->context.x[0];
    answer({0, {1, 2, 3}});
    EXPECT_EQ(client_->context.x[0], x0);
    EXPECT_EQ(client_->context.pc, 0x1000u);
    EXPECT_EQ(current(), client_.get());
}

TEST_F(FaultTest, UserException) {
    client_->context.sp = 0x7000;
    client_->context.spsr = 0x140;
    raise({FaultType::kUserException, {0x02000000, 0, 0}, {}});
    expect_fault(seL4_Fault_UserException, {0x1000, 0x7000, 0x140, 0x02000000, 0});
    answer({0, {0x2000, 0x7777, ~Word{0}}});
    EXPECT_EQ(client_->context.pc, 0x2000u);
    EXPECT_EQ(client_->context.sp, 0x7777u);
    EXPECT_EQ(client_->context.spsr & 0xf, 0u) << "never another exception level";
}

TEST_F(FaultTest, CapabilityFaults) {
    struct Case {
        int64_t number;
        CPtr address;
        std::vector<Word> words;
    };
    CPtr const empty = free_slot();
    auto const notification = make_notification();
    auto const reply = make_reply();
    for (Case const& c : {
             Case{seL4_SysSend, bit(40), {kSvcAddress, bit(40), 0, seL4_GuardMismatch, 64, 0, 54}},
             Case{seL4_SysCall, bit(40), {kSvcAddress, bit(40), 0, seL4_GuardMismatch, 64, 0, 54}},
             Case{seL4_SysRecv, bit(40), {kSvcAddress, bit(40), 1, seL4_GuardMismatch, 64, 0, 54}},
             Case{seL4_SysNBRecv, bit(40), {kSvcAddress, bit(40), 1, seL4_GuardMismatch, 64, 0, 54}},
             Case{seL4_SysWait, bit(40), {kSvcAddress, bit(40), 1, seL4_GuardMismatch, 64, 0, 54}},
             Case{seL4_SysRecv, empty, {kSvcAddress, empty, 1, seL4_MissingCapability, 0}},
             Case{seL4_SysWait, kVSpace, {kSvcAddress, kVSpace, 1, seL4_MissingCapability, 0}},
             Case{seL4_SysNBWait, empty, {kSvcAddress, empty, 1, seL4_MissingCapability, 0}},
         }) {
        SCOPED_TRACE(::testing::Message() << c.number << " on " << c.address);
        syscall_as(*client_, c.number, c.address, {}, reply.cptr);
        expect_fault(seL4_Fault_CapFault, c.words);
        answer({});
        EXPECT_EQ(client_->context.pc, kSvcAddress);
    }
    // The reply object is looked up too, the endpoint first.
    syscall_as(*client_, seL4_SysRecv, endpoint_.cptr, {}, empty);
    expect_fault(seL4_Fault_CapFault, {kSvcAddress, empty, 1, seL4_MissingCapability, 0});
    answer({});
    syscall_as(*client_, seL4_SysReplyRecv, bit(40), {}, reply.cptr);
    expect_fault(seL4_Fault_CapFault, {kSvcAddress, bit(40), 1, seL4_GuardMismatch, 64, 0, 54});
    answer({});
    // A notification needs none.
    syscall_as(*client_, seL4_SysNBRecv, notification.cptr, {}, empty);
    EXPECT_EQ(current(), client_.get());
    EXPECT_EQ(client_->state, ThreadState::kRunning);
}

TEST_F(FaultTest, EmptyAddressSpaces) {
    Slot const space = client_->slots[kSlotCSpace];
    client_->slots[kSlotCSpace] = Slot{};
    syscall_as(*client_, seL4_SysSend, 5);
    expect_message(*handler_, 0x33, seL4_Fault_CapFault, {kSvcAddress, 5, 0, seL4_InvalidRoot});
    client_->slots[kSlotCSpace] = space;
    // Too short an address: two levels, the second too large for what is left.
    answer({});
    auto const node = make_cnode(4);
    Cap root = Cap::cnode(node.get(), 4, 20, 0);
    node.get()[3].cap = Cap::cnode(node.get(), 4, 40, 0);
    node.get()[3].set_flags(true, true);
    client_->slots[kSlotCSpace].cap = root;
    syscall_as(*client_, seL4_SysSend, Word{3} << 40);
    expect_message(*handler_, 0x33, seL4_Fault_CapFault, {kSvcAddress, Word{3} << 40, 0, seL4_DepthMismatch, 40, 44});
    node.get()[3] = Slot{};
    client_->slots[kSlotCSpace] = space;
}

TEST_F(FaultTest, WithoutHandlerTheThreadStops) {
    auto const tcb = make_thread(9);
    run(*tcb);
    on_fault(cpu(), *tcb, {FaultType::kVm, {1, 2, 3}, {}});
    EXPECT_EQ(tcb->state, ThreadState::kInactive);
    // So it does with one that cannot be called.
    for (Word rights : {1, 2, 4, 6, 10}) {
        auto const other = make_thread(9);
        other->slots[kSlotFaultHandler].cap = Cap::endpoint(endpoint_.get(), {rights}, 0);
        run(*other);
        on_fault(cpu(), *other, {FaultType::kVm, {1, 2, 3}, {}});
        EXPECT_EQ(other->state, ThreadState::kInactive) << rights;
        schedule(cpu());
        other->slots[kSlotFaultHandler] = Slot{};
    }
}

TEST_F(FaultTest, ItWaitsForABusyHandler) {
    auto const second = make_thread(9);
    set_handler(*second, kSlotFaultHandler, 0x44);
    raise({FaultType::kVm, {1, 2, 3}, {}});
    run(*second);
    second->context.fault_pc = 0x5000;
    on_fault(cpu(), *second, {FaultType::kVm, {4, 5, 6}, {}});
    schedule(cpu());
    EXPECT_EQ(second->state, ThreadState::kBlockedOnSend);
    expect_sound();
    answer({});
    expect_message(*handler_, 0x44, seL4_Fault_VMFault, {0x5000, 4, 6, 5});
    EXPECT_EQ(second->state, ThreadState::kBlockedOnReply);
}

TEST_F(FaultTest, AHandlerWithoutBufferGetsWhatFits) {
    Slot const with_buffer = handler_->slots[kSlotBuffer];
    handler_->slots[kSlotBuffer] = Slot{};
    raise({FaultType::kUnknownSyscall, {5, 0, 0}, {}});
    EXPECT_EQ(length_of(*handler_), 4u);
    handler_->slots[kSlotBuffer] = with_buffer;
}

TEST_F(FaultTest, APassiveHandlerRunsOnTheFaultersTime) {
    auto const endpoint = make_endpoint();
    auto const reply = make_reply();
    auto const handler = passive_server(30, endpoint.cptr, reply.cptr);
    auto const tcb = make_thread(9);
    insert_derived(slot(endpoint.cptr), tcb->slots[kSlotFaultHandler], cap(endpoint.cptr));
    SchedContext* const sc = tcb->sched_context;
    run(*tcb);
    on_fault(cpu(), *tcb, {FaultType::kVm, {1, 2, 3}, {}});
    schedule(cpu());
    EXPECT_EQ(current(), handler.get());
    EXPECT_EQ(handler->sched_context, sc);
    reply_receive_as(*handler, endpoint.cptr, reply.cptr);
    EXPECT_EQ(tcb->sched_context, sc);
    EXPECT_EQ(handler->sched_context, nullptr);
    expect_sound();
}

TEST_F(FaultTest, Timeout) {
    auto const tcb = make_thread(10, 1000, 10000);
    client_ = tcb;
    set_handler(*tcb, kSlotTimeoutHandler, 0x33);
    tcb->sched_context->badge = 77;
    run(*tcb);
    tcb->context.pc = 0x9000;
    pass(986);
    tick();
    EXPECT_EQ(current(), handler_.get());
    EXPECT_EQ(label_of(*handler_), Word{seL4_Fault_Timeout});
    EXPECT_EQ(words_of(*handler_), (std::vector<Word>{77, 986}));
    EXPECT_EQ(tcb->state, ThreadState::kBlockedOnReply);
    EXPECT_NE(tcb->sched_context, nullptr) << "there is no time to lend";
    expect_sound();
    // The answer may carry all registers; the thread then waits for its budget.
    std::vector<Word> words{0xa000, 0x7000, 0x140};
    answer({0, words});
    EXPECT_EQ(tcb->context.fault_pc, 0xa000u);
    EXPECT_EQ(tcb->context.sp, 0x7000u);
    EXPECT_EQ(tcb->state, ThreadState::kRestart);
    EXPECT_TRUE(tcb->in_release_queue);
    expect_sound();
    pass(10000);
    tick();
    EXPECT_EQ(current(), tcb.get());
    EXPECT_EQ(tcb->context.pc, 0xa000u);
}

TEST_F(FaultTest, RoundRobinHasNoTimeout) {
    auto const tcb = make_thread(10, 1000, 0);
    set_handler(*tcb, kSlotTimeoutHandler, 0x33);
    run(*tcb);
    pass(1000);
    tick();
    EXPECT_EQ(tcb->state, ThreadState::kRunning);
    expect_sound();
}

TEST_F(FaultTest, SuspendingAFaultedThreadForgetsTheFault) {
    raise({FaultType::kVm, {1, 2, 3}, {}});
    suspend(*client_);
    EXPECT_EQ(reply_->tcb, nullptr);
    resume(*client_);
    schedule(cpu());
    EXPECT_EQ(client_->fault.type, FaultType::kNone);
    // Its next message is its own.
    wait_for_fault();
    send_as(*client_, endpoint_.cptr, {3, {4}});
    expect_message(*handler_, 0, 3, {4});
    expect_sound();
}

}  // namespace
}  // namespace keel
