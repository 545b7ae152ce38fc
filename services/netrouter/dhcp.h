/*
 * A DHCP client (RFC 2131, options of RFC 2132): gets an address, renews and rebinds it, gives it up when it expires.
 * Pure: what it wants to send it writes into a buffer, what arrives it is handed.
 */
#ifndef KOS_SERVICES_NETROUTER_DHCP_H_
#define KOS_SERVICES_NETROUTER_DHCP_H_

#include "policy.h"

namespace kos::netrouter {

// What the server gave. Times are of the router's clock. Kept over restarts.
struct Lease {
    Ip address;  // none: no lease
    Ip server;
    Ip gateway;  // none: no way out of the network
    Ip dns[kMaxServers];
    Ip ntp[kMaxServers];
    uint64_t renew_us;
    uint64_t rebind_us;
    uint64_t expire_us;
    uint16_t mtu;  // 0: not said
    uint8_t prefix;
    uint8_t dns_count;
    uint8_t ntp_count;
    uint8_t reserved[3];
};

// Whether a lease can be one; for what was kept over a restart.
bool is_lease(const Lease& lease);

class Dhcp {
public:
    static constexpr size_t kMessageBytes = 400;
    enum class State : uint8_t { kOff, kSelecting, kRequesting, kBound, kRenewing, kRebinding };

    struct Message {
        size_t bytes = 0;  // 0: nothing to send
        Ip source;         // none (0.0.0.0) before there is an address
        Ip destination;    // of the server, or 255.255.255.255
    };

    // Begins, with the lease of the instance before if it is one and has not expired.
    void start(Mac mac, std::string_view host_name, const Lease& kept, uint32_t random, uint64_t now_us);
    // Again from the beginning: another device, or the address is somebody else's.
    void restart(uint32_t random, uint64_t now_us);

    // The wire was away: asks whether the lease still holds, now.
    void renew(uint64_t now_us) {
        if (state_ == State::kBound || state_ == State::kSelecting) next_us_ = now_us;
    }

    // What is due. Writes a UDP payload (port 68 to 67) of at most kMessageBytes.
    Message tick(uint64_t now_us, uint32_t random, uint8_t* out);
    uint64_t next_us() const { return next_us_; }

    // A UDP payload from port 67 to 68. True: the lease has changed.
    bool input(const uint8_t* bytes, size_t count, uint64_t now_us);

    bool is_bound() const { return !lease_.address.is_none(); }
    const Lease& lease() const { return lease_; }
    State state() const { return state_; }
    // tick has given the lease up since the last call.
    bool take_expired() {
        const bool expired = has_expired_;
        has_expired_ = false;
        return expired;
    }

private:
    struct Options;
    static bool read(const uint8_t* bytes, size_t count, Options& options);
    static bool read_options(const uint8_t* at, size_t count, Options& options);
    static bool read_option(uint8_t kind, const uint8_t* at, size_t count, Options& options);
    bool bind(const Ip& address, const Options& options, uint64_t now_us);
    size_t write(uint8_t type, uint8_t* out) const;
    void wait(uint64_t now_us, uint32_t random);

    State state_ = State::kOff;
    Mac mac_;
    std::string_view host_name_;
    Lease lease_ = {};
    Ip offered_;
    Ip server_;
    uint32_t transaction_ = 0;
    uint64_t began_us_ = 0;  // of this transaction
    uint64_t next_us_ = UINT64_MAX;
    unsigned tries_ = 0;
    bool has_expired_ = false;
};

}  // namespace kos::netrouter

#endif
