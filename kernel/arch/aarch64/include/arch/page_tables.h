// Translation tables of the AArch64 4 KiB granule (Arm ARM D5.3): entries and their fields, for the kernel's and user
// level's tables alike.
#pragma once

#include "core/cap.h"

namespace keel {

using PageTableEntry = Word;

constexpr unsigned kTableIndexBits = 9;
constexpr unsigned kTableEntries = 1u << kTableIndexBits;
constexpr unsigned kLastLevel = 3;  // level 0 is the root

struct alignas(4096) PageTable {
    PageTableEntry entry[kTableEntries];
};
static_assert(sizeof(PageTable) == 4096);

// log2 of what one entry of a level covers: 39, 30, 21, 12.
constexpr unsigned level_bits(unsigned level) { return 12 + kTableIndexBits * (kLastLevel - level); }
constexpr unsigned table_index(Word address, unsigned level) {
    return address >> level_bits(level) & (kTableEntries - 1);
}
// Level at which frames of a size are mapped.
constexpr unsigned frame_level(FrameSize size) { return kLastLevel - static_cast<unsigned>(size); }

// --- Fields of entries ---
constexpr PageTableEntry kEntryValid = 1;
constexpr PageTableEntry kEntryTable = 2;          // levels 0-2: next table rather than block; level 3: always set
constexpr PageTableEntry kEntryUser = 1 << 6;      // AP[1]: EL0 has the access that EL1 has
constexpr PageTableEntry kEntryReadOnly = 1 << 7;  // AP[2]
constexpr PageTableEntry kEntryInnerShareable = 3 << 8;
constexpr PageTableEntry kEntryAccessed = 1 << 10;   // else an access flag fault
constexpr PageTableEntry kEntryNotGlobal = 1 << 11;  // tagged with the ASID
constexpr PageTableEntry kEntryNoKernelExecute = Word{1} << 53;
constexpr PageTableEntry kEntryNoUserExecute = Word{1} << 54;
constexpr PageTableEntry kEntryAddressMask = 0x0000fffffffff000;

// MAIR_EL1 index: the attributes that the loader has set (sel4 ABI, boot protocol).
enum class MemoryType : Word { kDevice = 0, kNormal = 4 };  // nGnRnE; write-back

constexpr PageTableEntry entry_memory_type(MemoryType type) {
    return static_cast<Word>(type) << 2 | (type == MemoryType::kNormal ? kEntryInnerShareable : 0);
}
constexpr PageTableEntry table_entry(PhysAddr table) { return raw(table) | kEntryTable | kEntryValid; }
// Block or page at `level`, valid and accessed.
constexpr PageTableEntry leaf_entry(PhysAddr base, unsigned level, MemoryType type, PageTableEntry flags) {
    return raw(base) | flags | entry_memory_type(type) | kEntryAccessed | kEntryValid |
           (level == kLastLevel ? kEntryTable : 0);
}

constexpr bool is_valid(PageTableEntry entry) { return entry & kEntryValid; }
// Whether an entry of levels 0-2 leads to another table.
constexpr bool is_table(PageTableEntry entry) { return (entry & 3) == 3; }
constexpr PhysAddr entry_address(PageTableEntry entry) { return PhysAddr{entry & kEntryAddressMask}; }

}  // namespace keel
