// Entropy that the machine's boot gave: "rng-seed" of the device tree (/chosen).
#pragma once

#include "domain.h"

namespace root {

void collect_boot_entropy();  // at boot

// Four words that differ for each instance and never repeat, derived from the seed by SHA-512. UNAVAILABLE without a
// seed.
kos_status_t boot_entropy(Word instance, Word (&words)[4]);

}  // namespace root
