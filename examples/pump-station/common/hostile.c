// What hostile.h says, in that order.
#include "hostile.h"

#include <kos/dir.h>
#include <kos/log.h>
#include <kos/mem.h>
#include <kos/msg.h>
#include <kos/time.h>

#include <stdint.h>

enum { kRubbish = 200, kFlood = 2000, kChunkBytes = 16 << 10, kChunks = 4096 };

static uint64_t noise = 0x9e3779b97f4a7c15;

// xorshift64: what it says does not matter, only that nobody expects it.
static uint64_t noisy(void) {
    noise ^= noise << 13, noise ^= noise >> 7, noise ^= noise << 17;
    return noise;
}

static void try_foreign(const char* const ports[]) {
    for (; *ports; ++ports) {
        kos_slot_t slot;
        kos_status_t const got = kos_dir_request_until(*ports, 0, &slot);
        kos_log_warning("hostile: connect to %s: %s", *ports, kos_status_name(got));
    }
}

static void send_rubbish(const char* const ports[]) {
    for (; *ports; ++ports) {
        kos_slot_t slot;
        if (!kos_status_is_ok(kos_dir_request_until(*ports, 0, &slot))) continue;
        unsigned refused = 0;
        for (unsigned i = 0; i < kRubbish; ++i) {
            uint64_t param = noisy(), words[2] = {noisy(), noisy()};
            // Labels that exist come with wrong contents, others do not exist.
            refused += !kos_status_is_ok(kos_msg_call_words(slot, 1 + noisy() % 4000, &param, words));
        }
        kos_log_warning("hostile: %u requests of rubbish to %s: %u refused", kRubbish, *ports, refused);
    }
}

static void flood(const char* port) {
    kos_slot_t slot;
    if (!port || !kos_status_is_ok(kos_dir_request_until(port, 0, &slot))) return;
    unsigned refused = 0;
    for (unsigned i = 0; i < kFlood; ++i) {
        uint64_t const bytes[3] = {noisy(), noisy(), noisy()};
        refused += !kos_status_is_ok(kos_msg_send(slot, 1, bytes, sizeof bytes));
    }
    kos_log_warning("hostile: %u messages to %s: %u refused, its queue is full", kFlood, port, refused);
}

static void eat(void) {
    unsigned chunks = 0;
    kos_status_t got = KOS_STATUS_OK;
    for (; chunks < kChunks; ++chunks) {
        void* address;
        got = kos_mem_map(kChunkBytes, KOS_MEM_READ | KOS_MEM_WRITE, &address);
        if (!kos_status_is_ok(got)) break;
    }
    kos_log_warning("hostile: %u KiB of memory, then %s", chunks * (kChunkBytes >> 10), kos_status_name(got));
}

void hostile_run(const char* const foreign[], const char* const own[], const char* queue) {
    try_foreign(foreign);
    send_rubbish(own);
    flood(queue);
    eat();
    kos_log_warning("hostile: reads physical memory at 0x40000000");
    kos_delay(20000);  // the line is out
    volatile uint32_t const* const foreign_memory = (const volatile uint32_t*)0x40000000;
    kos_log_error("hostile: it said %x", *foreign_memory);
}
