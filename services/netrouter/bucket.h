/*
 * A token bucket in one number: the time at which it is full again (the generic cell rate algorithm).
 */
#ifndef KOS_SERVICES_NETROUTER_BUCKET_H_
#define KOS_SERVICES_NETROUTER_BUCKET_H_

#include <stdint.h>

namespace kos::netrouter {

class Bucket {
public:
    Bucket() = default;
    // `per_second` in the long run, `burst` at once; both at least 1.
    Bucket(uint32_t per_second, uint32_t burst)
        : interval_ns_(1000000000u / per_second), depth_ns_(uint64_t{burst} * interval_ns_) {}

    bool take(uint64_t now_us) {
        const uint64_t now_ns = now_us * 1000;
        const uint64_t full = full_at_ns_ > now_ns ? full_at_ns_ : now_ns;
        if (full + interval_ns_ - now_ns > depth_ns_) return false;
        full_at_ns_ = full + interval_ns_;
        return true;
    }

private:
    uint64_t interval_ns_ = 0;
    uint64_t depth_ns_ = 0;
    uint64_t full_at_ns_ = 0;
};

}  // namespace kos::netrouter

#endif
