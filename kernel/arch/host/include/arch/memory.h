// The kernel window, for the host: physical addresses are addresses of the process.
#pragma once

#include "core/types.h"

namespace keel {

constexpr Word kWindowOffset = 0;

template <typename T = void>
T* to_kernel(PhysAddr address) {
    return reinterpret_cast<T*>(raw(address));
}
inline PhysAddr to_physical(const volatile void* pointer) { return PhysAddr{reinterpret_cast<Word>(pointer)}; }

bool is_ram(PhysAddr address);
void clear_memory(void* start, Word size);
void clean_memory_to_ram(void* start, Word size);

}  // namespace keel
