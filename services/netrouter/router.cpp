#include "router.h"

namespace kos::netrouter {

namespace {

constexpr uint64_t kSecondUs = 1000000;

}  // namespace

bool Router::open(void* memory, size_t bytes, uint64_t now_us, unsigned* restored) {
    auto* at = static_cast<uint8_t*>(memory);
    if (memory == nullptr || bytes < kBytes) return false;
    uint64_t key[2];
    uint64_t id = 0;
    if (!host_.random(&key[0]) || !host_.random(&key[1]) || !host_.random(&id)) return false;
    next_id_ = static_cast<uint16_t>(id);
    if (!saved_.open(at, kKeptBytes) || !names_.open(at + kKeptBytes, Names::kBytes, policy_, now_us) ||
        !connections_.open(at + kKeptBytes + Names::kBytes, Connections::kBytes, policy_.link_count, key)) {
        return false;
    }
    if (!saved_.load(&kept_)) kept_ = {};
    for (unsigned i = 0; i < policy_.link_count; ++i) {
        const Ip& address = policy_.links[i].address4;
        if (!is_of_links(address)) others_[other_count_++] = net4(ip4(address.v4() & ~3u), 30);
    }
    // The addresses must be known before the connections are judged by them.
    const Mac mac{kept_.mac & 0xffffffffffff};
    if (policy_.uplink.is_dhcp) {
        if (is_lease(kept_.lease) && kept_.lease.expire_us > now_us) own4_ = kept_.lease.address;
    } else {
        own4_ = policy_.uplink.address4;
    }
    autoconf_.start(policy_.uplink, mac, kept_.network6, now_us);
    if (autoconf_.is_ready()) own6_ = autoconf_.network().address;
    *restored = connections_.restore(now_us, [this](const Record& record) { return is_allowed(record); });
    for (unsigned i = 0; i <= kMaxLinks; ++i) {
        log_[i] = Bucket(5, 20);
        errors_[i] = Bucket(100, 50);
        echoes_[i] = Bucket(100, 50);
    }
    next_us_ = now_us;
    return true;
}

// Whether the policy would have allowed this connection: what lies in memory is not believed. Names that were looked up
// may have expired meanwhile; a rule for names with this protocol and port must be there.
bool Router::is_allowed(const Record& record) const {
    const Tuple& from = record.way[0];
    const Tuple& to = record.way[1];  // its source is the other end
    const auto is_link_end = [this](const Tuple& tuple) {
        if (tuple.interface == kWire) return tuple.destination == own4_ || tuple.destination == own6_;
        const Link& link = policy_.links[tuple.interface - 1];
        return tuple.source == link.address4 || tuple.source == link.address6;
    };
    if (!is_link_end(from) || !is_link_end(to)) return false;
    const uint16_t port = to.source_port;
    if (from.interface == kWire) {
        if (to.interface == kWire || record.allow != kNoRule || record.listen >= policy_.rule_count) return false;
        const Rule& rule = policy_.rules[record.listen];
        return record.link == to.interface - 1 && rule.link == record.link && to.destination == from.source &&
               to.destination_port == from.source_port &&
               rules_.find_forward(from.protocol, from.destination_port, from.source) == record.listen &&
               policy_.ports[rule.ports.first].first == port;
    }
    if (record.link != from.interface - 1 || record.allow >= policy_.rule_count) return false;
    const Rule& allow = policy_.rules[record.allow];
    if (allow.is_inbound || allow.link != record.link) return false;
    if (to.interface != kWire) {
        const unsigned target = to.interface - 1u;
        // Or by way of the device's own address.
        if (!(from.destination == to.source) && !(from.destination == own4_) && !(from.destination == own6_))
            return false;
        return rules_.find_towards(record.link, from.protocol, target, port) == record.allow &&
               rules_.find_listen(target, from.protocol, port, record.link) == record.listen &&
               to.destination == from.source && to.destination_port == from.source_port;
    }
    if (record.listen != kNoRule || !(to.source == from.destination) || is_inside(to.source)) return false;
    if (to.source_port != from.destination_port || to.destination_port < kFirstMapped) return false;
    if (to.destination_port >= kFirstOwn || rules_.is_forwarded(to.protocol, to.destination_port)) return false;
    return rules_.may_allow(record.allow, from.protocol, from.destination, from.destination_port);
}

void Router::save() {
    kept_.lease = dhcp_.lease();
    kept_.network6 = autoconf_.network();
    kept_.mac = mac_.value;
    saved_.store(kept_);
}

void Router::start_wire(Mac mac, size_t mtu, uint64_t now_us) {
    const bool is_same = mac == mac_ && is_wire_up_ && mtu == device_mtu_;
    mac_ = mac;
    device_mtu_ = mtu < 1280 || mtu > kMtu ? kMtu : mtu;
    is_wire_up_ = true;
    has_carrier_ = true;
    // The driver was restarted: what the neighbours have and what we are is as before.
    if (is_same) return;
    neighbours_.forget();
    uint64_t value = 0;
    if (!host_.random(&value)) value = now_us;
    const bool is_kept = kept_.mac == mac.value;
    if (policy_.uplink.is_dhcp) {
        const Lease none = {};
        dhcp_.start(mac, policy_.uplink.host_name, is_kept ? kept_.lease : none, static_cast<uint32_t>(value), now_us);
    }
    const Network6 none6 = {};
    autoconf_.start(policy_.uplink, mac, is_kept ? kept_.network6 : none6, now_us);
    addresses_changed(now_us);
    ntp_.start(now_us + kSecondUs);
    plan(now_us);
}

void Router::set_carrier(bool is_up, uint64_t now_us) {
    if (is_up == has_carrier_) return;
    has_carrier_ = is_up;
    if (!is_up) return;
    // It may be another network: what was true there is asked for again, but used until it turns out wrong.
    neighbours_.forget();
    if (policy_.uplink.is_dhcp) dhcp_.renew(now_us);
    autoconf_.solicit(now_us);
    plan(now_us);
}

// After the lease, the network of IPv6 or the device have changed: takes the new addresses and ends connections that
// used one that we no longer have.
void Router::addresses_changed(uint64_t now_us) {
    const Uplink& uplink = policy_.uplink;
    const Ip before4 = own4_;
    const Ip before6 = own6_;
    if (uplink.is_dhcp) {
        const Lease& lease = dhcp_.lease();
        own4_ = lease.address;
        gateway4_ = lease.gateway;
        network4_ = net4(lease.address, lease.prefix);
    } else {
        own4_ = uplink.address4;
        gateway4_ = uplink.gateway4;
        network4_ = net4(uplink.address4, uplink.prefix4);
    }
    const Network6& network6 = autoconf_.network();
    own6_ = autoconf_.is_ready() ? network6.address : Ip{};
    gateway6_ = network6.gateway;
    network6_ = {network6.address, network6.prefix};
    wire_mtu_ = device_mtu_;
    if (uplink.is_dhcp && dhcp_.lease().mtu != 0 && dhcp_.lease().mtu < wire_mtu_) wire_mtu_ = dhcp_.lease().mtu;
    if (network6.mtu != 0 && network6.mtu < wire_mtu_) wire_mtu_ = network6.mtu;
    if (!(before4 == own4_) || !(before6 == own6_)) {
        for (unsigned i = 0; i < Connections::kMost; ++i) {
            const auto record = static_cast<uint16_t>(i);
            if (connections_[record].state == State::kFree) continue;
            for (const Tuple& way : connections_[record].way) {
                if (way.interface != kWire || way.destination == own4_ || way.destination == own6_) continue;
                connections_.remove(record);
                break;
            }
        }
        neighbours_.forget();
        ntp_.start(now_us + kSecondUs / 2);
    }
    must_find_gateways_ = true;
    save();
    host_.uplink_changed();
}

int Router::link_of(const Ip& ip) const {
    for (unsigned i = 0; i < policy_.link_count; ++i) {
        if (policy_.links[i].address4 == ip || policy_.links[i].address6 == ip) return static_cast<int>(i);
    }
    return -1;
}

bool Router::is_inside(const Ip& ip) const {
    if (is_of_links(ip)) return true;
    for (unsigned i = 0; i < other_count_; ++i) {
        if (contains(others_[i], ip)) return true;
    }
    return false;
}

unsigned Router::dns_servers(Ip* out) const {
    unsigned count = 0;
    const auto add = [&](const Ip& ip) {
        if (count < kMaxServers && (ip.is_v4() ? !own4_.is_none() : !own6_.is_none() || is_link_local(ip)))
            out[count++] = ip;
    };
    for (unsigned i = 0; i < policy_.uplink.dns_count; ++i) add(policy_.uplink.dns[i]);
    if (count != 0) return count;
    for (unsigned i = 0; i < dhcp_.lease().dns_count; ++i) add(dhcp_.lease().dns[i]);
    for (unsigned i = 0; i < autoconf_.network().dns_count; ++i) add(autoconf_.network().dns[i]);
    return count;
}

void Router::record(const Job& job, Reason reason, uint8_t domain, std::string_view name) {
    const Packet& packet = job.packet;
    Denial& denial = denials_[denial_count_ % kDenials];
    denial = {};
    denial.sequence = denial_count_++;
    denial.time_us = job.now_us;
    denial.source = packet.source;
    denial.destination = packet.destination;
    denial.source_port = packet.source_port;
    denial.destination_port = packet.destination_port;
    denial.domain = domain;
    denial.protocol = packet.protocol;
    denial.reason = reason;
    denial.is_inbound = job.from == kWire;
    const size_t size = name.size() < kDenialNameBytes - 1 ? name.size() : kDenialNameBytes - 1;
    if (size != 0) __builtin_memcpy(denial.name, name.data(), size);
    ++counters_[job.from].denials;
    // The log is for readers: so many lines per second of each link; the counters and the ring have them all.
    if (!log_[job.from].take(job.now_us)) {
        ++suppressed_[job.from];
        return;
    }
    host_.denied(denial, suppressed_[job.from]);
    suppressed_[job.from] = 0;
}

void Router::refuse(const Job& job, Reason reason, uint8_t domain) {
    ++counters_[job.from].refused[static_cast<unsigned>(reason)];
    if (job.from != kWire) {
        domain = policy_.links[job.from - 1].domain;
        answer_refusal(job, reason);
    }
    if (is_denial(reason)) record(job, reason, domain, {});
}

void Router::tick(uint64_t now_us) {
    if (now_us >= next_expiry_us_) {
        connections_.expire(now_us);
        counters_[kWire].refused[static_cast<unsigned>(Reason::kFragments)] += fragments_.expire(now_us);
        next_expiry_us_ = now_us + kSecondUs;
    }
    tick_names(now_us);
    if (is_wire_up()) tick_wire(now_us);
    plan(now_us);
}

// Most packets go there: found out before the first one waits for it.
void Router::find_gateways(uint64_t now_us) {
    must_find_gateways_ = false;
    for (const Ip& gateway : {own4_.is_none() ? Ip{} : gateway4_, own6_.is_none() ? Ip{} : gateway6_}) {
        Mac mac;
        if (gateway.is_none()) continue;
        if (neighbours_.look_up(gateway, now_us, &mac) == Neighbours::Answer::kAsk) solicit(gateway, now_us);
    }
}

void Router::tick_wire(uint64_t now_us) {
    if (must_find_gateways_) find_gateways(now_us);
    const unsigned lost = neighbours_.tick(now_us, [this, now_us](const Ip& ip) { solicit(ip, now_us); });
    counters_[kWire].refused[static_cast<unsigned>(Reason::kUnreachable)] += lost;
    if (policy_.uplink.is_dhcp && now_us >= dhcp_.next_us()) {
        uint64_t value = 0;
        uint8_t payload[Dhcp::kMessageBytes];
        // Without randomness a transaction can be guessed; it is asked for again a second later.
        if (host_.random(&value)) {
            const Dhcp::Message message = dhcp_.tick(now_us, static_cast<uint32_t>(value), payload);
            if (dhcp_.take_expired()) addresses_changed(now_us);
            if (message.bytes != 0) send_dhcp(message, payload);
        }
    }
    if (now_us >= autoconf_.next_us()) {
        uint8_t message[32] = {};
        const Network6& network = autoconf_.network();
        const auto send = [&](const Ip& source, const Ip& destination, size_t count) {
            uint8_t* out = scratch_;
            __builtin_memcpy(out + 40, message, count);
            (void)write_ip(source, destination, kIcmp6, 255, count, out);
            send_frame(Mac{0x333300000000 | (destination.low & 0xffffffff)}, 0x86dd, out, 40 + count);
        };
        switch (autoconf_.tick(now_us)) {
            case Autoconf::Wants::kSolicitRouter:
                message[0] = kRouterSolicit;
                message[8] = 1;  // option: our hardware address
                message[9] = 1;
                store_mac(message + 10, mac_);
                send(network.link_local, kAllRouters, 16);
                break;
            case Autoconf::Wants::kDetectAddress:
                message[0] = kSolicit;
                store_ip6(message + 8, network.address);
                send({}, solicited_node(network.address), 24);
                break;
            case Autoconf::Wants::kDetectLinkLocal:
            case Autoconf::Wants::kNothing: break;
        }
        if (autoconf_.take_changed()) addresses_changed(now_us);
    }
    tick_time(now_us);
}

// When the next thing is due. Once a second at least, so that nothing has to plan finer than that.
void Router::plan(uint64_t now_us) {
    uint64_t next = now_us + kSecondUs;
    const auto at = [&next](uint64_t time) {
        if (time < next) next = time;
    };
    if (is_wire_up()) {
        if (must_find_gateways_) at(now_us);
        if (policy_.uplink.is_dhcp) at(dhcp_.next_us());
        at(autoconf_.next_us());
        at(ntp_.next_us());
    }
    // What could not be done now is tried again, not in a loop.
    next_us_ = next > now_us + 1000 ? next : now_us + 1000;
}

}  // namespace kos::netrouter
