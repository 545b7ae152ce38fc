// The node /chosen of the device tree: what the loader and the machine say to whom they start.
#pragma once

#include "boot.h"

namespace root {

// The property's bytes, null if there is none, or no sound device tree. Valid for good.
const void* chosen_property(const char* name, size_t& bytes);

}  // namespace root
