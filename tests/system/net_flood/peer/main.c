// Sends packets at a rate that is told, whatever becomes of them, and says afterwards how many there were.
#include "../order.h"

#include <kos/app.h>
#include <kos/ring.h>
#include <kos/server.h>
#include <kos/time.h>

#include <string.h>

enum { kIpBytes = 20, kUdpBytes = 8, kTcpBytes = 20, kEchoBytes = 8, kIcmp = 1, kTcp = 6, kUdp = 17 };
enum { kAlarmBit = 0, kTickUs = 500, kRepeatUs = 20000 };
static const unsigned char kOwn[4] = {10, 78, 1, 1}, kProgram[4] = {10, 78, 1, 2};

static kos_ring_t in, out;
static struct order present;
static uint16_t program_port;
static uint64_t begin_us, alarm_us, sequence;
static int is_flooding, is_answering;

static void store16(unsigned char* at, unsigned value) {
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static uint32_t sum_of(const unsigned char* at, size_t bytes, uint32_t sum) {
    for (size_t i = 0; i + 1 < bytes; i += 2) sum += (uint32_t)at[i] << 8 | at[i + 1];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void write_ip(unsigned char* packet, size_t bytes, unsigned protocol, uint32_t source) {
    memset(packet, 0, kIpBytes);
    packet[0] = 0x45;
    store16(packet + 2, (unsigned)bytes);
    packet[8] = 64;
    packet[9] = (unsigned char)protocol;
    memcpy(packet + 12, kOwn, 4);
    if (source) memcpy(packet + 12, &source, 4);
    memcpy(packet + 16, kProgram, 4);
    store16(packet + 10, ~sum_of(packet, kIpBytes, 0) & 0xffff);
}

static int put(const unsigned char* packet, size_t bytes) {
    return kos_ring_send(&out, 0, packet, bytes) == KOS_STATUS_OK;
}

static int send_datagram(unsigned from_port, unsigned to_port, const void* data, size_t data_bytes, size_t bytes) {
    static unsigned char packet[kIpBytes + kUdpBytes + kFloodBytes];
    unsigned char* const udp = packet + kIpBytes;
    write_ip(packet, kIpBytes + kUdpBytes + bytes, kUdp, 0);
    store16(udp, from_port);
    store16(udp + 2, to_port);
    store16(udp + 4, (unsigned)(kUdpBytes + bytes));
    store16(udp + 6, 0);
    memcpy(udp + kUdpBytes, data, data_bytes);
    // All behind it is zero.
    uint32_t const pseudo = sum_of(packet + 12, 8, (uint32_t)(kUdp + kUdpBytes + bytes));
    store16(udp + 6, ~sum_of(udp, kUdpBytes + data_bytes, pseudo) & 0xffff);
    return put(packet, kIpBytes + kUdpBytes + bytes);
}

// From another machine each time.
static uint32_t made_up_source(void) { return (uint32_t)(sequence * 2654435761u & 0xffffff00u) | 198; }

static int send_beginning(void) {
    unsigned char packet[kIpBytes + kTcpBytes] = {0};
    unsigned char* const tcp = packet + kIpBytes;
    write_ip(packet, sizeof packet, kTcp, made_up_source());
    store16(tcp, 1024 + sequence % 60000);
    store16(tcp + 2, kStreamPort);
    tcp[12] = kTcpBytes / 4 << 4;
    tcp[13] = 2;  // SYN
    store16(tcp + 14, 65535);
    uint32_t const pseudo = sum_of(packet + 12, 8, kTcp + kTcpBytes);
    store16(tcp + 16, ~sum_of(tcp, kTcpBytes, pseudo) & 0xffff);
    return put(packet, sizeof packet);
}

static int send_echo(void) {
    unsigned char packet[kIpBytes + kEchoBytes] = {0};
    unsigned char* const icmp = packet + kIpBytes;
    write_ip(packet, sizeof packet, kIcmp, 0);
    icmp[0] = 8;
    store16(icmp + 6, sequence & 0xffff);
    store16(icmp + 2, ~sum_of(icmp, kEchoBytes, 0) & 0xffff);
    return put(packet, sizeof packet);
}

static int send_one(void) {
    ++sequence;
    switch (present.kind) {
        case kBeginnings: return send_beginning();
        case kEchoes: return send_echo();
        default: return send_datagram(kPort, kFloodPort, &present, sizeof present, kFloodBytes);
    }
}

// Everything that is due by now.
static void flood(uint64_t now) {
    uint64_t const passed = now - begin_us, whole = (uint64_t)present.ms * 1000;
    uint64_t const due = (passed < whole ? passed : whole) * present.packets_per_s / 1000000;
    kos_ring_hold(&out);
    while (present.offered < due) {
        ++present.offered;
        if (!send_one()) ++present.refused;
    }
    kos_ring_wake(&out);
    if (passed < whole) return;
    is_flooding = 0;
    is_answering = 1;
}

static void set_alarm(uint64_t us) {
    alarm_us = us;
    kos_assert_ok(kos_time_alarm(kAlarmBit, kos_time_us_to_ticks(us)));
}

static void take(const unsigned char* packet, size_t bytes) {
    if (bytes != kIpBytes + kUdpBytes + sizeof present || packet[0] != 0x45 || packet[9] != kUdp) return;
    const unsigned char* const udp = packet + kIpBytes;
    if ((udp[2] << 8 | udp[3]) != kPort) return;
    struct order order;
    memcpy(&order, udp + kUdpBytes, sizeof order);
    if (order.number == present.number) return;
    program_port = (uint16_t)(udp[0] << 8 | udp[1]);
    present = order;
    present.offered = present.refused = 0;
    begin_us = kos_time_us();
    is_flooding = 1;
    is_answering = 0;
    set_alarm(begin_us + kTickUs);
}

static void woken(kos_server_t* server, uint64_t bits) {
    (void)server;
    (void)bits;
    const void* packet;
    size_t bytes = 0;
    uint32_t tag = 0;
    do {
        while (kos_ring_peek(&in, &packet, &bytes, &tag) == KOS_STATUS_OK) {
            take(packet, bytes);
            kos_ring_release(&in);
        }
    } while (kos_ring_prepare_wait(&in, 1));
    uint64_t const now = kos_time_us();
    if (alarm_us == 0 || now < alarm_us) return;
    alarm_us = 0;
    if (is_flooding) {
        flood(now);
        set_alarm(now + kTickUs);
    } else if (is_answering) {
        send_datagram(kPort, program_port, &present, sizeof present, sizeof present);
        set_alarm(now + kRepeatUs);
    }
}

int main(void) {
    kos_assert_ok(kos_ring_open("net_linux_out", &in));
    kos_assert_ok(kos_ring_open("net_linux_in", &out));
    kos_server_t server = {.signalled = woken};
    woken(&server, 0);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
