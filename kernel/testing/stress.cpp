// Random system calls; see stress.h.
#include "testing/stress.h"

#include <sanitizer/asan_interface.h>
#include <sel4/abi.h>

#include "core/derivation.h"
#include "core/entry.h"
#include "core/ipc.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "testing/invariants.h"

namespace keel::testing {

using host::machine;

StressTest::StressTest(uint64_t seed) : random_(seed) {
    untyped_ = make_untyped(19, true);
    irq_control_ = add(Cap::irq_control());
    sched_control_ = add(Cap::sched_control(0));
    domain_control_ = add(Cap::domain_control());
    asid_control_ = add(Cap::asid_control());
    smc_ = add(Cap::smc(0));
    driver_context_ = make_context(5000, 0, 8);
    driver_ = make_passive(11);
    bind_thread(*driver_context_, *driver_);
    resume(*driver_);
    schedule(cpu());
    for (unsigned i = 1; i < kThreads; ++i) copy(make_thread(10 + static_cast<unsigned>(random_.below(4))).cptr);
    make_endpoint();
    make_notification();
    make_reply();
    for (CPtr cptr = 0; cptr < kFirst; ++cptr) low_[cptr] = cap(cptr);
    before_ = inventory();
}

void StressTest::run_steps(unsigned count) {
    for (unsigned i = 0; i < count && !HasFailure(); ++i) {
        SCOPED_TRACE(::testing::Message() << "step " << i);
        trace_.clear();
        if (!protect()) return;
        step();
        std::string const violations = find_violations(inventory(), true);
        EXPECT_EQ(violations, "") << trace_;
        forbid_destroyed();
    }
}

void StressTest::step() {
    // A preemption point may find an interrupt at any of its questions.
    machine.preempt_at = random_.chance(30) ? 1 + random_.below(12) : 0;
    if (random_.chance(60)) pass_ticks(random_.below(us_to_ticks(random_.chance(10) ? 6000 : 30)));
    if (current() == &cpu().idle) {
        rescue();
        return;
    }
    switch (random_.below(20)) {
        case 0: tick(); break;
        case 1:
            machine.waiting_irq = random_.below(kNumIrqs);
            tick();
            break;
        case 2:
            if (random_.chance(30)) {
                current()->context.fault_pc = current()->context.pc;
                on_fault(cpu(), *current(), {FaultType::kVm, {0x1000, 0x92000006, 0}, {}});
                schedule(cpu());
                break;
            }
            [[fallthrough]];
        default: system_call(); break;
    }
}

void StressTest::system_call() {
    Tcb* const caller = current();
    trace_ += "thread " + std::to_string(caller->priority) + " ";
    // Preempted before: the same again, unless the thread has been moved on by a fault reply.
    if (caller->context.pc == kSvcAddress && caller == last_caller_ && random_.chance(90)) {
        trace_ += "again";
        enter_syscall();
        return;
    }
    last_caller_ = caller;
    if (random_.chance(35))
        random_message();
    else
        random_call();
}

void StressTest::random_call() {
    switch (random_.below(12)) {
        case 0:
        case 1:
        case 2: retype(); break;
        case 3:
        case 4:
        case 5: cnode_operation(); break;
        case 6: thread_operation(); break;
        case 7: configure_thread(); break;
        case 8:
        case 9: context_operation(); break;
        case 10: random_.chance(70) ? memory_operation() : irq_operation(); break;
        default: random_.chance(20) ? domain_operation() : thread_operation(); break;
    }
}

void StressTest::random_message() {
    static constexpr int64_t kNumbers[] = {seL4_SysCall,       seL4_SysCall,
                                           seL4_SysReplyRecv,  seL4_SysReplyRecv,
                                           seL4_SysNBSendRecv, seL4_SysNBSendWait,
                                           seL4_SysSend,       seL4_SysNBSend,
                                           seL4_SysRecv,       seL4_SysNBRecv,
                                           seL4_SysWait,       seL4_SysNBWait,
                                           seL4_SysYield,      -40};
    int64_t const number = kNumbers[random_.below(std::size(kNumbers))];
    bool const waits_only = number == seL4_SysWait || number == seL4_SysNBWait || number == seL4_SysNBSendWait;
    CPtr const target = some(random_.chance(waits_only ? 80 : 20) ? CapType::kNotification : CapType::kEndpoint);
    CPtr const reply = some(CapType::kReply);
    Message message;
    message.label = random_.below(3);
    for (Word i = random_.below(random_.chance(80) ? 6 : 20); i > 0; --i) message.words.push_back(random_.next());
    for (Word i = random_.below(random_.chance(80) ? 1 : 4); i > 0; --i) message.caps.push_back(any());
    Tcb& tcb = *current();
    if (seL4_IPCBuffer* const to = ipc_buffer(tcb, true)) {
        to->receiveCNode = kRootCNode;
        to->receiveIndex = empty();
        to->receiveDepth = 64;
    }
    trace_ += "message " + std::to_string(number) + " " + std::to_string(target);
    use_fast_paths_ = random_.chance(50);
    syscall(number, target, message, reply, some(random_.chance(50) ? CapType::kReply : CapType::kNotification));
}

void StressTest::call(CPtr address, Word label, std::vector<Word> words, std::vector<CPtr> caps) {
    // A few arguments too few, or one that is garbage.
    if (random_.chance(3) && !words.empty()) words.resize(random_.below(words.size()));
    if (random_.chance(3) && !caps.empty()) caps.resize(random_.below(caps.size()));
    if (random_.chance(3) && !words.empty()) words[random_.below(words.size())] = random_.next() >> random_.below(64);
    if (random_.chance(3) && !caps.empty()) caps[random_.below(caps.size())] = any();
    if (label == seL4_CNodeDelete && words.size() > 0 && words[0] < kFirst) words[0] += kFirst;
    if ((label == seL4_CNodeMove || label == seL4_CNodeMutate) && words.size() > 2 && words[2] < kFirst)
        words[2] += kFirst;
    trace_ += "label " + std::to_string(label) + " on " + std::to_string(address) + " words";
    for (Word word : words) trace_ += " " + std::to_string(word);
    trace_ += " caps";
    for (CPtr cptr : caps) trace_ += " " + std::to_string(cptr);
    Tcb& caller = *current();
    syscall(random_.chance(95) ? seL4_SysCall : seL4_SysSend, address, {label, words, caps});
    if (&caller == current()) ++(label_of(caller) == seL4_NoError ? successes_ : errors_);
}

// --- Arguments
// -----------------------------------------------------------------------------------------------------------
CPtr StressTest::any() { return random_.chance(90) ? kFirst + random_.below(kLast - kFirst) : random_.below(70); }

CPtr StressTest::empty() {
    for (unsigned tries = 0; tries < 20; ++tries) {
        CPtr const cptr = kFirst + random_.below(kLast - kFirst);
        if (slot(cptr).cap.is_null()) return cptr;
    }
    return any();
}

CPtr StressTest::some(CapType type) {
    CPtr const start = random_.below(kLast);
    for (CPtr i = 0; i < kLast; ++i) {
        CPtr const cptr = (start + i) % kLast;
        if (slot(cptr).cap.is(type)) return cptr;
    }
    return any();
}

Word StressTest::some_time_us() { return random_.chance(30) ? 20 + random_.below(60) : random_.below(8000); }

// --- Invocations
// ---------------------------------------------------------------------------------------------------------
void StressTest::retype() {
    static constexpr Word kTypes[] = {seL4_UntypedObject,      seL4_TCBObject,           seL4_EndpointObject,
                                      seL4_NotificationObject, seL4_CapTableObject,      seL4_SchedContextObject,
                                      seL4_ReplyObject,        seL4_ARM_SmallPageObject, seL4_ARM_PageTableObject,
                                      seL4_ARM_VSpaceObject,   seL4_TCBObject,           seL4_SchedContextObject};
    Word const type = kTypes[random_.below(std::size(kTypes))];
    Word const size = type == seL4_UntypedObject        ? 5 + random_.below(11)
                      : type == seL4_CapTableObject     ? 1 + random_.below(4)
                      : type == seL4_SchedContextObject ? 7 + random_.below(3)
                                                        : 0;
    call(some(CapType::kUntyped), seL4_UntypedRetype,
         {type, size, 0, 0, empty(), random_.chance(70) ? 1 : 1 + random_.below(4)}, {kRootCNode});
}

void StressTest::cnode_operation() {
    CPtr const source = any();
    Word const depth = 64;
    switch (random_.below(12)) {
        case 0:
        case 1:
        case 2: call(kRootCNode, seL4_CNodeDelete, {kFirst + random_.below(kLast - kFirst), depth}); break;
        case 3:
            call(kRootCNode, seL4_CNodeRevoke,
                 {random_.chance(90) ? kFirst + random_.below(kLast - kFirst) : source, depth});
            break;
        case 4:
            call(kRootCNode, seL4_CNodeCopy, {empty(), depth, source, depth, random_.below(16)}, {kRootCNode});
            break;
        case 5: {
            CPtr const from = some(random_.chance(60) ? CapType::kEndpoint : CapType::kNotification);
            call(kRootCNode, seL4_CNodeMint, {empty(), depth, from, depth, 15, random_.below(4)}, {kRootCNode});
            break;
        }
        case 6: {
            // Into a small CNode, so that containers hold each other and themselves.
            CPtr const node = some(CapType::kCNode);
            Cap const cap = slot(node).cap;
            Word const radix = cap.is(CapType::kCNode) ? cap.cnode_radix() : 1;
            Word const total = radix + (cap.is(CapType::kCNode) ? cap.cnode_guard_size() : 0);
            call(node, random_.chance(50) ? seL4_CNodeMove : seL4_CNodeCopy,
                 {random_.below(bit(static_cast<unsigned>(radix))), total,
                  random_.chance(50) ? some(CapType::kCNode) : kFirst + random_.below(kLast - kFirst), depth, 15},
                 {kRootCNode});
            break;
        }
        case 7:
            call(kRootCNode, seL4_CNodeMove, {empty(), depth, kFirst + random_.below(kLast - kFirst), depth},
                 {kRootCNode});
            break;
        case 8:
            call(kRootCNode, seL4_CNodeMutate, {empty(), depth, some(CapType::kCNode), depth, random_.below(128)},
                 {kRootCNode});
            break;
        case 9:
            call(kRootCNode, seL4_CNodeRotate,
                 {empty(), depth, 0, kFirst + random_.below(100), depth, 0, kFirst + 100 + random_.below(100), depth},
                 {kRootCNode, kRootCNode});
            break;
        default: call(kRootCNode, seL4_CNodeCancelBadgedSends, {some(CapType::kEndpoint), depth}); break;
    }
}

void StressTest::thread_operation() {
    CPtr const tcb = some(CapType::kThread);
    switch (random_.below(12)) {
        case 0: call(tcb, seL4_TCBReadRegisters, {random_.below(2), 1 + random_.below(36)}); break;
        case 1: call(tcb, seL4_TCBWriteRegisters, {random_.below(2), 2, random_.next(), random_.next()}); break;
        case 2: call(tcb, seL4_TCBCopyRegisters, {random_.below(16)}, {some(CapType::kThread)}); break;
        case 3: call(tcb, seL4_TCBSetPriority, {8 + random_.below(6)}, {driver_.cptr}); break;
        case 4: call(tcb, seL4_TCBSetMCPriority, {random_.chance(70) ? 255 : random_.below(20)}, {driver_.cptr}); break;
        case 5: call(tcb, seL4_TCBSuspend, {}); break;
        case 6:
        case 7:
        case 8: call(tcb, seL4_TCBResume, {}); break;
        case 9: call(tcb, seL4_TCBBindNotification, {}, {some(CapType::kNotification)}); break;
        case 10: call(tcb, seL4_TCBUnbindNotification, {}); break;
        default: call(tcb, seL4_TCBSetFlags, {random_.below(2), random_.below(2)}); break;
    }
}

void StressTest::configure_thread() {
    CPtr const tcb = some(CapType::kThread);
    CPtr const handler = maybe_null(some(CapType::kEndpoint));
    switch (random_.below(6)) {
        case 0:
        case 1:
            call(tcb, seL4_TCBConfigure, {0, 0, 0x10000000},
                 {random_.chance(90) ? kRootCNode : some(CapType::kCNode), kVSpace, some(CapType::kFrame)});
            break;
        case 2:
        case 3:
            call(tcb, seL4_TCBSetSchedParams, {255, 8 + random_.below(6)},
                 {driver_.cptr, maybe_null(some(CapType::kSchedContext)), handler});
            break;
        case 4: call(tcb, seL4_TCBSetTimeoutEndpoint, {}, {handler}); break;
        default: call(tcb, seL4_TCBSetSpace, {0, 0}, {handler, kRootCNode, kVSpace}); break;
    }
}

void StressTest::context_operation() {
    CPtr const context = some(CapType::kSchedContext);
    CPtr const object = some(random_.chance(70) ? CapType::kThread : CapType::kNotification);
    switch (random_.below(10)) {
        case 0:
        case 1:
        case 2: {
            Word const budget = some_time_us();
            Word const period = random_.chance(30) ? budget : budget + some_time_us();
            call(sched_control_, seL4_SchedControlConfigureFlags,
                 {budget, period, random_.below(6), random_.next(), random_.below(2)}, {context});
            break;
        }
        case 3:
        case 4:
        case 5: call(context, seL4_SchedContextBind, {}, {object}); break;
        case 6: call(context, seL4_SchedContextUnbindObject, {}, {object}); break;
        case 7: call(context, seL4_SchedContextUnbind, {}); break;
        case 8: call(context, seL4_SchedContextConsumed, {}); break;
        default: call(context, seL4_SchedContextYieldTo, {}); break;
    }
}

void StressTest::irq_operation() {
    CPtr const handler = some(CapType::kIrqHandler);
    switch (random_.below(5)) {
        case 0: call(irq_control_, seL4_IRQIssueIRQHandler, {random_.below(160), empty(), 64}, {kRootCNode}); break;
        case 1:
            call(irq_control_, seL4_ARMIRQIssueIRQHandlerTrigger, {random_.below(160), 1, empty(), 64}, {kRootCNode});
            break;
        case 2: call(handler, seL4_IRQSetIRQHandler, {}, {some(CapType::kNotification)}); break;
        case 3: call(handler, seL4_IRQAckIRQ, {}); break;
        default: call(handler, seL4_IRQClearIRQHandler, {}); break;
    }
}

void StressTest::memory_operation() {
    Word const address =
        random_.below(4) << 39 | random_.below(2) << 30 | random_.below(2) << 21 | random_.below(4) << 12;
    CPtr const vspace = random_.chance(70) ? kVSpace : some(CapType::kVSpace);
    switch (random_.below(7)) {
        case 0:
        case 1: call(some(CapType::kPageTable), seL4_ARMPageTableMap, {address, 3}, {vspace}); break;
        case 2: call(some(CapType::kPageTable), seL4_ARMPageTableUnmap, {}); break;
        case 3: call(some(CapType::kFrame), seL4_ARMPageMap, {address, 3, 3}, {vspace}); break;
        case 4: call(some(CapType::kFrame), seL4_ARMPageUnmap, {}); break;
        case 5: call(some(CapType::kAsidPool), seL4_ARMASIDPoolAssign, {}, {vspace}); break;
        default:
            call(asid_control_, seL4_ARMASIDControlMakePool, {empty(), 64}, {some(CapType::kUntyped), kRootCNode});
            break;
    }
}

void StressTest::domain_operation() {
    switch (random_.below(3)) {
        case 0: call(domain_control_, seL4_DomainSetSet, {random_.below(2)}, {some(CapType::kThread)}); break;
        case 1:
            call(domain_control_, seL4_DomainScheduleConfigure,
                 {random_.below(3), random_.below(2), random_.below(90000)});
            break;
        default: call(domain_control_, seL4_DomainScheduleSetStart, {random_.below(3)}); break;
    }
}

// --- Between the steps
// --------------------------------------------------------------------------------------------------- Nobody runs: time
// passes, and if that does not help, the driver is put on its feet again by the kernel's own means.
void StressTest::rescue() {
    trace_ += "rescue";
    pass(random_.below(10000));
    tick();
    if (current() != &cpu().idle) return;
    settle();
    last_caller_ = nullptr;  // no more of what the driver waits in
    if (Cap const other = cap(some(CapType::kThread)); other.is(CapType::kThread)) resume(*other.thread());
    Tcb& tcb = *driver_;
    if (tcb.slots[kSlotCSpace].cap.is_null())
        insert_derived(slot(kRootCNode), tcb.slots[kSlotCSpace], slot(kRootCNode).cap);
    SchedContext& sc = *driver_context_;
    if (tcb.sched_context && tcb.sched_context != &sc) unbind_thread(*tcb.sched_context, tcb);
    suspend(tcb);
    if (!tcb.sched_context) {
        if (sc.tcb) unbind_thread(sc, *sc.tcb);
        bind_thread(sc, tcb);
    }
    resume(tcb);
    schedule(cpu());
}

// The capabilities that the test itself needs come back to their slots. False: the test cannot go on.
bool StressTest::protect() {
    for (CPtr cptr = 1; cptr < kFirst; ++cptr) {
        if (!slot(cptr).cap.is_null() || low_[cptr].is_null()) continue;
        for (Slot* other : inventory().slots) {
            bool const same = other->cap.is(CapType::kUntyped) ? other->cap.meta == low_[cptr].meta
                                                               : same_object(other->cap, low_[cptr]);
            if (!same || !slot(cptr).cap.is_null()) continue;
            bool const in_root = other >= &slot(kFirst) && other < &slot(kLast);
            if (in_root) move_cap(*other, slot(cptr), low_[cptr].is(CapType::kUntyped) ? other->cap : low_[cptr]);
        }
    }
    Cap const needed[] = {cap(kRootCNode), cap(driver_.cptr), cap(driver_context_.cptr)};
    return same_object(needed[0], low_[kRootCNode]) && needed[1].is(CapType::kThread) &&
           needed[2].is(CapType::kSchedContext);
}

// Domain 0 for ever.
void StressTest::settle() {
    for (DomainSlot& entry : kernel.domain_schedule) entry = {};
    kernel.domain_schedule[0] = {0, kForever};
    kernel.domain_start = 0;
    start_domain_schedule(cpu(), 0);
    set_domain(*driver_, 0);
}

void StressTest::forbid_destroyed() {
    Inventory now = inventory();
    for (auto const& [memory, size] : before_.memory) {
        if (!now.memory.contains(memory)) ASAN_POISON_MEMORY_REGION(memory, size);
    }
    // What lies in the memory of something that is gone, but lives: the slots of a thread that is being destroyed.
    for (auto const& [memory, size] : now.memory) ASAN_UNPOISON_MEMORY_REGION(memory, size);
    before_ = std::move(now);
}

}  // namespace keel::testing
