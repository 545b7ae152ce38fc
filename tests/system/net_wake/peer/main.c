// Sends each UDP packet back to where it came from, with the time and the number of the wake-up at which it was seen.
#include "../stamp.h"

#include <kos/app.h>
#include <kos/ring.h>
#include <kos/server.h>
#include <kos/time.h>

#include <string.h>

enum { kIpBytes = 20, kUdpBytes = 8, kPacketBytes = kIpBytes + kUdpBytes + sizeof(struct stamp), kUdp = 17 };

static kos_ring_t in, out;
static uint64_t wakes;

static void swap(unsigned char* a, unsigned char* b, size_t bytes) {
    unsigned char kept[4];
    memcpy(kept, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, kept, bytes);
}

static void answer(const unsigned char* from, uint64_t us) {
    unsigned char packet[kPacketBytes];
    struct stamp stamp;
    memcpy(packet, from, sizeof packet);
    if (packet[0] != 0x45 || packet[9] != kUdp) return;
    memcpy(&stamp, packet + kIpBytes + kUdpBytes, sizeof stamp);
    stamp.us = us;
    stamp.wakes = wakes;
    memcpy(packet + kIpBytes + kUdpBytes, &stamp, sizeof stamp);
    // The header's sum stays what it is; none of UDP (RFC 768).
    swap(packet + 12, packet + 16, 4);
    swap(packet + kIpBytes, packet + kIpBytes + 2, 2);
    memset(packet + kIpBytes + 6, 0, 2);
    kos_assert_ok(kos_ring_send(&out, 0, packet, sizeof packet));
}

static void woken(kos_server_t* server, uint64_t bits) {
    (void)server;
    (void)bits;
    uint64_t const us = kos_time_us();
    const void* packet;
    size_t bytes = 0;
    uint32_t tag = 0;
    do {
        while (kos_ring_peek(&in, &packet, &bytes, &tag) == KOS_STATUS_OK) {
            if (bytes == kPacketBytes) answer(packet, us);
            kos_ring_release(&in);
        }
    } while (kos_ring_prepare_wait(&in, 1));
    ++wakes;
}

int main(void) {
    kos_assert_ok(kos_ring_open("net_linux_out", &in));
    kos_assert_ok(kos_ring_open("net_linux_in", &out));
    kos_server_t server = {.signalled = woken};
    woken(&server, 0);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
