// The integer registers of a program's thread, as signal frames and clone(2) need them.
#pragma once

#include <stdint.h>

namespace kos::lx {

struct Registers {
    uint64_t x[31] = {};
    uint64_t sp = 0, pc = 0, pstate = 0;
    uint64_t tls = 0;  // TPIDR_EL0
};

}  // namespace kos::lx
