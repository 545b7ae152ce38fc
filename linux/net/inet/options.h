// The table of numeric options (options.cpp).
#pragma once

#include <stdint.h>

namespace kos::lx {

enum class Option : uint8_t;
int32_t default_value(Option option);

}  // namespace kos::lx
