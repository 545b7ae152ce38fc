// Invocations on ASIDControl and ASIDPool capabilities.
#include <sel4/abi.h>

#include "arch/user_tables.h"
#include "arch/vspace.h"
#include "core/derivation.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

Outcome make_pool(Invocation& inv) {
    if (inv.length < 2 || !inv.extra[0] || !inv.extra[1]) return inv.truncated();
    Word const index = inv.arg(0);
    Word const depth = inv.arg(1);
    Slot& untyped = *inv.extra[0];
    Cap const root = inv.extra[1]->cap;

    unsigned number = 0;
    while (number < kNumAsidPools && asid_pools[number] != &no_asid_pool) number++;
    if (number == kNumAsidPools) return inv.fail(seL4_DeleteFirst);
    if (!untyped.cap.is(CapType::kUntyped) || untyped.cap.untyped_bits() != seL4_ASIDPoolBits ||
        untyped.cap.untyped_is_device()) {
        return inv.invalid_capability(1);
    }
    if (has_children(untyped)) return inv.fail(seL4_RevokeFirst);
    Slot* const target = lookup_target_slot(inv, root, index, depth, false);
    if (!target) return Outcome::kError;
    if (!ensure_empty(inv, *target)) return Outcome::kError;

    auto* const pool = to_kernel<AsidPool>(untyped.cap.untyped_base());
    untyped.cap.set_untyped_marks(bit(seL4_ASIDPoolBits), 0);
    clear_memory(pool, sizeof(AsidPool));
    asid_pools[number] = pool;
    // Derived, not original: revoking it does not delete copies of it.
    insert_derived(untyped, *target, Cap::asid_pool(pool, static_cast<Asid>(number << kAsidPoolBits)));
    return Outcome::kDone;
}

Outcome assign(Invocation& inv) {
    if (!inv.extra[0]) return inv.truncated();
    Cap& vspace = inv.extra[0]->cap;
    if (!vspace.is(CapType::kVSpace) || vspace.mapped_asid() != 0) return inv.invalid_capability(1);
    Asid const base = inv.cap.asid_base();
    AsidPool* const pool = asid_pools[base >> kAsidPoolBits];
    if (pool == &no_asid_pool) return inv.failed_lookup(false, LookupFailure::invalid_root());
    if (pool != inv.cap.asid_pool()) return inv.invalid_capability(0);
    Asid const asid = assign_asid(*pool, base, *static_cast<PageTable*>(vspace.vspace_root()));
    if (asid == 0) return inv.fail(seL4_DeleteFirst);
    vspace.set_mapping(asid, UserAddr{0});
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_asid_control(Invocation& inv) {
    return inv.label == seL4_ARMASIDControlMakePool ? make_pool(inv) : inv.illegal_operation();
}

Outcome invoke_asid_pool(Invocation& inv) {
    return inv.label == seL4_ARMASIDPoolAssign ? assign(inv) : inv.illegal_operation();
}

}  // namespace keel
