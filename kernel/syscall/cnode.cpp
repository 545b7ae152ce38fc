// Invocations of CNode capabilities: copying, moving and deleting capabilities.
#include "core/cspace.h"
#include "core/derivation.h"
#include "core/destroy.h"
#include "core/endpoint.h"
#include "syscall/invocation.h"

namespace keel {

namespace {

Outcome from_progress(Progress progress) {
    return progress == Progress::kPreempted ? Outcome::kPreempted : Outcome::kDone;
}

Outcome source_missing(Invocation& inv, bool as_source, Word depth) {
    return inv.failed_lookup(as_source, LookupFailure::missing(depth));
}

Outcome cancel_badged_sends(Invocation& inv, Slot& slot) {
    if (!slot.cap.is(CapType::kEndpoint) || slot.cap.rights().bits != kAllRights.bits) return inv.illegal_operation();
    if (slot.cap.badge() == 0) return Outcome::kDone;
    return from_progress(cancel_badged(*slot.cap.endpoint(), slot.cap.badge(), inv.caller));
}

Outcome copy_or_mint(Invocation& inv, Slot& destination, Slot& source, bool mint) {
    if (inv.length < (mint ? 6u : 5u)) return inv.truncated();
    Cap cap = with_rights(source.cap, {inv.arg(4)});
    if (mint) cap = with_data(cap, inv.arg(5), false);
    switch (derive(source, cap)) {
        case Derivation::kRevokeFirst: return inv.fail(seL4_RevokeFirst);
        case Derivation::kIllegal: return inv.illegal_operation();
        case Derivation::kOk: break;
    }
    if (cap.is_null()) return inv.illegal_operation();
    insert_derived(source, destination, cap);
    return Outcome::kDone;
}

Outcome move_or_mutate(Invocation& inv, Slot& destination, Slot& source, bool mutate) {
    if (mutate && inv.length < 5) return inv.truncated();
    Cap const cap = mutate ? with_data(source.cap, inv.arg(4), true) : source.cap;
    if (cap.is_null()) return inv.illegal_operation();
    move_cap(source, destination, cap);
    return Outcome::kDone;
}

Outcome transfer(Invocation& inv, Slot& destination) {
    if (inv.length < 4 || !inv.extra[0]) return inv.truncated();
    Word const depth = inv.arg(3);
    if (!ensure_empty(inv, destination)) return Outcome::kError;
    Slot* const source = lookup_target_slot(inv, inv.extra[0]->cap, inv.arg(2), depth, true);
    if (!source) return Outcome::kError;
    if (source->cap.is_null()) return source_missing(inv, true, depth);
    switch (inv.label) {
        case seL4_CNodeCopy: return copy_or_mint(inv, destination, *source, false);
        case seL4_CNodeMint: return copy_or_mint(inv, destination, *source, true);
        case seL4_CNodeMove: return move_or_mutate(inv, destination, *source, false);
        default: return move_or_mutate(inv, destination, *source, true);
    }
}

Outcome rotate(Invocation& inv, Slot& destination) {
    if (inv.length < 8 || !inv.extra[0] || !inv.extra[1]) return inv.truncated();
    Word const pivot_data = inv.arg(2);
    Word const pivot_depth = inv.arg(4);
    Word const source_data = inv.arg(5);
    Word const source_depth = inv.arg(7);
    Slot* const source = lookup_target_slot(inv, inv.extra[1]->cap, inv.arg(6), source_depth, true);
    if (!source) return Outcome::kError;
    Slot* const pivot = lookup_target_slot(inv, inv.extra[0]->cap, inv.arg(3), pivot_depth, true);
    if (!pivot) return Outcome::kError;
    if (pivot == source || pivot == &destination) return inv.illegal_operation();
    if (source != &destination && !ensure_empty(inv, destination)) return Outcome::kError;
    if (source->cap.is_null()) return source_missing(inv, true, source_depth);
    if (pivot->cap.is_null()) return source_missing(inv, false, pivot_depth);
    Cap const source_cap = with_data(source->cap, source_data, true);
    Cap const pivot_cap = with_data(pivot->cap, pivot_data, true);
    if (source_cap.is_null() || pivot_cap.is_null()) return inv.illegal_operation();
    if (source == &destination) {
        swap_caps(*source, source_cap, *pivot, pivot_cap);
    } else {
        move_cap(*pivot, destination, pivot_cap);
        move_cap(*source, *pivot, source_cap);
    }
    return Outcome::kDone;
}

}  // namespace

Outcome invoke_cnode(Invocation& inv) {
    if (inv.label < seL4_CNodeRevoke || inv.label > seL4_CNodeRotate) return inv.illegal_operation();
    if (inv.length < 2) return inv.truncated();
    Slot* const slot = lookup_target_slot(inv, inv.cap, inv.arg(0), inv.arg(1), false);
    if (!slot) return Outcome::kError;
    switch (inv.label) {
        case seL4_CNodeRevoke: return from_progress(revoke_children(*slot));
        case seL4_CNodeDelete: return from_progress(delete_cap(*slot));
        case seL4_CNodeCancelBadgedSends: return cancel_badged_sends(inv, *slot);
        case seL4_CNodeRotate: return rotate(inv, *slot);
        default: return transfer(inv, *slot);
    }
}

}  // namespace keel
