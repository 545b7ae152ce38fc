// What Linux says of an interface: for ioctls and netlink.
#pragma once

#include "net/inet/network.h"

namespace kos::lx {

constexpr int kTransmitQueue = 1000;

uint32_t netmask_of(unsigned prefix);                 // in the machine's order
uint32_t interface_flags(const InterfaceView& view);  // IFF_*
uint16_t hardware_type(const InterfaceView& view);    // ARPHRD_*

}  // namespace kos::lx
