#include "service.h"

#include "../common/request.h"

namespace kos::entropy {

kos_status_t Service::call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
    sent();
    const bool has_foreign_parts = caller.token != 0 || request.token != 0 || request.payload_bytes != 0;
    if (has_foreign_parts || !service::has_no_words(request)) return KOS_STATUS_BAD_REQUEST;
    switch (request.label) {
        case KOS_ENTROPY_GET:
            if (request.param == 0 || request.param > sizeof buffer_) return KOS_STATUS_INVALID_ARGUMENT;
            if (!generator_.get({buffer_, request.param})) return KOS_STATUS_UNAVAILABLE;
            used_ = request.param;
            answer.payload = buffer_;
            answer.payload_bytes = static_cast<uint32_t>(used_);
            return KOS_STATUS_OK;
        case KOS_ENTROPY_STATUS:
            if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
            answer.param = generator_.is_seeded() ? 1 : 0;
            answer.has_words = 1;
            answer.words[0] = generator_.seeds();
            answer.words[1] = generator_.sources();
            return KOS_STATUS_OK;
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

void Service::sent() {
    if (used_ != 0) erase({buffer_, used_});
    used_ = 0;
}

}  // namespace kos::entropy
