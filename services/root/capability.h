// Root's capability space: how a capability address is built, and the slots with a fixed meaning.
//
// Two levels: the top byte chooses a CNode. 0 is root's own (the kernel's initial CNode), d + 1 that of domain d, which
// is made of the domain's memory and vanishes with it. Used by everything in root.
#pragma once

#include <kos/abi.h>
#include <kos/sel4/sel4.h>

namespace root {

using kos::sel4::CPtr;
using kos::sel4::Result;
using kos::sel4::SlotPath;
using kos::sel4::Tag;
using kos::sel4::Word;
using kos::sel4::Words;

constexpr unsigned kTopBits = 8;
constexpr unsigned kLowerBits = 64 - kTopBits;
static_assert(KOS_MAX_DOMAINS + 1 <= 1 << kTopBits);

// Slot `slot` of the CNode of domain `domain`.
constexpr CPtr domain_cap(Word domain, Word slot) { return (domain + 1) << kLowerBits | slot; }

// Set once the two levels exist (boot.cpp); before, the initial CNode alone.
extern CPtr top_cnode;

inline SlotPath path(CPtr cap) { return SlotPath{top_cnode, cap, 64}; }

// The slot of the top CNode itself that holds domain `domain`'s CNode.
inline SlotPath top_path(Word domain) { return SlotPath{top_cnode, domain + 1, kTopBits}; }

// Slots of a domain's CNode. Those from kDynamic on are handed out upwards until the domain is destroyed.
enum DomainSlot : Word {
    kSlotCSpace = 1,  // the domain's own CNode, with the guard for its use
    kSlotVSpace = 2,
    kSlotTop = 3,        // with kernel_objects: the top CNode of its CSpace
    kSlotAsidPool = 4,   // the same
    kSlotAuthority = 5,  // the same: the thread whose priority limits those of its threads
    kSlotThreads = 8,    // kThreadSlots each
    kSlotReplies = kSlotThreads + KOS_MAX_THREADS * 5,
    kSlotDynamic = kSlotReplies + KOS_MAX_REPLIES,
};
enum ThreadSlot : Word { kThreadTcb, kThreadTimeUntyped, kThreadTime, kThreadPark, kThreadFault, kThreadSlots };
static_assert(kThreadSlots == 5);

constexpr CPtr thread_cap(Word domain, Word thread, ThreadSlot which) {
    return domain_cap(domain, kSlotThreads + thread * kThreadSlots + which);
}

}  // namespace root
