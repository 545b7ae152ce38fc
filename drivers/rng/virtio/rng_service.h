/*
 * The interface "rng": random bytes of a device, for the entropy service. Never waits.
 */
#ifndef KOS_DRIVERS_RNG_SERVICE_H_
#define KOS_DRIVERS_RNG_SERVICE_H_

#include <kos/idl/rng.hpp>

#include <stdint.h>
#include <span>

namespace kos::driver {

template <typename Device>
class RngService : public idl::rng::Server<RngService<Device>> {
public:
    explicit RngService(Device& device) : device_(device) {}

    bool accepts(const idl::Caller& caller) const { return caller.token == 0; }

    // Errors: INVALID_ARGUMENT, EMPTY (none are ready, try later), UNAVAILABLE (the device does not work).
    idl::Result<std::span<const uint8_t>> read(const idl::Caller&, uint64_t most) {
        if (most == 0 || most > sizeof buffer_) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        device_.look();
        if (!device_.is_running()) return idl::Failure{KOS_STATUS_UNAVAILABLE};
        const size_t count = device_.read({buffer_, most});
        if (count == 0) return idl::Failure{KOS_STATUS_EMPTY};
        return std::span<const uint8_t>(buffer_, count);
    }

    void interrupt() { device_.look(); }

private:
    Device& device_;
    uint8_t buffer_[Device::kBufferBytes] = {};
};

}  // namespace kos::driver

#endif
