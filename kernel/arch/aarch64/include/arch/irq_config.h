// Numbering of interrupts on this architecture: GICv2, software-generated 0-15, private 16-31, shared from 32 on.
#pragma once

#include <sel4/config.h>

namespace keel {

constexpr unsigned kMaxIrq = SEL4_MAX_IRQ;
constexpr unsigned kNumPrivateIrqs = SEL4_NUM_PRIVATE_IRQS;

}  // namespace keel
