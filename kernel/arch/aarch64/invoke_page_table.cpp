// Invocations on PageTable capabilities: install at the first level that has no table yet, and remove.
#include <sel4/abi.h>

#include "arch/tlb.h"
#include "arch/user_tables.h"
#include "arch/vspace.h"
#include "core/derivation.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

Outcome map(Invocation& inv) {
    if (inv.length < 2 || !inv.extra[0]) return inv.truncated();
    UserAddr const address{inv.arg(0)};
    Cap const& vspace = inv.extra[0]->cap;

    if (inv.cap.mapped_asid() != 0) return inv.invalid_capability(0);
    if (!is_valid_vspace(vspace)) return inv.invalid_capability(1);
    if (raw(address) > raw(kUserTop)) return inv.invalid_argument(0);
    Asid const asid = vspace.mapped_asid();
    Word const ttbr = asid_ttbr(asid);
    if (ttbr == 0) return inv.failed_lookup(false, LookupFailure::invalid_root());
    if (ttbr != valid_ttbr(vspace)) return inv.invalid_capability(1);

    // The walk ends in front of the last level at a missing table or at a frame.
    Walk const walk = walk_tables(*root_table(ttbr), address, kLastLevel);
    if (walk.level == kLastLevel || is_valid(*walk.entry)) return inv.fail(seL4_DeleteFirst);

    inv.slot->cap.set_mapping(asid, UserAddr{align_down(raw(address), level_bits(walk.level))});
    *walk.entry = table_entry(to_physical(inv.cap.page_table()));
    publish_entry();
    return Outcome::kDone;
}

Outcome unmap(Invocation& inv) {
    if (!is_final(*inv.slot)) return inv.fail(seL4_RevokeFirst);
    if (inv.cap.mapped_asid() != 0) {
        unmap_page_table(inv.cap);
        // Its next place is to find it empty. After the invalidation: no walk reads it any more.
        clear_memory(inv.cap.page_table(), sizeof(PageTable));
        inv.slot->cap.clear_mapping();
    }
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_page_table(Invocation& inv) {
    switch (inv.label) {
        case seL4_ARMPageTableMap: return map(inv);
        case seL4_ARMPageTableUnmap: return unmap(inv);
        default: return inv.illegal_operation();
    }
}

}  // namespace keel
