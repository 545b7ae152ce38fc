// The architecture-independent invocations, one function each, in the order of the labels.
//
// Each returns what the kernel answered; arguments are passed on unchecked. Slots are named by SlotPath.
// Source: seL4 16.0.0 API reference, "Architecture-Independent Object Methods".
#pragma once

#include <kos/sel4/invoke.h>

namespace kos::sel4 {

// A slot: root CNode capability, index below it, and how many bits of the index are translated.
struct SlotPath {
    CPtr root = kNullCap;
    Word index = 0;
    Word depth = seL4_WordBits;
};

// --- Untyped

// Destination of a retype: the CNode found by node_index/node_depth below root, and the first slot in it.
struct RetypeWindow {
    CPtr root = kNullCap;
    Word node_index = 0;
    Word node_depth = 0;
    Word offset = 0;
    Word count = 1;
};

inline Result untyped_retype(CPtr untyped, Word type, Word size_bits, const RetypeWindow& window) {
    return invoke(untyped, seL4_UntypedRetype, {window.root},
                  {type, size_bits, window.node_index, window.node_depth, window.offset, window.count});
}

// --- TCB

enum class Suspend : Word { kNo = 0, kYes = 1 };
enum class Resume : Word { kNo = 0, kYes = 1 };

// Reads the first `count` registers in the order of seL4_UserContext; `out` is unchanged on an error.
inline Result tcb_read_registers(CPtr tcb, Suspend suspend, Word count, seL4_UserContext& out) {
    Result result = invoke(tcb, seL4_TCBReadRegisters, {}, {static_cast<Word>(suspend), count});
    if (result.ok()) {
        Word* fields = &out.pc;
        Word length = result.message.length();
        for (Word i = 0; i < length && i < seL4_UserContext_Words; ++i) {
            fields[i] = result.word(i);
        }
    }
    return result;
}

// Writes the first `count` registers.
inline Result tcb_write_registers(CPtr tcb, Resume resume, Word count, const seL4_UserContext& in) {
    const Word* fields = &in.pc;
    Words registers{{static_cast<Word>(resume), count, fields[0], fields[1]}};
    for (Word i = 2; i < count && i < seL4_UserContext_Words; ++i) {
        ipc_buffer()->msg[i + 2] = fields[i];
    }
    Word length = 2 + (count < seL4_UserContext_Words ? count : seL4_UserContext_Words);
    Message answer = call(tcb, Tag::make(seL4_TCBWriteRegisters, length), registers);
    return Result{static_cast<seL4_Error>(answer.label()), answer};
}

struct CopyFlags {
    Suspend suspend_source = Suspend::kNo;
    Resume resume_target = Resume::kNo;
    bool frame = false;
    bool integer = false;
};

inline Result tcb_copy_registers(CPtr tcb, CPtr source, const CopyFlags& flags) {
    Word word = static_cast<Word>(flags.suspend_source) | static_cast<Word>(flags.resume_target) << 1 |
                static_cast<Word>(flags.frame) << 2 | static_cast<Word>(flags.integer) << 3;
    return invoke(tcb, seL4_TCBCopyRegisters, {source}, {word});
}

struct Spaces {
    CPtr cspace_root = kNullCap;
    Word cspace_data = 0;  // guard, see seL4_CNode_CapData_new; 0 leaves the capability as it is
    CPtr vspace_root = kNullCap;
    Word vspace_data = 0;  // no meaning on Arm
};

inline Result tcb_configure(CPtr tcb, const Spaces& spaces, Word ipc_buffer_address, CPtr ipc_buffer_frame) {
    return invoke(tcb, seL4_TCBConfigure, {spaces.cspace_root, spaces.vspace_root, ipc_buffer_frame},
                  {spaces.cspace_data, spaces.vspace_data, ipc_buffer_address});
}

inline Result tcb_set_priority(CPtr tcb, CPtr authority, Word priority) {
    return invoke(tcb, seL4_TCBSetPriority, {authority}, {priority});
}

inline Result tcb_set_mc_priority(CPtr tcb, CPtr authority, Word mcp) {
    return invoke(tcb, seL4_TCBSetMCPriority, {authority}, {mcp});
}

struct SchedParams {
    Word mcp = 0;
    Word priority = 0;
    CPtr sched_context = kNullCap;
    CPtr fault_endpoint = kNullCap;
};

inline Result tcb_set_sched_params(CPtr tcb, CPtr authority, const SchedParams& params) {
    return invoke(tcb, seL4_TCBSetSchedParams, {authority, params.sched_context, params.fault_endpoint},
                  {params.mcp, params.priority});
}

inline Result tcb_set_timeout_endpoint(CPtr tcb, CPtr endpoint) {
    return invoke(tcb, seL4_TCBSetTimeoutEndpoint, {endpoint}, {});
}

inline Result tcb_set_ipc_buffer(CPtr tcb, Word address, CPtr frame) {
    return invoke(tcb, seL4_TCBSetIPCBuffer, {frame}, {address});
}

inline Result tcb_set_space(CPtr tcb, CPtr fault_endpoint, const Spaces& spaces) {
    return invoke(tcb, seL4_TCBSetSpace, {fault_endpoint, spaces.cspace_root, spaces.vspace_root},
                  {spaces.cspace_data, spaces.vspace_data});
}

inline Result tcb_suspend(CPtr tcb) { return invoke(tcb, seL4_TCBSuspend); }
inline Result tcb_resume(CPtr tcb) { return invoke(tcb, seL4_TCBResume); }

inline Result tcb_bind_notification(CPtr tcb, CPtr notification) {
    return invoke(tcb, seL4_TCBBindNotification, {notification}, {});
}

inline Result tcb_unbind_notification(CPtr tcb) { return invoke(tcb, seL4_TCBUnbindNotification); }

inline Result tcb_set_tls_base(CPtr tcb, Word address) { return invoke(tcb, seL4_TCBSetTLSBase, {}, {address}); }

// Word 0 of the answer: the flags after the change.
inline Result tcb_set_flags(CPtr tcb, Word clear, Word set) { return invoke(tcb, seL4_TCBSetFlags, {}, {clear, set}); }

// --- CNode

inline Result cnode_revoke(const SlotPath& slot) {
    return invoke(slot.root, seL4_CNodeRevoke, {}, {slot.index, slot.depth});
}

inline Result cnode_delete(const SlotPath& slot) {
    return invoke(slot.root, seL4_CNodeDelete, {}, {slot.index, slot.depth});
}

inline Result cnode_cancel_badged_sends(const SlotPath& slot) {
    return invoke(slot.root, seL4_CNodeCancelBadgedSends, {}, {slot.index, slot.depth});
}

inline Result cnode_copy(const SlotPath& to, const SlotPath& from, seL4_CapRights_t rights = seL4_AllRights) {
    return invoke(to.root, seL4_CNodeCopy, {from.root}, {to.index, to.depth, from.index, from.depth, rights});
}

// `data`: badge of an endpoint or notification, guard of a CNode.
inline Result cnode_mint(const SlotPath& to, const SlotPath& from, seL4_CapRights_t rights, Word data) {
    return invoke(to.root, seL4_CNodeMint, {from.root}, {to.index, to.depth, from.index, from.depth, rights, data});
}

inline Result cnode_move(const SlotPath& to, const SlotPath& from) {
    return invoke(to.root, seL4_CNodeMove, {from.root}, {to.index, to.depth, from.index, from.depth});
}

inline Result cnode_mutate(const SlotPath& to, const SlotPath& from, Word data) {
    return invoke(to.root, seL4_CNodeMutate, {from.root}, {to.index, to.depth, from.index, from.depth, data});
}

// pivot -> to and from -> pivot, each with new data.
inline Result cnode_rotate(const SlotPath& to, Word to_data, const SlotPath& pivot, Word pivot_data,
                           const SlotPath& from) {
    return invoke(to.root, seL4_CNodeRotate, {pivot.root, from.root},
                  {to.index, to.depth, to_data, pivot.index, pivot.depth, pivot_data, from.index, from.depth});
}

// --- Interrupts

inline Result irq_control_get(CPtr irq_control, Word irq, const SlotPath& to) {
    return invoke(irq_control, seL4_IRQIssueIRQHandler, {to.root}, {irq, to.index, to.depth});
}

inline Result irq_handler_ack(CPtr handler) { return invoke(handler, seL4_IRQAckIRQ); }

inline Result irq_handler_set_notification(CPtr handler, CPtr notification) {
    return invoke(handler, seL4_IRQSetIRQHandler, {notification}, {});
}

inline Result irq_handler_clear(CPtr handler) { return invoke(handler, seL4_IRQClearIRQHandler); }

// --- Domains

inline Result domain_set(CPtr domain_cap, Word domain, CPtr tcb) {
    return invoke(domain_cap, seL4_DomainSetSet, {tcb}, {domain});
}

// Duration in timer ticks; an entry (0, 0) marks the end of the schedule.
inline Result domain_schedule_configure(CPtr domain_cap, Word index, Word domain, Word duration_ticks) {
    return invoke(domain_cap, seL4_DomainScheduleConfigure, {}, {index, domain, duration_ticks});
}

inline Result domain_schedule_set_start(CPtr domain_cap, Word index) {
    return invoke(domain_cap, seL4_DomainScheduleSetStart, {}, {index});
}

// --- Scheduling contexts

struct SchedContextParams {
    Word budget_us = 0;
    Word period_us = 0;
    Word extra_refills = 0;
    Word badge = 0;
    Word flags = seL4_SchedContext_NoFlag;
};

inline Result sched_control_configure(CPtr sched_control, CPtr sched_context, const SchedContextParams& params) {
    return invoke(sched_control, seL4_SchedControlConfigureFlags, {sched_context},
                  {params.budget_us, params.period_us, params.extra_refills, params.badge, params.flags});
}

inline Result sched_context_bind(CPtr sched_context, CPtr object) {
    return invoke(sched_context, seL4_SchedContextBind, {object}, {});
}

inline Result sched_context_unbind(CPtr sched_context) { return invoke(sched_context, seL4_SchedContextUnbind); }

inline Result sched_context_unbind_object(CPtr sched_context, CPtr object) {
    return invoke(sched_context, seL4_SchedContextUnbindObject, {object}, {});
}

// Word 0 of the answer: microseconds used since the last question.
inline Result sched_context_consumed(CPtr sched_context) { return invoke(sched_context, seL4_SchedContextConsumed); }

// Word 0 of the answer: microseconds used by it.
inline Result sched_context_yield_to(CPtr sched_context) { return invoke(sched_context, seL4_SchedContextYieldTo); }

}  // namespace kos::sel4
