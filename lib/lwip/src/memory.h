// What the stack may ask about lwIP's memory (memory.cpp).
#ifndef KOS_LIB_LWIP_MEMORY_H_
#define KOS_LIB_LWIP_MEMORY_H_

#include <lwip/memp.h>

#include <cstddef>
#include <cstdint>

namespace kos::net::memory {

size_t used();                  // bytes
uint32_t used_of(memp_t pool);  // objects
// Whether bytes were refused since the last call. A limit in number does not count: lwIP deals with that.
bool take_failure();
// Gives the heap back what is kept for the next packets.
void release_waiting();

}  // namespace kos::net::memory

#endif
