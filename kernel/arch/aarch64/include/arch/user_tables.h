// User address spaces as trees of translation tables: walking and changing them. Used by the invocations on VSpace,
// PageTable and Frame capabilities, by finalisation and at boot.
#pragma once

#include "arch/asid.h"
#include "arch/page_tables.h"

namespace keel {

// The deepest entry on the way to `address`, at most at `level`.
struct Walk {
    PageTableEntry* entry;
    unsigned level;
};
Walk walk_tables(PageTable& root, UserAddr address, unsigned level);

inline PageTable* root_table(Word ttbr) { return to_kernel<PageTable>(entry_address(ttbr)); }

// What user level may do with a page.
PageTableEntry user_leaf_entry(PhysAddr base, FrameSize size, Rights rights, bool cacheable, bool executable);

// Writes the entry for a frame at `address` in place of `entry` (which may be valid) and makes it effective.
void set_leaf(PageTableEntry& entry, PageTableEntry value, Asid asid, UserAddr address);

// The entry with which the frame of a capability is mapped, null if the mapping is stale: its ASID, tables or entry are
// gone or stand for something else by now.
PageTableEntry* find_mapping(const Cap& frame);

void unmap_frame(const Cap& frame);
void unmap_page_table(const Cap& table);

// Gives the address space of `root` an ASID of the pool; 0 if there is none left. `base`: first ASID of the pool.
Asid assign_asid(AsidPool& pool, Asid base, PageTable& root);

}  // namespace keel
