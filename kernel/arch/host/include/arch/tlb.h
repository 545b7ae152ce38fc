// Translation look-aside buffers, for the host: what the kernel asked for is counted (fake_machine.h).
#pragma once

#include "core/types.h"

namespace keel {

inline void publish_entry() {}
void invalidate_address(Asid asid, Word address);
void invalidate_asid(Asid asid);

}  // namespace keel
