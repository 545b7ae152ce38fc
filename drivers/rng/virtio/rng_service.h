/*
 * The interface "rng": random bytes of a device, for the entropy service. Never waits.
 */
#ifndef KOS_DRIVERS_RNG_SERVICE_H_
#define KOS_DRIVERS_RNG_SERVICE_H_

#include <kos/server.h>

#include <stdint.h>

#include "message.h"

namespace kos::driver {

// Labels of the interface.
enum RngLabel : uint64_t {
    kRngRead = 1,  // param: most bytes wanted, 1..1024 -> payload: 1 or more random bytes
};

template <typename Device>
class RngService {
public:
    explicit RngService(Device& device) : device_(device) {}

    // Errors: BAD_REQUEST, INVALID_ARGUMENT, EMPTY (none are ready, try later), UNAVAILABLE (the device does not work).
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        if (!is_param_only(caller, request) || request.label != kRngRead) return KOS_STATUS_BAD_REQUEST;
        if (request.param == 0 || request.param > sizeof buffer_) return KOS_STATUS_INVALID_ARGUMENT;
        device_.look();
        if (!device_.is_running()) return KOS_STATUS_UNAVAILABLE;
        const size_t count = device_.read({buffer_, request.param});
        if (count == 0) return KOS_STATUS_EMPTY;
        answer.payload = buffer_;
        answer.payload_bytes = static_cast<uint32_t>(count);
        return KOS_STATUS_OK;
    }

    void interrupt() { device_.look(); }

private:
    Device& device_;
    uint8_t buffer_[Device::kBufferBytes] = {};
};

}  // namespace kos::driver

#endif
