// Invocations on VSpace capabilities: cache maintenance on what is mapped in an address space.
#include <sel4/abi.h>

#include "arch/cache_invocation.h"
#include "arch/irq.h"
#include "arch/switch.h"
#include "arch/user_tables.h"
#include "arch/vspace.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

// Bytes between two looks for a waiting interrupt: 64 lines.
constexpr Word kCacheStep = 4096;

// Maintenance at the addresses of the mapping itself, for memory that is not in the kernel's window (device memory that
// is mapped cacheable).
void maintain_in_vspace(CacheOperation operation, const UserMapping& mapping, Word offset, Word size) {
    Cpu& cpu = this_cpu();
    Word const before = cpu.arch.vspace_root;
    load_vspace(cpu, mapping.ttbr);
    // The maintenance instructions translate their address in the address space just loaded.
    instruction_barrier();
    cache_range(operation, mapping.address + offset, size);
    load_vspace(cpu, before);
    instruction_barrier();
}

Outcome maintain_cache(Invocation& inv, CacheOperation operation) {
    if (inv.length < 2) return inv.truncated();
    Word const start = inv.arg(0);
    Word const end = inv.arg(1);
    if (end <= start) return inv.invalid_argument(1);
    if (end > raw(kUserTop)) return inv.illegal_operation();
    if (!is_valid_vspace(inv.cap)) return inv.invalid_capability(0);
    Word const ttbr = asid_ttbr(inv.cap.mapped_asid());
    if (ttbr == 0) return inv.failed_lookup(false, LookupFailure::invalid_root());
    if (ttbr != valid_ttbr(inv.cap)) return inv.invalid_capability(0);

    Walk const walk = walk_tables(*root_table(ttbr), UserAddr{start}, kLastLevel);
    // Nothing is mapped there: nothing to do.
    if (!is_valid(*walk.entry)) return Outcome::kDone;
    unsigned const bits = level_bits(walk.level);
    Word const base = align_down(start, bits);
    if (align_down(end - 1, bits) != base) return inv.range_error(start, base + low_mask(bits));
    return maintain_user_range(inv, operation, {ttbr, *walk.entry, bits, base}, start - base, end - base);
}

}  // namespace

Outcome maintain_user_range(Invocation& inv, CacheOperation operation, const UserMapping& mapping, Word offset_start,
                            Word offset_end) {
    // Invalidation can undo writes, and the instruction needs write permission (Arm ARM, C5.5.5 "DC IVAC").
    if (operation == CacheOperation::kInvalidate && mapping.entry & kEntryReadOnly) return inv.illegal_operation();
    PhysAddr const base = entry_address(mapping.entry);
    // The registers of the call stay as they are, so what is done already is remembered elsewhere.
    Tcb& caller = inv.caller;
    Word const start = raw(base) + offset_start;
    Word const done = caller.cache_start == start ? caller.cache_done : 0;
    caller.cache_done = 0;
    for (Word offset = offset_start + done; offset < offset_end;) {
        Word const step_end = align_down(offset, 12) + kCacheStep;
        Word const size = (step_end < offset_end ? step_end : offset_end) - offset;
        if (is_ram(base)) {
            cache_range(operation, raw(base) + kWindowOffset + offset, size);
        } else {
            maintain_in_vspace(operation, mapping, offset, size);
        }
        offset += size;
        if (offset < offset_end && interrupt_pending()) {
            caller.cache_start = start;
            caller.cache_done = offset - offset_start;
            return Outcome::kPreempted;
        }
    }
    return Outcome::kDone;
}

Outcome invoke_vspace(Invocation& inv) {
    switch (inv.label) {
        case seL4_ARMVSpaceClean_Data: return maintain_cache(inv, CacheOperation::kClean);
        case seL4_ARMVSpaceInvalidate_Data: return maintain_cache(inv, CacheOperation::kInvalidate);
        case seL4_ARMVSpaceCleanInvalidate_Data: return maintain_cache(inv, CacheOperation::kCleanInvalidate);
        case seL4_ARMVSpaceUnify_Instruction: return maintain_cache(inv, CacheOperation::kUnify);
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
