// Untyped memory: making objects from it.
#pragma once

#include "core/abi.h"
#include "core/cpu.h"

namespace keel {

// log2 of an object's size in memory; `size_bits` counts for variable-sized types only.
unsigned object_size_bits(ObjectType type, Word size_bits);
bool is_frame_type(ObjectType type);

// Memory [start, start + size) below the untyped capability of `slot` is zero afterwards. kPreempted: call again.
Progress clear_untyped(Slot& slot, Word start_offset, Word size);

// Initialises the object at `base`, whose memory is zero, and returns the capability for it.
Cap create_object(ObjectType type, PhysAddr base, Word size_bits, bool device);

}  // namespace keel
