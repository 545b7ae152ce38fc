#include "manifest_policy.h"

namespace kos::netrouter {

namespace {

// What the decoder accepts, this program has room for.
static_assert(manifest::kMaxNetRules <= kMaxRules && manifest::kMaxNetPeers <= kMaxPeers);
static_assert(manifest::kMaxNetPorts <= kMaxPortRanges && manifest::kMaxNetServers <= kMaxServers);
static_assert(KOS_MAX_DOMAINS - 1 <= kMaxLinks);

Span span_of(const manifest::Range& range) { return {range.first, range.count}; }

// Index of the link of a domain. The decoder has checked that there is one.
uint8_t link_of(const manifest::Manifest& manifest, unsigned domain) {
    for (unsigned i = 0; i < manifest.net_link_count; ++i) {
        if (manifest.net_links[i].domain == domain) return static_cast<uint8_t>(i);
    }
    return 0;
}

Peer peer_of(const manifest::Manifest& manifest, const manifest::NetPeer& from) {
    Peer peer;
    switch (from.kind) {
        case manifest::NetPeerKind::kAny: peer.kind = PeerKind::kAny; break;
        case manifest::NetPeerKind::kNetwork4:
            peer.kind = PeerKind::kNetwork;
            peer.network = net4(load_ip4(from.bytes), from.prefix);
            break;
        case manifest::NetPeerKind::kNetwork6:
            peer.kind = PeerKind::kNetwork;
            peer.network = {load_ip6(from.bytes), from.prefix};
            break;
        case manifest::NetPeerKind::kDomain:
            peer.kind = PeerKind::kDomain;
            peer.link = link_of(manifest, from.domain);
            break;
        case manifest::NetPeerKind::kHost:
            peer.kind = PeerKind::kHost;
            peer.host = from.host;
            peer.is_wildcard = from.is_wildcard;
            break;
    }
    return peer;
}

Protocol protocol_of(manifest::NetProtocol protocol) {
    switch (protocol) {
        case manifest::NetProtocol::kTcp: return Protocol::kTcp;
        case manifest::NetProtocol::kUdp: return Protocol::kUdp;
        case manifest::NetProtocol::kIcmp: return Protocol::kIcmp;
        case manifest::NetProtocol::kAny: break;
    }
    return Protocol::kAny;
}

Ip optional_ip4(const uint8_t* bytes) { return load32(bytes) == 0 ? Ip{} : load_ip4(bytes); }

void make_uplink(const manifest::Manifest& manifest, Uplink& uplink) {
    const manifest::Network& network = manifest.network;
    uplink.is_dhcp = network.is_dhcp;
    if (!network.is_dhcp) {
        uplink.address4 = load_ip4(network.address4);
        uplink.prefix4 = network.prefix4;
        uplink.gateway4 = optional_ip4(network.gateway4);
    }
    uplink.mode6 = network.mode6 == manifest::NetAddress6::kNone   ? Mode6::kNone
                   : network.mode6 == manifest::NetAddress6::kAuto ? Mode6::kAuto
                                                                   : Mode6::kStatic;
    if (uplink.mode6 == Mode6::kStatic) {
        uplink.address6 = load_ip6(network.address6);
        uplink.prefix6 = network.prefix6;
        uplink.gateway6 = load_ip6(network.gateway6);
    }
    uplink.dns_count = network.dns_count;
    for (unsigned i = 0; i < network.dns_count; ++i) {
        uplink.dns[i] = network.dns[i].is_v6 ? load_ip6(network.dns[i].bytes) : load_ip4(network.dns[i].bytes);
    }
    uplink.ntp_count = network.ntp_count;
    for (unsigned i = 0; i < network.ntp_count; ++i) uplink.ntp[i] = network.ntp[i];
    uplink.host_name = manifest.system;
}

}  // namespace

bool make_policy(const manifest::Manifest& manifest, Policy& policy) {
    if (manifest.network.router == 0) return false;
    make_uplink(manifest, policy.uplink);
    policy.link_count = manifest.net_link_count;
    for (unsigned i = 0; i < manifest.net_link_count; ++i) {
        const manifest::NetLink& from = manifest.net_links[i];
        Link& link = policy.links[i];
        link.domain = from.domain;
        link.name = manifest.domains[from.domain].name;
        link.address4 = load_ip4(from.address4);
        link.gateway4 = load_ip4(from.gateway4);
        link.address6 = load_ip6(from.address6);
        link.gateway6 = load_ip6(from.gateway6);
        link.rules = span_of(from.rules);
    }
    policy.rule_count = manifest.net_rule_count;
    for (unsigned i = 0; i < manifest.net_rule_count; ++i) {
        const manifest::NetRule& from = manifest.net_rules[i];
        Rule& rule = policy.rules[i];
        rule.link = link_of(manifest, from.domain);
        rule.is_inbound = from.is_inbound;
        rule.protocol = protocol_of(from.protocol);
        rule.forward = from.forward;
        rule.rate = from.rate;
        rule.peers = span_of(from.peers);
        rule.ports = span_of(from.ports);
    }
    policy.peer_count = manifest.net_peer_count;
    for (unsigned i = 0; i < manifest.net_peer_count; ++i) policy.peers[i] = peer_of(manifest, manifest.net_peers[i]);
    policy.port_count = manifest.net_port_count;
    for (unsigned i = 0; i < manifest.net_port_count; ++i) {
        policy.ports[i] = {manifest.net_ports[i].first, manifest.net_ports[i].last};
    }
    return true;
}

}  // namespace kos::netrouter
