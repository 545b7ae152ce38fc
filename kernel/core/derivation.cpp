// The capability derivation tree; see derivation.h.
#include "core/derivation.h"

#include "arch/memory.h"
#include "core/assert.h"

namespace keel {

namespace {

// The memory a capability stands for; size 0 if it stands for none.
struct Region {
    Word base;
    Word size;
};

Region region_of(const Cap& cap) {
    switch (cap.type()) {
        case CapType::kUntyped: return {raw(cap.untyped_base()), bit(cap.untyped_bits())};
        case CapType::kFrame: return {raw(cap.frame_base()), bit(frame_bits(cap.frame_size()))};
        case CapType::kCNode: return {raw(to_physical(cap.cnode_slots())), 1};
        case CapType::kEndpoint:
        case CapType::kNotification:
        case CapType::kReply:
        case CapType::kThread:
        case CapType::kSchedContext:
        case CapType::kAsidPool:
        case CapType::kVSpace:
        case CapType::kPageTable:
        case CapType::kZombie:
            // Kernel objects never straddle the edge of an untyped region, so their first byte stands for them.
            return {raw(to_physical(reinterpret_cast<void*>(cap.address()))), 1};
        default: return {0, 0};
    }
}

bool contains(const Region& outer, const Region& inner) {
    return inner.size != 0 && outer.base <= inner.base && inner.base - outer.base <= outer.size - inner.size &&
           inner.size <= outer.size;
}

// `b` could have been made from `a`: same object, or a part of the memory that `a` is.
bool covers(const Cap& a, const Cap& b) {
    if (a.is(CapType::kUntyped)) return contains(region_of(a), region_of(b));
    if (a.is(CapType::kFrame)) return b.is(CapType::kFrame) && contains(region_of(a), region_of(b));
    if (a.is(CapType::kIrqControl))
        return b.is(CapType::kIrqControl) || b.is(CapType::kIrqHandler) || b.is(CapType::kSgiSignal);
    return same_object(a, b);
}

void link_after(Slot& before, Slot& slot) {
    Slot* after = before.next();
    slot.prev = &before;
    slot.set_next(after);
    before.set_next(&slot);
    if (after) after->prev = &slot;
}

// Neighbours that pointed to the old place of a slot point to where it is now.
void relink_neighbours(Slot& slot) {
    if (slot.prev) slot.prev->set_next(&slot);
    if (Slot* next = slot.next()) next->prev = &slot;
}

// Those whose copies can be given a badge once, which then starts a family of its own.
bool has_badge(const Cap& cap) {
    return cap.is(CapType::kEndpoint) || cap.is(CapType::kNotification) || cap.is(CapType::kSmc);
}

// A copy starts a family of its own where it differs in identity from its source.
bool copy_is_original(const Cap& copy, const Cap& source) {
    if (has_badge(copy)) return copy.badge() != source.badge();
    switch (copy.type()) {
        case CapType::kIrqHandler:
        case CapType::kSgiSignal: return source.is(CapType::kIrqControl);
        case CapType::kUntyped: return true;
        default: return false;
    }
}

}  // namespace

bool same_object(const Cap& a, const Cap& b) {
    if (a.type() != b.type()) return false;
    switch (a.type()) {
        case CapType::kNull:
        case CapType::kUntyped:
        case CapType::kZombie: return false;
        case CapType::kFrame: return a.frame_base() == b.frame_base() && a.frame_size() == b.frame_size();
        case CapType::kCNode: return a.cnode_slots() == b.cnode_slots();
        case CapType::kIrqHandler:
        case CapType::kSgiSignal:
        case CapType::kSchedControl: return a.data == b.data;
        case CapType::kIrqControl:
        case CapType::kDomainControl:
        case CapType::kSmc:
        case CapType::kAsidControl: return true;
        default: return a.address() == b.address();
    }
}

void insert_original(Slot& parent, Slot& slot, const Cap& cap) {
    KEEL_ASSERT(slot.cap.is_null());
    slot.cap = cap;
    link_after(parent, slot);
    slot.set_flags(true, true);
}

void insert_derived(Slot& source, Slot& slot, const Cap& cap) {
    KEEL_ASSERT(slot.cap.is_null());
    bool const original = copy_is_original(cap, source.cap);
    slot.cap = cap;
    // A source that has handed out all of its memory to a copy has none left for itself.
    if (cap.is(CapType::kUntyped)) source.cap.set_untyped_marks(bit(cap.untyped_bits()), 0);
    link_after(source, slot);
    slot.set_flags(original, original);
}

void insert_root(Slot& slot, const Cap& cap) {
    slot.cap = cap;
    slot.prev = nullptr;
    slot.next_and_flags = 0;
    slot.set_flags(true, true);
}

void move_cap(Slot& from, Slot& to, const Cap& cap) {
    KEEL_ASSERT(to.cap.is_null() && &from != &to);
    to.cap = cap;
    to.prev = from.prev;
    to.next_and_flags = from.next_and_flags;
    from = Slot{};
    relink_neighbours(to);
}

void swap_caps(Slot& a, Cap cap_a, Slot& b, Cap cap_b) {
    Slot const old_a = a;
    Slot const old_b = b;
    a = old_b;
    a.cap = cap_b;
    b = old_a;
    b.cap = cap_a;
    // Neighbours in the list point at each other's old place now.
    if (a.prev == &a) a.prev = &b;
    if (b.prev == &b) b.prev = &a;
    if (a.next() == &a) a.set_next(&b);
    if (b.next() == &b) b.set_next(&a);
    relink_neighbours(a);
    relink_neighbours(b);
}

void remove_cap(Slot& slot) {
    Slot* const prev = slot.prev;
    Slot* const next = slot.next();
    if (prev) prev->set_next(next);
    if (next) {
        next->prev = prev;
        // The mark of the first of its badge passes on to the one that becomes first.
        if (slot.first_badged()) next->set_flags(next->original(), true);
    }
    slot = Slot{};
}

bool is_parent_of(const Slot& parent, const Slot& child) {
    if (!parent.original() || !covers(parent.cap, child.cap)) return false;
    if (has_badge(parent.cap)) {
        Word const badge = parent.cap.badge();
        return badge == 0 || (badge == child.cap.badge() && !child.first_badged());
    }
    // Several may be issued for one interrupt; none of them is a child of another.
    if (parent.cap.is(CapType::kSgiSignal)) return !child.first_badged();
    return true;
}

bool has_children(const Slot& slot) {
    Slot const* next = slot.next();
    return next && is_parent_of(slot, *next);
}

bool is_final(const Slot& slot) {
    Slot const* next = slot.next();
    if (slot.prev && same_object(slot.prev->cap, slot.cap)) return false;
    return !next || !same_object(slot.cap, next->cap);
}

}  // namespace keel
