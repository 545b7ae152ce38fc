// Bootinfo, memory, slots and root's own mappings (boot.h).
#include "boot.h"

#include "console.h"

extern "C" char root_image_start[];

namespace root {

using namespace kos::sel4;

const seL4_BootInfo* boot_info;
CPtr top_cnode;

namespace {

Word next_slot;
Word end_slot;

// Buddy lists of untyped memory, by size. Split on demand, never merged: nothing here is given back.
constexpr unsigned kMinBits = 7;  // a scheduling context of the smallest size
constexpr unsigned kMaxBits = 40;
constexpr unsigned kMaxPieces = 64;
CPtr pieces[kMaxBits + 1][kMaxPieces];
unsigned piece_count[kMaxBits + 1];

void add_piece(unsigned bits, CPtr cap) {
    if (bits >= kMinBits && bits <= kMaxBits && piece_count[bits] < kMaxPieces) {
        pieces[bits][piece_count[bits]++] = cap;
    }
}

// Root's own address space above the image: tables, scratch page.
constexpr Word kMemoryBase = 0x4000000000;
constexpr Word kScratchAddress = 0x3fc0000000;
Word next_memory = kMemoryBase;
CPtr scratch_slot;

void map_own(CPtr frame, Word address, seL4_CapRights_t rights) {
    Result result = page_map(frame, seL4_CapInitThreadVSpace, address, rights,
                             seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
    for (int level = 0; level < 3 && result.error == seL4_FailedLookup; ++level) {
        page_table_map(new_object(seL4_ARM_PageTableObject), seL4_CapInitThreadVSpace, address);
        result = page_map(frame, seL4_CapInitThreadVSpace, address, rights,
                          seL4_ARM_Default_VMAttributes | seL4_ARM_ExecuteNever);
    }
    if (!result.ok()) panic("cannot map root's own memory");
}

void collect_memory() {
    Word const count = boot_info->untyped.end - boot_info->untyped.start;
    for (Word i = 0; i < count && i < SEL4_MAX_BOOTINFO_UNTYPEDS; ++i) {
        const seL4_UntypedDesc& untyped = boot_info->untypedList[i];
        if (!untyped.isDevice) add_piece(untyped.sizeBits, boot_info->untyped.start + i);
    }
}

// Before the switch the initial CNode resolves all 64 bits of a small number.
void make_two_levels() {
    SlotPath const initial{seL4_CapInitThreadCNode, 0, 64};
    unsigned bits = kTopBits + seL4_SlotBits;
    while (bits <= kMaxBits && piece_count[bits] == 0) ++bits;
    if (bits > kMaxBits) panic("no memory for the capability space");
    CPtr const untyped = pieces[bits][--piece_count[bits]];
    CPtr const top = next_slot++;
    RetypeWindow const window{seL4_CapInitThreadCNode, 0, 0, top, 1};
    if (!untyped_retype(untyped, seL4_CapTableObject, kTopBits, window).ok()) panic("cannot make the top CNode");
    Word const guard = kLowerBits - boot_info->initThreadCNodeSizeBits;
    if (!cnode_mint({top, 0, kTopBits}, {initial.root, seL4_CapInitThreadCNode, 64}, seL4_AllRights, guard).ok() ||
        !tcb_set_space(seL4_CapInitThreadTCB, kNullCap, {top, 0, seL4_CapInitThreadVSpace, 0}).ok()) {
        panic("cannot switch the capability space");
    }
    top_cnode = top;
    // What is left of that piece: split like any other. The retype used its beginning.
    for (unsigned left = kTopBits + seL4_SlotBits; left < bits; ++left) {
        CPtr const half = next_slot++;
        if (!untyped_retype(untyped, seL4_UntypedObject, left, {top_cnode, 0, kTopBits, half, 1}).ok()) break;
        add_piece(left, half);
    }
}

// How far each device untyped of the bootinfo has been used.
Word device_used[SEL4_MAX_BOOTINFO_UNTYPEDS];

}  // namespace

void start_boot(const seL4_BootInfo* info) {
    boot_info = info;
    next_slot = info->empty.start;
    end_slot = info->empty.end;
    collect_memory();
    make_two_levels();
    scratch_slot = new_slot();
}

CPtr new_slot(Word count) {
    if (count > end_slot - next_slot) panic("no capability slots left");
    CPtr const first = next_slot;
    next_slot += count;
    return first;
}

Word free_slots() { return end_slot - next_slot; }

CPtr new_untyped(unsigned bits) {
    if (bits < kMinBits) bits = kMinBits;
    unsigned from = bits;
    while (from <= kMaxBits && piece_count[from] == 0) ++from;
    if (from > kMaxBits) return kNullCap;
    CPtr cap = pieces[from][--piece_count[from]];
    for (; from > bits; --from) {
        CPtr const halves = new_slot(2);
        if (!untyped_retype(cap, seL4_UntypedObject, from - 1, {top_cnode, 0, kTopBits, halves, 2}).ok()) {
            return kNullCap;
        }
        add_piece(from - 1, halves + 1);
        cap = halves;
    }
    return cap;
}

Word untyped_bytes_left() {
    Word bytes = 0;
    for (unsigned bits = kMinBits; bits <= kMaxBits; ++bits) bytes += Word{piece_count[bits]} << bits;
    return bytes;
}

namespace {

unsigned object_bits(Word type, Word size_bits) {
    switch (type) {
        // Kernels with the hardware debug API, which have more methods as well, keep twice as much of a thread.
        case seL4_TCBObject: return seL4_TCBBits + (label_shift ? 1 : 0);
        case seL4_EndpointObject: return seL4_EndpointBits;
        case seL4_NotificationObject: return seL4_NotificationBits;
        case seL4_CapTableObject: return static_cast<unsigned>(seL4_SlotBits + size_bits);
        case seL4_SchedContextObject: return static_cast<unsigned>(size_bits);
        case seL4_ReplyObject: return seL4_ReplyBits;
        default: return seL4_PageBits;
    }
}

}  // namespace

CPtr new_object(Word type, Word size_bits) {
    CPtr const untyped = new_untyped(object_bits(type, size_bits));
    CPtr const slot = new_slot();
    if (!untyped || !untyped_retype(untyped, type, size_bits, {top_cnode, 0, kTopBits, slot, 1}).ok()) {
        panic("no memory for root's objects");
    }
    return slot;
}

CPtr new_frames(Word count) {
    unsigned bits = seL4_PageBits;
    while ((Word{1} << bits) < count * kPageBytes) ++bits;
    CPtr const untyped = new_untyped(bits);
    CPtr const first = new_slot(count);
    if (!untyped) panic("no memory for shared frames");
    for (Word done = 0; done < count;) {
        Word const batch = count - done < SEL4_RETYPE_FAN_OUT_LIMIT ? count - done : SEL4_RETYPE_FAN_OUT_LIMIT;
        if (!untyped_retype(untyped, seL4_ARM_SmallPageObject, 0, {top_cnode, 0, kTopBits, first + done, batch}).ok()) {
            panic("cannot make shared frames");
        }
        done += batch;
    }
    return first;
}

void* new_memory(size_t bytes) {
    Word const count = round_up(bytes) / kPageBytes;
    return map_own_pages(new_frames(count), count);
}

void* map_own_pages(CPtr first, Word count) {
    Word const address = next_memory;
    for (Word i = 0; i < count; ++i) map_own(first + i, address + i * kPageBytes, seL4_ReadWrite);
    next_memory += (count + 1) * kPageBytes;
    return reinterpret_cast<void*>(address);
}

void map_own_frame(CPtr frame, Word address) { map_own(frame, address, seL4_ReadWrite); }

void map_own_tables(Word address, Word bytes) {
    constexpr Word kBytesOfTable = kPageBytes * (kPageBytes / sizeof(Word));
    CPtr const frame = new_frames(1);
    for (Word at = address; at < address + bytes; at += kBytesOfTable) {
        map_own(frame, at, seL4_ReadWrite);
        page_unmap(frame);
    }
}

CPtr image_frame(const void* address) {
    auto const at = reinterpret_cast<uintptr_t>(address);
    auto const start = reinterpret_cast<uintptr_t>(root_image_start);
    if (at < start) return kNullCap;
    CPtr const cap = boot_info->userImageFrames.start + (at - start) / kPageBytes;
    return cap < boot_info->userImageFrames.end ? cap : kNullCap;
}

CPtr new_device_frame(Word address) {
    Word const count = boot_info->untyped.end - boot_info->untyped.start;
    for (Word i = 0; i < count && i < SEL4_MAX_BOOTINFO_UNTYPEDS; ++i) {
        const seL4_UntypedDesc& untyped = boot_info->untypedList[i];
        Word const size = Word{1} << untyped.sizeBits;
        if (!untyped.isDevice || address < untyped.paddr || address - untyped.paddr >= size) continue;
        Word const target = address - untyped.paddr;
        CPtr const source = boot_info->untyped.start + i;
        Word& used = device_used[i];
        // The kernel places objects upwards, each aligned to its size: skip to the target by untyped objects.
        while (used < target) {
            Word bits = 63 - static_cast<Word>(__builtin_clzl(target - used));
            if (used != 0 && static_cast<Word>(__builtin_ctzl(used)) < bits) {
                bits = static_cast<Word>(__builtin_ctzl(used));
            }
            if (!untyped_retype(source, seL4_UntypedObject, bits, {top_cnode, 0, kTopBits, new_slot(), 1}).ok()) {
                return kNullCap;
            }
            used += Word{1} << bits;
        }
        CPtr const frame = new_slot();
        if (used != target ||
            !untyped_retype(source, seL4_ARM_SmallPageObject, 0, {top_cnode, 0, kTopBits, frame, 1}).ok()) {
            return kNullCap;
        }
        used += kPageBytes;
        return frame;
    }
    return kNullCap;
}

const void* device_tree(size_t& bytes) {
    const char* const area = reinterpret_cast<const char*>(boot_info) + kPageBytes;
    Word at = 0;
    while (at + sizeof(seL4_BootInfoHeader) <= boot_info->extraLen) {
        auto* const header = reinterpret_cast<const seL4_BootInfoHeader*>(area + at);
        if (header->len < sizeof *header || header->len > boot_info->extraLen - at) break;
        if (header->id == SEL4_BOOTINFO_HEADER_FDT) {
            bytes = header->len - sizeof *header;
            return header + 1;
        }
        at += header->len;
    }
    bytes = 0;
    return nullptr;
}

void* map_scratch(CPtr frame) {
    if (!cnode_copy(path(scratch_slot), path(frame)).ok()) panic("cannot copy a frame capability");
    map_own(scratch_slot, kScratchAddress, seL4_ReadWrite);
    return reinterpret_cast<void*>(kScratchAddress);
}

void unmap_scratch() { cnode_delete(path(scratch_slot)); }

void* map_device_page(CPtr frame) {
    Word const address = next_memory;
    next_memory += 2 * kPageBytes;
    constexpr Word kDevice = seL4_ARM_ExecuteNever;
    Result result = page_map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite, kDevice);
    for (int level = 0; level < 3 && result.error == seL4_FailedLookup; ++level) {
        page_table_map(new_object(seL4_ARM_PageTableObject), seL4_CapInitThreadVSpace, address);
        result = page_map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite, kDevice);
    }
    return result.ok() ? reinterpret_cast<void*>(address) : nullptr;
}

}  // namespace root
