/*
 * IPv6 addresses of the device by router advertisements (RFC 4861, 4862), or fixed ones. Finds the router, checks by
 * duplicate address detection that nobody else has the address, notices when either ends. Pure.
 *
 * One address beside the link-local one: that of the first prefix that is advertised for it. Interface identifiers are
 * made of the device's hardware address (RFC 4291, appendix A).
 */
#ifndef KOS_SERVICES_NETROUTER_AUTOCONF_H_
#define KOS_SERVICES_NETROUTER_AUTOCONF_H_

#include "policy.h"

namespace kos::netrouter {

// What is known of the network. Times are of the router's clock. Kept over restarts.
struct Network6 {
    Ip link_local;
    Ip address;  // none: no way to anything but the link
    Ip gateway;
    Ip dns[2];
    uint64_t address_until_us;
    uint64_t gateway_until_us;
    uint64_t dns_until_us;
    uint16_t mtu;  // 0: not said
    uint8_t prefix;
    uint8_t dns_count;
    uint8_t is_usable;  // detection has found nobody else
    uint8_t reserved[3];
};

bool is_network6(const Network6& network);

class Autoconf {
public:
    enum class Wants : uint8_t { kNothing, kSolicitRouter, kDetectLinkLocal, kDetectAddress };

    void start(const Uplink& uplink, Mac mac, const Network6& kept, uint64_t now_us);

    // Asks for routers again.
    void solicit(uint64_t now_us) {
        if (mode_ != Mode6::kAuto) return;
        solicitations_ = 0;
        solicit_us_ = next_us_ = now_us;
    }

    // What to send now: a router solicitation, or a neighbour solicitation from :: for one of the addresses.
    Wants tick(uint64_t now_us);
    uint64_t next_us() const { return next_us_; }

    // A router advertisement: the ICMPv6 message, from `source`. The router has checked hop limit and checksum. True:
    // something has changed.
    bool advertisement(const Ip& source, const uint8_t* bytes, size_t count, uint64_t now_us);
    // Somebody else has, or wants, that address. True: it was one of ours, and is no longer.
    bool conflict(const Ip& address);

    bool is_on() const { return mode_ != Mode6::kNone; }
    bool is_ready() const { return is_on() && network_.is_usable != 0 && !network_.address.is_none(); }
    bool is_own(const Ip& ip) const {
        return is_on() && !ip.is_none() &&
               (ip == network_.link_local || (ip == network_.address && network_.is_usable));
    }
    // Being looked at, so nobody answers for it yet.
    bool is_tentative(const Ip& ip) const {
        return is_on() && !ip.is_none() && ip == network_.address && network_.is_usable == 0;
    }
    const Network6& network() const { return network_; }
    bool take_changed() {
        const bool changed = has_changed_;
        has_changed_ = false;
        return changed;
    }

private:
    bool take_prefix(const uint8_t* at, uint64_t now_us);
    void begin_detection(uint64_t now_us);

    Mode6 mode_ = Mode6::kNone;
    Mac mac_;
    Network6 network_ = {};
    uint64_t next_us_ = UINT64_MAX;
    uint64_t solicit_us_ = UINT64_MAX;
    uint64_t detect_us_ = UINT64_MAX;
    unsigned solicitations_ = 0;
    unsigned detections_ = 0;
    bool has_changed_ = false;
    bool is_refused_ = false;  // somebody else has the address
};

// The address of a device in a network of 64 bits.
Ip address_of(const Ip& network, Mac mac);
// ff02::1:ffXX:XXXX (RFC 4291, 2.7.1).
Ip solicited_node(const Ip& ip);
constexpr Ip kAllNodes{0xff02000000000000, 1};
constexpr Ip kAllRouters{0xff02000000000000, 2};

}  // namespace kos::netrouter

#endif
