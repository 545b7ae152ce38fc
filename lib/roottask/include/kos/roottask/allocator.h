// Allocation of kernel objects and capability slots of the root CNode, in arenas.
//
// An allocator owns one untyped capability and one range of slots, hands both out upwards and takes everything back at
// once: free_all() revokes the untyped memory and empties the slots. Single objects are never freed. Not thread-safe.
// Failure to allocate is kNullCap, which every invocation then refuses.
#pragma once

#include <kos/sel4/sel4.h>

namespace kos::roottask {

// Slot `index` of the root task's own CNode.
inline sel4::SlotPath root_slot(sel4::CPtr index) {
    return sel4::SlotPath{seL4_CapInitThreadCNode, index, seL4_WordBits};
}

class ObjectAllocator {
public:
    ObjectAllocator() = default;
    ObjectAllocator(sel4::CPtr untyped, sel4::CPtr first_slot, sel4::Word slot_count)
        : untyped_(untyped), first_slot_(first_slot), next_slot_(first_slot), end_slot_(first_slot + slot_count) {}

    // First of `count` consecutive empty slots.
    sel4::CPtr slots(sel4::Word count);
    sel4::CPtr slot() { return slots(1); }

    // New object(s) in new slots; the first slot. size_bits as in Untyped_Retype (ignored by fixed-size types).
    sel4::CPtr make(sel4::Word type, sel4::Word size_bits = 0) { return make_many(type, size_bits, 1); }
    sel4::CPtr make_many(sel4::Word type, sel4::Word size_bits, sel4::Word count);

    // A copy of `cap` with these rights, or with a badge (or guard) as well.
    sel4::CPtr copy(sel4::CPtr cap, seL4_CapRights_t rights = seL4_AllRights);
    sel4::CPtr mint(sel4::CPtr cap, sel4::Word data, seL4_CapRights_t rights = seL4_AllRights);

    // An arena inside this one. Free it before this one is freed.
    bool make_arena(sel4::Word size_bits, sel4::Word slot_count, ObjectAllocator& arena);

    // Revokes the untyped memory and empties every slot that was handed out.
    void free_all();

    sel4::CPtr untyped() const { return untyped_; }
    sel4::CPtr first_slot() const { return first_slot_; }
    sel4::CPtr next_slot() const { return next_slot_; }
    sel4::CPtr end_slot() const { return end_slot_; }

private:
    sel4::CPtr untyped_ = sel4::kNullCap;
    sel4::CPtr first_slot_ = 0;
    sel4::CPtr next_slot_ = 0;
    sel4::CPtr end_slot_ = 0;
};

// Maps `page` into `vspace`, making the page tables that are missing. Only page tables come from the allocator.
sel4::Result map_page(ObjectAllocator& allocator, sel4::CPtr vspace, sel4::CPtr page, sel4::Word address,
                      seL4_CapRights_t rights = seL4_ReadWrite, sel4::Word attributes = seL4_ARM_Default_VMAttributes);

// The frame of device memory at `address` (4 KiB), from the device untyped memory that contains it. Each untyped is
// used upwards only: ask for ascending addresses, once each. kNullCap if there is none.
sel4::CPtr make_device_frame(ObjectAllocator& allocator, sel4::Word address);

}  // namespace kos::roottask
