// The system calls of debug kernels.
#pragma once

#include "core/cpu.h"

namespace keel {

// True if `number` is a debug call that this build has; it has been carried out.
bool debug_syscall(Cpu& cpu, Tcb& tcb, int64_t number);

}  // namespace keel
