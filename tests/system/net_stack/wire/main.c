// The wire between left and right: passes records on, and does to them what it is told (wire.h).
#include "../wire.h"

#include <kos/app.h>
#include <kos/ring.h>
#include <kos/server.h>
#include <kos/time.h>

#include <string.h>

enum { kPacketBytes = 1600, kSlots = 512, kAlarm = 0 };

struct direction {
    kos_ring_t from, to;
};

struct slot {
    uint64_t due;  // 0: free
    struct direction* direction;
    uint32_t tag;
    size_t bytes;
    unsigned char packet[kPacketBytes];
};

static struct direction directions[2];
static struct slot slots[kSlots];
static uint64_t lost_permille, delay_us, jitter_us;
static uint64_t random_state = 88172645463325252u;
static unsigned char last_packet[kPacketBytes];
static size_t last_bytes;

static uint64_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct slot* free_slot(void) {
    for (unsigned i = 0; i < kSlots; ++i) {
        if (slots[i].due == 0) return &slots[i];
    }
    return NULL;
}

// 0: there is no room, and the packet stays.
static int pass_on(struct direction* way, const void* packet, size_t bytes, uint32_t tag) {
    if (bytes <= kPacketBytes) memcpy(last_packet, packet, last_bytes = bytes);
    if (random_number() % 1000 < lost_permille || bytes > kPacketBytes) return 1;
    if (delay_us == 0 && jitter_us == 0) return kos_ring_send(&way->to, tag, packet, bytes) != KOS_STATUS_FULL;
    struct slot* const slot = free_slot();
    if (!slot) return 1;  // a queue that is too long
    uint64_t const wait_us = delay_us + (jitter_us ? random_number() % jitter_us : 0);
    slot->due = kos_time_after_us(wait_us);
    slot->direction = way;
    slot->tag = tag;
    slot->bytes = bytes;
    memcpy(slot->packet, packet, bytes);
    return 1;
}

// 1: there is more to do at once.
static int move(struct direction* way) {
    for (unsigned i = 0; i < 64; ++i) {
        const void* packet;
        size_t bytes = 0;
        uint32_t tag = 0;
        if (kos_ring_peek(&way->from, &packet, &bytes, &tag) != KOS_STATUS_OK)
            return kos_ring_prepare_wait(&way->from, 1);
        if (!pass_on(way, packet, bytes, tag)) {
            return kos_ring_prepare_wait(&way->to, kos_ring_record_needs(&way->to, bytes));
        }
        kos_ring_release(&way->from);
    }
    return 1;
}

static void deliver_due(void) {
    for (;;) {
        struct slot* first = NULL;
        for (unsigned i = 0; i < kSlots; ++i) {
            if (slots[i].due && (!first || slots[i].due < first->due)) first = &slots[i];
        }
        if (!first) return;
        if (first->due > kos_time_ticks()) {
            kos_assert_ok(kos_time_alarm(kAlarm, first->due));
            return;
        }
        kos_ring_send(&first->direction->to, first->tag, first->packet, first->bytes);
        first->due = 0;
    }
}

static void work(kos_server_t* server, uint64_t bits) {
    (void)server;
    (void)bits;
    int more = 1;
    while (more) {
        more = 0;
        for (unsigned i = 0; i < 2; ++i) more |= move(&directions[i]);
    }
    deliver_due();
}

static void invent(struct direction* way) {
    unsigned char packet[kPacketBytes];
    size_t bytes = random_number() % 120;
    if (random_number() % 2 && last_bytes) {
        memcpy(packet, last_packet, bytes = last_bytes);
        for (unsigned i = 0; i < 1 + random_number() % 4; ++i) {
            packet[random_number() % (bytes < 60 ? bytes : 60)] = (unsigned char)random_number();
        }
    } else {
        for (size_t i = 0; i < bytes; ++i) packet[i] = (unsigned char)random_number();
        if (bytes) packet[0] = random_number() % 2 ? 0x45 : 0x60;
    }
    // Mostly with checksums that are said to be right, so that they get further.
    kos_ring_send(&way->to, random_number() % 4 != 0, packet, bytes);
}

static kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request,
                         kos_msg_t* answer) {
    (void)caller;
    (void)answer;
    switch (request->label) {
        case kWireWeather:
            lost_permille = request->param;
            delay_us = request->words[0];
            jitter_us = request->words[1];
            return KOS_STATUS_OK;
        case kWireJunk:
            for (uint64_t i = 0; i < request->param; ++i) invent(&directions[i % 2]);
            work(server, 0);
            return KOS_STATUS_OK;
        case kWireBreak: kos_app_exit(1);
        default: return KOS_STATUS_BAD_REQUEST;
    }
}

int main(void) {
    kos_assert_ok(kos_ring_open("net_left_out", &directions[0].from));
    kos_assert_ok(kos_ring_open("net_right_in", &directions[0].to));
    kos_assert_ok(kos_ring_open("net_right_out", &directions[1].from));
    kos_assert_ok(kos_ring_open("net_left_in", &directions[1].to));
    kos_server_t server = {.call = call, .signalled = work};
    work(&server, 0);
    return kos_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
