#include "autoconf.h"

namespace kos::netrouter {

namespace {

constexpr uint64_t kSecondUs = 1000000;
constexpr uint64_t kSolicitEveryUs = 4 * kSecondUs;  // RFC 4861, 10
constexpr unsigned kSolicitations = 3;
constexpr uint64_t kSolicitLaterUs = 300 * kSecondUs;  // a router may come later; the RFC would not ask again
constexpr uint64_t kDetectUs = kSecondUs;
constexpr unsigned kOptionPrefix = 3;
constexpr unsigned kOptionMtu = 5;
constexpr unsigned kOptionDns = 25;  // RFC 8106
constexpr unsigned kMostOptions = 32;
// A forged advertisement cannot take an address away at once (RFC 4862, 5.5.3 e).
constexpr uint64_t kShortestUs = 7200 * kSecondUs;

uint64_t until(uint32_t seconds, uint64_t now_us) { return now_us + seconds * kSecondUs; }

bool is_global(const Ip& ip) { return is_host(ip) && !is_link_local(ip) && !ip.is_v4() && !is_of_links(ip); }

}  // namespace

Ip address_of(const Ip& network, Mac mac) {
    const uint64_t identifier = (mac.value >> 24 << 40 | 0xfffe000000 | (mac.value & 0xffffff)) ^ uint64_t { 2 } << 56;
    return {network.high, identifier};
}

Ip solicited_node(const Ip& ip) { return {0xff02000000000000, 0x1ff000000 | (ip.low & 0xffffff)}; }

bool is_network6(const Network6& network) {
    if (network.is_usable > 1 || network.prefix > 128 || network.dns_count > 2) return false;
    if (!network.address.is_none() && !is_global(network.address)) return false;
    if (!network.gateway.is_none() && (network.gateway.is_v4() || !is_host(network.gateway))) return false;
    for (unsigned i = 0; i < network.dns_count; ++i) {
        if (network.dns[i].is_v4() || !is_host(network.dns[i])) return false;
    }
    return is_link_local(network.link_local) && (network.mtu == 0 || (network.mtu >= 1280 && network.mtu <= 1500));
}

void Autoconf::start(const Uplink& uplink, Mac mac, const Network6& kept, uint64_t now_us) {
    mode_ = uplink.mode6;
    mac_ = mac;
    network_ = {};
    network_.link_local = address_of({0xfe80000000000000, 0}, mac);
    next_us_ = solicit_us_ = detect_us_ = UINT64_MAX;
    solicitations_ = 0;
    is_refused_ = false;
    if (mode_ == Mode6::kNone) return;
    if (mode_ == Mode6::kStatic) {
        network_.address = uplink.address6;
        network_.prefix = uplink.prefix6;
        network_.gateway = uplink.gateway6;
        network_.address_until_us = network_.gateway_until_us = UINT64_MAX;
    }
    const bool fits = is_network6(kept) && kept.link_local == network_.link_local && kept.is_usable != 0 &&
                      (mode_ == Mode6::kAuto || kept.address == network_.address);
    if (fits) {
        network_ = kept;
        if (mode_ == Mode6::kAuto) solicit_us_ = now_us + kSolicitLaterUs;
    } else {
        if (mode_ == Mode6::kAuto) solicit_us_ = now_us;
        if (mode_ == Mode6::kStatic) begin_detection(now_us);
    }
    next_us_ = now_us;
}

void Autoconf::begin_detection(uint64_t now_us) {
    network_.is_usable = 0;
    detections_ = 0;
    detect_us_ = now_us;
    next_us_ = now_us;
}

Autoconf::Wants Autoconf::tick(uint64_t now_us) {
    if (!is_on()) return Wants::kNothing;
    Wants wants = Wants::kNothing;
    if (now_us >= detect_us_) {
        if (detections_ == 0) {
            detections_ = 1;
            detect_us_ = now_us + kDetectUs;
            wants = Wants::kDetectAddress;
        } else {
            detect_us_ = UINT64_MAX;
            network_.is_usable = 1;
            has_changed_ = true;
        }
    } else if (now_us >= solicit_us_) {
        solicit_us_ = now_us + (++solicitations_ < kSolicitations ? kSolicitEveryUs : kSolicitLaterUs);
        wants = Wants::kSolicitRouter;
    }
    if (mode_ == Mode6::kAuto) {
        if (!network_.address.is_none() && now_us >= network_.address_until_us) {
            network_.address = {};
            network_.is_usable = 0;
            has_changed_ = true;
        }
        if (!network_.gateway.is_none() && now_us >= network_.gateway_until_us) {
            network_.gateway = {};
            solicitations_ = 0;
            solicit_us_ = now_us + kSolicitEveryUs;
            has_changed_ = true;
        }
        if (network_.dns_count != 0 && now_us >= network_.dns_until_us) network_.dns_count = 0;
    }
    next_us_ = solicit_us_ < detect_us_ ? solicit_us_ : detect_us_;
    if (!network_.address.is_none() && network_.address_until_us < next_us_) next_us_ = network_.address_until_us;
    if (!network_.gateway.is_none() && network_.gateway_until_us < next_us_) next_us_ = network_.gateway_until_us;
    return wants;
}

// A prefix information option of 32 bytes.
bool Autoconf::take_prefix(const uint8_t* at, uint64_t now_us) {
    const uint8_t flags = at[3];
    const uint32_t valid_s = load32(at + 4);
    const uint32_t preferred_s = load32(at + 8);
    const Ip network = load_ip6(at + 16);
    if ((flags & 0x40) == 0 || at[2] != 64 || preferred_s > valid_s || is_refused_) return false;
    const Ip address = address_of(network, mac_);
    if (!is_global(address)) return false;
    if (network_.address == address) {
        const uint64_t left = network_.address_until_us - now_us;
        const uint64_t lives = valid_s * kSecondUs;
        if (lives > kShortestUs || lives > left) {
            network_.address_until_us = until(valid_s, now_us);
        } else if (left > kShortestUs) {
            network_.address_until_us = now_us + kShortestUs;
        }
        return false;
    }
    if (!network_.address.is_none() || valid_s == 0) return false;
    network_.address = address;
    network_.prefix = 64;
    network_.address_until_us = until(valid_s, now_us);
    begin_detection(now_us);
    return true;
}

bool Autoconf::advertisement(const Ip& source, const uint8_t* bytes, size_t count, uint64_t now_us) {
    if (mode_ != Mode6::kAuto || count < 16 || bytes[1] != 0 || !is_link_local(source)) return false;
    // All options first: an advertisement with a wrong one counts for nothing (RFC 4861, 6.1.2).
    unsigned options = 0;
    for (size_t i = 16; i < count; i += size_t{bytes[i + 1]} * 8) {
        if (count - i < 8 || bytes[i + 1] == 0 || size_t{bytes[i + 1]} * 8 > count - i) return false;
        if (++options > kMostOptions) return false;
    }
    bool is_changed = false;
    const uint32_t router_s = load16(bytes + 6);
    if (router_s == 0) {
        if (network_.gateway == source) {
            network_.gateway = {};
            is_changed = true;
        }
    } else if (network_.gateway.is_none() || network_.gateway == source) {
        is_changed = network_.gateway.is_none();
        network_.gateway = source;
        network_.gateway_until_us = until(router_s, now_us);
        solicit_us_ = now_us + kSolicitLaterUs;
    }
    for (size_t i = 16; i < count; i += size_t{bytes[i + 1]} * 8) {
        const uint8_t* at = bytes + i;
        const size_t size = size_t{at[1]} * 8;
        if (at[0] == kOptionPrefix && size == 32) is_changed |= take_prefix(at, now_us);
        if (at[0] == kOptionMtu && size == 8) {
            const uint32_t mtu = load32(at + 4);
            if (mtu >= 1280 && mtu <= 1500) network_.mtu = static_cast<uint16_t>(mtu);
        }
        if (at[0] == kOptionDns && size >= 24 && network_.gateway == source) {
            network_.dns_count = 0;
            network_.dns_until_us = until(load32(at + 4), now_us);
            for (size_t j = 8; j + 16 <= size && network_.dns_count < 2; j += 16) {
                const Ip ip = load_ip6(at + j);
                if (!ip.is_v4() && is_host(ip) && !is_of_links(ip)) network_.dns[network_.dns_count++] = ip;
            }
        }
    }
    if (next_us_ > now_us) next_us_ = now_us;
    return is_changed;
}

bool Autoconf::conflict(const Ip& address) {
    if (!is_on() || network_.address.is_none() || !(address == network_.address)) return false;
    // One that is in use stays (RFC 4862, 5.4 is about tentative ones): otherwise anybody on the wire could take it
    // away.
    if (network_.is_usable != 0) return false;
    network_.address = {};
    detect_us_ = UINT64_MAX;
    is_refused_ = true;
    has_changed_ = true;
    return true;
}

}  // namespace kos::netrouter
