// The interrupt controller, for the host: numbering as on AArch64, the controller itself is faked.
#pragma once

#include "core/config.h"

namespace keel {

constexpr Word irq_index(unsigned core, Word irq) {
    return irq < kNumPrivateIrqs ? core * kNumPrivateIrqs + irq : (kMaxCores - 1) * kNumPrivateIrqs + irq;
}
constexpr Word irq_number(Word index) {
    return index < kMaxCores * kNumPrivateIrqs ? index % kNumPrivateIrqs : index - (kMaxCores - 1) * kNumPrivateIrqs;
}
constexpr bool is_private_irq(Word index) { return index < kMaxCores * kNumPrivateIrqs; }
constexpr unsigned irq_core(Word index) { return static_cast<unsigned>(index / kNumPrivateIrqs); }

enum class IrqState : uint8_t { kInactive = 0, kSignal = 1, kTimer = 2, kIpi = 3, kReserved = 4 };

constexpr Word kNoIrq = ~Word{0};
constexpr Word kTimerIrq = 27;
constexpr Word kNumSgis = 16;
constexpr Word kRequestIpi = 0;
constexpr Word kReservedIpi = 1;

bool interrupt_pending();
Word take_irq();
void complete_irq(Word index);
void mask_irq(Word index, bool masked);
void set_irq_trigger(Word index, bool edge);
void set_irq_target(Word index, unsigned core);
void acknowledge_irq(Word index);
void send_sgi(Word irq, Word target_mask);
void send_ipi(unsigned core);

}  // namespace keel
