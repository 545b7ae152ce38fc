// See root_vspace.h.
#include "init/root_vspace.h"

#include "arch/tlb.h"
#include "core/assert.h"

namespace keel {

Word count_tables(Word first_address, Word last_address) {
    Word count = 0;
    for (unsigned level = 0; level < kLastLevel; level++)
        count += (last_address >> level_bits(level)) - (first_address >> level_bits(level)) + 1;
    return count;
}

RootVSpace::RootVSpace(PageTable* root, AsidPool* pool) : root_(root) {
    for (AsidPool*& entry : asid_pools) entry = &no_asid_pool;
    asid_pools[0] = pool;
    asid_ = assign_asid(*pool, 0, *root);
}

void RootVSpace::add_tables(Word first_address, Word last_address, BootObjects& objects, RootCSpace& cspace) {
    for (unsigned level = 0; level < kLastLevel; level++) {
        Word const step = bit(level_bits(level));
        for (Word address = align_down(first_address, level_bits(level)); address <= last_address; address += step) {
            auto* const table = objects.take<PageTable>(12);
            Walk const walk = walk_tables(*root_, UserAddr{address}, level);
            KEEL_ASSERT(walk.level == level && !is_valid(*walk.entry));
            *walk.entry = table_entry(to_physical(table));
            Cap cap = Cap::page_table(table);
            cap.set_mapping(asid_, UserAddr{address});
            cspace.add(cap);
        }
    }
}

Cap RootVSpace::map_page(Word address, PhysAddr frame, bool executable) {
    Walk const walk = walk_tables(*root_, UserAddr{address}, kLastLevel);
    KEEL_ASSERT(walk.level == kLastLevel && !is_valid(*walk.entry));
    *walk.entry = user_leaf_entry(frame, FrameSize::k4KiB, kAllRights, true, executable);
    publish_entry();
    Cap cap = Cap::frame(frame, FrameSize::k4KiB, false, kAllRights);
    cap.set_mapping(asid_, UserAddr{address});
    return cap;
}

}  // namespace keel
