// The part that cache maintenance on a frame and on a VSpace have in common.
#pragma once

#include "arch/cache.h"
#include "arch/page_tables.h"
#include "syscall/invocation.h"

namespace keel {

// A page or block of a user address space.
struct UserMapping {
    Word ttbr;
    PageTableEntry entry;
    unsigned bits;  // log2 of its size
    Word address;   // of its first byte
};

// `start` and `end` are the first two message words, already checked to lie in the mapping; `offset_start` and
// `offset_end` the same relative to it. Interruptible: the thread makes the same call again, and Tcb::cache_done says
// how far it got; it is forgotten when the call fails or the thread is given other registers or stopped.
Outcome maintain_user_range(Invocation& inv, CacheOperation operation, const UserMapping& mapping, Word offset_start,
                            Word offset_end);

}  // namespace keel
