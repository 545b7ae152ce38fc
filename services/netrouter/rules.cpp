#include "rules.h"

namespace kos::netrouter {

Rules::Rules(const Policy& policy) : policy_(policy) {
    for (unsigned i = 0; i < policy.rule_count; ++i) {
        const uint32_t rate = policy.rules[i].rate;
        // A quarter of a second at once: senders come in bursts.
        if (rate != 0) buckets_[i] = Bucket(rate, rate / 4 < 4 ? 4 : rate / 4);
    }
}

bool Rules::is_match(const Peer& peer, std::string_view name) {
    const std::string_view host = peer.host;
    if (!peer.is_wildcard) return name == host;
    return name.size() > host.size() + 1 && name.ends_with(host) && name[name.size() - host.size() - 1] == '.';
}

bool Rules::takes(const Rule& rule, uint8_t protocol, uint16_t port) const {
    const bool is_icmp = protocol == kIcmp4 || protocol == kIcmp6;
    switch (rule.protocol) {
        case Protocol::kTcp:
            if (protocol != kTcp) return false;
            break;
        case Protocol::kUdp:
            if (protocol != kUdp) return false;
            break;
        case Protocol::kIcmp:
            if (!is_icmp) return false;
            break;
        case Protocol::kAny:
            if (!is_icmp && protocol != kTcp && protocol != kUdp) return false;
            break;
    }
    if (rule.ports.count == 0) return true;
    if (is_icmp) return false;  // a rule with ports is about protocols that have them
    for (unsigned i = rule.ports.first; i < unsigned{rule.ports.first} + rule.ports.count; ++i) {
        if (port >= policy_.ports[i].first && port <= policy_.ports[i].last) return true;
    }
    return false;
}

uint16_t Rules::find_outbound(unsigned link, uint8_t protocol, const Ip& destination, uint16_t port, const Names& names,
                              uint64_t now_us) const {
    const Span span = policy_.links[link].rules;
    for (unsigned i = span.first; i < unsigned{span.first} + span.count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (rule.is_inbound || !takes(rule, protocol, port)) continue;
        for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
            const Peer& peer = policy_.peers[p];
            const auto number = static_cast<uint16_t>(i);
            if (peer.kind == PeerKind::kAny) return number;
            if (peer.kind == PeerKind::kNetwork && contains(peer.network, destination)) return number;
            if (peer.kind == PeerKind::kHost && names.is_granted(link, number, destination, now_us)) return number;
        }
    }
    return kNoRule;
}

bool Rules::may_allow(uint16_t number, uint8_t protocol, const Ip& destination, uint16_t port) const {
    const Rule& rule = policy_.rules[number];
    if (rule.is_inbound || !takes(rule, protocol, port)) return false;
    for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
        const Peer& peer = policy_.peers[p];
        if (peer.kind == PeerKind::kAny || peer.kind == PeerKind::kHost) return true;
        if (peer.kind == PeerKind::kNetwork && contains(peer.network, destination)) return true;
    }
    return false;
}

uint16_t Rules::find_towards(unsigned link, uint8_t protocol, unsigned target, uint16_t port) const {
    const Span span = policy_.links[link].rules;
    for (unsigned i = span.first; i < unsigned{span.first} + span.count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (rule.is_inbound || !takes(rule, protocol, port)) continue;
        for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
            const Peer& peer = policy_.peers[p];
            if (peer.kind == PeerKind::kDomain && peer.link == target) return static_cast<uint16_t>(i);
        }
    }
    return kNoRule;
}

uint16_t Rules::find_listen(unsigned target, uint8_t protocol, uint16_t port, unsigned from) const {
    const Span span = policy_.links[target].rules;
    for (unsigned i = span.first; i < unsigned{span.first} + span.count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (!rule.is_inbound || !takes(rule, protocol, port)) continue;
        for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
            const Peer& peer = policy_.peers[p];
            // "any" is enough here: the other domain names this one.
            const bool is_meant = peer.kind == PeerKind::kAny || (peer.kind == PeerKind::kDomain && peer.link == from);
            if (is_meant) return static_cast<uint16_t>(i);
        }
    }
    return kNoRule;
}

uint16_t Rules::find_forward(uint8_t protocol, uint16_t port, const Ip& source) const {
    for (unsigned i = 0; i < policy_.rule_count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (!rule.is_inbound || rule.forward != port || port == 0) continue;
        if (rule.protocol != (protocol == kTcp ? Protocol::kTcp : Protocol::kUdp)) continue;
        for (unsigned p = rule.peers.first; p < unsigned{rule.peers.first} + rule.peers.count; ++p) {
            const Peer& peer = policy_.peers[p];
            if (peer.kind == PeerKind::kAny) return static_cast<uint16_t>(i);
            if (peer.kind == PeerKind::kNetwork && contains(peer.network, source)) return static_cast<uint16_t>(i);
        }
    }
    return kNoRule;
}

bool Rules::is_forwarded(uint8_t protocol, uint16_t port) const {
    const Protocol wanted = protocol == kTcp ? Protocol::kTcp : Protocol::kUdp;
    for (unsigned i = 0; i < policy_.rule_count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (rule.is_inbound && rule.forward == port && rule.protocol == wanted) return true;
    }
    return false;
}

}  // namespace kos::netrouter
