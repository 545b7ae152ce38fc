// User address spaces: tables, ASIDs, and the end of the capabilities for them. See arch/vspace.h, arch/user_tables.h.
//
// Capabilities remember where they are mapped (ASID, address); tables do not know the capabilities. So a mapping can
// vanish under a capability, and every use of one looks first whether the tables still say the same.
#include "arch/vspace.h"

#include "arch/smp.h"
#include "arch/switch.h"
#include "arch/tlb.h"
#include "arch/user_tables.h"

namespace keel {

AsidPool* asid_pools[kNumAsidPools];
AsidPool no_asid_pool;

Walk walk_tables(PageTable& root, UserAddr address, unsigned level) {
    PageTable* table = &root;
    for (unsigned at = 0;; at++) {
        PageTableEntry& entry = table->entry[table_index(raw(address), at)];
        if (at == level || !is_table(entry)) return {&entry, at};
        table = to_kernel<PageTable>(entry_address(entry));
    }
}

PageTableEntry user_leaf_entry(PhysAddr base, FrameSize size, Rights rights, bool cacheable, bool executable) {
    PageTableEntry flags = kEntryNotGlobal | kEntryNoKernelExecute;
    // Write without read is no access at all.
    if (rights.read()) flags |= kEntryUser;
    if (!rights.read() || !rights.write()) flags |= kEntryReadOnly;
    if (!executable) flags |= kEntryNoUserExecute;
    return leaf_entry(base, frame_level(size), cacheable ? MemoryType::kNormal : MemoryType::kDevice, flags);
}

void set_leaf(PageTableEntry& entry, PageTableEntry value, Asid asid, UserAddr address) {
    PageTableEntry const old = entry;
    if (!is_valid(old)) {
        entry = value;
        publish_entry();
        return;
    }
    // Only permissions may change in place; another memory type needs the entry to be invalid in between
    // (Arm ARM D5.10.1, break-before-make).
    constexpr PageTableEntry kPermissions = kEntryUser | kEntryReadOnly | kEntryNoUserExecute;
    if ((old ^ value) & ~kPermissions) {
        entry = 0;
        invalidate_address(asid, raw(address));
        entry = value;
        publish_entry();
        return;
    }
    entry = value;
    invalidate_address(asid, raw(address));
}

PageTableEntry* find_mapping(const Cap& frame) {
    Word const ttbr = asid_ttbr(frame.mapped_asid());
    if (ttbr == 0) return nullptr;
    unsigned const level = frame_level(frame.frame_size());
    Walk const walk = walk_tables(*root_table(ttbr), frame.mapped_address(), level);
    if (walk.level != level || !is_valid(*walk.entry)) return nullptr;
    // At levels 1 and 2 a table may have taken the place of the block.
    if (level != kLastLevel && is_table(*walk.entry)) return nullptr;
    return entry_address(*walk.entry) == frame.frame_base() ? walk.entry : nullptr;
}

void unmap_frame(const Cap& frame) {
    PageTableEntry* const entry = find_mapping(frame);
    if (!entry) return;
    *entry = 0;
    invalidate_address(frame.mapped_asid(), raw(frame.mapped_address()));
}

void unmap_page_table(const Cap& table) {
    Asid const asid = table.mapped_asid();
    Word const ttbr = asid_ttbr(asid);
    if (ttbr == 0) return;
    PhysAddr const target = to_physical(table.page_table());
    PageTable* parent = root_table(ttbr);
    for (unsigned level = 0; level < kLastLevel; level++) {
        PageTableEntry& entry = parent->entry[table_index(raw(table.mapped_address()), level)];
        if (!is_table(entry)) return;
        if (entry_address(entry) == target) {
            entry = 0;
            invalidate_asid(asid);
            return;
        }
        parent = to_kernel<PageTable>(entry_address(entry));
    }
}

Asid assign_asid(AsidPool& pool, Asid base, PageTable& root) {
    for (unsigned i = base == 0 ? 1 : 0; i < kAsidsPerPool; i++) {
        if (pool.ttbr[i] != 0) continue;
        Asid const asid = static_cast<Asid>(base + i);
        pool.ttbr[i] = ttbr_value(&root, asid);
        return asid;
    }
    return 0;
}

namespace {

// No core runs in this address space any more, and nothing of it is remembered: the ASID can be given to another.
void retire_asid(Cpu& cpu, Word ttbr) {
    if (cpu.arch.vspace_root == ttbr) {
        load_vspace(cpu, empty_vspace);
        // Here the kernel goes on with table memory that may be reused, so no walk may start from the old root.
        instruction_barrier();
    }
    drop_vspace_elsewhere(cpu, ttbr);
    invalidate_asid(static_cast<Asid>(ttbr >> 48));
}

}  // namespace

bool derive_vm_cap(Cap& cap) {
    switch (cap.type()) {
        case CapType::kFrame: cap.clear_mapping(); return true;
        case CapType::kPageTable:
        case CapType::kVSpace: return cap.mapped_asid() != 0;
        default: return true;
    }
}

void finalise_frame(Cap& cap) {
    if (cap.mapped_asid() != 0) unmap_frame(cap);
    cap.clear_mapping();
}

void finalise_page_table(Cap& cap) {
    if (cap.mapped_asid() != 0) unmap_page_table(cap);
    cap.clear_mapping();
}

void finalise_vspace(Cap& cap) {
    Word const ttbr = valid_ttbr(cap);
    if (ttbr != 0) {
        Asid const asid = cap.mapped_asid();
        asid_pools[asid >> kAsidPoolBits]->ttbr[asid % kAsidsPerPool] = 0;
        retire_asid(this_cpu(), ttbr);
    }
    cap.clear_mapping();
}

void finalise_asid_pool(Cap& cap) {
    unsigned const number = cap.asid_base() >> kAsidPoolBits;
    auto* const pool = static_cast<AsidPool*>(cap.asid_pool());
    if (asid_pools[number] != pool) return;
    asid_pools[number] = &no_asid_pool;
    for (Word ttbr : pool->ttbr) {
        if (ttbr != 0) retire_asid(this_cpu(), ttbr);
    }
}

}  // namespace keel
