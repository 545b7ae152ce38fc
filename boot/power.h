/*
 * Calls to the firmware: start a core, power off (Arm DEN 0022, Power State Coordination Interface).
 */
#ifndef KOS_BOOT_POWER_H_
#define KOS_BOOT_POWER_H_

#include <stdint.h>

#include "device_tree.h"

namespace kos::boot {

// How later calls reach the firmware. kNone: there is no firmware to call.
void set_psci_conduit(PsciConduit conduit);

// Starts the core at `entry` (physical) with `context` in x0. Returns 0 or a PSCI error (negative).
int64_t start_core(uint64_t mpidr, uint64_t entry, uint64_t context);

// Powers the machine off, or stops this core if the firmware does not.
[[noreturn]] void power_off();

}  // namespace kos::boot

#endif
