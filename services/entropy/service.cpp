#include "service.h"

namespace kos::entropy {

kos_status_t Service::call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
    sent();
    return dispatch(caller, request, answer);
}

idl::Result<std::span<const uint8_t>> Service::get(const idl::Caller&, uint64_t bytes) {
    if (bytes == 0 || bytes > sizeof buffer_) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
    if (!generator_.get({buffer_, bytes})) return idl::Failure{KOS_STATUS_UNAVAILABLE};
    used_ = bytes;
    return std::span<const uint8_t>(buffer_, used_);
}

idl::Result<idl::entropy::StatusAnswer> Service::status(const idl::Caller&) {
    return idl::entropy::StatusAnswer{generator_.is_seeded() ? 1u : 0u, generator_.seeds(), generator_.sources()};
}

void Service::sent() {
    if (used_ != 0) erase({buffer_, used_});
    used_ = 0;
}

}  // namespace kos::entropy
