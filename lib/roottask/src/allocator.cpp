// Arenas of kernel objects and slots (allocator.h).
#include <kos/roottask/allocator.h>
#include <kos/roottask/boot.h>

namespace kos::roottask {

using namespace sel4;

CPtr ObjectAllocator::slots(Word count) {
    if (count == 0 || count > end_slot_ - next_slot_) {
        return kNullCap;
    }
    CPtr first = next_slot_;
    next_slot_ += count;
    return first;
}

CPtr ObjectAllocator::make_many(Word type, Word size_bits, Word count) {
    CPtr first = slots(count);
    if (first == kNullCap) {
        return kNullCap;
    }
    for (Word done = 0; done < count;) {
        Word batch = count - done < SEL4_RETYPE_FAN_OUT_LIMIT ? count - done : SEL4_RETYPE_FAN_OUT_LIMIT;
        RetypeWindow window{seL4_CapInitThreadCNode, 0, 0, first + done, batch};
        if (!untyped_retype(untyped_, type, size_bits, window).ok()) {
            return kNullCap;
        }
        done += batch;
    }
    return first;
}

CPtr ObjectAllocator::copy(CPtr cap, seL4_CapRights_t rights) {
    CPtr to = slot();
    return to != kNullCap && cnode_copy(root_slot(to), root_slot(cap), rights).ok() ? to : kNullCap;
}

CPtr ObjectAllocator::mint(CPtr cap, Word data, seL4_CapRights_t rights) {
    CPtr to = slot();
    return to != kNullCap && cnode_mint(root_slot(to), root_slot(cap), rights, data).ok() ? to : kNullCap;
}

bool ObjectAllocator::make_arena(Word size_bits, Word slot_count, ObjectAllocator& arena) {
    CPtr untyped = make(seL4_UntypedObject, size_bits);
    CPtr first = slots(slot_count);
    if (untyped == kNullCap || first == kNullCap) {
        return false;
    }
    arena = ObjectAllocator(untyped, first, slot_count);
    return true;
}

void ObjectAllocator::free_all() {
    cnode_revoke(root_slot(untyped_));
    // What did not come from the untyped memory (copies, handlers) is still there; an empty slot is deleted in vain.
    for (CPtr slot = first_slot_; slot < next_slot_; ++slot) {
        cnode_delete(root_slot(slot));
    }
    next_slot_ = first_slot_;
}

Result map_page(ObjectAllocator& allocator, CPtr vspace, CPtr page, Word address, seL4_CapRights_t rights,
                Word attributes) {
    constexpr int kMaxMissingTables = 3;
    Result result = page_map(page, vspace, address, rights, attributes);
    for (int i = 0; i < kMaxMissingTables && result.error == seL4_FailedLookup; ++i) {
        CPtr table = allocator.make(seL4_ARM_PageTableObject);
        Result mapped = page_table_map(table, vspace, address);
        if (!mapped.ok()) {
            return mapped;
        }
        result = page_map(page, vspace, address, rights, attributes);
    }
    return result;
}

namespace {

// How far each device untyped of the bootinfo has been used.
Word device_used[SEL4_MAX_BOOTINFO_UNTYPEDS];

Word trailing_zeros(Word value) { return static_cast<Word>(__builtin_ctzl(value)); }
Word log2_floor(Word value) { return 63 - static_cast<Word>(__builtin_clzl(value)); }

bool retype_one(ObjectAllocator& allocator, CPtr untyped, Word type, Word size_bits, CPtr& made) {
    made = allocator.slot();
    return made != kNullCap &&
           untyped_retype(untyped, type, size_bits, RetypeWindow{seL4_CapInitThreadCNode, 0, 0, made, 1}).ok();
}

}  // namespace

CPtr make_device_frame(ObjectAllocator& allocator, Word address) {
    const seL4_BootInfo& info = *root_task().boot_info;
    Word count = info.untyped.end - info.untyped.start;
    for (Word i = 0; i < count && i < SEL4_MAX_BOOTINFO_UNTYPEDS; ++i) {
        const seL4_UntypedDesc& untyped = info.untypedList[i];
        Word size = Word{1} << untyped.sizeBits;
        if (!untyped.isDevice || address < untyped.paddr || address - untyped.paddr >= size) {
            continue;
        }
        Word target = address - untyped.paddr;
        CPtr made = kNullCap;
        // Objects are laid out upwards, aligned to their size: skip to the target by untyped objects.
        while (device_used[i] < target) {
            Word bits = log2_floor(target - device_used[i]);
            if (device_used[i] != 0 && trailing_zeros(device_used[i]) < bits) {
                bits = trailing_zeros(device_used[i]);
            }
            if (!retype_one(allocator, info.untyped.start + i, seL4_UntypedObject, bits, made)) {
                return kNullCap;
            }
            device_used[i] += Word{1} << bits;
        }
        if (device_used[i] != target ||
            !retype_one(allocator, info.untyped.start + i, seL4_ARM_SmallPageObject, 0, made)) {
            return kNullCap;
        }
        device_used[i] += Word{1} << seL4_PageBits;
        return made;
    }
    return kNullCap;
}

}  // namespace kos::roottask
