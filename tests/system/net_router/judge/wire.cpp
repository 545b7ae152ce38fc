#include "wire.h"

#include <kos/app.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <string.h>

namespace kos::test {

namespace {

uint32_t add_words(const uint8_t* at, size_t bytes, uint32_t sum) {
    for (size_t i = 0; i < bytes; ++i) sum += uint32_t{at[i]} << (i % 2 == 0 ? 8 : 0);
    return sum;
}

uint16_t folded(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}

uint32_t pseudo_sum(const Buffer& packet) {
    const uint8_t protocol = packet.bytes[9];
    if (protocol == netrouter::kIcmp4) return 0;
    return add_words(packet.bytes + 12, 8, protocol + static_cast<uint32_t>(packet.size - 20));
}

// The header around `bytes` of transport that lie behind it; `checksum_at`: within these.
void finish(Buffer& out, const Ip& source, const Ip& destination, uint8_t protocol, size_t bytes, size_t checksum_at) {
    memset(out.bytes, 0, 20);
    out.size = 20 + bytes;
    out.bytes[0] = 0x45;
    store16(out.bytes + 2, static_cast<uint16_t>(out.size));
    store16(out.bytes + 6, 0x4000);
    out.bytes[8] = 64;
    out.bytes[9] = protocol;
    store32(out.bytes + 12, source.v4());
    store32(out.bytes + 16, destination.v4());
    store16(out.bytes + 10, static_cast<uint16_t>(~folded(add_words(out.bytes, 20, 0))));
    store16(out.bytes + 20 + checksum_at, 0);
    const uint16_t sum = static_cast<uint16_t>(~folded(add_words(out.bytes + 20, bytes, pseudo_sum(out))));
    store16(out.bytes + 20 + checksum_at, sum == 0 && protocol == netrouter::kUdp ? uint16_t{0xffff} : sum);
}

}  // namespace

void make_udp(Buffer& out, const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
              const void* payload, size_t bytes) {
    store16(out.bytes + 20, source_port);
    store16(out.bytes + 22, destination_port);
    store16(out.bytes + 24, static_cast<uint16_t>(8 + bytes));
    if (bytes != 0) memcpy(out.bytes + 28, payload, bytes);
    finish(out, source, destination, netrouter::kUdp, 8 + bytes, 6);
}

void make_tcp(Buffer& out, const Ip& source, uint16_t source_port, const Ip& destination, uint16_t destination_port,
              uint8_t flags, size_t payload_bytes) {
    memset(out.bytes + 20, 0, 20 + payload_bytes);
    store16(out.bytes + 20, source_port);
    store16(out.bytes + 22, destination_port);
    store32(out.bytes + 24, 1000);
    out.bytes[32] = 5 << 4;
    out.bytes[33] = flags;
    store16(out.bytes + 34, 65535);
    finish(out, source, destination, netrouter::kTcp, 20 + payload_bytes, 16);
}

void make_echo(Buffer& out, const Ip& source, const Ip& destination, uint16_t id) {
    memset(out.bytes + 20, 0, 16);
    out.bytes[20] = 8;
    store16(out.bytes + 24, id);
    finish(out, source, destination, netrouter::kIcmp4, 16, 2);
}

bool is_intact(const Buffer& packet) {
    if (packet.size < 28 || packet.bytes[0] != 0x45 || load16(packet.bytes + 2) != packet.size) return false;
    if (folded(add_words(packet.bytes, 20, 0)) != 0xffff) return false;
    return folded(add_words(packet.bytes + 20, packet.size - 20, pseudo_sum(packet))) == 0xffff;
}

void Wire::open() {
    kos_assert_ok(kos_ring_memory(net::kFramesRing, &area_));
    kos_assert_ok(kos_ring_open_part(&area_, net::kToDriverOffset, net::kLinkRingBytes, 0, &in_));
    kos_assert_ok(kos_ring_open_part(&area_, net::kToRouterOffset, net::kLinkRingBytes, 1, &out_));
    begin();
}

void Wire::put(const net::LinkDescriptor& descriptor) {
    // The router, which is more urgent, reads it at once; while it is restarted there may be no room.
    for (unsigned i = 0; i < 1000; ++i) {
        size_t done = 0;
        const kos_status_t status = kos_ring_write(&out_, &descriptor, sizeof descriptor, &done);
        if (status == KOS_STATUS_OK) {
            kos_assert_eq(done, sizeof descriptor);
            return;
        }
        if (status == KOS_STATUS_PEER_GONE) return begin();
        kos_thread_yield();
    }
}

void Wire::begin() {
    ++sessions;
    ++session_;
    net::BeginDescriptor what = {
        .kind = net::LinkKind::kBegin, .session = session_, .mac = {}, .flags = 0, .mtu = 1500, .reserved = 0};
    netrouter::store_mac(what.mac, kRouterMac);
    net::LinkDescriptor descriptor = {};
    memcpy(&descriptor, &what, sizeof what);
    put(descriptor);
    put({.kind = net::LinkKind::kStatus,
         .session = session_,
         .buffer = 0,
         .length = 0,
         .flags = net::kLinkUp,
         .checksum_start = 0,
         .checksum_offset = 0,
         .reserved = 0});
    for (bool& is_free : is_free_) is_free = true;
    for (unsigned i = 0; i < net::kTransmitBuffers; ++i) {
        put({.kind = net::LinkKind::kTransmitFree,
             .session = session_,
             .buffer = static_cast<uint16_t>(net::kReceiveBuffers + i),
             .length = 0,
             .flags = 0,
             .checksum_start = 0,
             .checksum_offset = 0,
             .reserved = 0});
    }
}

void Wire::send_frame(const uint8_t* frame, size_t bytes) {
    Buffer ignored;
    for (unsigned i = 0; i < net::kReceiveBuffers; ++i) {
        if (!is_free_[i]) continue;
        is_free_[i] = false;
        memcpy(static_cast<uint8_t*>(area_.address) + net::frame_position(i), frame, bytes);
        return put({.kind = net::LinkKind::kReceived,
                    .session = session_,
                    .buffer = static_cast<uint16_t>(i),
                    .length = static_cast<uint16_t>(bytes),
                    .flags = 0,
                    .checksum_start = 0,
                    .checksum_offset = 0,
                    .reserved = 0});
    }
}

void Wire::send(const Buffer& packet) {
    static Buffer frame;
    netrouter::store_mac(frame.bytes, kRouterMac);
    netrouter::store_mac(frame.bytes + 6, kWorldMac);
    store16(frame.bytes + 12, 0x0800);
    memcpy(frame.bytes + 14, packet.bytes, packet.size);
    send_frame(frame.bytes, 14 + packet.size);
}

// One descriptor of the router. True: an IP packet.
bool Wire::take(const net::LinkDescriptor& descriptor, Buffer& packet) {
    if (descriptor.session != session_) return false;
    if (descriptor.kind == net::LinkKind::kReceiveDone && descriptor.buffer < net::kReceiveBuffers) {
        is_free_[descriptor.buffer] = true;
    }
    if (descriptor.kind != net::LinkKind::kTransmit) return false;
    kos_assert(descriptor.buffer < net::kBuffers && descriptor.length <= net::kFrameMax &&
               descriptor.length >= net::kFrameMin);
    static Buffer frame;
    frame.size = descriptor.length;
    memcpy(frame.bytes, static_cast<uint8_t*>(area_.address) + net::frame_position(descriptor.buffer), frame.size);
    put({.kind = net::LinkKind::kTransmitFree,
         .session = session_,
         .buffer = descriptor.buffer,
         .length = 0,
         .flags = 0,
         .checksum_start = 0,
         .checksum_offset = 0,
         .reserved = 0});
    if (load16(frame.bytes + 12) == 0x0806 && load16(frame.bytes + 20) == 1) {
        // All that there is lies behind one address.
        ++questions;
        Buffer answer;
        memcpy(answer.bytes, frame.bytes, 42);
        memcpy(answer.bytes, frame.bytes + 6, 6);
        netrouter::store_mac(answer.bytes + 6, kWorldMac);
        store16(answer.bytes + 20, 2);
        netrouter::store_mac(answer.bytes + 22, kWorldMac);
        memcpy(answer.bytes + 28, frame.bytes + 38, 4);
        memcpy(answer.bytes + 32, frame.bytes + 22, 10);
        send_frame(answer.bytes, 42);
        return false;
    }
    if (load16(frame.bytes + 12) != 0x0800) return false;
    packet.size = frame.size - 14;
    memcpy(packet.bytes, frame.bytes + 14, packet.size);
    return true;
}

bool Wire::poll(Buffer& packet) {
    for (unsigned i = 0; i < 256; ++i) {
        net::LinkDescriptor descriptor;
        size_t done = 0;
        const kos_status_t status = kos_ring_read(&in_, &descriptor, sizeof descriptor, &done);
        if (status == KOS_STATUS_PEER_GONE) {
            begin();
            continue;
        }
        if (status != KOS_STATUS_OK || done != sizeof descriptor) return false;
        if (take(descriptor, packet)) return true;
    }
    return false;
}

bool Wire::receive(Buffer& packet, uint64_t patience_us) {
    const uint64_t end = kos_time_after_us(patience_us);
    packet.size = 0;
    while (true) {
        if (poll(packet)) return true;
        if (kos_time_ticks() >= end) return false;
        kos_thread_yield();
    }
}

void Wire::drain() {
    static Buffer packet;
    while (receive(packet, 0)) {
    }
}

}  // namespace kos::test
