// Invocations on frame capabilities: map, unmap, address, cache maintenance.
#include <sel4/abi.h>

#include "arch/cache_invocation.h"
#include "arch/tlb.h"
#include "arch/user_tables.h"
#include "arch/vspace.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

Outcome map_frame(Invocation& inv) {
    if (inv.length < 3 || !inv.extra[0]) return inv.truncated();
    UserAddr const address{inv.arg(0)};
    Rights const requested{inv.arg(1)};
    Word const attributes = inv.arg(2);
    Cap const& vspace = inv.extra[0]->cap;
    Cap cap = inv.cap;
    FrameSize const size = cap.frame_size();

    if (!is_valid_vspace(vspace)) return inv.invalid_capability(1);
    Asid const asid = vspace.mapped_asid();
    Word const ttbr = asid_ttbr(asid);
    if (ttbr == 0) return inv.failed_lookup(false, LookupFailure::invalid_root());
    if (ttbr != valid_ttbr(vspace)) return inv.invalid_capability(1);
    if (!is_aligned(raw(address), frame_bits(size))) return inv.fail(seL4_AlignmentError);
    if (cap.mapped_asid() != 0) {
        if (cap.mapped_asid() != asid) return inv.invalid_capability(1);
        if (cap.mapped_address() != address) return inv.invalid_argument(0);
    } else if (raw(address) > raw(kUserTop) - low_mask(frame_bits(size))) {
        return inv.invalid_argument(0);
    }

    // The tables must lead exactly to the level of the frame. What is mapped there already, through this capability or
    // another, is replaced: the tables do not know capabilities, so there is no telling whose it is.
    unsigned const level = frame_level(size);
    Walk const walk = walk_tables(*root_table(ttbr), address, kLastLevel);
    if (walk.level != level) {
        return inv.failed_lookup(false, LookupFailure::missing(level_bits(walk.level)));
    }

    Rights const rights{requested.bits & cap.frame_rights().bits};
    PageTableEntry const entry = user_leaf_entry(cap.frame_base(), size, rights, attributes & seL4_ARM_PageCacheable,
                                                 !(attributes & seL4_ARM_ExecuteNever));
    inv.slot->cap.set_mapping(asid, address);
    set_leaf(*walk.entry, entry, asid, address);
    return Outcome::kDone;
}

Outcome unmap(Invocation& inv) {
    if (inv.cap.mapped_asid() != 0) {
        unmap_frame(inv.cap);
        inv.slot->cap.clear_mapping();
    }
    return Outcome::kDone;
}

// Offsets in the message are relative to the frame.
Outcome maintain_cache(Invocation& inv, CacheOperation operation) {
    if (inv.length < 2) return inv.truncated();
    Word const start = inv.arg(0);
    Word const end = inv.arg(1);
    Cap const& cap = inv.cap;
    if (cap.mapped_asid() == 0) return inv.illegal_operation();
    Word const ttbr = asid_ttbr(cap.mapped_asid());
    if (ttbr == 0) return inv.failed_lookup(false, LookupFailure::invalid_root());
    if (end <= start) return inv.invalid_argument(1);
    Word const size = bit(frame_bits(cap.frame_size()));
    if (start >= size || end > size) return inv.invalid_argument(0);
    const PageTableEntry* const entry = find_mapping(cap);
    if (!entry) return inv.invalid_capability(0);
    return maintain_user_range(inv, operation, {ttbr, *entry, frame_bits(cap.frame_size()), raw(cap.mapped_address())},
                               start, end);
}

}  // namespace

Outcome invoke_frame(Invocation& inv) {
    switch (inv.label) {
        case seL4_ARMPageMap: return map_frame(inv);
        case seL4_ARMPageUnmap: return unmap(inv);
        case seL4_ARMPageClean_Data: return maintain_cache(inv, CacheOperation::kClean);
        case seL4_ARMPageInvalidate_Data: return maintain_cache(inv, CacheOperation::kInvalidate);
        case seL4_ARMPageCleanInvalidate_Data: return maintain_cache(inv, CacheOperation::kCleanInvalidate);
        case seL4_ARMPageUnify_Instruction: return maintain_cache(inv, CacheOperation::kUnify);
        case seL4_ARMPageGetAddress: return inv.reply(raw(inv.cap.frame_base()));
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
