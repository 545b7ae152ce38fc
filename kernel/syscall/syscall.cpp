// The system calls: which phases each has, and what happens when one of them fails.
//
// A call is a send phase (an invocation of some capability), a receive phase, or both. A failed send phase is reported
// to a caller, faults a blocking sender, and is silent otherwise; a failed receive phase always faults.
#include "core/cspace.h"
#include "core/destroy.h"
#include "core/endpoint.h"
#include "core/entry.h"
#include "core/fault.h"
#include "core/ipc.h"
#include "core/notification.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/scheduler.h"
#include "core/thread.h"
#include "syscall/debug.h"
#include "syscall/fastpath.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

struct SendPhase {
    CPtr address;
    bool is_blocking;
    bool is_call;
    bool may_donate;
};

// Endpoint, notification and reply capabilities, whose invocation is a message rather than a method.
Outcome invoke_message(Invocation& inv) {
    switch (inv.cap.type()) {
        case CapType::kEndpoint: {
            Rights const rights = inv.cap.rights();
            if (!rights.write()) return inv.invalid_capability(0);
            set_state(inv.caller, ThreadState::kRunning);
            send(*inv.cap.endpoint(), inv.caller,
                 {inv.cap.badge(), inv.is_blocking, inv.is_call, rights.grant(), rights.grant_reply(), inv.may_donate});
            return Outcome::kReplied;
        }
        case CapType::kNotification:
            if (!inv.cap.rights().write()) return inv.invalid_capability(0);
            signal(*inv.cap.notification(), inv.cap.badge());
            return Outcome::kDone;
        default: answer(inv.caller, *inv.cap.reply(), inv.cap.reply_grant()); return Outcome::kDone;
    }
}

// The calls that send and then receive carry out messages and memory methods only: what could stop or change the
// caller between its two halves is refused, without a word to the caller.
bool is_refused_before_receive(CapType type) {
    switch (type) {
        case CapType::kThread:
        case CapType::kCNode:
        case CapType::kSchedContext:
        case CapType::kSchedControl:
        case CapType::kDomainControl: return true;
        default: return false;
    }
}

Outcome dispatch(Invocation& inv) {
    switch (inv.cap.type()) {
        case CapType::kEndpoint:
        case CapType::kNotification:
        case CapType::kReply: return invoke_message(inv);
        case CapType::kUntyped: return invoke_untyped(inv);
        case CapType::kCNode: return invoke_cnode(inv);
        case CapType::kThread: return invoke_thread(inv);
        case CapType::kSchedContext: return invoke_sched_context(inv);
        case CapType::kSchedControl: return invoke_sched_control(inv);
        case CapType::kIrqControl: return invoke_irq_control(inv);
        case CapType::kIrqHandler: return invoke_irq_handler(inv);
        case CapType::kSgiSignal: return invoke_sgi_signal(inv);
        case CapType::kDomainControl: return invoke_domain_control(inv);
        case CapType::kSmc: return invoke_smc(inv);
        case CapType::kAsidControl: return invoke_asid_control(inv);
        case CapType::kAsidPool: return invoke_asid_pool(inv);
        case CapType::kVSpace: return invoke_vspace(inv);
        case CapType::kPageTable: return invoke_page_table(inv);
        case CapType::kFrame: return invoke_frame(inv);
        case CapType::kNull:
        case CapType::kZombie: break;
    }
    return inv.invalid_capability(0);
}

// Writes the error message of a failed call; the words are those of the manual, section "Errors".
void reply_error(Tcb& caller, const SyscallError& error) {
    Word words[6];
    unsigned count = 0;
    switch (error.code) {
        case seL4_InvalidArgument:
        case seL4_InvalidCapability:
        case seL4_NotEnoughMemory: words[count++] = error.word[0]; break;
        case seL4_RangeError:
            words[count++] = error.word[0];
            words[count++] = error.word[1];
            break;
        case seL4_FailedLookup:
            words[count++] = error.word[0];
            words[count++] = error.lookup.kind;
            if (error.lookup.kind == LookupFailure::kInvalidRoot) break;
            words[count++] = error.lookup.bits_left;
            if (error.lookup.kind == LookupFailure::kMissingCapability) break;
            words[count++] = error.lookup.detail[0];
            if (error.lookup.kind == LookupFailure::kGuardMismatch) words[count++] = error.lookup.detail[1];
            break;
        default: break;
    }
    reply_to_call(caller, words, count);
    unsigned const length = MessageTag{caller.context.message_tag()}.length();
    caller.context.message_tag() = MessageTag::make(error.code, 0, 0, length).word;
}

// The send phase. kPreempted: the thread executes the whole system call again.
Progress send_phase(Cpu& cpu, Tcb& tcb, const SendPhase& phase) {
    SlotLookup const found = lookup_slot(tcb, phase.address);
    if (!found.slot) {
        if (phase.is_blocking) raise_fault(tcb, cap_fault(phase.address, false, found.failure));
        return Progress::kDone;
    }
    MessageTag const tag{tcb.context.message_tag()};
    IpcBuffer const* buffer = nullptr;
    ExtraCaps caps;
    if (!tag.fits_registers()) {
        buffer = ipc_buffer(tcb, false);
        Fault fault;
        if (!find_extra_caps(tcb, tag, buffer, caps, fault)) {
            if (phase.is_blocking) raise_fault(tcb, fault);
            return Progress::kDone;
        }
    }
    Invocation inv(cpu, tcb, *found.slot, tag, caps, buffer);
    if (phase.may_donate && !phase.is_call && is_refused_before_receive(inv.cap.type())) return Progress::kDone;
    inv.is_call = phase.is_call;
    inv.is_blocking = phase.is_blocking;
    inv.may_donate = phase.may_donate;
    // If the invocation stops this very thread, it will execute its system call again when it is resumed.
    set_state(tcb, ThreadState::kRestart);
    Outcome const outcome = dispatch(inv);
    if (outcome == Outcome::kPreempted) return Progress::kPreempted;
    if (outcome == Outcome::kError) {
        tcb.cache_done = 0;  // of this very call, interrupted before
        if (phase.is_call) reply_error(tcb, inv.error);
        set_state(tcb, ThreadState::kRunning);
        return Progress::kDone;
    }
    if (tcb.state == ThreadState::kRestart) {
        if (outcome == Outcome::kDone && phase.is_call) reply_to_call(tcb, nullptr, 0);
        set_state(tcb, ThreadState::kRunning);
    }
    return Progress::kDone;
}

void receive_phase(Tcb& tcb, bool is_blocking, bool with_reply) {
    CPtr const address = tcb.context.cap_or_badge();
    SlotLookup const found = lookup_slot(tcb, address);
    if (!found.slot) {
        raise_fault(tcb, cap_fault(address, true, found.failure));
        return;
    }
    Cap const cap = found.slot->cap;
    if (cap.is(CapType::kEndpoint) && cap.rights().read()) {
        Reply* reply = nullptr;
        if (with_reply) {
            CPtr const reply_address = tcb.context.reply_cap();
            SlotLookup const reply_slot = lookup_slot(tcb, reply_address);
            if (!reply_slot.slot || !reply_slot.slot->cap.is(CapType::kReply)) {
                LookupFailure const failure = reply_slot.slot ? LookupFailure::missing(0) : reply_slot.failure;
                raise_fault(tcb, cap_fault(reply_address, true, failure));
                return;
            }
            reply = reply_slot.slot->cap.reply();
        }
        receive(tcb, cap, reply, is_blocking);
        return;
    }
    if (cap.is(CapType::kNotification) && cap.rights().read()) {
        Tcb const* const bound = cap.notification()->bound_tcb;
        if (!bound || bound == &tcb) {
            wait_for_signal(tcb, *cap.notification(), is_blocking);
            return;
        }
    }
    raise_fault(tcb, cap_fault(address, true, LookupFailure::missing(0)));
}

void send_and_receive(Cpu& cpu, Tcb& tcb, CPtr destination, bool with_reply) {
    if (send_phase(cpu, tcb, {destination, false, false, true}) == Progress::kPreempted) return;
    receive_phase(tcb, true, with_reply);
}

void yield(Cpu& cpu) {
    SchedContext& sc = *cpu.current_sc;
    // What was used counts as consumed, what is given up does not.
    Ticks const consumed = sc.consumed + cpu.consumed;
    charge_budget(cpu, refill_head(sc).amount, false);
    sc.consumed = consumed;
}

}  // namespace

Outcome Invocation::reply(const Word* words, unsigned count) {
    if (is_call) reply_to_call(caller, words, count);
    return Outcome::kReplied;
}

Slot* lookup_target_slot(Invocation& inv, const Cap& root, CPtr index, Word depth, bool as_source) {
    if (!root.is(CapType::kCNode)) {
        inv.failed_lookup(as_source, LookupFailure::invalid_root());
        return nullptr;
    }
    if (depth < 1 || depth > kWordBits) {
        inv.range_error(1, kWordBits);
        return nullptr;
    }
    SlotLookup const found = lookup_slot(root, index, static_cast<unsigned>(depth));
    if (!found.slot) {
        inv.failed_lookup(as_source, found.failure);
        return nullptr;
    }
    if (found.bits_left != 0) {
        inv.failed_lookup(as_source, LookupFailure::depth_mismatch(found.bits_left, 0));
        return nullptr;
    }
    return found.slot;
}

bool ensure_empty(Invocation& inv, const Slot& slot) {
    if (slot.cap.is_null()) return true;
    inv.fail(seL4_DeleteFirst);
    return false;
}

void on_syscall(Cpu& cpu, Tcb& tcb) {
    auto const number = static_cast<int64_t>(tcb.context.syscall_number());
    if (number == seL4_SysSend && signal_fast(tcb)) return;
    if (number > seL4_SysCall || number < seL4_SysYield) {
        if (debug_syscall(cpu, tcb, number)) return;
        Fault fault;
        fault.type = FaultType::kUnknownSyscall;
        fault.word[0] = static_cast<Word>(number);
        on_fault(cpu, tcb, fault);
        return;
    }
    update_time(cpu);
    if (!check_budget(cpu)) {
        if (tcb.is_runnable()) set_state(tcb, ThreadState::kRestart);
        return;
    }
    UserContext const& context = tcb.context;
    CPtr const target = tcb.context.cap_or_badge();
    switch (number) {
        case seL4_SysCall: send_phase(cpu, tcb, {target, true, true, true}); break;
        case seL4_SysSend: send_phase(cpu, tcb, {target, true, false, false}); break;
        case seL4_SysNBSend: send_phase(cpu, tcb, {target, false, false, false}); break;
        case seL4_SysReplyRecv: send_and_receive(cpu, tcb, context.reply_cap(), true); break;
        case seL4_SysNBSendRecv: send_and_receive(cpu, tcb, context.send_destination(), true); break;
        case seL4_SysNBSendWait: send_and_receive(cpu, tcb, context.reply_cap(), false); break;
        case seL4_SysRecv: receive_phase(tcb, true, true); break;
        case seL4_SysNBRecv: receive_phase(tcb, false, true); break;
        case seL4_SysWait: receive_phase(tcb, true, false); break;
        case seL4_SysNBWait: receive_phase(tcb, false, false); break;
        default: yield(cpu); break;
    }
}

}  // namespace keel
