/*
 * The client side of the network time protocol (RFC 5905, 14: SNTP): asks, checks what comes back, says what time it
 * is. The answer must bring back a random number that only the server has seen. Pure.
 */
#ifndef KOS_SERVICES_NETROUTER_NTP_H_
#define KOS_SERVICES_NETROUTER_NTP_H_

#include "ip.h"

namespace kos::netrouter {

class Ntp {
public:
    static constexpr size_t kBytes = 48;
    static constexpr uint64_t kSecondUs = 1000000;
    static constexpr uint64_t kTimeoutUs = 2 * kSecondUs;
    static constexpr uint64_t kShortestUs = 64 * kSecondUs;  // between two questions
    static constexpr uint64_t kLongestUs = 1024 * kSecondUs;
    static constexpr uint64_t kLongestTripUs = 1 * kSecondUs;  // an answer that took longer tells too little
    // Once there is a time, one that is so far from it is not believed: whoever is on the way could end every
    // certificate.
    static constexpr uint64_t kPanicNs = 1000 * uint64_t{1000000000};

    enum class Outcome : uint8_t { kNothing, kTime, kRefused, kImplausible };
    struct Time {
        uint64_t ns = 0;     // since 1970-01-01 UTC ...
        uint64_t at_us = 0;  // ... at this time of the router's clock
    };

    void start(uint64_t now_us) {
        next_us_ = now_us;
        is_asking_ = false;
    }
    uint64_t next_us() const { return next_us_; }
    bool is_due(uint64_t now_us) const { return now_us >= next_us_; }
    bool is_asking() const { return is_asking_; }

    // The question, kBytes. After a timeout another server should be asked: *is_repeat.
    void ask(uint64_t nonce, uint64_t now_us, uint8_t* out, bool* is_repeat) {
        *is_repeat = is_asking_;
        if (is_asking_) ++failures_;
        __builtin_memset(out, 0, kBytes);
        out[0] = 4 << 3 | 3;  // version 4, client
        store64(out + 40, nonce);
        nonce_ = nonce;
        asked_us_ = now_us;
        is_asking_ = true;
        const unsigned doublings = failures_ < 6 ? failures_ : 6;
        next_us_ = now_us + (kTimeoutUs << doublings);
    }

    // `known`: the wall clock now in ns if there is one, else 0.
    Outcome input(const uint8_t* bytes, size_t count, uint64_t known, uint64_t now_us, Time& time) {
        if (!is_asking_ || count < kBytes) return Outcome::kNothing;
        const uint8_t version = bytes[0] >> 3 & 7;
        if ((bytes[0] & 7) != 4 || version < 3 || version > 4 || load64(bytes + 24) != nonce_) return Outcome::kNothing;
        is_asking_ = false;
        nonce_ = 0;
        interval_us_ = interval_us_ * 2 > kLongestUs ? kLongestUs : interval_us_ * 2;
        next_us_ = now_us + interval_us_;
        const uint8_t stratum = bytes[1];
        if (stratum == 0) {  // "kiss of death": does not want us, or not so often
            next_us_ = now_us + kLongestUs;
            return Outcome::kRefused;
        }
        const uint64_t received = load64(bytes + 32);
        const uint64_t sent = load64(bytes + 40);
        const uint64_t trip_us = now_us - asked_us_;
        const bool is_synchronised = bytes[0] >> 6 != 3 && stratum < 16;
        // Root delay and dispersion in 1/65536 s (RFC 5905, 7.3): beyond 16 s together the server knows nothing.
        const bool is_near = (uint64_t{load32(bytes + 4)} / 2 + load32(bytes + 8)) < 16u << 16;
        if (!is_synchronised || !is_near || sent == 0 || received == 0 || trip_us > kLongestTripUs) {
            return Outcome::kImplausible;
        }
        const uint64_t received_ns = to_ns(received);
        const uint64_t sent_ns = to_ns(sent);
        if (sent_ns < received_ns || sent_ns - received_ns > trip_us * 1000) return Outcome::kImplausible;
        const uint64_t ns = sent_ns + (trip_us * 1000 - (sent_ns - received_ns)) / 2;
        const uint64_t gap = known == 0 ? 0 : ns > known ? ns - known : known - ns;
        if (gap > kPanicNs) return Outcome::kImplausible;
        failures_ = 0;
        time = {ns, now_us};
        return Outcome::kTime;
    }

private:
    // Seconds since 1900 in era 0 until 2036, then era 1 (RFC 5905, 6): what has the top bit is era 0.
    static uint64_t to_ns(uint64_t stamp) {
        constexpr uint64_t kTo1970 = 2208988800;
        const uint64_t seconds = (stamp >> 32) + (stamp >> 63 != 0 ? 0 : uint64_t{1} << 32) - kTo1970;
        return seconds * 1000000000 + ((stamp & 0xffffffff) * 1000000000 >> 32);
    }

    uint64_t next_us_ = UINT64_MAX;
    uint64_t interval_us_ = kShortestUs / 2;
    uint64_t nonce_ = 0;
    uint64_t asked_us_ = 0;
    unsigned failures_ = 0;
    bool is_asking_ = false;
};

}  // namespace kos::netrouter

#endif
