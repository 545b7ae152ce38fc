// ICMP: echo of the router's own, errors about packets that it refuses, errors of others about packets that it
// translated.
#include "checksum.h"
#include "router.h"

namespace kos::netrouter {

// To who sent the packet at hand, which is as it came. Quotes what was copied of it.
void Router::send_error(const Job& job, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6, uint32_t word) {
    const Packet& packet = job.packet;
    // Never about errors, nor to somebody who may not be who sent it (RFC 1122, 3.2.2; RFC 4443, 2.4 e).
    if (packet.kind == Kind::kIcmpError || packet.kind == Kind::kFragment || !is_host(packet.source)) return;
    if (is_multicast(packet.destination) || !errors_[job.from].take(job.now_us)) return;
    Ip source;
    if (job.from == kWire) {
        source = packet.is_v6 ? own6_ : own4_;
    } else {
        const Link& link = policy_.links[job.from - 1];
        source = packet.is_v6 ? link.gateway6 : link.gateway4;
    }
    if (source.is_none()) return;
    const size_t header = packet.is_v6 ? 40 : 20;
    const size_t quoted = packet.length < job.head_bytes ? packet.length : job.head_bytes;
    uint8_t* message = answer_ + header;
    message[0] = packet.is_v6 ? type6 : type4;
    message[1] = packet.is_v6 ? code6 : code4;
    store32(message + 4, word);
    __builtin_memcpy(message + 8, job.head, quoted);
    const size_t length = write_ip(source, packet.source, packet.is_v6 ? kIcmp6 : kIcmp4, 64, 8 + quoted, answer_);
    // Nobody waits for it.
    (void)send_whole(job.from, packet.source, answer_, length, job.now_us);
}

// RFC 9293, 3.10.7.1: what a closed port answers.
void Router::send_reset(const Job& job) {
    const Packet& packet = job.packet;
    if (packet.kind != Kind::kTcp || (packet.tcp_flags & kRst) != 0 || !errors_[job.from].take(job.now_us)) return;
    const size_t header = packet.is_v6 ? 40 : 20;
    const uint8_t* tcp = job.head + packet.transport;
    uint8_t* out = answer_;
    __builtin_memset(out, 0, header + 20);
    uint8_t* reset = out + header;
    store16(reset, packet.destination_port);
    store16(reset + 2, packet.source_port);
    reset[12] = 5 << 4;
    if (packet.tcp_flags & kAck) {
        __builtin_memcpy(reset + 4, tcp + 8, 4);
        reset[13] = kRst;
    } else {
        const size_t tcp_header = size_t{tcp[12]} >> 4 << 2;
        const uint32_t count = static_cast<uint32_t>(packet.transport_bytes() - tcp_header) +
                               ((packet.tcp_flags & kSyn) != 0) + ((packet.tcp_flags & kFin) != 0);
        store32(reset + 8, load32(tcp + 4) + count);
        reset[13] = kRst | kAck;
    }
    const size_t length = write_ip(packet.destination, packet.source, kTcp, 64, 20, out);
    (void)send_whole(job.from, packet.source, out, length, job.now_us);
}

void Router::answer_echo(Job& job) {
    const Packet& packet = job.packet;
    if (packet.length > kMtu || !echoes_[job.from].take(job.now_us)) return refuse(job, Reason::kIgnored);
    const uint8_t* whole = copy_whole(job);
    if (whole == nullptr) return refuse(job, Reason::kMalformed);
    const size_t header = packet.is_v6 ? 40 : 20;
    const size_t count = packet.transport_bytes();
    __builtin_memcpy(answer_ + header, whole + packet.transport, count);
    answer_[header] = packet.is_v6 ? uint8_t{kEchoReply6} : uint8_t{kEchoReply4};
    const size_t length = write_ip(packet.destination, packet.source, packet.protocol, 64, count, answer_);
    (void)send_whole(job.from, packet.source, answer_, length, job.now_us);
}

// An error about a packet that was translated: finds the connection by what is quoted, gives the quotation its old
// addresses, and passes it on to who sent that packet (RFC 5508, 4; RFC 5927: only what matches a connection).
void Router::translate_error(Job& job) {
    Packet& packet = job.packet;
    const size_t length = packet.length;
    if (length > kMtu || packet.transport_bytes() < 8 + 28) return refuse(job, Reason::kMalformed);
    uint8_t* whole = copy_whole(job);
    if (whole == nullptr) return refuse(job, Reason::kMalformed);
    uint8_t* quoted = whole + packet.transport + 8;
    Packet inner;
    if (parse_quoted(quoted, length - packet.transport - 8, inner) != Reason::kNone || inner.is_v6 != packet.is_v6 ||
        inner.kind == Kind::kIcmpError || inner.kind == Kind::kIcmpOther || inner.kind == Kind::kOther) {
        return refuse(job, Reason::kNoConnection);
    }
    // The packet that went to where this error comes from, seen from its receiver.
    const Tuple tuple{inner.destination, inner.source,   inner.destination_port,
                      inner.source_port, inner.protocol, job.from};
    const Connections::Found found = connections_.find(tuple);
    if (!found.ok()) return refuse(job, Reason::kNoConnection);
    const Record& connection = connections_[found.record];
    const Tuple& sender = connection.way[1 - found.way];
    if (!errors_[job.from].take(job.now_us)) return refuse(job, Reason::kIgnored);
    if (packet.hops <= 1) return refuse(job, Reason::kExpired);

    uint8_t* transport = quoted + inner.transport;
    if (packet.is_v6) {
        store_ip6(quoted + 8, sender.source);
        store_ip6(quoted + 24, sender.destination);
    } else {
        const uint64_t before = sum_ip(inner.source) + sum_ip(inner.destination);
        const uint64_t after = sum_ip(sender.source) + sum_ip(sender.destination);
        store32(quoted + 12, sender.source.v4());
        store32(quoted + 16, sender.destination.v4());
        store16(quoted + 10, adjust(load16(quoted + 10), difference(before, after)));
    }
    if (inner.kind == Kind::kEcho || inner.kind == Kind::kEchoReply) {
        store16(transport + 4, inner.kind == Kind::kEcho ? sender.source_port : sender.destination_port);
    } else {
        store16(transport, sender.source_port);
        store16(transport + 2, sender.destination_port);
    }
    // What the error says it comes from stays, unless that is an end of the connection, which has another address
    // there.
    const Ip source = packet.source == connection.way[found.way].source ? sender.destination : packet.source;
    // The outer header is written anew, without options.
    const size_t header = packet.is_v6 ? 40 : 20;
    const size_t count = packet.transport_bytes();
    __builtin_memcpy(answer_ + header, whole + packet.transport, count);
    const size_t size =
        write_ip(source, sender.source, packet.protocol, static_cast<uint8_t>(packet.hops - 1), count, answer_);
    const Reason reason = send_whole(sender.interface, sender.source, answer_, size, job.now_us);
    if (reason != Reason::kNone) ++counters_[job.from].refused[static_cast<unsigned>(reason)];
}

}  // namespace kos::netrouter
