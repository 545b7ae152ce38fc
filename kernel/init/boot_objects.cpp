// See boot_objects.h.
#include "init/boot_objects.h"

#include <sel4/config.h>

#include "arch/memory.h"
#include "core/assert.h"
#include "core/derivation.h"

namespace keel {

void* BootObjects::take(unsigned bits) {
    Word const base = range_.start;
    KEEL_ASSERT(is_aligned(base, bits) && range_.size() >= bit(bits));
    range_.start += bit(bits);
    void* const memory = to_kernel<>(PhysAddr{base});
    clear_memory(memory, bit(bits));
    return memory;
}

void RootCSpace::set(Word slot, const Cap& cap) {
    KEEL_ASSERT(slots_[slot].cap.is_null());
    insert_root(slots_[slot], cap);
}

Word RootCSpace::add(const Cap& cap) {
    KEEL_ASSERT(next_ < bit(SEL4_ROOT_CNODE_SIZE_BITS));
    set(next_, cap);
    return next_++;
}

}  // namespace keel
