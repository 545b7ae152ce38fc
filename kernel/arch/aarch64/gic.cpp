// Generic Interrupt Controller v2 (ARM IHI 0048B.b): distributor and CPU interface as one security state sees them.
//
// Every interrupt has the same priority, so at most one is active on a core, and it is completed (EOI) before the
// kernel is left. What user level is to handle stays masked until it acknowledges.
#include "arch/irq.h"
#include "arch/kernel_space.h"
#include "arch/smp.h"
#include "core/cpu.h"

namespace keel {

namespace {

// Distributor, byte offsets (IHI 0048B table 4-1).
constexpr Word kGicdCtlr = 0x000;
constexpr Word kGicdTyper = 0x004;
constexpr Word kGicdIsenabler = 0x100;
constexpr Word kGicdIcenabler = 0x180;
constexpr Word kGicdIcpendr = 0x280;
constexpr Word kGicdIcactiver = 0x380;
constexpr Word kGicdIpriorityr = 0x400;
constexpr Word kGicdItargetsr = 0x800;
constexpr Word kGicdIcfgr = 0xc00;
constexpr Word kGicdSgir = 0xf00;
constexpr Word kGicdCpendsgir = 0xf10;
// CPU interface (table 4-2).
constexpr Word kGiccCtlr = 0x000;
constexpr Word kGiccPmr = 0x004;
constexpr Word kGiccBpr = 0x008;
constexpr Word kGiccIar = 0x00c;
constexpr Word kGiccEoir = 0x010;

constexpr uint32_t kAllPriorities = 0xff;
constexpr uint32_t kDefaultPriority = 0x80808080;  // four interrupts per register
constexpr uint32_t kIarIrqMask = 0x3ff;
constexpr uint32_t kFirstSpecialIrq = 1020;  // 1020-1023: nothing to take

// The CPU interface of each core, one bit, as the controller itself numbers them.
uint8_t interface_masks[kMaxCores];

volatile uint32_t& distributor(Word offset) {
    return *reinterpret_cast<volatile uint32_t*>(kGicDistributorAddress + offset);
}
volatile uint32_t& interface(Word offset) {
    return *reinterpret_cast<volatile uint32_t*>(kGicInterfaceAddress + offset);
}

// Register of a bank with one bit per interrupt.
volatile uint32_t& bit_register(Word bank, Word irq) { return distributor(bank + irq / 32 * 4); }
uint32_t irq_bit(Word irq) { return uint32_t{1} << irq % 32; }

// The target registers of private interrupts (banked) read as the mask of the core that reads; 0 on one core.
uint8_t own_interface() {
    uint32_t const mask = distributor(kGicdItargetsr) & 0xff;
    return static_cast<uint8_t>(mask != 0 ? mask : 1);
}

}  // namespace

Word take_irq() {
    Cpu& cpu = this_cpu();
    uint32_t const taken = interface(kGiccIar);
    cpu.arch.taken_irq = taken;
    Word const irq = taken & kIarIrqMask;
    // A controller may have more lines than the kernel knows; those stay masked and never get here.
    return irq >= kFirstSpecialIrq || irq > kMaxIrq ? kNoIrq : irq_index(cpu.id, irq);
}

void complete_irq(Word) {
    // The device's registers were written by user level or this core before; the end of interrupt must not overtake
    // a mask written to the distributor.
    data_barrier();
    interface(kGiccEoir) = static_cast<uint32_t>(this_cpu().arch.taken_irq);
}

void mask_irq(Word index, bool masked) {
    Word const irq = irq_number(index);
    if constexpr (kSmp) {
        // The registers of private interrupts are banked: each core has its own.
        if (is_private_irq(index) && irq_core(index) != this_cpu().id) {
            smp_mask_irq(irq_core(index), irq, masked);
            return;
        }
    }
    bit_register(masked ? kGicdIcenabler : kGicdIsenabler, irq) = irq_bit(irq);
}

void set_irq_trigger(Word index, bool edge) {
    Word const irq = irq_number(index);
    if (irq < kNumSgis) return;  // always edge-triggered
    if constexpr (kSmp) {
        if (is_private_irq(index) && irq_core(index) != this_cpu().id) {
            smp_set_irq_trigger(irq_core(index), irq, edge);
            return;
        }
    }
    volatile uint32_t& config = distributor(kGicdIcfgr + irq / 16 * 4);
    uint32_t const edge_bit = uint32_t{2} << irq % 16 * 2;
    config = edge ? config | edge_bit : config & ~edge_bit;
}

void acknowledge_irq(Word index) { mask_irq(index, false); }

void set_irq_target(Word index, unsigned core) {
    Word const irq = irq_number(index);
    reinterpret_cast<volatile uint8_t*>(kGicDistributorAddress + kGicdItargetsr)[irq] = interface_masks[core];
}

void send_sgi(Word irq, Word target_mask) {
    // What the receiver is to see must be visible before it is interrupted; pairs with the lock it takes.
    data_barrier();
    distributor(kGicdSgir) = static_cast<uint32_t>((target_mask & 0xff) << 16 | irq);
}

void send_ipi(unsigned core, Word ipi) { send_sgi(ipi, interface_masks[core]); }

void clear_ipi(Word ipi) {
    // One byte per interrupt, one bit per sender.
    reinterpret_cast<volatile uint8_t*>(kGicDistributorAddress + kGicdCpendsgir)[ipi] = 0xff;
}

void init_interrupt_distributor() {
    distributor(kGicdCtlr) = 0;
    Word const lines = ((distributor(kGicdTyper) & 31) + 1) * 32;
    for (Word irq = kNumPrivateIrqs; irq < lines; irq += 32) {
        bit_register(kGicdIcenabler, irq) = ~uint32_t{0};
        bit_register(kGicdIcpendr, irq) = ~uint32_t{0};
        bit_register(kGicdIcactiver, irq) = ~uint32_t{0};
    }
    for (Word irq = kNumPrivateIrqs; irq < lines; irq += 4) {
        distributor(kGicdIpriorityr + irq) = kDefaultPriority;
        distributor(kGicdItargetsr + irq) = own_interface() * uint32_t{0x01010101};
    }
    for (Word irq = kNumPrivateIrqs; irq < lines; irq += 16) distributor(kGicdIcfgr + irq / 4) = 0;  // level
    distributor(kGicdCtlr) = 1;
}

void init_core_interrupts() {
    bit_register(kGicdIcenabler, 0) = ~uint32_t{0};
    bit_register(kGicdIcpendr, 0) = ~uint32_t{0};
    bit_register(kGicdIcactiver, 0) = ~uint32_t{0};
    for (Word irq = 0; irq < kNumPrivateIrqs; irq += 4) distributor(kGicdIpriorityr + irq) = kDefaultPriority;
    interface(kGiccPmr) = kAllPriorities;
    interface(kGiccBpr) = 0;
    interface(kGiccCtlr) = 1;
    unsigned const core = this_cpu().id;
    interface_masks[core] = own_interface();
    mask_irq(irq_index(core, kTimerIrq), false);
    if constexpr (kSmp) {
        mask_irq(irq_index(core, kRequestIpi), false);
        mask_irq(irq_index(core, kWakeIpi), false);
    }
}

}  // namespace keel
