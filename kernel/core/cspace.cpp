// Capability lookup and derivation rules; see cspace.h.
#include "core/cspace.h"

#include "arch/vspace.h"
#include "core/derivation.h"

namespace keel {

SlotLookup lookup_slot(const Cap& root, CPtr address, unsigned bits) {
    if (!root.is(CapType::kCNode)) return {nullptr, 0, LookupFailure::invalid_root()};
    Cap const* node = &root;
    for (;;) {
        unsigned const guard_size = node->cnode_guard_size();
        unsigned const radix = node->cnode_radix();
        if (guard_size > bits ||
            (guard_size && (address >> (bits - guard_size) & low_mask(guard_size)) != node->cnode_guard()))
            return {nullptr, bits, LookupFailure::guard_mismatch(bits, node->cnode_guard(), guard_size)};
        unsigned const level = guard_size + radix;
        if (level > bits) return {nullptr, bits, LookupFailure::depth_mismatch(bits, level)};
        bits -= level;
        Slot* const slot = node->cnode_slots() + (address >> bits & low_mask(radix));
        if (bits == 0 || !slot->cap.is(CapType::kCNode)) {
            SlotLookup found;
            found.slot = slot;
            found.bits_left = bits;
            return found;
        }
        node = &slot->cap;
    }
}

Cap with_rights(Cap cap, Rights rights) {
    switch (cap.type()) {
        case CapType::kEndpoint: cap.meta &= ~(~rights.bits << 5 & Word{15} << 5); break;
        case CapType::kNotification: cap.meta &= ~(~rights.bits << 5 & Word{3} << 5); break;
        case CapType::kReply:
            if (!rights.grant()) cap.meta &= ~(Word{1} << 5);
            break;
        case CapType::kFrame: {
            Word const left = cap.frame_rights().bits & rights.bits;
            // A page that can be written but not read does not exist.
            cap.set_frame_rights({left & 2 ? left : 0});
            break;
        }
        default: break;
    }
    return cap;
}

Cap with_data(Cap cap, Word data, bool keep_badge) {
    switch (cap.type()) {
        case CapType::kEndpoint:
        case CapType::kNotification:
        case CapType::kSmc:
            if (keep_badge || cap.data != 0) return {};
            cap.data = data;
            return cap;
        case CapType::kCNode: {
            unsigned const guard_size = data & 63;
            if (guard_size + cap.cnode_radix() > kWordBits) return {};
            cap.set_cnode_guard(guard_size, data >> 6 & low_mask(guard_size));
            return cap;
        }
        default: return cap;
    }
}

Derivation derive(const Slot& slot, Cap& cap) {
    switch (cap.type()) {
        case CapType::kZombie:
        case CapType::kIrqControl: cap = {}; return Derivation::kOk;
        case CapType::kUntyped: return has_children(slot) ? Derivation::kRevokeFirst : Derivation::kOk;
        case CapType::kVSpace:
        case CapType::kPageTable:
        case CapType::kFrame: return derive_vm_cap(cap) ? Derivation::kOk : Derivation::kIllegal;
        default: return Derivation::kOk;
    }
}

}  // namespace keel
