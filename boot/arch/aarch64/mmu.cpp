/*
 * See mmu.h. kos_build_identity_map() runs with the MMU off.
 */
#include "mmu.h"

#include <stdint.h>

#include "board.h"
#include "hand_over.h"
#include "registers.h"

namespace {

using kos::boot::kPageBytes;

constexpr unsigned kEntries = 512;
constexpr uint64_t kBlockBytes[] = {uint64_t{1} << 39, uint64_t{1} << 30, uint64_t{1} << 21, kPageBytes};

// Descriptor bits (Arm ARM, D8.3.1 and D8.3.2).
constexpr uint64_t kValid = 1;
constexpr uint64_t kTableOrPage = 2;
constexpr uint64_t kReadOnly = uint64_t{1} << 7;  // AP[2]
constexpr uint64_t kInnerShareable = uint64_t{3} << 8;
constexpr uint64_t kAccessed = uint64_t{1} << 10;
constexpr uint64_t kExecuteNever = uint64_t{3} << 53;  // PXN and UXN
constexpr uint64_t kUserExecuteNever = uint64_t{1} << 54;
constexpr uint64_t kAddressMask = 0x0000'ffff'ffff'f000;

constexpr uint64_t kNormal = kAccessed | kInnerShareable | KOS_MAIR_INDEX_NORMAL << 2;
constexpr uint64_t kData = kNormal | kExecuteNever;
constexpr uint64_t kConstants = kNormal | kExecuteNever | kReadOnly;
constexpr uint64_t kCode = kNormal | kUserExecuteNever | kReadOnly;
constexpr uint64_t kWritableCode = kNormal | kUserExecuteNever;
constexpr uint64_t kDevice = kAccessed | KOS_MAIR_INDEX_DEVICE << 2 | kExecuteNever;

struct alignas(kPageBytes) Table {
    uint64_t entry[kEntries];
};

// Identity: level 1, device levels 2 and 3, RAM levels 2 and twice 3. Kernel: levels 1 and 2, and a level 3 for each
// 2 MiB of a kernel of at most kKernelMaxBytes.
constexpr unsigned kPoolTables = 8 + 2 + kos::boot::kKernelMaxBytes / (2 * 1024 * 1024) + 1;
Table g_pool[kPoolTables];
unsigned g_pool_used;

}  // namespace

extern "C" {
Table kos_identity_root;
Table kos_kernel_root;
void kos_build_identity_map();
extern const char __text_start[], __text_end[], __rodata_end[];
}

namespace {

uint64_t index_at(uint64_t virtual_address, unsigned level) { return virtual_address / kBlockBytes[level] % kEntries; }

// Maps [virtual_address, + size) to `physical_address` with the largest blocks that fit. All three page aligned. The
// pool is large enough for what this file and map_kernel() map, so running out is a bug: the entry stays invalid and
// the access to it is reported by the exception vectors.
void map(Table& root, uint64_t virtual_address, uint64_t physical_address, uint64_t size, uint64_t attributes) {
    while (size > 0) {
        Table* table = &root;
        unsigned level = 0;
        for (;; ++level) {
            const uint64_t block = kBlockBytes[level];
            if (level > 0 && virtual_address % block == 0 && physical_address % block == 0 && size >= block) {
                break;
            }
            uint64_t& entry = table->entry[index_at(virtual_address, level)];
            if (entry == 0) {
                if (g_pool_used == kPoolTables) {
                    return;
                }
                entry = reinterpret_cast<uint64_t>(&g_pool[g_pool_used++]) | kTableOrPage | kValid;
            }
            table = reinterpret_cast<Table*>(entry & kAddressMask);
        }
        const uint64_t type = level == 3 ? kTableOrPage | kValid : kValid;
        table->entry[index_at(virtual_address, level)] = physical_address | attributes | type;
        virtual_address += kBlockBytes[level];
        physical_address += kBlockBytes[level];
        size -= kBlockBytes[level];
    }
}

void map_identity(uint64_t start, uint64_t end, uint64_t attributes) {
    map(kos_identity_root, start, start, end - start, attributes);
}

}  // namespace

// The board's UART and RAM; of the loader itself only the code is executable and only data is writable.
void kos_build_identity_map() {
    const auto text = reinterpret_cast<uint64_t>(__text_start);
    const auto text_end = reinterpret_cast<uint64_t>(__text_end);
    const auto constants_end = reinterpret_cast<uint64_t>(__rodata_end);
    constexpr uint64_t kRamBase = KOS_BOARD_RAM_BASE;
    constexpr uint64_t kRamEnd = kRamBase + KOS_BOARD_RAM_SIZE_BYTES;
    map_identity(KOS_BOARD_UART_BASE, KOS_BOARD_UART_BASE + kPageBytes, kDevice);
    map_identity(kRamBase, text, kData);
    map_identity(text, text_end, kCode);
    map_identity(text_end, constants_end, kConstants);
    map_identity(constants_end, kRamEnd, kData);
}

namespace kos::boot {

void map_kernel(const ElfFile& kernel) {
    for (uint32_t i = 0; i < kernel.segment_count; ++i) {
        const ElfSegment& segment = kernel.segments[i];
        const uint64_t start = segment.virtual_address & ~(kPageBytes - 1);
        const uint64_t end = (segment.virtual_address + segment.memory_size + kPageBytes - 1) & ~(kPageBytes - 1);
        uint64_t attributes = segment.executable ? kCode : kConstants;
        if (segment.writable) {
            attributes = segment.executable ? kWritableCode : kData;
        }
        map(kos_kernel_root, start, start - (segment.virtual_address - segment.physical_address), end - start,
            attributes);
    }
    // Entries were invalid before, so no TLB holds them; the barrier lets the walker see them.
    asm volatile("dsb ishst\n\tisb" ::: "memory");
}

}  // namespace kos::boot
