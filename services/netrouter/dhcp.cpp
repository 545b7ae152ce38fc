#include "dhcp.h"

namespace kos::netrouter {

namespace {

enum Type : uint8_t { kDiscover = 1, kOffer = 2, kRequest = 3, kAck = 5, kNak = 6 };
enum Option : uint8_t {
    kPad = 0,
    kMask = 1,
    kRouter = 3,
    kDns = 6,
    kHostName = 12,
    kMtu = 26,
    kNtp = 42,
    kRequested = 50,
    kLeaseTime = 51,
    kOverload = 52,
    kType = 53,
    kServer = 54,
    kWanted = 55,
    kMaxSize = 57,
    kT1 = 58,
    kT2 = 59,
    kClient = 61,
    kEnd = 255
};

constexpr size_t kFixedBytes = 236;  // before the cookie
constexpr uint32_t kCookie = 0x63825363;
constexpr uint64_t kSecondUs = 1000000;
constexpr uint32_t kForever = 0xffffffff;
// A lease below would be renewed all the time; one beyond does not count in microseconds.
constexpr uint32_t kShortestLeaseS = 30;
constexpr uint32_t kLongestLeaseS = 365 * 24 * 3600;
constexpr unsigned kMostTries = 4;
constexpr Ip kEverybody = ip4(255, 255, 255, 255);

}  // namespace

struct Dhcp::Options {
    uint32_t transaction = 0;
    uint64_t hardware = 0;
    Ip yours;
    uint8_t type = 0;
    uint8_t overload = 0;
    uint32_t lease_s = 0;
    uint32_t t1_s = 0;
    uint32_t t2_s = 0;
    uint32_t mask = 0;
    Ip server;
    Ip gateway;
    uint16_t mtu = 0;
    uint8_t dns_count = 0;
    uint8_t ntp_count = 0;
    Ip dns[kMaxServers];
    Ip ntp[kMaxServers];
};

bool is_lease(const Lease& lease) {
    if (!lease.address.is_v4() || !is_host(lease.address) || is_of_links(lease.address)) return false;
    if (lease.prefix < 1 || lease.prefix > 32 || lease.dns_count > kMaxServers || lease.ntp_count > kMaxServers)
        return false;
    if (!lease.gateway.is_none() && (!lease.gateway.is_v4() || !is_host(lease.gateway))) return false;
    for (unsigned i = 0; i < lease.dns_count; ++i) {
        if (!lease.dns[i].is_v4() || !is_host(lease.dns[i])) return false;
    }
    for (unsigned i = 0; i < lease.ntp_count; ++i) {
        if (!lease.ntp[i].is_v4() || !is_host(lease.ntp[i])) return false;
    }
    if (!lease.server.is_v4() || (lease.mtu != 0 && lease.mtu < 576)) return false;
    return lease.renew_us <= lease.rebind_us && lease.rebind_us <= lease.expire_us;
}

void Dhcp::start(Mac mac, std::string_view host_name, const Lease& kept, uint32_t random, uint64_t now_us) {
    mac_ = mac;
    host_name_ = host_name.size() <= 32 ? host_name : std::string_view(host_name.data(), 32);
    if (is_lease(kept) && kept.expire_us > now_us && kept.expire_us - now_us <= kLongestLeaseS * kSecondUs) {
        lease_ = kept;
        server_ = kept.server;
        state_ = State::kBound;
        next_us_ = kept.renew_us;
        return;
    }
    restart(random, now_us);
}

void Dhcp::restart(uint32_t random, uint64_t now_us) {
    if (is_bound()) has_expired_ = true;
    lease_ = {};
    state_ = State::kSelecting;
    transaction_ = random;
    began_us_ = now_us;
    tries_ = 0;
    next_us_ = now_us;
}

// Repeats after 2, 4, 8, ... 64 s, each up to a second more or less (RFC 2131, 4.1, which begins with 4).
void Dhcp::wait(uint64_t now_us, uint32_t random) {
    const unsigned doublings = tries_ < 5 ? tries_ : 5;
    next_us_ = now_us + (uint64_t{2} << doublings) * kSecondUs - kSecondUs + random % (2 * kSecondUs);
    ++tries_;
}

Dhcp::Message Dhcp::tick(uint64_t now_us, uint32_t random, uint8_t* out) {
    if (state_ == State::kOff || now_us < next_us_) return {};
    if (is_bound() && now_us >= lease_.expire_us) restart(random, now_us);
    switch (state_) {
        case State::kSelecting:
            if (tries_ == 0) transaction_ = random;
            wait(now_us, random);
            return {write(kDiscover, out), {}, kEverybody};
        case State::kRequesting: {
            if (tries_ >= kMostTries) {
                restart(random, now_us);
                return {};
            }
            wait(now_us, random);
            return {write(kRequest, out), {}, kEverybody};
        }
        case State::kBound:
            state_ = State::kRenewing;
            transaction_ = random;
            began_us_ = now_us;
            [[fallthrough]];
        case State::kRenewing:
            if (now_us >= lease_.rebind_us) state_ = State::kRebinding;
            [[fallthrough]];
        case State::kRebinding: {
            // Half of what is left, at least a minute (RFC 2131, 4.4.5), never beyond the next turn.
            const uint64_t end = state_ == State::kRenewing ? lease_.rebind_us : lease_.expire_us;
            const uint64_t half = (end - now_us) / 2;
            const uint64_t next = now_us + (half < 60 * kSecondUs ? 60 * kSecondUs : half);
            next_us_ = next < end ? next : end;
            const Ip destination = state_ == State::kRenewing ? lease_.server : kEverybody;
            return {write(kRequest, out), lease_.address, destination};
        }
        case State::kOff: break;
    }
    return {};
}

size_t Dhcp::write(uint8_t type, uint8_t* out) const {
    __builtin_memset(out, 0, kMessageBytes);
    out[0] = 1;  // request
    out[1] = 1;  // Ethernet
    out[2] = 6;
    store32(out + 4, transaction_);
    store16(out + 8, 0);  // seconds: some servers wait for others if it is small; nobody needs it
    const bool has_address = state_ == State::kRenewing || state_ == State::kRebinding;
    if (has_address) store32(out + 12, lease_.address.v4());
    store_mac(out + 28, mac_);
    store32(out + kFixedBytes, kCookie);
    uint8_t* at = out + kFixedBytes + 4;
    const auto put = [&at](uint8_t kind, const void* value, size_t size) {
        *at++ = kind;
        *at++ = static_cast<uint8_t>(size);
        __builtin_memcpy(at, value, size);
        at += size;
    };
    put(kType, &type, 1);
    uint8_t client[7] = {1};
    store_mac(client + 1, mac_);
    put(kClient, client, sizeof client);
    uint8_t number[4];
    if (type == kRequest && state_ == State::kRequesting) {
        store32(number, offered_.v4());
        put(kRequested, number, 4);
        store32(number, server_.v4());
        put(kServer, number, 4);
    }
    store16(number, 1500);
    put(kMaxSize, number, 2);
    if (!host_name_.empty()) put(kHostName, host_name_.data(), host_name_.size());
    const uint8_t wanted[] = {kMask, kRouter, kDns, kMtu, kNtp, kLeaseTime, kT1, kT2};
    put(kWanted, wanted, sizeof wanted);
    *at++ = kEnd;
    const auto bytes = static_cast<size_t>(at - out);
    return bytes < 300 ? 300 : bytes;  // BOOTP's length, which some relays ask for
}

bool Dhcp::read_option(uint8_t kind, const uint8_t* at, size_t count, Options& options) {
    const auto addresses = [at, count](Ip* list, uint8_t& number) {
        if (count == 0 || count % 4 != 0) return false;
        number = 0;
        for (size_t i = 0; i < count && number < kMaxServers; i += 4) {
            const Ip ip = load_ip4(at + i);
            if (is_host(ip) && !is_of_links(ip)) list[number++] = ip;
        }
        return true;
    };
    switch (kind) {
        case kType: options.type = at[0]; return count == 1;
        case kOverload: options.overload = at[0]; return count == 1 && at[0] >= 1 && at[0] <= 3;
        case kMask:
            if (count != 4) return false;
            options.mask = load32(at);
            return true;
        case kLeaseTime:
        case kT1:
        case kT2:
            if (count != 4) return false;
            (kind == kLeaseTime ? options.lease_s : kind == kT1 ? options.t1_s : options.t2_s) = load32(at);
            return true;
        case kServer:
            if (count != 4) return false;
            options.server = load_ip4(at);
            return true;
        case kMtu:
            if (count != 2) return false;
            options.mtu = load16(at);
            return true;
        case kRouter: {
            if (count == 0 || count % 4 != 0) return false;
            const Ip ip = load_ip4(at);
            if (is_host(ip) && !is_of_links(ip)) options.gateway = ip;
            return true;
        }
        case kDns: return addresses(options.dns, options.dns_count);
        case kNtp: return addresses(options.ntp, options.ntp_count);
        default: return true;
    }
}

bool Dhcp::read_options(const uint8_t* at, size_t count, Options& options) {
    size_t i = 0;
    while (i < count) {
        const uint8_t kind = at[i++];
        if (kind == kPad) continue;
        if (kind == kEnd) return true;
        if (i >= count || at[i] > count - i - 1 || at[i] == 0) return false;
        if (!read_option(kind, at + i + 1, at[i], options)) return false;
        i += size_t{at[i]} + 1;
    }
    return true;
}

bool Dhcp::read(const uint8_t* bytes, size_t count, Options& options) {
    if (count < kFixedBytes + 4 || bytes[0] != 2 || bytes[1] != 1 || bytes[2] != 6) return false;
    if (load32(bytes + kFixedBytes) != kCookie) return false;
    options.transaction = load32(bytes + 4);
    options.hardware = load_mac(bytes + 28).value;
    options.yours = load_ip4(bytes + 16);
    if (!read_options(bytes + kFixedBytes + 4, count - kFixedBytes - 4, options)) return false;
    const uint8_t overload = options.overload;
    // The fields `file` and `sname` hold options then (RFC 2131, 4.1).
    if ((overload & 1) != 0 && !read_options(bytes + 108, 128, options)) return false;
    if ((overload & 2) != 0 && !read_options(bytes + 44, 64, options)) return false;
    return true;
}

bool Dhcp::input(const uint8_t* bytes, size_t count, uint64_t now_us) {
    Options options;
    if (!read(bytes, count, options)) return false;
    if (options.transaction != transaction_ || options.hardware != mac_.value) return false;
    if (!options.server.is_v4() || !is_host(options.server)) return false;
    if (state_ == State::kSelecting) {
        if (options.type != kOffer || tries_ == 0) return false;
        if (!is_host(options.yours) || is_of_links(options.yours)) return false;
        offered_ = options.yours;
        server_ = options.server;
        state_ = State::kRequesting;
        tries_ = 0;
        next_us_ = now_us;
        return false;
    }
    const bool is_asked = state_ == State::kRequesting || state_ == State::kRenewing || state_ == State::kRebinding;
    if (!is_asked || (state_ != State::kRebinding && !(options.server == server_))) return false;
    if (options.type == kNak) {
        restart(transaction_ * 2654435761u + 1, now_us);
        // Not at once: a server that refuses would keep us busy.
        next_us_ = now_us + 2 * kSecondUs;
        return take_expired();
    }
    if (options.type != kAck) return false;
    const Ip wanted = state_ == State::kRequesting ? offered_ : lease_.address;
    if (!(options.yours == wanted)) return false;
    server_ = options.server;
    return bind(options.yours, options, now_us);
}

bool Dhcp::bind(const Ip& address, const Options& options, uint64_t now_us) {
    if (options.lease_s == 0) return false;
    uint32_t lease_s = options.lease_s == kForever ? kLongestLeaseS : options.lease_s;
    if (lease_s < kShortestLeaseS) lease_s = kShortestLeaseS;
    if (lease_s > kLongestLeaseS) lease_s = kLongestLeaseS;
    uint32_t t1 = options.t1_s;
    uint32_t t2 = options.t2_s;
    if (t2 == 0 || t2 >= lease_s) t2 = lease_s - lease_s / 8;
    if (t1 == 0 || t1 >= t2) t1 = lease_s / 2;
    Lease lease = {};
    lease.address = address;
    lease.server = options.server;
    lease.gateway = options.gateway;
    for (unsigned i = 0; i < kMaxServers; ++i) {
        lease.dns[i] = options.dns[i];
        lease.ntp[i] = options.ntp[i];
    }
    lease.dns_count = options.dns_count;
    lease.ntp_count = options.ntp_count;
    lease.renew_us = now_us + t1 * kSecondUs;
    lease.rebind_us = now_us + t2 * kSecondUs;
    lease.expire_us = now_us + lease_s * kSecondUs;
    lease.mtu = options.mtu >= 576 && options.mtu <= 1500 ? options.mtu : uint16_t{0};
    // A mask with holes is none; then that of the address's class would be a guess, so: this host alone.
    const uint32_t mask = options.mask;
    const bool is_mask = mask != 0 && (~mask & (~mask + 1)) == 0;
    lease.prefix = is_mask ? static_cast<uint8_t>(__builtin_popcount(mask)) : uint8_t{32};
    if (!is_lease(lease)) return false;
    lease_ = lease;
    state_ = State::kBound;
    next_us_ = lease.renew_us;
    tries_ = 0;
    return true;
}

}  // namespace kos::netrouter
