/*
 * Counters of a driver for a stream of bytes, since the driver's start. Used by uart/pl011 and console/virtio.
 */
#ifndef KOS_DRIVERS_COMMON_STREAM_STATUS_H_
#define KOS_DRIVERS_COMMON_STREAM_STATUS_H_

#include <stdint.h>

namespace kos::driver {

struct StreamStatus {
    uint64_t sent_bytes = 0;       // accepted from clients
    uint64_t refused_bytes = 0;    // clients wanted to write them and there was no room
    uint64_t received_bytes = 0;   // accepted from the device
    uint64_t dropped_bytes = 0;    // received without room for them
    uint64_t line_errors = 0;      // characters damaged on the line, dropped
    uint64_t device_overruns = 0;  // times that the device itself lost something
    uint64_t interrupts = 0;
    uint64_t transmit_queued = 0;  // now
    uint64_t receive_queued = 0;   // now
};

}  // namespace kos::driver

#endif
