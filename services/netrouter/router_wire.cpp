// Frames from the wire: who they are for, what may begin from outside, the network's own messages.
#include "router.h"

namespace kos::netrouter {

namespace {

constexpr uint16_t kTypeIp4 = 0x0800;
constexpr uint16_t kTypeArp = 0x0806;
constexpr uint16_t kTypeIp6 = 0x86dd;

}  // namespace

void Router::from_wire(const uint8_t* frame, size_t length, bool is_verified, bool is_partial, uint64_t now_us) {
    Counters& counters = counters_[kWire];
    ++counters.packets_in;
    counters.bytes_in += length;
    Job job;
    job.now_us = now_us;
    job.is_verified = is_verified || is_partial;
    job.is_partial = is_partial;
    if (!is_wire_up_ || length < kEthernet || length > kEthernet + kMtu + 4) {
        ++counters.refused[static_cast<unsigned>(Reason::kMalformed)];
        return;
    }
    const size_t copied = length < kEthernet + kHeaderBytes ? length : kEthernet + kHeaderBytes;
    uint8_t* head = head_ + 2;
    __builtin_memcpy(head, frame, copied);
    const Mac to = load_mac(head);
    const uint16_t type = load16(head + 12);
    const bool is_known = type == kTypeIp4 || type == kTypeArp || type == kTypeIp6;
    if ((!(to == mac_) && !to.is_group()) || !is_known || load_mac(head + 6) == mac_) {
        ++counters.refused[static_cast<unsigned>(Reason::kIgnored)];
        return;
    }
    if (type == kTypeArp) return input_arp(head + kEthernet, copied - kEthernet, now_us);
    job.head = head + kEthernet;
    job.head_bytes = copied - kEthernet;
    job.rest = frame + copied;
    Reason reason = parse(job.head, job.head_bytes, length - kEthernet, job.packet);
    if (reason == Reason::kNone && job.packet.is_v6 != (type == kTypeIp6)) reason = Reason::kMalformed;
    // What other machines shout into the network is not evidence of anything.
    if (reason != Reason::kNone) {
        if (!to.is_group()) return refuse(job, reason);
        ++counters.refused[static_cast<unsigned>(reason)];
        return;
    }
    if (job.packet.kind != Kind::kFragment) return route_wire(job, to.is_group());

    if (to.is_group() || !is_own(job.packet.destination)) {
        ++counters.refused[static_cast<unsigned>(Reason::kIgnored)];
        return;
    }
    if (gather(job, frame + kEthernet)) route_wire(job, false);
}

void Router::route_wire(Job& job, bool is_group) {
    const Packet& packet = job.packet;
    const auto ignore = [&] { ++counters_[kWire].refused[static_cast<unsigned>(Reason::kIgnored)]; };
    const bool is_mine = is_own(packet.destination);
    if (!is_mine || packet.kind == Kind::kIcmpOther) {
        if (input_own(job)) return;
        if (!is_mine) {
            // A neighbour that takes us for its router is worth knowing, shouting is not.
            if (is_group || own4_.is_none()) return ignore();
            return refuse(job, Reason::kDestination);
        }
    }
    if (is_group) return ignore();
    if (!is_host(packet.source) || is_inside(packet.source) || is_own(packet.source))
        return refuse(job, Reason::kSpoofed);
    if (route_known(job)) return;
    if (packet.kind == Kind::kEcho) return answer_echo(job);
    if (input_own(job)) return;
    uint8_t domain = 0;
    Connections::Found found;
    const Reason reason = begin_inbound(job, found, &domain);
    if (reason != Reason::kNone) return refuse(job, reason, domain);
    forward(job, found);
}

// From outside to a forwarded port.
Reason Router::begin_inbound(const Job& job, Connections::Found& found, uint8_t* domain) {
    const Packet& packet = job.packet;
    if (packet.kind == Kind::kEchoReply) return Reason::kNoConnection;
    if (packet.kind == Kind::kTcp && (packet.tcp_flags & (kSyn | kAck | kRst)) != kSyn) return Reason::kNoConnection;
    const uint16_t number = rules_.find_forward(packet.protocol, packet.destination_port, packet.source);
    if (number == kNoRule || packet.source_port == 0) return Reason::kRule;
    const Rule& rule = policy_.rules[number];
    *domain = policy_.links[rule.link].domain;
    Record record = first_record(job);
    record.way[1] = end_at(job, rule.link, policy_.ports[rule.ports.first].first);
    record.listen = number;
    record.link = rule.link;
    return begin(record, job.now_us, found);
}

// What is for the router itself. True: it was, whatever became of it.
bool Router::input_own(Job& job) {
    const Packet& packet = job.packet;
    const bool is_dhcp =
        packet.kind == Kind::kUdp && !packet.is_v6 && packet.source_port == 67 && packet.destination_port == 68;
    const bool is_neighbour =
        packet.protocol == kIcmp6 && packet.icmp_type >= kRouterAdvert && packet.icmp_type <= kAdvert;
    const bool is_answer = (packet.kind == Kind::kUdp || packet.kind == Kind::kTcp) &&
                           packet.destination_port >= kFirstOwn && is_own(packet.destination);
    if (!is_dhcp && !is_neighbour && !is_answer) return false;
    if (packet.length > kScratch || (is_dhcp && !policy_.uplink.is_dhcp)) return false;
    Far* const far = packet.kind == Kind::kTcp ? find_far(packet) : nullptr;
    if (packet.kind == Kind::kTcp && far == nullptr) return false;
    if (copy_whole(job) == nullptr) {
        refuse(job, Reason::kMalformed);
        return true;
    }
    if (far != nullptr) {
        input_far(*far, packet, job.now_us);
        return true;
    }
    const uint8_t* payload = scratch_ + packet.transport + 8;
    if (is_neighbour) {
        input_neighbour(scratch_, packet, job.now_us);
        return true;
    }
    const size_t count = packet.transport_bytes() - 8;
    if (is_dhcp) {
        if (dhcp_.input(payload, count, job.now_us)) addresses_changed(job.now_us);
        plan(job.now_us);
        return true;
    }
    return input_answer(packet, payload, count, job.now_us) || input_time(packet, payload, count, job.now_us);
}

void Router::learn(const Ip& ip, Mac mac, bool is_answer, uint64_t now_us) {
    if (!neighbours_.learn(ip, mac, is_answer, now_us)) {
        Job job;
        job.now_us = now_us;
        job.packet.source = ip;
        job.packet.destination = ip.is_v4() ? own4_ : own6_;
        // Somebody says that a machine we talk to is somewhere else now.
        return refuse(job, Reason::kNeighbour);
    }
    const Neighbours::Parked* parked = neighbours_.take(ip);
    if (parked == nullptr) return;
    const uint16_t type = parked->frame[0] >> 4 == 6 ? kTypeIp6 : kTypeIp4;
    send_frame(mac, type, parked->frame, parked->bytes);
}

void Router::input_arp(const uint8_t* at, size_t count, uint64_t now_us) {
    const auto ignore = [&] { ++counters_[kWire].refused[static_cast<unsigned>(Reason::kIgnored)]; };
    if (count < 28 || load16(at) != 1 || load16(at + 2) != kTypeIp4 || at[4] != 6 || at[5] != 4) return ignore();
    const uint16_t operation = load16(at + 6);
    const Mac sender_mac = load_mac(at + 8);
    const Ip sender = load_ip4(at + 14);
    const Ip target = load_ip4(at + 24);
    if (operation < 1 || operation > 2 || sender_mac.is_group() || sender_mac.is_none() || own4_.is_none())
        return ignore();
    Job job;
    job.now_us = now_us;
    job.packet.source = sender;
    job.packet.destination = target;
    // Somebody has our address, or says so. It stays ours: giving way would let anybody take the device off the
    // network.
    if (sender == own4_) return refuse(job, Reason::kSpoofed);
    if (is_inside(sender)) return refuse(job, Reason::kSpoofed);
    const bool is_for_us = target == own4_;
    if (is_host(sender) && contains(network4_, sender)) learn(sender, sender_mac, operation == 2 && is_for_us, now_us);
    // A gateway may lie outside of a network of one host.
    if (sender == gateway4_ && !contains(network4_, sender))
        learn(sender, sender_mac, operation == 2 && is_for_us, now_us);
    if (operation != 1 || !is_for_us || !errors_[kWire].take(now_us)) return;
    uint8_t out[46] = {};
    store16(out, 1);
    store16(out + 2, kTypeIp4);
    out[4] = 6;
    out[5] = 4;
    store16(out + 6, 2);
    store_mac(out + 8, mac_);
    store32(out + 14, own4_.v4());
    store_mac(out + 18, sender_mac);
    store32(out + 24, sender.v4());
    send_frame(sender_mac, kTypeArp, out, sizeof out);
}

// Neighbour and router messages, whose checksum is right.
void Router::input_neighbour(const uint8_t* packet, const Packet& parsed, uint64_t now_us) {
    const uint8_t* at = packet + parsed.transport;
    const size_t count = parsed.transport_bytes();
    Job job;
    job.now_us = now_us;
    job.packet = parsed;
    // From the same network only (RFC 4861, 6.1 and 7.1): nobody further away can make it 255.
    if (parsed.hops != 255 || parsed.icmp_code != 0) return refuse(job, Reason::kMalformed);
    if (parsed.icmp_type == kRouterAdvert) {
        if (autoconf_.advertisement(parsed.source, at, count, now_us)) addresses_changed(now_us);
        return plan(now_us);
    }
    if (count < 24) return refuse(job, Reason::kMalformed);
    const Ip target = load_ip6(at + 8);
    Mac mac;
    unsigned options = 0;
    for (size_t i = 24; i < count; i += size_t{at[i + 1]} * 8) {
        if (count - i < 8 || at[i + 1] == 0 || size_t{at[i + 1]} * 8 > count - i || ++options > 16) {
            return refuse(job, Reason::kMalformed);
        }
        const uint8_t wanted = parsed.icmp_type == kSolicit ? 1 : 2;
        if (at[i] == wanted && at[i + 1] == 1) mac = load_mac(at + i + 2);
    }
    if (is_multicast(target)) return refuse(job, Reason::kMalformed);
    if (parsed.icmp_type == kAdvert) {
        if (autoconf_.conflict(target)) return addresses_changed(now_us);
        if (is_own(target)) return refuse(job, Reason::kSpoofed);
        if (!mac.is_none()) learn(target, mac, (at[4] & 0x40) != 0, now_us);
        return;
    }
    if (parsed.source.is_none() && autoconf_.conflict(target)) return addresses_changed(now_us);
    if (!is_own(target) || !errors_[kWire].take(now_us)) return;
    if (!parsed.source.is_none() && !mac.is_none()) learn(parsed.source, mac, false, now_us);
    const bool is_detection = parsed.source.is_none();
    const Ip destination = is_detection ? kAllNodes : parsed.source;
    uint8_t out[72] = {};
    out[40] = kAdvert;
    out[44] = is_detection ? 0x20 : 0x60;  // override, and solicited
    store_ip6(out + 48, target);
    out[64] = 2;
    out[65] = 1;
    store_mac(out + 66, mac_);
    (void)write_ip(target, destination, kIcmp6, 255, 32, out);
    if (is_detection) return send_frame(Mac{0x333300000001}, kTypeIp6, out, sizeof out);
    if (!mac.is_none()) return send_frame(mac, kTypeIp6, out, sizeof out);
    (void)send_whole(kWire, destination, out, sizeof out, now_us);
}

}  // namespace kos::netrouter
