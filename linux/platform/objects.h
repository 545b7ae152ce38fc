// Kernel objects of this domain: capability slots and untyped memory, out of what the manifest's kernel_objects gives.
//
// The CSpace has two levels (kos_startup_kernel_t): a slot's address is top index << 32 | index. Slots come one by one
// or in runs; memory comes in pieces of powers of two. Pieces of 2 MiB are for frames; smaller ones for everything else
// are split off and go back to the list of their size.
#pragma once

#include "base/result.h"

#include <kos/abi.h>
#include <kos/sel4/sel4.h>

#include <vector>

namespace kos::lx {

using sel4::CPtr;
using sel4::SlotPath;
using sel4::Word;

constexpr unsigned kChunkBits = 21;  // 2 MiB: a run of 512 frames

class Objects {
public:
    static void initialise(const kos_startup_t& startup);

    // --- Slots.
    static Result<CPtr> take_slot();
    static void give_slot(CPtr slot);  // empty
    static Result<CPtr> take_run();    // kRunSlots consecutive ones, never given back
    // Another capability to the same in the top CNode itself, KOS_TOP_ENTRY_*: for what each call needs.
    static Result<CPtr> copy_to_top(CPtr of, Word entry);
    static constexpr Word kRunSlots = 512;
    static SlotPath path(CPtr slot) { return {cspace_, slot, 64}; }

    // --- Memory.
    static Result<CPtr> take_untyped(unsigned bits);
    static void give_untyped(CPtr untyped, unsigned bits);  // nothing is made of it any more
    static uint64_t free_chunks() { return chunks_free_; }

    // Retypes into `count` slots from `first` on.
    static Status retype(CPtr untyped, Word type, Word size_bits, CPtr first, Word count);

    // An object with untyped memory of its own. `bits`: its size.
    struct Object {
        CPtr cap = 0, untyped = 0;
        unsigned bits = 0;
        bool is_made() const { return cap != 0; }
    };
    static Result<Object> make(Word type, Word size_bits, unsigned bits);
    static void destroy(Object& object);  // the object and all copies of its capability

    static const kos_startup_kernel_t& kernel() { return *kernel_; }

private:
    static Status add_cnode();
    static const kos_startup_kernel_t* kernel_;
    static CPtr cspace_;
    static uint64_t chunks_free_;
};

// Shorter names of the capability's address for places that keep many (MachineSpace's handles).
constexpr unsigned kCNodeBits = 12;
constexpr uint32_t handle_of(CPtr slot) { return static_cast<uint32_t>(slot >> 32 << kCNodeBits | (slot & 0xfff)); }
constexpr CPtr slot_of(uint32_t handle) { return CPtr{handle >> kCNodeBits} << 32 | (handle & 0xfff); }

}  // namespace kos::lx
