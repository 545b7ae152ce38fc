// Slots and untyped memory by free lists.
#include "platform/objects.h"

#include <kos/root.h>
#include <kos/status.h>

namespace kos::lx {

using namespace sel4;

const kos_startup_kernel_t* Objects::kernel_;
CPtr Objects::cspace_;
uint64_t Objects::chunks_free_;

namespace {

constexpr unsigned kBitsMax = 40;
constexpr unsigned kLowerLevelBits = 32;
constexpr Word kSlotsPerCNode = Word{1} << kCNodeBits;

std::vector<CPtr> free_slots;
bool is_growing = false;
std::vector<CPtr> free_untypeds[kBitsMax];
Word next_cnode = 1;                   // index in the top CNode
CPtr next_single = 0, single_end = 0;  // slots of the newest CNode for single ones that were never used
CPtr next_run = 0, run_end = 0;        // the same for runs

// Before there is a CNode to take one from.
Result<CPtr> take_first_slot() {
    uint64_t slot = 0;
    if (!kos_status_is_ok(kos_root_slot_take(&slot))) return Errno::kENOMEM;
    return slot;
}

// A CNode of 4096 slots at the next index of the top CNode.
Result<CPtr> make_cnode(const kos_startup_kernel_t& kernel) {
    constexpr unsigned kBits = kCNodeBits + seL4_SlotBits;
    Word const last = (Word{1} << kernel.cspace_bits) - 1;
    if (next_cnode >= KOS_TOP_ENTRY_REPLY) return Errno::kENOMEM;
    KOS_TRY(CPtr const untyped, Objects::take_untyped(kBits));
    // Made at the last index, moved to its place with the guard that fills the address up.
    if (!untyped_retype(untyped, seL4_CapTableObject, kCNodeBits, {kernel.cspace, 0, 0, last, 1}).ok()) {
        return Errno::kENOMEM;
    }
    SlotPath const from{kernel.cspace, last, 64 - kLowerLevelBits}, to{kernel.cspace, next_cnode, 64 - kLowerLevelBits};
    if (!cnode_mutate(to, from, kLowerLevelBits - kCNodeBits).ok()) return Errno::kENOMEM;
    return next_cnode++ << kLowerLevelBits;
}

}  // namespace

void Objects::initialise(const kos_startup_t& startup) {
    kernel_ = &startup.kernel;
    cspace_ = startup.kernel.cspace;
    auto const* const entries =
        reinterpret_cast<const kos_startup_untyped_t*>(reinterpret_cast<uintptr_t>(&startup) + startup.untypeds.offset);
    for (uint32_t i = 0; i < startup.untypeds.count; ++i) give_untyped(entries[i].slot, entries[i].size_bits);
}

Result<CPtr> Objects::take_slot() {
    if (!free_slots.empty()) {
        CPtr const slot = free_slots.back();
        free_slots.pop_back();
        return slot;
    }
    // The memory of the next CNode may have to be split off, which takes slots: while there are some.
    constexpr Word kReserve = 64;
    if (single_end - next_single < kReserve && !is_growing) {
        is_growing = true;
        auto const made = make_cnode(*kernel_);
        is_growing = false;
        if (made.ok()) {
            for (; next_single != single_end; ++next_single) free_slots.push_back(next_single);
            next_single = *made;
            single_end = *made + kSlotsPerCNode;
        }
    }
    if (next_single == single_end) return Errno::kENOMEM;
    return next_single++;
}

void Objects::give_slot(CPtr slot) { free_slots.push_back(slot); }

Result<CPtr> Objects::take_run() {
    if (next_run == run_end) {
        KOS_TRY(next_run, make_cnode(*kernel_));
        run_end = next_run + kSlotsPerCNode;
    }
    CPtr const first = next_run;
    next_run += kRunSlots;
    return first;
}

Result<CPtr> Objects::copy_to_top(CPtr of, Word entry) {
    SlotPath const to{kernel_->cspace, entry, 64 - kLowerLevelBits};
    if (!cnode_copy(to, path(of)).ok()) return Errno::kENOMEM;
    return entry << KOS_TOP_ENTRY_SHIFT;
}

Result<CPtr> Objects::take_untyped(unsigned bits) {
    unsigned from = bits;
    while (from < kBitsMax && free_untypeds[from].empty()) ++from;
    if (from == kBitsMax) return Errno::kENOMEM;
    CPtr piece = free_untypeds[from].back();
    free_untypeds[from].pop_back();
    if (from >= kChunkBits) chunks_free_ -= uint64_t{1} << (from - kChunkBits);
    for (; from > bits; --from) {
        CPtr halves[2];
        for (CPtr& half : halves) {
            KOS_TRY(half, next_cnode == 1 ? take_first_slot() : take_slot());
            if (!retype(piece, seL4_UntypedObject, from - 1, half, 1).ok()) return Errno::kENOMEM;
        }
        give_untyped(halves[1], from - 1);
        piece = halves[0];
    }
    return piece;
}

void Objects::give_untyped(CPtr untyped, unsigned bits) {
    free_untypeds[bits].push_back(untyped);
    if (bits >= kChunkBits) chunks_free_ += uint64_t{1} << (bits - kChunkBits);
}

Status Objects::retype(CPtr untyped, Word type, Word size_bits, CPtr first, Word count) {
    constexpr Word kIndexMask = 0xffffffff;
    RetypeWindow const window{cspace_, first >> kLowerLevelBits, 64 - kLowerLevelBits, first & kIndexMask, count};
    return untyped_retype(untyped, type, size_bits, window).ok() ? Status() : Status(Errno::kENOMEM);
}

Result<Objects::Object> Objects::make(Word type, Word size_bits, unsigned bits) {
    Object object;
    object.bits = bits;
    KOS_TRY(object.untyped, take_untyped(bits));
    auto const slot = take_slot();
    if (!slot.ok() || !retype(object.untyped, type, size_bits, *slot, 1).ok()) {
        if (slot.ok()) give_slot(*slot);
        give_untyped(object.untyped, bits);
        return Errno::kENOMEM;
    }
    object.cap = *slot;
    return object;
}

void Objects::destroy(Object& object) {
    if (!object.is_made()) return;
    // Revoking the memory takes every copy of the capability, this one too.
    cnode_revoke(path(object.untyped));
    give_slot(object.cap);
    give_untyped(object.untyped, object.bits);
    object = Object();
}

}  // namespace kos::lx
