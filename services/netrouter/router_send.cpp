// The way out: translation, hop limits, sizes, checksums, the next hop.
#include "checksum.h"
#include "router.h"

namespace kos::netrouter {

namespace {

// Writes what a packet of way `from` looks like on the other side into its headers.
void rewrite(uint8_t* head, const Packet& packet, const Tuple& to, const Changes& changes, bool is_partial) {
    uint8_t* transport = head + packet.transport;
    if (packet.is_v6) {
        store_ip6(head + 8, to.destination);
        store_ip6(head + 24, to.source);
        head[7] = static_cast<uint8_t>(packet.hops - 1);
    } else {
        store32(head + 12, to.destination.v4());
        store32(head + 16, to.source.v4());
        head[8] = static_cast<uint8_t>(packet.hops - 1);
        // One hop less is the word with it less 0x100.
        const uint16_t change = fold(uint64_t{changes.header} + 0xfeff);
        store16(head + 10, adjust(load16(head + 10), change));
    }
    if (packet.kind == Kind::kEcho) {
        store16(transport + 4, to.destination_port);
    } else if (packet.kind == Kind::kEchoReply) {
        store16(transport + 4, to.source_port);
    } else {
        store16(transport, to.destination_port);
        store16(transport + 2, to.source_port);
    }
    if (is_partial) return;  // filled in below
    uint8_t* checksum = transport + checksum_offset(packet.protocol);
    const uint16_t before = load16(checksum);
    if (packet.protocol == kUdp && before == 0) return;  // has none
    const uint16_t after = adjust(before, packet.protocol == kIcmp4 ? changes.icmp : changes.transport);
    store16(checksum, after == 0 && packet.protocol == kUdp ? uint16_t{0xffff} : after);
}

}  // namespace

bool Router::route_known(Job& job) {
    const Packet& packet = job.packet;
    switch (packet.kind) {
        case Kind::kTcp:
        case Kind::kUdp:
        case Kind::kEcho:
        case Kind::kEchoReply: break;
        case Kind::kIcmpError: translate_error(job); return true;
        default: refuse(job, Reason::kProtocol); return true;
    }
    const Connections::Found found = connections_.find(tuple_of(job));
    if (!found.ok()) return false;
    const bool begins = packet.kind == Kind::kTcp && (packet.tcp_flags & (kSyn | kAck)) == kSyn;
    if (begins && found.way == 0 && connections_[found.record].state == State::kTcpClosed) {
        // The same ports again, for a new connection.
        connections_.remove(found.record);
        return false;
    }
    forward(job, found);
    return true;
}

// What a connection has that begins with the packet at hand: its first end, and how it begins.
Record Router::first_record(const Job& job) {
    Record record = {};
    record.way[0] = tuple_of(job);
    record.allow = record.listen = kNoRule;
    const bool is_inbound = job.from == kWire;
    switch (job.packet.kind) {
        case Kind::kTcp: record.state = is_inbound ? State::kTcpNewIn : State::kTcpNew; break;
        case Kind::kUdp: record.state = is_inbound ? State::kUdpNewIn : State::kUdpNew; break;
        default: record.state = State::kEcho; break;
    }
    return record;
}

// The other end of it: a domain, whose address and port these are.
Tuple Router::end_at(const Job& job, unsigned target, uint16_t port) const {
    const Packet& packet = job.packet;
    const Link& link = policy_.links[target];
    return {packet.is_v6 ? link.address6 : link.address4,
            packet.source,
            port,
            packet.source_port,
            packet.protocol,
            static_cast<Interface>(target + 1)};
}

Reason Router::begin(const Record& record, uint64_t now_us, Connections::Found& found) {
    if (connections_.find(record.way[1]).ok()) return Reason::kTable;
    found = {connections_.create(record, now_us), 0};
    if (!found.ok()) return Reason::kTable;
    rules_.count_connection(record.allow);
    rules_.count_connection(record.listen);
    return Reason::kNone;
}

// A packet in private memory, for who has to look at all of it. Null: it is larger than any that is for the router
// itself, or its checksum is wrong.
uint8_t* Router::copy_whole(const Job& job) {
    const Packet& packet = job.packet;
    if (packet.length > kScratch) return nullptr;
    const size_t copied = job.head_bytes < packet.length ? job.head_bytes : packet.length;
    __builtin_memcpy(scratch_, job.head, copied);
    if (packet.length > copied) __builtin_memcpy(scratch_ + copied, job.rest, packet.length - copied);
    // What devices check is the checksum of TCP and UDP.
    const bool is_device_checked = packet.kind == Kind::kTcp || packet.kind == Kind::kUdp;
    const bool is_known_right = job.is_partial || (job.is_verified && is_device_checked);
    return is_known_right || is_checksum_right(scratch_, packet) ? scratch_ : nullptr;
}

// A fragment of the packet that begins at `bytes`. True: its packet is whole, and it is the one at hand. False: others
// are missing, or it was refused.
bool Router::gather(Job& job, const uint8_t* bytes) {
    const Fragments::Whole whole = fragments_.add(job.packet, job.head, bytes, job.from, job.now_us);
    Reason reason = whole.reason;
    if (reason == Reason::kNone && whole.bytes == nullptr) return false;
    if (reason == Reason::kNone) {
        job.head_bytes = whole.length < kHeaderBytes ? whole.length : kHeaderBytes;
        __builtin_memcpy(job.head, whole.bytes, job.head_bytes);
        job.rest = whole.bytes + job.head_bytes;
        job.was_whole = false;
        job.largest = whole.largest;
        job.is_verified = false;
        job.is_partial = false;
        reason = parse(job.head, job.head_bytes, whole.length, job.packet);
        if (reason == Reason::kNone && job.packet.kind == Kind::kFragment) reason = Reason::kFragments;
    }
    if (reason != Reason::kNone) refuse(job, reason);
    return reason == Reason::kNone;
}

void Router::forward(Job& job, Connections::Found found) {
    const Record& connection = connections_[found.record];
    const Tuple& to = connection.way[1 - found.way];
    Packet& packet = job.packet;
    if (packet.hops <= 1) {
        send_error(job, kTimeExceeded4, 0, kTimeExceeded6, 0, 0);
        return refuse(job, Reason::kExpired);
    }
    if (packet.length > mtu_of(to.interface) && packet.keeps_whole && job.was_whole) {
        send_error(job, kUnreachable4, 4, kTooBig6, 0, static_cast<uint32_t>(mtu_of(to.interface)));
        return refuse(job, Reason::kTooBig);
    }
    // Rates are about what the one who began sends.
    if (found.way == 0) {
        const bool is_within = rules_.admit(connection.allow, packet.length, job.now_us) &&
                               rules_.admit(connection.listen, packet.length, job.now_us);
        if (!is_within) {
            const unsigned link = to.interface == kWire ? connection.link : to.interface - 1u;
            return refuse(job, Reason::kRate, policy_.links[link].domain);
        }
    }
    connections_.touch(found.record, found.way, packet.tcp_flags, job.now_us);
    rewrite(job.head, packet, to, connections_.changes(found.record, found.way), job.is_partial);
    packet.source = to.destination;
    packet.destination = to.source;
    const Reason reason = send_on(job, to.interface, packet.destination);
    // The packet is rewritten: the domain is told nothing of these, its stack sends again.
    if (reason != Reason::kNone) ++counters_[job.from].refused[static_cast<unsigned>(reason)];
}

Reason Router::send_on(Job& job, Interface to, const Ip& destination) {
    // Who divides a packet may know of a narrow place further on (RFC 8201): it goes on in no larger pieces, but for
    // those that every way takes.
    const size_t mtu = mtu_of(to);
    const size_t least = job.packet.is_v6 ? 1280 : 576;
    size_t most = job.was_whole || job.largest > mtu ? mtu : job.largest;
    if (most < least) most = least < mtu ? least : mtu;
    if (job.packet.length > most) return send_pieces(job, to, destination, most);
    const Offload offload = finish_checksum(job, to);
    return to == kWire ? to_wire(job, destination, offload) : to_link(job, to, offload);
}

// The transport checksum of a packet whose sender left it out: pseudo-header only if somebody finishes it, else all.
Offload Router::finish_checksum(Job& job, Interface to) {
    Offload offload;
    offload.is_verified = job.is_verified;
    if (!job.is_partial) return offload;
    const Packet& packet = job.packet;
    const size_t field = checksum_offset(packet.protocol);
    uint8_t* at = job.head + packet.transport + field;
    const auto bytes = static_cast<uint32_t>(packet.transport_bytes());
    const uint64_t pseudo =
        packet.protocol == kIcmp4 ? 0 : sum_pseudo(packet.source, packet.destination, packet.protocol, bytes);
    store16(at, fold(pseudo));
    if (to != kWire) {
        // It has not left this machine.
        offload.is_verified = true;
        return offload;
    }
    if (host_.wire_takes_partial()) {
        offload.is_partial = true;
        offload.start = packet.transport;
        offload.offset = static_cast<uint16_t>(field);
        return offload;
    }
    complete_checksum(job, field);
    return offload;
}

// The field holds the pseudo-header's sum already, as part of the bytes. Words of the rest begin where those of the
// transport header do: kHeaderBytes is even, so is every header before it.
void Router::complete_checksum(const Job& job, size_t field) {
    const Packet& packet = job.packet;
    uint64_t sum = sum_bytes(job.head + packet.transport, job.head_bytes - packet.transport);
    if (packet.length > job.head_bytes) sum += sum_bytes(job.rest, packet.length - job.head_bytes);
    const auto checksum = static_cast<uint16_t>(~fold(sum));
    store16(job.head + packet.transport + field,
            checksum == 0 && packet.protocol == kUdp ? uint16_t{0xffff} : checksum);
}

Reason Router::to_link(const Job& job, Interface to, const Offload& offload) {
    const size_t length = job.packet.length;
    uint8_t* out = host_.reserve(to, length);
    if (out == nullptr) {
        ++counters_[to].full;
        return Reason::kFull;
    }
    const size_t head = length < job.head_bytes ? length : job.head_bytes;
    __builtin_memcpy(out, job.head, head);
    if (length > head) __builtin_memcpy(out + head, job.rest, length - head);
    host_.commit(to, length, offload);
    ++counters_[to].packets_out;
    counters_[to].bytes_out += length;
    return Reason::kNone;
}

Reason Router::next_hop(const Ip& destination, uint64_t, Ip* hop) const {
    const Prefix& network = destination.is_v4() ? network4_ : network6_;
    const Ip& gateway = destination.is_v4() ? gateway4_ : gateway6_;
    if (contains(network, destination) || is_link_local(destination)) {
        *hop = destination;
        return Reason::kNone;
    }
    if (gateway.is_none()) return Reason::kUnreachable;
    *hop = gateway;
    return Reason::kNone;
}

Reason Router::to_wire(const Job& job, const Ip& destination, const Offload& offload) {
    if (!is_wire_up()) return Reason::kUnreachable;
    Ip hop;
    const Reason reason = next_hop(destination, job.now_us, &hop);
    if (reason != Reason::kNone) return reason;
    const size_t length = job.packet.length;
    const size_t head = length < job.head_bytes ? length : job.head_bytes;
    Mac mac;
    const Neighbours::Answer answer = neighbours_.look_up(hop, job.now_us, &mac);
    if (answer == Neighbours::Answer::kAsk) solicit(hop, job.now_us);
    if (answer == Neighbours::Answer::kGone) return Reason::kUnreachable;
    if (mac.is_none()) {
        // One packet waits; more would only be queued until their senders have given up.
        Neighbours::Parked* parked = neighbours_.park(hop, length);
        if (parked == nullptr) return Reason::kFull;
        if (offload.is_partial) complete_checksum(job, offload.offset);
        __builtin_memcpy(parked->frame, job.head, head);
        if (length > head) __builtin_memcpy(parked->frame + head, job.rest, length - head);
        return Reason::kNone;
    }
    uint8_t* out = host_.reserve(kWire, kEthernet + length);
    if (out == nullptr) return Reason::kFull;
    // The two bytes before keep the copy of the header aligned, see head_.
    uint8_t frame[kEthernet];
    store_mac(frame, mac);
    store_mac(frame + 6, mac_);
    store16(frame + 12, job.packet.is_v6 ? 0x86dd : 0x0800);
    __builtin_memcpy(out, frame, kEthernet);
    __builtin_memcpy(out + kEthernet, job.head, head);
    if (length > head) __builtin_memcpy(out + kEthernet + head, job.rest, length - head);
    Offload shifted = offload;
    shifted.start = static_cast<uint16_t>(offload.start + kEthernet);
    host_.commit(kWire, kEthernet + length, shifted);
    ++counters_[kWire].packets_out;
    counters_[kWire].bytes_out += length;
    return Reason::kNone;
}

// A packet that is larger than its way: put together here from fragments, or one that may be divided (RFC 791, 3.2).
Reason Router::send_pieces(Job& job, Interface to, const Ip& destination, size_t most) {
    const Packet whole = job.packet;
    if (job.is_partial) return Reason::kTooBig;
    const size_t kept = whole.is_v6 ? 40 : whole.transport;
    const size_t header = whole.is_v6 ? kept + 8 : kept;
    if (header + 8 > job.head_bytes || kept > 60) return Reason::kTooBig;
    const size_t piece = (most - header) / 8 * 8;
    const size_t total = whole.length - kept;
    const uint16_t id = ++next_id_;
    uint8_t first[kHeaderBytes];
    __builtin_memcpy(first, job.head, job.head_bytes);
    for (size_t offset = 0; offset < total; offset += piece) {
        const size_t count = total - offset < piece ? total - offset : piece;
        const bool is_last = offset + count == total;
        uint8_t* out = scratch_;
        __builtin_memcpy(out, first, kept);
        if (whole.is_v6) {
            store16(out + 4, static_cast<uint16_t>(count + 8));
            out[40] = out[6];
            out[6] = kFragment;
            out[41] = 0;
            store16(out + 42, static_cast<uint16_t>(offset | (is_last ? 0 : 1)));
            store32(out + 44, id);
        } else {
            store16(out + 2, static_cast<uint16_t>(header + count));
            store16(out + 4, id);
            store16(out + 6, static_cast<uint16_t>(offset / 8 | (is_last ? 0 : 0x2000)));
            store16(out + 10, 0);
            store16(out + 10, static_cast<uint16_t>(~fold(sum_bytes(out, header))));
        }
        // The piece may begin in the head and end in the rest.
        for (size_t done = 0; done < count;) {
            const size_t at = kept + offset + done;
            const bool in_head = at < job.head_bytes;
            const size_t there = in_head ? job.head_bytes - at : whole.length - at;
            const size_t now = there < count - done ? there : count - done;
            __builtin_memcpy(out + header + done, in_head ? first + at : job.rest + (at - job.head_bytes), now);
            done += now;
        }
        const Reason reason = send_whole(to, destination, out, header + count, job.now_us);
        if (reason != Reason::kNone) return reason;
    }
    return Reason::kNone;
}

// A packet of our own in private memory.
Reason Router::send_whole(Interface to, const Ip& destination, uint8_t* packet, size_t length, uint64_t now_us) {
    Job job;
    job.head = packet;
    job.head_bytes = length;
    job.rest = packet + length;
    job.packet.length = static_cast<uint32_t>(length);
    job.packet.is_v6 = packet[0] >> 4 == 6;
    job.now_us = now_us;
    return to == kWire ? to_wire(job, destination, {}) : to_link(job, to, {});
}

void Router::send_frame(Mac to, uint16_t type, const uint8_t* bytes, size_t count) {
    uint8_t* out = host_.reserve(kWire, kEthernet + count);
    if (out == nullptr) return;  // as if it had been lost on the wire
    uint8_t frame[kEthernet];
    store_mac(frame, to);
    store_mac(frame + 6, mac_);
    store16(frame + 12, type);
    __builtin_memcpy(out, frame, kEthernet);
    __builtin_memcpy(out + kEthernet, bytes, count);
    host_.commit(kWire, kEthernet + count, {});
    ++counters_[kWire].packets_out;
    counters_[kWire].bytes_out += count;
}

// Asks who has `ip`: ARP, or a neighbour solicitation.
void Router::solicit(const Ip& ip, uint64_t) {
    uint8_t out[80] = {};
    if (ip.is_v4()) {
        store16(out, 1);  // Ethernet
        store16(out + 2, 0x0800);
        out[4] = 6;
        out[5] = 4;
        store16(out + 6, 1);  // request
        store_mac(out + 8, mac_);
        store32(out + 14, own4_.v4());
        store32(out + 24, ip.v4());
        // Zeros up to the least that a frame carries.
        return send_frame(kBroadcast, 0x0806, out, 46);
    }
    const Ip source = is_link_local(ip) || own6_.is_none() ? autoconf_.network().link_local : own6_;
    const Ip destination = solicited_node(ip);
    out[40] = kSolicit;
    store_ip6(out + 48, ip);
    out[64] = 1;  // option: our hardware address
    out[65] = 1;
    store_mac(out + 66, mac_);
    const size_t length = write_ip(source, destination, kIcmp6, 255, 32, out);
    send_frame(Mac{0x333300000000 | (destination.low & 0xffffffff)}, 0x86dd, out, length);
}

size_t Router::write_udp(const Ip& source, const Ip& destination, uint16_t source_port, uint16_t destination_port,
                         const uint8_t* payload, size_t count, uint8_t* out) const {
    uint8_t* udp = out + own_header_bytes(destination);
    __builtin_memmove(udp + 8, payload, count);
    store16(udp, source_port);
    store16(udp + 2, destination_port);
    store16(udp + 4, static_cast<uint16_t>(8 + count));
    // Never divided on its way: it fits any.
    return write_ip(source, destination, kUdp, 64, 8 + count, out, false);
}

void Router::send_dhcp(const Dhcp::Message& message, const uint8_t* payload) {
    const Ip source = message.source.is_none() ? ip4(0) : message.source;
    const size_t length = write_udp(source, message.destination, 68, 67, payload, message.bytes, scratch_);
    if (message.destination == ip4(255, 255, 255, 255)) return send_frame(kBroadcast, 0x0800, scratch_, length);
    // A server that cannot be reached is asked again, and by everybody's address later.
    (void)send_whole(kWire, message.destination, scratch_, length, next_us_);
}

}  // namespace kos::netrouter
