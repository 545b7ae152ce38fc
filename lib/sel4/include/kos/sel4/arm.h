// The Arm and AArch64 invocations, one function each: memory mapping, caches, address space identifiers, interrupts
// with trigger or core, secure monitor calls.
//
// Each returns what the kernel answered; arguments are passed on unchecked.
// Source: seL4 16.0.0 API reference, "Arm-Specific" and "AArch64-Specific Object Methods".
#pragma once

#include <kos/sel4/objects.h>

namespace kos::sel4 {

// The four cache operations; values are the offset from the first label of each group.
enum class CacheOperation : Word { kClean = 0, kInvalidate = 1, kCleanInvalidate = 2, kUnifyInstruction = 3 };

// [start, end) of virtual addresses of the address space.
inline Result vspace_cache(CPtr vspace, CacheOperation operation, Word start, Word end) {
    return invoke(vspace, seL4_ARMVSpaceClean_Data + static_cast<Word>(operation), {}, {start, end});
}

inline Result page_table_map(CPtr page_table, CPtr vspace, Word address,
                             Word attributes = seL4_ARM_Default_VMAttributes) {
    return invoke(page_table, seL4_ARMPageTableMap, {vspace}, {address, attributes});
}

inline Result page_table_unmap(CPtr page_table) { return invoke(page_table, seL4_ARMPageTableUnmap); }

inline Result page_map(CPtr page, CPtr vspace, Word address, seL4_CapRights_t rights = seL4_ReadWrite,
                       Word attributes = seL4_ARM_Default_VMAttributes) {
    return invoke(page, seL4_ARMPageMap, {vspace}, {address, rights, attributes});
}

inline Result page_unmap(CPtr page) { return invoke(page, seL4_ARMPageUnmap); }

// [start, end) of offsets into the page.
inline Result page_cache(CPtr page, CacheOperation operation, Word start, Word end) {
    return invoke(page, seL4_ARMPageClean_Data + static_cast<Word>(operation), {}, {start, end});
}

// Word 0 of the answer: the physical address.
inline Result page_get_address(CPtr page) { return invoke(page, seL4_ARMPageGetAddress); }

inline Result asid_control_make_pool(CPtr asid_control, CPtr untyped, const SlotPath& to) {
    return invoke(asid_control, seL4_ARMASIDControlMakePool, {untyped, to.root}, {to.index, to.depth});
}

inline Result asid_pool_assign(CPtr pool, CPtr vspace) { return invoke(pool, seL4_ARMASIDPoolAssign, {vspace}, {}); }

enum class Trigger : Word { kLevel = 0, kEdge = 1 };

inline Result irq_control_get_trigger(CPtr irq_control, Word irq, Trigger trigger, const SlotPath& to) {
    return invoke(irq_control, seL4_ARMIRQIssueIRQHandlerTrigger, {to.root},
                  {irq, static_cast<Word>(trigger), to.index, to.depth});
}

// SMP variant only.
inline Result irq_control_get_trigger_core(CPtr irq_control, Word irq, Trigger trigger, const SlotPath& to, Word core) {
    return invoke(irq_control, seL4_ARMIRQIssueIRQHandlerTriggerCore_SMP, {to.root},
                  {irq, static_cast<Word>(trigger), to.index, to.depth, core});
}

// One-node variant only. The capability is invoked by signal().
inline Result irq_control_issue_sgi_signal(CPtr irq_control, Word irq, Word target, const SlotPath& to) {
    return invoke(irq_control, seL4_ARMIRQIssueSGISignal_OneNode, {to.root}, {irq, target, to.index, to.depth});
}

// Words 0..7 of the answer are x0..x7 after the call.
inline Result smc_call(CPtr smc, const seL4_ARM_SMCContext& in, seL4_ARM_SMCContext& out) {
    Result result = invoke(smc, seL4_ARMSMCCall, {}, {in.x0, in.x1, in.x2, in.x3, in.x4, in.x5, in.x6, in.x7});
    if (result.ok()) {
        out = {result.word(0), result.word(1), result.word(2), result.word(3),
               result.word(4), result.word(5), result.word(6), result.word(7)};
    }
    return result;
}

}  // namespace kos::sel4
