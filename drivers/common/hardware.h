/*
 * The registers of one device, mapped as device memory, and the machine's counter. Target only; see wait.h for what
 * takes its place in tests.
 *
 * Device memory (nGnRnE) keeps accesses to one device in program order. Order against normal memory that the device
 * reads or writes is the business of whoever shares such memory (lib/virtio).
 */
#ifndef KOS_DRIVERS_COMMON_HARDWARE_H_
#define KOS_DRIVERS_COMMON_HARDWARE_H_

#include <kos/dev.h>
#include <kos/time.h>

#include <stdint.h>

namespace kos::driver {

class Hardware {
public:
    // `device`: from kos_dev_find. `offset_bytes`: where its registers begin in the mapped pages.
    explicit Hardware(const kos_device_t& device, uint32_t offset_bytes = 0)
        : base_(static_cast<volatile uint8_t*>(device.registers) + offset_bytes) {}

    uint8_t read8(uint32_t offset) const { return *(base_ + offset); }
    uint16_t read16(uint32_t offset) const { return *reinterpret_cast<volatile uint16_t*>(base_ + offset); }
    uint32_t read32(uint32_t offset) const { return *reinterpret_cast<volatile uint32_t*>(base_ + offset); }
    void write8(uint32_t offset, uint8_t value) const { *(base_ + offset) = value; }
    void write32(uint32_t offset, uint32_t value) const {
        *reinterpret_cast<volatile uint32_t*>(base_ + offset) = value;
    }

    uint64_t ticks() const { return kos_time_ticks(); }
    uint64_t hz() const { return kos_time_hz(); }

private:
    volatile uint8_t* base_;
};

}  // namespace kos::driver

#endif
