/*
 * Stand-in for the kernel: checks the hand-over as the sel4 ABI describes it (boot protocol) and prints a verdict.
 *
 * The expectations are written out here and not taken from the loader's headers: a mistake there shall be noticed. It
 * prints through the loader's identity map, which a real kernel does not have: that, and only that, is agreed between
 * this test and the loader.
 */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "probe_root.h"

namespace {

constexpr uint64_t kPage = 4096;
constexpr unsigned kMaxCores = 4;
constexpr uint64_t kPolls = 2'000'000'000;

// As probe_start.S writes it.
struct Entry {
    uint64_t argument[6];
    uint64_t sctlr;
    uint64_t tcr;
    uint64_t mair;
    uint64_t current_el;
    uint64_t daif;
    uint64_t cpacr;
    uint64_t spsel;
    uint64_t was_there_before;
    uint64_t pc;
    uint64_t arrived;
};
static_assert(sizeof(Entry) == 128);

}  // namespace

extern "C" {
Entry probe_entries[kMaxCores];
alignas(16) uint8_t probe_stacks[kMaxCores][8192];
uint64_t probe_store_faults(uint64_t* address);
void probe_main(uint64_t core);
extern uint8_t __text_start[], __kernel_end[];
}

namespace {

const uint64_t g_constant = 5;
uint64_t g_variable = 7;
unsigned g_passed;
unsigned g_failed;

void print(const char* text) {
    auto* data = reinterpret_cast<volatile uint32_t*>(uint64_t{KOS_BOARD_UART_BASE});
    auto* flags = reinterpret_cast<volatile uint32_t*>(uint64_t{KOS_BOARD_UART_BASE} + 0x18);
    for (; *text != '\0'; ++text) {
        while ((*flags & 1u << 5) != 0) {
        }
        *data = static_cast<uint8_t>(*text);
    }
}

void print_number(uint64_t value, unsigned base) {
    char digits[21];
    size_t first = sizeof(digits) - 1;
    digits[first] = '\0';
    do {
        digits[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    print(&digits[first]);
}

void check(const char* name, uint64_t core, uint64_t found, uint64_t expected) {
    const bool good = found == expected;
    (good ? g_passed : g_failed) += 1;
    print("\x1e{\"test\":\"");
    print(name);
    print(" core ");
    print_number(core, 10);
    print(good ? "\",\"result\":\"pass\",\"detail\":\"found 0x" : "\",\"result\":\"fail\",\"detail\":\"found 0x");
    print_number(found, 16);
    print(", expected 0x");
    print_number(expected, 16);
    print("\"}\n");
}

// Memory through the loader's identity map.
uint64_t word_at(uint64_t physical_address) { return *reinterpret_cast<volatile uint64_t*>(physical_address); }

uint32_t big_endian_at(uint64_t physical_address) {
    return __builtin_bswap32(*reinterpret_cast<volatile uint32_t*>(physical_address));
}

// The first non-zero word of [start, end), or 0.
uint64_t first_non_zero(uint64_t start, uint64_t end) {
    for (uint64_t address = start; address < end; address += 8) {
        if (word_at(address) != 0) {
            return word_at(address);
        }
    }
    return 0;
}

// The number behind "cores=" in the device tree: shows that bootargs arrive, and says how many of us there must be.
uint64_t cores_in_bootargs(uint64_t tree, uint64_t size) {
    constexpr char kKey[] = "cores=";
    const auto* bytes = reinterpret_cast<const volatile uint8_t*>(tree);
    for (uint64_t i = 0; i + sizeof(kKey) < size; ++i) {
        size_t matched = 0;
        while (matched < sizeof(kKey) - 1 && bytes[i + matched] == kKey[matched]) {
            ++matched;
        }
        if (matched == sizeof(kKey) - 1) {
            return bytes[i + matched] - static_cast<uint64_t>('0');
        }
    }
    return 0;
}

uint64_t physical_bits_field() {
    uint64_t features = 0;
    asm("mrs %0, id_aa64mmfr0_el1" : "=r"(features));
    return features & 0xf;
}

// The same on every core.
void check_state(uint64_t core) {
    const Entry& entry = probe_entries[core];
    check("memory of this core was zero", core, entry.was_there_before, 0);
    check("entered at the link address", core, entry.pc, reinterpret_cast<uint64_t>(__text_start));
    check("exception level", core, entry.current_el, 1 << 2);
    check("interrupts masked", core, entry.daif, 0x3c0);
    check("stack pointer of EL1", core, entry.spsel, 1);
    check("vector registers off", core, entry.cpacr, 0);
    check("MAIR_EL1", core, entry.mair, 0x0000bbff440c0400);
    // T0SZ 16, inner and outer write-back, inner shareable, 4 KiB; the same for TTBR1; 16-bit ASIDs.
    check("TCR_EL1", core, entry.tcr & ~(uint64_t{7} << 32), 0x10b5103510);
    check("TCR_EL1.IPS", core, entry.tcr >> 32 & 7, physical_bits_field());
    // M, C, SA, SA0, I, DZE, UCT, nTWI, nTWE, UCI and the bits that are one in Armv8.0.
    check("SCTLR_EL1", core, entry.sctlr, 0x34d5d81d);
    for (unsigned i = 0; i < 6; ++i) {
        static const char* const kNames[] = {"x0", "x1", "x2", "x3", "x4", "x5"};
        check(kNames[i], core, entry.argument[i], probe_entries[0].argument[i]);
    }
}

void check_layout(const Entry& entry) {
    const uint64_t* x = entry.argument;
    const uint64_t kernel_end = reinterpret_cast<uint64_t>(__kernel_end) - KOS_BOARD_KERNEL_WINDOW_OFFSET;
    check("device tree follows the kernel", 0, x[4], kernel_end);
    check("device tree in whole pages", 0, x[5] % kPage, 0);
    check("device tree magic", 0, big_endian_at(x[4]), 0xd00dfeed);
    check("device tree says its size", 0, big_endian_at(x[4] + 4), x[5]);
    check("root task follows the device tree", 0, x[0], x[4] + x[5]);
    check("root task size", 0, x[1] - x[0], PROBE_ROOT_END - PROBE_ROOT_START);
    check("root task offset", 0, x[2], x[0] - PROBE_ROOT_START);
    check("root task entry", 0, x[3], PROBE_ROOT_ENTRY);
}

void check_contents(const Entry& entry) {
    const uint64_t offset = entry.argument[2];
    const uint64_t data_end = PROBE_ROOT_DATA + 8;
    check("root task code", 0, word_at(PROBE_ROOT_START + offset), PROBE_ROOT_TEXT_WORD);
    check("root task data", 0, word_at(PROBE_ROOT_DATA + offset), PROBE_ROOT_DATA_WORD);
    check("root task gap is zero", 0, first_non_zero(PROBE_ROOT_START + 0x10 + offset, PROBE_ROOT_DATA + offset), 0);
    check("root task bss is zero", 0, first_non_zero(data_end + offset, PROBE_ROOT_END + offset), 0);
    check("kernel constant", 0, *const_cast<const volatile uint64_t*>(&g_constant), 5);
    check("kernel variable", 0, *const_cast<volatile uint64_t*>(&g_variable), 7);
}

// What the segments do not permit, the loader's map does not permit.
void check_protection() {
    check("code is read-only", 0, probe_store_faults(reinterpret_cast<uint64_t*>(__text_start)), 1);
    check("constants are read-only", 0, probe_store_faults(const_cast<uint64_t*>(&g_constant)), 1);
    check("data is writable", 0, probe_store_faults(&g_variable), 0);
    check("nothing is mapped behind the kernel", 0, probe_store_faults(reinterpret_cast<uint64_t*>(__kernel_end)), 1);
}

// EL1 and EL2 agree about the time: CNTVOFF_EL2 is zero.
void check_counters() {
    uint64_t physical = 0;
    uint64_t virtual_count = 0;
    asm volatile("isb\n\tmrs %0, cntpct_el0\n\tmrs %1, cntvct_el0" : "=r"(physical), "=r"(virtual_count));
    uint64_t frequency = 0;
    asm("mrs %0, cntfrq_el0" : "=r"(frequency));
    check("counter offset below ten seconds", 0, virtual_count - physical < 10 * frequency, 1);
}

void check_other_cores(uint64_t cores) {
    for (uint64_t core = 1; core < cores; ++core) {
        uint64_t polls = 0;
        while (polls < kPolls && __atomic_load_n(&probe_entries[core].arrived, __ATOMIC_ACQUIRE) == 0) {
            ++polls;
        }
        check("arrived", core, polls < kPolls, 1);
        check_state(core);
    }
    for (uint64_t core = cores; core < kMaxCores; ++core) {
        check("not started", core, __atomic_load_n(&probe_entries[core].arrived, __ATOMIC_ACQUIRE), 0);
    }
}

}  // namespace

void probe_main(uint64_t core) {
    // Pairs with the load in check_other_cores().
    __atomic_store_n(&probe_entries[core].arrived, 1, __ATOMIC_RELEASE);
    if (core != 0) {
        return;
    }
    const Entry& entry = probe_entries[0];
    check_state(0);
    check_layout(entry);
    check_contents(entry);
    check_protection();
    check_counters();
    const uint64_t cores = cores_in_bootargs(entry.argument[4], entry.argument[5]);
    check("bootargs arrive", 0, cores >= 1 && cores <= kMaxCores, 1);
    check_other_cores(cores);
    print(g_failed == 0 ? "\x1e{\"verdict\":\"pass\",\"passed\":" : "\x1e{\"verdict\":\"fail\",\"passed\":");
    print_number(g_passed, 10);
    print(",\"failed\":");
    print_number(g_failed, 10);
    print(",\"skipped\":0}\n");
}
