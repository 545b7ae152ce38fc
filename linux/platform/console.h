// The domain's console: the port "console" of a serial driver.
#pragma once

#include "task/system.h"

namespace kos::lx {

// Registers /dev/console (5:1).
Status open_console(System& system);

}  // namespace kos::lx
