// Initialisation of a core, and of the other cores by the first; called by kernel/init and boot_entry.S.
#include <sel4/config.h>

#include "arch/boot.h"
#include "arch/irq.h"
#include "arch/kernel_space.h"
#include "arch/memory.h"
#include "arch/smp.h"
#include "arch/stack.h"
#include "arch/switch.h"
#include "arch/time.h"
#include "arch/trap.h"
#include "board.h"

namespace keel {

extern "C" {
extern char keel_image_start[], keel_image_end[], keel_vectors[];
uint32_t keel_other_cores_may_start;
}

namespace {

constexpr Word kPage = 4096;
// End of the physical addresses of the configuration: 40 bits (cortex-a53).
constexpr Word kPhysicalEnd = Word{1} << 40;

uint32_t cores_started;

// SCTLR_EL1 (Arm ARM D13.2.118). Everything else stays as the loader has set it: that is the contract.
void set_system_control() {
    constexpr Word kSet = 1 << 0       // M: MMU on
                          | 1 << 2     // C: data cache on
                          | 1 << 12    // I: instruction cache on
                          | 1 << 15    // UCT: user level reads CTR_EL0
                          | 1 << 26;   // UCI: user level does cache maintenance by address
    constexpr Word kClear = 1 << 1     // A: unaligned accesses are allowed
                            | 1 << 4   // SA0: also an unaligned stack pointer of user level
                            | 1 << 9   // UMA: user level does not mask interrupts
                            | 1 << 24  // E0E, EE: little-endian
                            | 1 << 25;
    Word value;
    asm volatile("mrs %0, sctlr_el1" : "=r"(value));
    value = (value | kSet) & ~kClear;
    // isb: the settings hold for the instructions that follow.
    asm volatile("msr sctlr_el1, %0\n isb" ::"r"(value) : "memory");
}

}  // namespace

PhysRange board_ram() { return {KOS_BOARD_RAM_BASE, KOS_BOARD_RAM_BASE + Word{KOS_BOARD_RAM_SIZE_BYTES}}; }

PhysRange kernel_image_range() { return {raw(to_physical(keel_image_start)), raw(to_physical(keel_image_end))}; }

RangeList user_device_ranges() {
    RangeList devices;
    devices.append({0, kPhysicalEnd});
    devices.remove({KOS_BOARD_GIC_DISTRIBUTOR_BASE, KOS_BOARD_GIC_DISTRIBUTOR_BASE + kPage});
    devices.remove({KOS_BOARD_GIC_CPU_INTERFACE_BASE, KOS_BOARD_GIC_CPU_INTERFACE_BASE + kPage});
    devices.remove(board_ram());
    return devices;
}

void init_core(Cpu& cpu) {
    cpu.id = static_cast<unsigned>(&cpu - kernel.cpus);
    cpu.arch.stack_top = reinterpret_cast<Word>(&keel_core_stacks[cpu.id].exception_context);
    cpu.arch.vspace_root = empty_vspace;  // boot_entry.S has loaded it
    cpu.current = &cpu.idle;
    cpu.idle.state = ThreadState::kIdle;
    asm volatile(
        "msr tpidr_el1, %0\n"
        "msr vbar_el1, %1\n"
        "msr mdscr_el1, xzr\n"      // no debug exceptions
        "msr pmuserenr_el0, xzr\n"  // no performance counters at user level
        "isb" ::"r"(&cpu),
        "r"(keel_vectors)
        : "memory");
    set_fpu_access(cpu, false);
    set_system_control();
}

void init_shared_hardware() {
    init_time();
    init_core_interrupts();
    init_interrupt_distributor();
    init_core_timer();
}

void reserve_kernel_irqs() {
    for (unsigned core = 0; core < kMaxCores; core++) {
        kernel.irq_state[irq_index(core, kTimerIrq)] = static_cast<uint8_t>(IrqState::kTimer);
        if constexpr (kSmp) {
            kernel.irq_state[irq_index(core, kRequestIpi)] = static_cast<uint8_t>(IrqState::kIpi);
            kernel.irq_state[irq_index(core, kWakeIpi)] = static_cast<uint8_t>(IrqState::kIpi);
        }
    }
}

void start_other_cores() {
    if constexpr (!kSmp) return;
    // Release: pairs with the acquire in boot_entry.S; everything built so far is visible to the others.
    __atomic_store_n(&keel_other_cores_may_start, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&cores_started, __ATOMIC_ACQUIRE) != kMaxCores - 1) asm volatile("yield" ::: "memory");
}

extern "C" [[noreturn]] void keel_start_other_core(Word core) {
    Cpu& cpu = kernel.cpus[core];
    init_core(cpu);
    init_core_interrupts();
    init_core_timer();
    __atomic_fetch_add(&cores_started, 1, __ATOMIC_RELEASE);
    lock_kernel(cpu);
    cpu.now = counter();
    start_core(cpu);
}

}  // namespace keel
