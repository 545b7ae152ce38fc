/*
 * How many lines a domain may write: a token bucket per domain, filled by the counter.
 */
#ifndef KOS_SERVICES_LOG_RATE_LIMIT_H_
#define KOS_SERVICES_LOG_RATE_LIMIT_H_

#include <kos/abi.h>

#include <stdint.h>

namespace kos::log {

class RateLimit {
public:
    // `per_second` lines in the long run, `burst` at once. `hz`: of the counter. None may be 0.
    RateLimit(uint64_t hz, uint64_t per_second, uint64_t burst) : ticks_per_line_(hz / per_second), burst_(burst) {
        if (ticks_per_line_ == 0) ticks_per_line_ = 1;
    }

    // Takes one line from the domain's bucket. False: the bucket is empty, and the line counts as suppressed.
    bool take(uint16_t domain, uint64_t now) {
        Bucket& bucket = buckets_[domain % KOS_MAX_DOMAINS];
        refill(bucket, now);
        if (bucket.spent == burst_) {
            ++bucket.suppressed;
            ++suppressed_total_;
            return false;
        }
        ++bucket.spent;
        return true;
    }

    // Lines suppressed since the last report, if the domain may write again; forgets them.
    uint64_t report(uint16_t domain, uint64_t now) {
        Bucket& bucket = buckets_[domain % KOS_MAX_DOMAINS];
        if (bucket.suppressed == 0) return 0;
        refill(bucket, now);
        if (bucket.spent == burst_) return 0;
        const uint64_t count = bucket.suppressed;
        bucket.suppressed = 0;
        return count;
    }

    uint64_t suppressed_total() const { return suppressed_total_; }

private:
    struct Bucket {
        uint64_t filled_at = 0;  // counter up to which returned lines are accounted for
        uint64_t spent = 0;
        uint64_t suppressed = 0;
    };

    void refill(Bucket& bucket, uint64_t now) {
        if (now < bucket.filled_at) return;
        const uint64_t lines = (now - bucket.filled_at) / ticks_per_line_;
        if (lines >= bucket.spent) {
            bucket.spent = 0;
            bucket.filled_at = now;
        } else {
            bucket.spent -= lines;
            bucket.filled_at += lines * ticks_per_line_;
        }
    }

    uint64_t ticks_per_line_;
    uint64_t burst_;
    uint64_t suppressed_total_ = 0;
    Bucket buckets_[KOS_MAX_DOMAINS];
};

}  // namespace kos::log

#endif
