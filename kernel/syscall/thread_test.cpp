// Tests of the TCB methods.
#include "core/thread.h"

#include <array>

#include "core/derivation.h"
#include "core/destroy.h"
#include "core/endpoint.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "testing/call_test.h"

namespace keel {
namespace {

using host::machine;
using namespace testing;

class ThreadMethods : public CallTest {
protected:
    ThreadMethods() : tcb_(make_passive(50)) {}

    CPtr make_frame(bool device = false, Rights rights = kAllRights) {
        return add(Cap::frame(PhysAddr{reinterpret_cast<Word>(allocate_object(12))}, FrameSize::k4KiB, device, rights));
    }
    CPtr untyped_with_child() {
        CPtr const untyped = make_untyped(12, false);
        copy(untyped);
        return untyped;
    }
    Answer configure(CPtr cspace, Word cspace_data, CPtr vspace, Word address, CPtr frame) {
        return call(tcb_.cptr, seL4_TCBConfigure, {cspace_data, 0, address}, {cspace, vspace, frame});
    }
    Answer set_sched_params(Word mcp, Word priority, CPtr authority, CPtr context, CPtr handler) {
        return call(tcb_.cptr, seL4_TCBSetSchedParams, {mcp, priority}, {authority, context, handler});
    }

    Made<Tcb> tcb_;
};

// --- Registers
// ---------------------------------------------------------------------------------------------------------------

TEST_F(ThreadMethods, RegistersInTheOrderOfTheAbi) {
    for (unsigned i = 0; i < 31; ++i) tcb_->context.x[i] = 100 + i;
    tcb_->context.fault_pc = 1;
    tcb_->context.sp = 2;
    tcb_->context.spsr = 3;
    tcb_->context.tpidr = 4;
    tcb_->context.tpidrro = 5;
    std::vector<Word> const all{1,   2,   3,   100, 101, 102, 103, 104, 105, 106, 107, 108,
                                116, 117, 118, 129, 130, 109, 110, 111, 112, 113, 114, 115,
                                119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 4,   5};
    for (Word count : {1, 4, 5, 12, 36})
        EXPECT_EQ(call(tcb_.cptr, seL4_TCBReadRegisters, {0, count}),
                  ok({all.begin(), all.begin() + static_cast<long>(count)}));
    for (Word count : {Word{0}, Word{37}, ~Word{0}})
        EXPECT_EQ(call(tcb_.cptr, seL4_TCBReadRegisters, {0, count}), range_error(1, 36));
    EXPECT_EQ(call(main_.cptr, seL4_TCBReadRegisters, {0, 1}), illegal_operation());
}

TEST_F(ThreadMethods, WritingRegisters) {
    std::vector<Word> words{0, 36};
    for (Word i = 0; i < 36; ++i) words.push_back(200 + i);
    words[4] = ~Word{0};  // spsr
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, words), ok());
    EXPECT_EQ(tcb_->context.pc, 200u);
    EXPECT_EQ(tcb_->context.fault_pc, 200u);
    EXPECT_EQ(tcb_->context.sp, 201u);
    EXPECT_EQ(tcb_->context.spsr, 0xf0000140u) << "condition flags are user level's, nothing else";
    EXPECT_EQ(tcb_->context.x[0], 203u);
    EXPECT_EQ(tcb_->context.x[28], 233u);
    EXPECT_EQ(tcb_->context.tpidr, 234u);
    EXPECT_EQ(tcb_->context.tpidrro, 235u);
    EXPECT_EQ(tcb_->state, ThreadState::kInactive);
    // Some only; none; more than there are.
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, {0, 2, 7, 8, 9}), ok());
    EXPECT_EQ(tcb_->context.pc, 7u);
    EXPECT_EQ(tcb_->context.sp, 8u);
    EXPECT_EQ(tcb_->context.x[0], 203u);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, {0, 0}), ok());
    std::vector<Word> many{0, 60};
    many.resize(62, 5);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, many), ok());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, {0, 3, 1, 2}), truncated());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, {0, ~Word{0}, 1, 2}), truncated());
    EXPECT_EQ(call(main_.cptr, seL4_TCBWriteRegisters, {0, 1, 2}), illegal_operation());
    // With the resume flag the thread runs.
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBWriteRegisters, {1, 1, 0x8000}), ok());
    EXPECT_EQ(tcb_->state, ThreadState::kRestart);
}

TEST_F(ThreadMethods, CopyingRegisters) {
    enum : Word { kSuspendSource = 1, kResumeTarget = 2, kFrame = 4, kInteger = 8 };
    auto const source = make_thread(5);
    for (unsigned i = 0; i < 31; ++i) source->context.x[i] = 300 + i;
    source->context.fault_pc = 0x4444;
    source->context.tpidr = 9;
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBCopyRegisters, {kFrame}, {source.cptr}), ok());
    EXPECT_EQ(tcb_->context.pc, 0x4444u);
    EXPECT_EQ(tcb_->context.x[8], 308u);
    EXPECT_EQ(tcb_->context.x[30], 330u);
    EXPECT_EQ(tcb_->context.x[9], 0u);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBCopyRegisters, {kInteger}, {source.cptr}), ok());
    EXPECT_EQ(tcb_->context.x[9], 309u);
    EXPECT_EQ(tcb_->context.tpidr, 9u);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBCopyRegisters, {kSuspendSource | kResumeTarget}, {source.cptr}), ok());
    EXPECT_EQ(source->state, ThreadState::kInactive);
    EXPECT_EQ(tcb_->state, ThreadState::kRestart);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBCopyRegisters, {0}, {kVSpace}), invalid_capability(1));
    expect_sound();
}

// --- Spaces, buffer, handlers
// ------------------------------------------------------------------------------------------------

TEST_F(ThreadMethods, ConfigureSetsAll) {
    auto const node = make_cnode(4);
    CPtr const frame = make_frame();
    EXPECT_EQ(configure(node.cptr, seL4_CNode_CapData_new(5, 60).words[0], kVSpace, 0x1400, frame), ok());
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_slots(), node.get());
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_guard_size(), 60u);
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_guard(), 5u);
    EXPECT_EQ(tcb_->slots[kSlotVSpace].cap.vspace_root(), cap(kVSpace).vspace_root());
    EXPECT_EQ(tcb_->slots[kSlotBuffer].cap.frame_base(), cap(frame).frame_base());
    EXPECT_EQ(raw(tcb_->buffer_address), 0x1400u);
    EXPECT_TRUE(is_parent_of(slot(node.cptr), tcb_->slots[kSlotCSpace]));
    // Address 0: no buffer, whatever the frame.
    EXPECT_EQ(configure(node.cptr, 0, kVSpace, 0, free_slot()), ok());
    EXPECT_TRUE(tcb_->slots[kSlotBuffer].cap.is_null());
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_guard_size(), 0u);
    expect_sound();
}

TEST_F(ThreadMethods, WhatConfigureRefuses) {
    CPtr const frame = make_frame(), endpoint = make_endpoint().cptr, empty = free_slot();
    CPtr const unassigned = add(Cap::vspace(allocate_object(12), 0));
    CPtr const used = untyped_with_child();
    for (CPtr wrong : {endpoint, empty, kVSpace, frame})
        EXPECT_EQ(configure(wrong, 0, kVSpace, 0x1000, frame), illegal_operation());
    for (CPtr wrong : {endpoint, empty, kRootCNode, frame, unassigned})
        EXPECT_EQ(configure(kRootCNode, 0, wrong, 0x1000, frame), illegal_operation());
    for (CPtr wrong : {endpoint, empty, kRootCNode, make_frame(true)})
        EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0x1000, wrong), illegal_operation());
    EXPECT_EQ(configure(used, 0, kVSpace, 0x1000, frame), revoke_first());
    EXPECT_EQ(configure(kRootCNode, 0, used, 0x1000, frame), revoke_first());
    EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0x1000, used), revoke_first());
    EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0x1200, frame), alignment_error());
    // Guard and radix take more than a word together.
    EXPECT_EQ(configure(kRootCNode, 55, kVSpace, 0x1000, frame), illegal_operation());
    EXPECT_EQ(configure(kRootCNode, 54, kVSpace, 0x1000, frame), ok());
    // Nothing had changed before.
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetSpace, {0, 0}, {kVSpace, kRootCNode, kVSpace}), invalid_capability(1));
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_guard_size(), 54u);
    expect_sound();
}

TEST_F(ThreadMethods, Handlers) {
    CPtr const endpoint = make_endpoint().cptr;
    auto const set = [&](CPtr handler) {
        return std::array{call(tcb_.cptr, seL4_TCBSetSpace, {0, 0}, {handler, kRootCNode, kVSpace}),
                          call(tcb_.cptr, seL4_TCBSetTimeoutEndpoint, {}, {handler}),
                          set_sched_params(1, 1, main_.cptr, 0, handler)};
    };
    for (Word rights = 0; rights < 16; ++rights) {
        bool const good = (rights & 1) && (rights & 12);
        auto const answers = set(copy(endpoint, {rights}, 0));
        EXPECT_EQ(answers[0], good ? ok() : invalid_capability(1)) << rights;
        EXPECT_EQ(answers[1], good ? ok() : invalid_capability(1)) << rights;
        EXPECT_EQ(answers[2], good ? ok() : invalid_capability(3)) << rights;
    }
    EXPECT_EQ(tcb_->slots[kSlotFaultHandler].cap.endpoint(), cap(endpoint).endpoint());
    EXPECT_EQ(tcb_->slots[kSlotTimeoutHandler].cap.endpoint(), cap(endpoint).endpoint());
    // An empty slot is no handler.
    for (Answer const& answer : set(free_slot())) EXPECT_EQ(answer, ok());
    EXPECT_TRUE(tcb_->slots[kSlotFaultHandler].cap.is_null());
    EXPECT_TRUE(tcb_->slots[kSlotTimeoutHandler].cap.is_null());
    for (CPtr wrong : {make_notification().cptr, kRootCNode}) EXPECT_EQ(set(wrong)[0], invalid_capability(1));
    expect_sound();
}

TEST_F(ThreadMethods, BufferOfTheRunningThread) {
    CPtr const frame = make_frame();
    EXPECT_EQ(call(main_.cptr, seL4_TCBSetIPCBuffer, {0x2000}, {frame}), ok());
    EXPECT_EQ(reinterpret_cast<Word>(&buffer(*main_)), raw(cap(frame).frame_base()));
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {free_slot(), 64}), ok());
}

// Replacing the last capability to a CNode would destroy it: seL4 refuses, also when the thread itself asks.
TEST_F(ThreadMethods, TheLastCapabilityOfASpaceStays) {
    auto const node = make_cnode(3);
    EXPECT_EQ(configure(node.cptr, 0, kVSpace, 0, 0), ok());
    EXPECT_EQ(configure(node.cptr, 0, kVSpace, 0, 0), ok());
    EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {node.cptr, 64}), ok());
    EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0, 0), illegal_operation());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetSpace, {0, 0}, {0, kRootCNode, kVSpace}), illegal_operation());
    EXPECT_EQ(tcb_->slots[kSlotCSpace].cap.cnode_slots(), node.get());
    // Nor the half-destroyed rest of it.
    for (unsigned i = 0; i < 8; ++i) {
        CPtr const held = make_endpoint().cptr;
        move_cap(slot(held), node.get()[i], cap(held));
    }
    machine.preempt_at = 2;
    EXPECT_EQ(delete_cap(tcb_->slots[kSlotCSpace]), Progress::kPreempted);
    EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0, 0), illegal_operation());
    EXPECT_EQ(delete_cap(tcb_->slots[kSlotCSpace]), Progress::kDone);
    EXPECT_EQ(configure(kRootCNode, 0, kVSpace, 0, 0), ok());
    expect_sound();
}

// The last capability to an endpoint may go: its waiters are sent back step by step.
TEST_F(ThreadMethods, ReplacingAHandlerIsInterruptible) {
    for (unsigned n = 1; n < 8; ++n) {
        SCOPED_TRACE(n);
        auto const endpoint = make_endpoint(), next = make_endpoint();
        EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetTimeoutEndpoint, {}, {endpoint.cptr}), ok());
        EXPECT_EQ(call(kRootCNode, seL4_CNodeDelete, {endpoint.cptr, 64}), ok());
        std::vector<Made<Tcb>> waiters;
        for (unsigned i = 0; i < 4; ++i) {
            waiters.push_back(make_thread(5 + i));
            run(*waiters.back());
            send(*endpoint, *waiters.back(), {0, true, false, false, false, false});
        }
        machine.preempt_at = n;
        EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetTimeoutEndpoint, {}, {next.cptr}), ok());
        EXPECT_EQ(tcb_->slots[kSlotTimeoutHandler].cap.endpoint(), next.get());
        for (auto const& waiter : waiters) {
            EXPECT_TRUE(waiter->is_runnable());
            suspend(*waiter);
        }
        expect_sound();
    }
}

// --- Priorities and scheduling
// -----------------------------------------------------------------------------------------------

TEST_F(ThreadMethods, PrioritiesUpToTheAuthoritys) {
    auto const authority = make_passive(1);
    authority->max_controlled_priority = 60;
    for (Word label : {seL4_TCBSetPriority, seL4_TCBSetMCPriority}) {
        EXPECT_EQ(call(tcb_.cptr, label, {61}, {authority.cptr}), range_error(0, 60));
        EXPECT_EQ(call(tcb_.cptr, label, {~Word{0}}, {main_.cptr}), range_error(0, 255));
        EXPECT_EQ(call(tcb_.cptr, label, {256}, {main_.cptr}), range_error(0, 255));
        EXPECT_EQ(call(tcb_.cptr, label, {1}, {kVSpace}), invalid_capability(1));
        EXPECT_EQ(call(tcb_.cptr, label, {60}, {authority.cptr}), ok());
    }
    EXPECT_EQ(tcb_->priority, 60);
    EXPECT_EQ(tcb_->max_controlled_priority, 60);
    EXPECT_EQ(set_sched_params(61, 1, authority.cptr, 0, 0), range_error(0, 60));
    EXPECT_EQ(set_sched_params(1, 61, authority.cptr, 0, 0), range_error(0, 60));
    EXPECT_EQ(set_sched_params(1, 1, kVSpace, 0, 0), invalid_capability(1));
    EXPECT_EQ(set_sched_params(40, 30, authority.cptr, 0, 0), ok());
    EXPECT_EQ(tcb_->priority, 30);
    EXPECT_EQ(tcb_->max_controlled_priority, 40);
}

TEST_F(ThreadMethods, ContextsOfSetSchedParams) {
    auto const first = make_context(1000, 2000), second = make_context(1000, 2000);
    auto const other = make_passive(5);
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, kVSpace, 0), invalid_capability(2));
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, first.cptr, 0), ok());
    EXPECT_EQ(tcb_->sched_context, first.get());
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, first.cptr, 0), ok());
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, second.cptr, 0), illegal_operation());
    EXPECT_EQ(call(other.cptr, seL4_TCBSetSchedParams, {1, 1}, {main_.cptr, first.cptr, 0}), illegal_operation());
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, 0, 0), ok());
    EXPECT_EQ(tcb_->sched_context, nullptr);
    EXPECT_EQ(first->tcb, nullptr);
    // The running thread cannot take its own away.
    EXPECT_EQ(call(main_.cptr, seL4_TCBSetSchedParams, {1, 1}, {main_.cptr, 0, 0}), illegal_operation());
    expect_sound();
}

TEST_F(ThreadMethods, ABlockedThreadTakesNoContextThatGivesNoTime) {
    auto const endpoint = make_endpoint();
    tcb_->state = ThreadState::kRunning;
    receive(*tcb_, cap(endpoint.cptr), nullptr, true);
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, make_empty_context().cptr, 0), illegal_operation());
    auto const used_up = make_context(100, 1000);
    refill_charge(*used_up, us_to_ticks(100));
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, used_up.cptr, 0), illegal_operation());
    EXPECT_EQ(call(used_up.cptr, seL4_SchedContextBind, {}, {tcb_.cptr}), illegal_operation());
    EXPECT_EQ(set_sched_params(1, 1, main_.cptr, make_context(100, 1000).cptr, 0), ok());
    expect_sound();
}

TEST_F(ThreadMethods, SuspendAndResume) {
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBResume), ok());
    EXPECT_EQ(tcb_->state, ThreadState::kRestart);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSuspend), ok());
    EXPECT_EQ(tcb_->state, ThreadState::kInactive);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSuspend), ok());
    auto const runner = make_thread(200);
    suspend(*runner);
    syscall_as(*main_, seL4_SysCall, runner.cptr, {seL4_TCBResume});
    EXPECT_EQ(current(), runner.get());
    expect_sound();
    // A thread can stop itself; when it is resumed it makes its call again.
    syscall_as(*runner, seL4_SysCall, runner.cptr, {seL4_TCBSuspend});
    EXPECT_EQ(current(), main_.get());
    EXPECT_EQ(runner->state, ThreadState::kInactive);
    expect_sound();
    syscall_as(*main_, seL4_SysCall, runner.cptr, {seL4_TCBResume});
    EXPECT_EQ(current(), runner.get());
    EXPECT_EQ(runner->context.pc, kSvcAddress);
}

TEST_F(ThreadMethods, Notifications) {
    auto const notification = make_notification(), second = make_notification();
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBUnbindNotification), illegal_operation());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBBindNotification, {}, {copy(notification.cptr, {1}, 0)}), illegal_operation());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBBindNotification, {}, {kVSpace}), illegal_operation());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBBindNotification, {}, {copy(notification.cptr, {2}, 0)}), ok());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBBindNotification, {}, {second.cptr}), illegal_operation());
    EXPECT_EQ(call(main_.cptr, seL4_TCBBindNotification, {}, {notification.cptr}), illegal_operation());
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBUnbindNotification), ok());
    auto const waiter = make_thread(101);
    syscall_as(*waiter, seL4_SysWait, notification.cptr);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBBindNotification, {}, {notification.cptr}), illegal_operation());
    expect_sound();
}

TEST_F(ThreadMethods, FlagsAndThreadPointer) {
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetFlags, {0, ~Word{0}}), ok({1}));
    EXPECT_TRUE(tcb_->fpu_disabled);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetFlags, {1, 1}), ok({1}));
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetFlags, {~Word{0}, 0}), ok({0}));
    EXPECT_FALSE(tcb_->fpu_disabled);
    EXPECT_EQ(call(tcb_.cptr, seL4_TCBSetTLSBase, {0x1234}), ok());
    EXPECT_EQ(tcb_->context.tpidr, 0x1234u);
    // Its values stay its own when a thread gives up the FPU and takes it back.
    Cpu& core = cpu();
    EXPECT_EQ(core.arch.fpu_owner, main_.get());
    machine.fpu_registers[0].q[3][0] = 42;
    EXPECT_EQ(call(main_.cptr, seL4_TCBSetFlags, {0, 1}), ok({1}));
    EXPECT_FALSE(core.arch.fpu_enabled);
    EXPECT_EQ(main_->fpu.q[3][0], 42);
    machine.fpu_registers[0].q[3][0] = 0;
    EXPECT_EQ(call(main_.cptr, seL4_TCBSetFlags, {1, 0}), ok({0}));
    EXPECT_TRUE(core.arch.fpu_enabled);
    EXPECT_EQ(machine.fpu_registers[0].q[3][0], 42);
}

TEST_F(ThreadMethods, EachThreadHasItsOwnFpuRegisters) {
    auto const a = make_thread(10), b = make_thread(10);
    suspend(*main_);
    a->fpu.q[0][0] = 1;
    b->fpu.q[0][0] = 2;
    schedule(cpu());
    for (unsigned i = 0; i < 6; ++i) {
        EXPECT_EQ(machine.fpu_registers[0].q[0][0], current() == a.get() ? 1 : 2);
        syscall(seL4_SysYield, 0);
    }
}

}  // namespace
}  // namespace keel
