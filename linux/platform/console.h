// The domain's console: the port "console" of a serial driver.
#pragma once

namespace kos::lx {}  // namespace kos::lx
