/*
 * Waiting for a device, never longer than stated. Used by drivers while they start or reset a device.
 *
 * "Hardware" in this repository's drivers is a class with the registers of one device and the machine's counter:
 *   uint8_t read8(uint32_t offset), uint16_t read16, uint32_t read32, void write32(uint32_t offset, uint32_t value)
 *   uint64_t ticks(), uint64_t hz()
 * On the device that is driver::Hardware (drivers/common/hardware.h); tests put a simulated device there.
 */
#ifndef KOS_DRIVER_WAIT_H_
#define KOS_DRIVER_WAIT_H_

#include <stdint.h>

namespace kos::driver {

// `us` microseconds in ticks of a counter of `hz`, rounded up. us * hz must stay below 2^64: below 5 hours at 1 GHz.
constexpr uint64_t us_to_ticks(uint64_t us, uint64_t hz) { return (us * hz + 999999) / 1000000; }

// Tries `condition` until it holds or `timeout_us` have passed; returns whether it held. Spins: only for waits that are
// short by the device's specification. It is tried at least once after the time is over, so that a thread that was not
// scheduled meanwhile does not blame the device.
template <typename Hardware, typename Condition>
[[nodiscard]] bool wait_for(Hardware& hardware, uint64_t timeout_us, Condition condition) {
    const uint64_t start = hardware.ticks();
    const uint64_t limit = us_to_ticks(timeout_us, hardware.hz());
    for (;;) {
        if (condition()) return true;
        if (hardware.ticks() - start >= limit) return condition();
    }
}

}  // namespace kos::driver

#endif
