// Packets from domains: whose they are, and whether they may begin something.
#include "router.h"

namespace kos::netrouter {

void Router::from_link(unsigned link, const uint8_t* bytes, size_t length, bool is_partial, uint64_t now_us) {
    Counters& counters = counters_[link + 1];
    ++counters.packets_in;
    counters.bytes_in += length;
    Job job;
    job.from = static_cast<Interface>(link + 1);
    job.now_us = now_us;
    job.is_partial = is_partial;
    job.head = head_ + kEthernet + 2;
    job.head_bytes = length < kHeaderBytes ? length : kHeaderBytes;
    job.rest = bytes + job.head_bytes;
    __builtin_memcpy(job.head, bytes, job.head_bytes);
    if (length > kMtu) return refuse(job, Reason::kMalformed);
    Reason reason = parse(job.head, job.head_bytes, length, job.packet);
    if (reason == Reason::kNone && job.packet.length != length) reason = Reason::kMalformed;
    if (reason == Reason::kNone) reason = check_link(job);
    if (reason != Reason::kNone) return refuse(job, reason);
    if (job.packet.kind != Kind::kFragment) return route_link(job);

    if (!gather(job, bytes)) return;
    reason = check_link(job);
    if (reason != Reason::kNone) return refuse(job, reason);
    route_link(job);
}

// Where it says it comes from, and what no domain may say to anybody.
Reason Router::check_link(const Job& job) const {
    const Packet& packet = job.packet;
    const Link& link = policy_.links[job.from - 1];
    const bool is_icmp6 = packet.protocol == kIcmp6;
    if (is_multicast(packet.destination)) {
        // A stack says such things on every network: that it is there, and which groups it listens to. Nobody is told.
        const bool is_own_source =
            packet.source == link.address6 || packet.source.is_none() || is_link_local(packet.source);
        const uint8_t type = packet.icmp_type;
        if (is_icmp6 && is_own_source) {
            if (type == kRouterSolicit || (type >= 130 && type <= 132) || type == 143) return Reason::kIgnored;
            if (type == kSolicit && packet.source.is_none()) return Reason::kIgnored;
        }
        if (!packet.is_v6 && packet.protocol == 2 && packet.source == link.address4) return Reason::kIgnored;
    }
    if (is_icmp6 && packet.icmp_type >= kRouterSolicit && packet.icmp_type <= kRedirect6) return Reason::kNeighbour;
    if (!(packet.source == (packet.is_v6 ? link.address6 : link.address4))) return Reason::kSpoofed;
    if (!is_host(packet.destination) || packet.destination == packet.source) return Reason::kDestination;
    return Reason::kNone;
}

void Router::route_link(Job& job) {
    if (route_known(job)) return;
    const Packet& packet = job.packet;
    const Link& link = policy_.links[job.from - 1];
    if (packet.destination == link.gateway4 || packet.destination == link.gateway6) return to_gateway(job);
    Connections::Found found;
    const Reason reason = begin_link(job, found);
    if (reason != Reason::kNone) return refuse(job, reason);
    forward(job, found);
}

Reason Router::begin_link(Job& job, Connections::Found& found) {
    const Packet& packet = job.packet;
    if (packet.kind == Kind::kEchoReply) return Reason::kNoConnection;
    if (packet.kind == Kind::kTcp && (packet.tcp_flags & (kSyn | kAck | kRst)) != kSyn) return Reason::kNoConnection;
    if (is_inside(packet.destination)) {
        const int target = link_of(packet.destination);
        if (target < 0) return Reason::kDestination;
        return begin_between(job, static_cast<unsigned>(target), found);
    }
    if (is_own(packet.destination)) return begin_hairpin(job, found);
    if (is_link_local(packet.destination)) return Reason::kDestination;
    // The network's broadcast address.
    if (!packet.is_v6 && network4_.length < 127 && contains(network4_, packet.destination) &&
        (packet.destination.low | mask_of(network4_.length).low) == ~uint64_t{0}) {
        return Reason::kDestination;
    }
    return begin_outbound(job, found);
}

Reason Router::begin_outbound(const Job& job, Connections::Found& found) {
    const Packet& packet = job.packet;
    const unsigned link = job.from - 1u;
    const uint16_t rule =
        rules_.find_outbound(link, packet.protocol, packet.destination, packet.destination_port, names_, job.now_us);
    if (rule == kNoRule) return Reason::kRule;
    const Ip own = packet.is_v6 ? own6_ : own4_;
    Ip hop;
    if (!is_wire_up() || own.is_none() || next_hop(packet.destination, job.now_us, &hop) != Reason::kNone) {
        return Reason::kUnreachable;
    }
    Record record = first_record(job);
    record.way[1] = {packet.destination, own, packet.destination_port, 0, packet.protocol, kWire};
    record.allow = rule;
    record.link = static_cast<uint8_t>(link);
    // A random port, so that nobody outside can tell which one is next (RFC 6056). As far as the other end is another
    // one, ports are used again.
    for (unsigned i = 0; i < 16; ++i) {
        uint64_t value = 0;
        if (!host_.random(&value)) return Reason::kTable;
        const auto port = static_cast<uint16_t>(kFirstMapped + value % kMappedPorts);
        record.way[1].destination_port = port;
        if (connections_.find(record.way[1]).ok() || rules_.is_forwarded(packet.protocol, port)) continue;
        return begin(record, job.now_us, found);
    }
    return Reason::kTable;
}

// To another domain: it must be allowed here, and taken there.
Reason Router::begin_between(const Job& job, unsigned target, Connections::Found& found) {
    const Packet& packet = job.packet;
    const unsigned link = job.from - 1u;
    Record record = first_record(job);
    record.allow = rules_.find_towards(link, packet.protocol, target, packet.destination_port);
    if (record.allow == kNoRule) return Reason::kRule;
    record.listen = rules_.find_listen(target, packet.protocol, packet.destination_port, link);
    if (record.listen == kNoRule) return Reason::kListen;
    record.way[1] = end_at(job, target, packet.destination_port);
    record.link = static_cast<uint8_t>(link);
    return begin(record, job.now_us, found);
}

// To the device's own address and a forwarded port: as if the domain behind it had been named.
Reason Router::begin_hairpin(const Job& job, Connections::Found& found) {
    const Packet& packet = job.packet;
    const unsigned link = job.from - 1u;
    if (packet.kind != Kind::kTcp && packet.kind != Kind::kUdp) return Reason::kRule;
    const Protocol protocol = packet.kind == Kind::kTcp ? Protocol::kTcp : Protocol::kUdp;
    for (unsigned i = 0; i < policy_.rule_count; ++i) {
        const Rule& rule = policy_.rules[i];
        if (!rule.is_inbound || rule.forward != packet.destination_port || rule.protocol != protocol) continue;
        const unsigned target = rule.link;
        const uint16_t port = policy_.ports[rule.ports.first].first;
        Record record = first_record(job);
        record.allow = rules_.find_towards(link, packet.protocol, target, port);
        record.listen = rules_.find_listen(target, packet.protocol, port, link);
        if (record.allow == kNoRule || record.listen == kNoRule || target == link) continue;
        record.way[1] = end_at(job, target, port);
        record.link = static_cast<uint8_t>(link);
        return begin(record, job.now_us, found);
    }
    return Reason::kRule;
}

// What the router itself answers on the link: echo and names. Both look at the whole packet.
void Router::to_gateway(Job& job) {
    const Packet& packet = job.packet;
    if (packet.kind == Kind::kEcho) return answer_echo(job);
    const bool is_name = (packet.kind == Kind::kUdp || packet.kind == Kind::kTcp) && packet.destination_port == 53;
    if (!is_name) return refuse(job, Reason::kRule);
    const uint8_t* whole = copy_whole(job);
    if (whole == nullptr) return refuse(job, Reason::kMalformed);
    if (packet.kind == Kind::kTcp) return input_near(job, whole);
    const Asker asker{static_cast<uint8_t>(job.from - 1), kNoStream, packet.source, packet.source_port};
    input_query(job, asker, whole + packet.transport + 8, packet.transport_bytes() - 8);
}

// Tells the domain at once, so that its program fails instead of waiting.
void Router::answer_refusal(const Job& job, Reason reason) {
    switch (reason) {
        case Reason::kRule:
        case Reason::kListen:
        case Reason::kTable:
            if (job.packet.kind == Kind::kTcp) return send_reset(job);
            // Communication administratively prohibited (RFC 1812, 5.2.7.1; RFC 4443, 3.1).
            return send_error(job, kUnreachable4, 13, kUnreachable6, 1, 0);
        case Reason::kNoConnection:
            if (job.packet.kind == Kind::kTcp) send_reset(job);
            return;
        case Reason::kUnreachable: return send_error(job, kUnreachable4, 1, kUnreachable6, 3, 0);
        default: return;
    }
}

}  // namespace kos::netrouter
