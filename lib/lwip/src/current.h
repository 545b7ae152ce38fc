// The one stack that there is (stack.cpp), for what lwIP calls without an argument.
#ifndef KOS_LIB_LWIP_CURRENT_H_
#define KOS_LIB_LWIP_CURRENT_H_

#include <kos/net/stack.h>

namespace kos::net {

Surroundings& current_surroundings();
const uint64_t (&current_key())[2];  // random, of this stack

}  // namespace kos::net

#endif
