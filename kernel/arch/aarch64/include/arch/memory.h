// The kernel window: all RAM at a fixed offset, and the maintenance of memory handed to user level.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Word kWindowOffset = 0xffffff8000000000;

template <typename T = void>
T* to_kernel(PhysAddr address) {
    return reinterpret_cast<T*>(raw(address) + kWindowOffset);
}
inline PhysAddr to_physical(const void* pointer) { return PhysAddr{reinterpret_cast<Word>(pointer) - kWindowOffset}; }
// The kernel window maps this: RAM of the board.
bool is_ram(PhysAddr address);

// Zeroes RAM; address and size are multiples of 16 bytes.
void clear_memory(void* start, Word size);
// Makes what the kernel wrote visible to every observer, also an uncached mapping or an instruction fetch.
void clean_memory_to_ram(void* start, Word size);

}  // namespace keel
