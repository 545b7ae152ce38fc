/*
 * For the tests of the router: a host that keeps what is sent, packets made and read independently of the router's own
 * code, and a small policy.
 */
#ifndef KOS_SERVICES_NETROUTER_TEST_NETWORK_H_
#define KOS_SERVICES_NETROUTER_TEST_NETWORK_H_

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "router.h"

namespace kos::netrouter {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kSecond = 1000000;
constexpr Mac kOwnMac{0x525400123456};
constexpr Mac kGatewayMac{0x525500000002};
constexpr Ip kOwn4 = ip4(10, 0, 2, 15);
constexpr Ip kGateway4 = ip4(10, 0, 2, 2);
constexpr Ip kOwn6{0x2001067c00010000, 0x15};
constexpr Ip kGateway6{0xfe80000000000000, 0x2};
constexpr Ip kServer = ip4(203, 0, 113, 9);
constexpr Ip kStranger = ip4(198, 51, 100, 66);
constexpr Ip kServer6{0x2001067c00990000, 9};

inline uint16_t plain_sum(const Bytes& bytes, uint32_t sum = 0) {
    for (size_t i = 0; i < bytes.size(); ++i) sum += uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}

inline void append_ip(Bytes& out, const Ip& ip) {
    uint8_t raw[16];
    if (ip.is_v4()) {
        store32(raw, ip.v4());
        out.insert(out.end(), raw, raw + 4);
    } else {
        store_ip6(raw, ip);
        out.insert(out.end(), raw, raw + 16);
    }
}

// An IP packet around `transport`, whose checksum at `checksum_at` (if not 0) is filled in.
struct IpOptions {
    uint8_t hops = 64;
    uint16_t id = 1;
    uint16_t fragment = 0x4000;  // IPv4: flags and offset
    Bytes options;               // IPv4: a multiple of 4; IPv6: extension headers
    uint8_t first_next = 0;      // IPv6: number of the first extension header
};
inline Bytes make_ip(const Ip& source, const Ip& destination, uint8_t protocol, Bytes transport, size_t checksum_at,
                     const IpOptions& options = {}) {
    if (checksum_at != 0) {
        Bytes pseudo;
        if (protocol != kIcmp4) {
            append_ip(pseudo, source);
            append_ip(pseudo, destination);
            pseudo.push_back(0);
            pseudo.push_back(protocol);
            pseudo.push_back(static_cast<uint8_t>(transport.size() >> 8));
            pseudo.push_back(static_cast<uint8_t>(transport.size()));
        }
        transport[checksum_at] = transport[checksum_at + 1] = 0;
        auto sum = static_cast<uint16_t>(~plain_sum(transport, plain_sum(pseudo)));
        if (sum == 0 && protocol == kUdp) sum = 0xffff;
        store16(&transport[checksum_at], sum);
    }
    Bytes out;
    if (source.is_v4()) {
        out.assign(20, 0);
        out.insert(out.end(), options.options.begin(), options.options.end());
        out[0] = static_cast<uint8_t>(0x40 | out.size() / 4);
        store16(&out[2], static_cast<uint16_t>(out.size() + transport.size()));
        store16(&out[4], options.id);
        store16(&out[6], options.fragment);
        out[8] = options.hops;
        out[9] = protocol;
        store32(&out[12], source.v4());
        store32(&out[16], destination.v4());
        store16(&out[10], static_cast<uint16_t>(~plain_sum(out)));
    } else {
        out.assign(8, 0);
        out[0] = 0x60;
        store16(&out[4], static_cast<uint16_t>(options.options.size() + transport.size()));
        out[6] = options.options.empty() ? protocol : options.first_next;
        out[7] = options.hops;
        append_ip(out, source);
        append_ip(out, destination);
        out.insert(out.end(), options.options.begin(), options.options.end());
    }
    out.insert(out.end(), transport.begin(), transport.end());
    return out;
}

inline Bytes make_udp(const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
                      const Bytes& payload = {'h', 'i'}, const IpOptions& options = {}) {
    Bytes udp(8);
    store16(&udp[0], source_port);
    store16(&udp[2], destination_port);
    store16(&udp[4], static_cast<uint16_t>(8 + payload.size()));
    udp.insert(udp.end(), payload.begin(), payload.end());
    return make_ip(source, destination, kUdp, udp, 6, options);
}

inline Bytes make_tcp(const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
                      uint8_t flags, const Bytes& payload = {}, const IpOptions& options = {}) {
    Bytes tcp(20);
    store16(&tcp[0], source_port);
    store16(&tcp[2], destination_port);
    store32(&tcp[4], 1000);
    store32(&tcp[8], flags & kAck ? 2000 : 0);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    store16(&tcp[14], 65535);
    tcp.insert(tcp.end(), payload.begin(), payload.end());
    return make_ip(source, destination, kTcp, tcp, 16, options);
}

inline Bytes make_echo(const Ip& source, const Ip& destination, uint16_t id, bool is_reply = false, size_t size = 8) {
    Bytes icmp(8 + size, 0x61);
    const bool is_v4 = source.is_v4();
    icmp[0] = is_v4 ? (is_reply ? 0 : 8) : (is_reply ? 129 : 128);
    icmp[1] = 0;
    store16(&icmp[4], id);
    return make_ip(source, destination, is_v4 ? uint8_t{kIcmp4} : uint8_t{kIcmp6}, icmp, 2);
}

inline Bytes make_icmp(const Ip& source, const Ip& destination, uint8_t type, uint8_t code, const Bytes& body,
                       uint8_t hops = 64) {
    Bytes icmp{type, code, 0, 0};
    icmp.insert(icmp.end(), body.begin(), body.end());
    IpOptions options;
    options.hops = hops;
    return make_ip(source, destination, source.is_v4() ? uint8_t{kIcmp4} : uint8_t{kIcmp6}, icmp, 2, options);
}

inline Bytes make_frame(const Bytes& packet, Mac from = kGatewayMac, Mac to = kOwnMac) {
    Bytes frame(14);
    store_mac(&frame[0], to);
    store_mac(&frame[6], from);
    store16(&frame[12], packet[0] >> 4 == 6 ? 0x86dd : 0x0800);
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
}

inline Bytes make_arp(uint16_t operation, Mac sender_mac, const Ip& sender, Mac target_mac, const Ip& target, Mac to) {
    Bytes frame(14 + 28);
    store_mac(&frame[0], to);
    store_mac(&frame[6], sender_mac);
    store16(&frame[12], 0x0806);
    uint8_t* at = &frame[14];
    store16(at, 1);
    store16(at + 2, 0x0800);
    at[4] = 6;
    at[5] = 4;
    store16(at + 6, operation);
    store_mac(at + 8, sender_mac);
    store32(at + 14, sender.v4());
    store_mac(at + 18, target_mac);
    store32(at + 24, target.v4());
    return frame;
}

// Whether every checksum of the packet is right, by sums of its own.
inline bool has_right_sums(const Bytes& packet) {
    if (packet.empty()) return false;
    const bool is_v6 = packet[0] >> 4 == 6;
    const size_t header = is_v6 ? 40 : (packet[0] & 15u) * 4u;
    if (packet.size() < header) return false;
    if (!is_v6 && plain_sum(Bytes(packet.begin(), packet.begin() + static_cast<long>(header))) != 0xffff) return false;
    const uint8_t protocol = is_v6 ? packet[6] : packet[9];
    if (protocol == kUdp && load16(&packet[header + 6]) == 0) return !is_v6;
    Bytes sum;
    if (protocol != kIcmp4) {
        const size_t addresses = is_v6 ? 8 : 12;
        sum.assign(packet.begin() + static_cast<long>(addresses), packet.begin() + static_cast<long>(is_v6 ? 40 : 20));
        sum.push_back(0);
        sum.push_back(protocol);
        sum.push_back(static_cast<uint8_t>((packet.size() - header) >> 8));
        sum.push_back(static_cast<uint8_t>(packet.size() - header));
    }
    sum.insert(sum.end(), packet.begin() + static_cast<long>(header), packet.end());
    return plain_sum(sum) == 0xffff;
}

struct FakeHost final : Host {
    struct Sent {
        Interface to;
        Bytes bytes;
        Offload offload;
    };

    uint8_t* reserve(Interface to, size_t bytes) override {
        if (is_full[to]) return nullptr;
        reserved.assign(bytes, 0xee);
        return reserved.data();
    }
    void commit(Interface to, size_t bytes, const Offload& offload) override {
        reserved.resize(bytes);
        sent.push_back({to, reserved, offload});
    }
    bool wire_takes_partial() const override { return takes_partial; }
    bool random(uint64_t* value) override {
        *value = numbers();
        return !no_random;
    }
    void denied(const Denial& denial, uint64_t count) override {
        logged.push_back(denial);
        suppressed += count;
    }
    void set_wall(const Ntp::Time& time) override { walls.push_back(time); }
    void uplink_changed() override { ++changes; }

    // The oldest packet that went there, without its Ethernet header; empty if there is none.
    Bytes take(Interface to) {
        for (size_t i = 0; i < sent.size(); ++i) {
            if (sent[i].to != to) continue;
            Bytes bytes = sent[i].bytes;
            last_offload = sent[i].offload;
            sent.erase(sent.begin() + static_cast<long>(i));
            if (to == kWire) {
                last_frame = bytes;
                bytes.erase(bytes.begin(), bytes.begin() + 14);
            }
            return bytes;
        }
        return {};
    }

    std::deque<Sent> sent;
    Bytes reserved;
    Bytes last_frame;
    Offload last_offload;
    bool is_full[kMaxLinks + 1] = {};
    bool takes_partial = false;
    bool no_random = false;
    std::mt19937_64 numbers{1};
    std::vector<Denial> logged;
    uint64_t suppressed = 0;
    std::vector<Ntp::Time> walls;
    unsigned changes = 0;
};

// Makes policies rule by rule.
class PolicyMaker {
public:
    PolicyMaker() {
        policy.uplink.is_dhcp = false;
        policy.uplink.mode6 = Mode6::kStatic;
        policy.uplink.address4 = kOwn4;
        policy.uplink.gateway4 = kGateway4;
        policy.uplink.address6 = kOwn6;
        policy.uplink.gateway6 = kGateway6;
        policy.uplink.dns[0] = kGateway4;
        policy.uplink.dns_count = 1;
    }
    // A link of domain `number`; the rules that follow are its.
    PolicyMaker& link(uint8_t number, std::string_view name) {
        Link& link = policy.links[policy.link_count++];
        link.domain = number;
        link.name = name;
        link.address4 = ip4(10, 78, number, 2);
        link.gateway4 = ip4(10, 78, number, 1);
        link.address6 = {0xfd6b6f7300000000u | uint64_t{number} << 16, 2};
        link.gateway6 = {0xfd6b6f7300000000u | uint64_t{number} << 16, 1};
        link.rules.first = static_cast<uint16_t>(policy.rule_count);
        return *this;
    }
    Rule& rule(Protocol protocol, std::vector<Peer> peers, std::vector<PortRange> ports) {
        Link& link = policy.links[policy.link_count - 1];
        ++link.rules.count;
        Rule& rule = policy.rules[policy.rule_count++];
        rule.link = static_cast<uint8_t>(policy.link_count - 1);
        rule.protocol = protocol;
        rule.peers = {static_cast<uint16_t>(policy.peer_count), static_cast<uint16_t>(peers.size())};
        for (const Peer& peer : peers) policy.peers[policy.peer_count++] = peer;
        rule.ports = {static_cast<uint16_t>(policy.port_count), static_cast<uint16_t>(ports.size())};
        for (const PortRange& range : ports) policy.ports[policy.port_count++] = range;
        return rule;
    }
    Rule& allow(Protocol protocol, const Peer& peer, std::vector<PortRange> ports = {}) {
        return rule(protocol, {peer}, std::move(ports));
    }
    Rule& listen(Protocol protocol, uint16_t port, uint16_t forward, std::vector<Peer> from) {
        Rule& made = rule(protocol, std::move(from), {});
        if (protocol == Protocol::kTcp || protocol == Protocol::kUdp) {
            made.ports = {static_cast<uint16_t>(policy.port_count), 1};
            policy.ports[policy.port_count++] = {port, port};
        }
        made.is_inbound = true;
        made.forward = forward;
        return made;
    }
    static Peer any() { return {}; }
    static Peer network(const Ip& ip, unsigned bits) {
        Peer peer;
        peer.kind = PeerKind::kNetwork;
        peer.network = ip.is_v4() ? net4(ip, bits) : Prefix{ip, static_cast<uint8_t>(bits)};
        return peer;
    }
    static Peer domain(uint8_t link) {
        Peer peer;
        peer.kind = PeerKind::kDomain;
        peer.link = link;
        return peer;
    }
    static Peer host(std::string_view name, bool is_wildcard = false) {
        Peer peer;
        peer.kind = PeerKind::kHost;
        peer.host = name;
        peer.is_wildcard = is_wildcard;
        return peer;
    }

    Policy policy;
};

// A domain that may use some names and another domain, and that other one, which may use any.
inline Policy named_policy() {
    using M = PolicyMaker;
    M made;
    made.link(5, "web_app").allow(Protocol::kTcp, M::host("api.example.org"), {{443, 443}});
    made.allow(Protocol::kTcp, M::host("example.net", true), {{443, 443}});
    made.allow(Protocol::kTcp, M::domain(1), {{80, 80}});
    made.link(6, "other").allow(Protocol::kUdp, M::any());
    made.listen(Protocol::kTcp, 80, 0, {M::domain(0)});
    return made.policy;
}

// A router with its memory, whose wire is up and whose neighbours are known.
struct Bench {
    explicit Bench(const Policy& made, bool is_ready = true)
        : policy(std::make_unique<Policy>(made)), memory(Router::kBytes / 8) {
        restart();
        if (is_ready) make_ready();
    }
    void restart() {
        router = std::make_unique<Router>(*policy, host);
        opened = router->open(memory.data(), memory.size() * 8, now, &restored);
    }
    void make_ready() {
        router->start_wire(kOwnMac, kMtu, now);
        at(now);
        at(now + 2 * kSecond);  // IPv6: the address is ours then
        host.sent.clear();
    }
    static Bytes advert_of(const Ip& ip) {
        Bytes body{0x60, 0, 0, 0};
        append_ip(body, ip);
        body.insert(body.end(), {2, 1, 0, 0, 0, 0, 0, 0});
        store_mac(&body[body.size() - 6], kGatewayMac);
        return body;
    }
    void at(uint64_t time) {
        // In steps, as the clock would.
        while (now < time) {
            now = std::min(time, std::max(router->next_us(), now + 1));
            router->tick(now);
            answer_solicitations();
        }
        router->tick(now);
        answer_solicitations();
    }
    // The machines of the wire say where they are, all behind the gateway's address.
    void answer_solicitations() {
        if (is_silent) return;
        for (bool again = true; again;) {
            again = false;
            for (size_t i = 0; i < host.sent.size(); ++i) {
                if (host.sent[i].to != kWire) continue;
                const Bytes frame = host.sent[i].bytes;
                if (load16(&frame[12]) == 0x0806 && load16(&frame[20]) == 1) {
                    const Ip target = load_ip4(&frame[38]);
                    host.sent.erase(host.sent.begin() + static_cast<long>(i));
                    const Bytes answer = make_arp(2, kGatewayMac, target, kOwnMac, kOwn4, kOwnMac);
                    router->from_wire(answer.data(), answer.size(), false, false, now);
                    again = true;
                    break;
                }
                const bool is_solicit = load16(&frame[12]) == 0x86dd && frame.size() >= 14 + 64 &&
                                        frame[20] == kIcmp6 && frame[54] == kSolicit;
                if (is_solicit && !load_ip6(&frame[22]).is_none()) {
                    const Ip target = load_ip6(&frame[62]);
                    const Ip asker = load_ip6(&frame[22]);
                    host.sent.erase(host.sent.begin() + static_cast<long>(i));
                    const Bytes answer = make_frame(make_icmp(target, asker, kAdvert, 0, advert_of(target), 255));
                    router->from_wire(answer.data(), answer.size(), false, false, now);
                    again = true;
                    break;
                }
            }
        }
    }
    Router& link(unsigned number, const Bytes& packet, bool is_partial = false) {
        // Exactly as large as it says: the sanitizer sees every byte read beyond it.
        const auto copy = std::make_unique<uint8_t[]>(packet.size());
        std::copy(packet.begin(), packet.end(), copy.get());
        router->from_link(number, copy.get(), packet.size(), is_partial, now);
        answer_solicitations();
        return *router;
    }
    Router& wire(const Bytes& frame) {
        const auto copy = std::make_unique<uint8_t[]>(frame.size());
        std::copy(frame.begin(), frame.end(), copy.get());
        router->from_wire(copy.get(), frame.size(), false, false, now);
        answer_solicitations();
        return *router;
    }
    Router& outside(const Bytes& packet) { return wire(make_frame(packet)); }
    uint64_t refused(Interface from, Reason reason) const {
        return router->counters(from).refused[static_cast<unsigned>(reason)];
    }
    Ip address4(unsigned link) const { return policy->links[link].address4; }
    Ip address6(unsigned link) const { return policy->links[link].address6; }

    std::unique_ptr<Policy> policy;
    FakeHost host;
    std::vector<uint64_t> memory;
    std::unique_ptr<Router> router;
    bool opened = false;
    bool is_silent = false;
    unsigned restored = 0;
    uint64_t now = 10 * kSecond;
};

}  // namespace kos::netrouter

#endif
