/*
 * The PL031 real-time clock: seconds since 1970-01-01 UTC in 32 bits (until 2106-02-07), and one alarm.
 *
 * One thread calls everything. Source: Arm PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224C,
 * ch. 3.
 */
#ifndef KOS_DRIVERS_PL031_H_
#define KOS_DRIVERS_PL031_H_

#include <kos/status.h>

#include <stdint.h>

namespace kos::driver {

namespace pl031 {
// Register offsets, DDI 0224C table 3-1.
constexpr uint32_t kData = 0x000;
constexpr uint32_t kMatch = 0x004;
constexpr uint32_t kLoad = 0x008;
constexpr uint32_t kControl = 0x00c;
constexpr uint32_t kInterruptMask = 0x010;
constexpr uint32_t kInterruptClear = 0x01c;
constexpr uint32_t kPeripheralId0 = 0xfe0;
constexpr uint32_t kPeripheralId1 = 0xfe4;

constexpr uint32_t kEnable = 1;
constexpr uint32_t kInterrupt = 1;
}  // namespace pl031

template <typename Hardware>
class Pl031 {
public:
    explicit Pl031(Hardware& hardware) : hardware_(hardware) {}

    // No alarm, no interrupt; the time goes on. Error: UNAVAILABLE (no PL031 there).
    kos_status_t start() {
        // 3.3.9, 3.3.10: part number 0x031, designer Arm.
        if ((hardware_.read32(pl031::kPeripheralId0) & 0xff) != 0x31 ||
            (hardware_.read32(pl031::kPeripheralId1) & 0xff) != 0x10) {
            return KOS_STATUS_UNAVAILABLE;
        }
        disarm();
        // 3.3.4: a clock that runs is not to be started again.
        if ((hardware_.read32(pl031::kControl) & pl031::kEnable) == 0) {
            hardware_.write32(pl031::kControl, pl031::kEnable);
        }
        return KOS_STATUS_OK;
    }

    uint32_t seconds() { return hardware_.read32(pl031::kData); }

    // Takes effect with the clock's next tick: within a second.
    void set(uint32_t seconds) { hardware_.write32(pl031::kLoad, seconds); }

    // The interrupt is raised when the time *becomes* `seconds` (3.3.2). The caller looks at seconds() afterwards: a
    // time that is already there raises nothing.
    void arm(uint32_t seconds) {
        hardware_.write32(pl031::kMatch, seconds);
        hardware_.write32(pl031::kInterruptClear, pl031::kInterrupt);
        hardware_.write32(pl031::kInterruptMask, pl031::kInterrupt);
    }

    void disarm() {
        hardware_.write32(pl031::kInterruptMask, 0);
        hardware_.write32(pl031::kInterruptClear, pl031::kInterrupt);
    }

private:
    Hardware& hardware_;
};

}  // namespace kos::driver

#endif
