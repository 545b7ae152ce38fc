/*
 * See power.h.
 */
#include "power.h"

#include "hand_over.h"

namespace kos::boot {
namespace {

// Function identifiers, PSCI 0.2 and later.
constexpr uint64_t kCpuOn64 = 0xc400'0003;
constexpr uint64_t kSystemOff = 0x8400'0008;
constexpr int64_t kNotSupported = -1;

PsciConduit g_conduit = PsciConduit::kNone;

int64_t call(uint64_t function, uint64_t argument0, uint64_t argument1, uint64_t argument2) {
    switch (g_conduit) {
        case PsciConduit::kSmc: return kos_psci_smc(function, argument0, argument1, argument2);
        case PsciConduit::kHvc: return kos_psci_hvc(function, argument0, argument1, argument2);
        case PsciConduit::kNone: break;
    }
    return kNotSupported;
}

}  // namespace

void set_psci_conduit(PsciConduit conduit) { g_conduit = conduit; }

int64_t start_core(uint64_t mpidr, uint64_t entry, uint64_t context) { return call(kCpuOn64, mpidr, entry, context); }

void power_off() {
    static_cast<void>(call(kSystemOff, 0, 0, 0));  // returns only if it is not supported
    for (;;) {
        asm volatile("wfi");
    }
}

}  // namespace kos::boot
