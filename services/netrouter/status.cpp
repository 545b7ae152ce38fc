#include "status.h"

namespace kos::netrouter {

namespace {

void put_ip(uint8_t (&out)[16], const Ip& ip) { store_ip6(out, ip); }

}  // namespace

kos_status_t Status::call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now_us, kos_msg_t& answer) {
    now_us_ = now_us;
    return dispatch(caller, request, answer);
}

idl::Result<kos_net_uplink_t> Status::uplink(const Caller&) {
    kos_net_uplink_t out = {};
    store_mac(out.mac, router_.mac());
    const bool has_address = !router_.own4().is_none() || !router_.own6().is_none();
    out.state = !router_.is_wire_up() ? KOS_NET_UPLINK_STATE_DOWN
                : has_address         ? KOS_NET_UPLINK_STATE_UP
                                      : KOS_NET_UPLINK_STATE_WAITING;
    put_ip(out.address4, router_.own4());
    put_ip(out.gateway4, router_.gateway4());
    put_ip(out.address6, router_.own6());
    put_ip(out.gateway6, router_.gateway6());
    Ip servers[kMaxServers];
    if (router_.dns_servers(servers) != 0) put_ip(out.dns, servers[0]);
    const Uplink& uplink = router_.policy().uplink;
    const Lease& lease = router_.dhcp().lease();
    out.prefix4 = uplink.is_dhcp ? lease.prefix : uplink.prefix4;
    if (uplink.is_dhcp && !lease.address.is_none() && lease.expire_us > now_us_) {
        out.lease_seconds = static_cast<uint32_t>((lease.expire_us - now_us_) / 1000000);
    }
    out.connections = router_.connections().count();
    const Counters& counters = router_.counters(kWire);
    out.packets_in = counters.packets_in;
    out.bytes_in = counters.bytes_in;
    out.packets_out = counters.packets_out;
    out.bytes_out = counters.bytes_out;
    out.denials = counters.denials;
    out.time_set_at = router_.wall_set_us();
    return out;
}

idl::Result<idl::net::LinksAnswer> Status::links(const Caller&, uint64_t first) {
    const Policy& policy = router_.policy();
    unsigned count = 0;
    uint64_t i = first;
    for (; i < policy.link_count && count < KOS_NET_LINKS_ANSWER_ENTRIES_MAX; ++i) {
        const Link& link = policy.links[i];
        const Counters& counters = router_.counters(static_cast<Interface>(i + 1));
        kos_net_link_t& out = links_[count++];
        out = {};
        const size_t size = link.name.size() < sizeof out.name ? link.name.size() : sizeof out.name - 1;
        __builtin_memcpy(out.name, link.name.data(), size);
        put_ip(out.address4, link.address4);
        put_ip(out.address6, link.address6);
        out.domain = link.domain;
        out.connections = router_.connections().count(static_cast<unsigned>(i));
        out.packets_in = counters.packets_in;
        out.bytes_in = counters.bytes_in;
        out.packets_out = counters.packets_out;
        out.bytes_out = counters.bytes_out;
        out.denials = counters.denials;
        out.names = counters.names;
        out.evicted = router_.connections().evicted(static_cast<unsigned>(i));
        out.full = counters.full;
    }
    return idl::net::LinksAnswer{i < policy.link_count ? i : 0, {links_, count}};
}

idl::Result<idl::net::RulesAnswer> Status::rules(const Caller&, uint64_t first) {
    const Policy& policy = router_.policy();
    unsigned count = 0;
    uint64_t i = first;
    for (; i < policy.rule_count && count < KOS_NET_RULES_ANSWER_ENTRIES_MAX; ++i) {
        const Rule& rule = policy.rules[i];
        const RuleCounters& counters = router_.rules().counters(static_cast<unsigned>(i));
        rules_[count++] = {.link = rule.link,
                           .is_inbound = static_cast<uint16_t>(rule.is_inbound),
                           .rate = rule.rate,
                           .connections = counters.connections,
                           .packets = counters.packets,
                           .bytes = counters.bytes,
                           .denied = counters.denied};
    }
    return idl::net::RulesAnswer{i < policy.rule_count ? i : 0, {rules_, count}};
}

idl::Result<idl::net::DenialsAnswer> Status::denials(const Caller&, uint64_t sequence) {
    const uint64_t end = router_.denial_count();
    const uint64_t oldest = end > Router::kDenials ? end - Router::kDenials : 0;
    uint64_t lost = 0;
    if (sequence < oldest) {
        lost = oldest - sequence;
        sequence = oldest;
    }
    unsigned count = 0;
    for (; sequence < end && count < KOS_NET_DENIALS_ANSWER_ENTRIES_MAX; ++sequence) {
        const Denial* denial = router_.denial(sequence);
        if (denial == nullptr) break;
        kos_net_denial_t& out = denials_[count++];
        out = {};
        out.sequence = denial->sequence;
        out.time_us = denial->time_us;
        put_ip(out.source, denial->source);
        put_ip(out.destination, denial->destination);
        __builtin_memcpy(out.name, denial->name, sizeof out.name);
        out.source_port = denial->source_port;
        out.destination_port = denial->destination_port;
        out.domain = denial->domain;
        out.protocol = denial->protocol;
        out.reason = static_cast<kos_net_reason_t>(denial->reason);
        out.is_inbound = denial->is_inbound;
    }
    return idl::net::DenialsAnswer{sequence, lost, {denials_, count}};
}

idl::Result<std::span<const uint64_t>> Status::counters(const Caller&, uint64_t link) {
    if (link > router_.policy().link_count) return idl::Failure{KOS_STATUS_NOT_FOUND};
    return std::span<const uint64_t>(router_.counters(static_cast<Interface>(link)).refused, kReasons);
}

}  // namespace kos::netrouter
