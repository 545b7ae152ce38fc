// Measures the core from a domain's side; see ../README.md. Records go to the console.
#include "bench.h"

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/ports.h>
#include <kos/root.h>
#include <kos/time.h>

#include <stdio.h>
#include <string.h>

enum { kConsoleWrite = 1, kRuns = 7 };

static kos_slot_t console, appman;
static unsigned rows, failures;

static void print(const char* text) {
    kos_msg_t message = {.label = kConsoleWrite, .payload = text, .payload_bytes = (uint32_t)strlen(text)};
    kos_assert_ok(kos_msg_call(console, &message));
}

kos_slot_t port(const char* name) {
    kos_slot_t slot;
    kos_assert_ok(kos_dir_request(name, &slot));
    return slot;
}

void report(const char* row, double value, const char* unit) {
    char line[200];
    // Fractions are of no interest but for ratios.
    snprintf(line, sizeof line, "\x1e{\"row\":\"%s\",\"value\":%.*f,\"unit\":\"%s\"}\n", row, value < 100 ? 3 : 0,
             value, unit);
    print(line);
    ++rows;
}

void failed(const char* what, int64_t detail) {
    if (failures++ > 10) return;
    char line[200];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"fail\",\"detail\":\"%lld\"}\n", what,
             (long long)detail);
    print(line);
}

static void empty(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) __asm__ volatile("" : "+r"(i));
}

static uint64_t least(loop_fn loop, uint64_t passes) {
    uint64_t best = UINT64_MAX;
    for (unsigned run = 0; run < kRuns; ++run) {
        const uint64_t start = kos_time_ticks();
        loop(passes);
        const uint64_t took = kos_time_ticks() - start;
        if (took < best) best = took;
    }
    return best;
}

double time_of(loop_fn loop, uint64_t passes) {
    loop(1);  // what is mapped, looked up or bound at the first use
    const uint64_t ticks = least(loop, passes) - least(empty, passes);
    return (double)ticks * (1e9 / (double)kos_time_hz()) / (double)passes;
}

void measure(const char* row, loop_fn loop, uint64_t passes) { report(row, time_of(loop, passes), "ns"); }

static void stop(const char* name) {
    kos_msg_t message = {.label = KOS_APPMAN_STOP, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
    expect(kos_msg_call(appman, &message) == KOS_STATUS_OK, "stop", 0);
    for (;;) {
        kos_assert_ok(kos_delay(1000));
        message = (kos_msg_t){.label = KOS_APPMAN_STATUS, .payload = name, .payload_bytes = (uint32_t)strlen(name)};
        kos_assert_ok(kos_msg_call(appman, &message));
        const kos_appman_entry_t* const entry = message.payload;
        if (entry->state == KOS_APPMAN_STOPPED || entry->state == KOS_APPMAN_DONE) return;
    }
}

// What root's accounts say is used once all domains but the core's and this one are gone.
static void measure_memory(void) {
    static const char* const kOthers[] = {"raw",         "words", "idl_c",  "idl_cpp",      "rust_client",
                                          "rust_server", "sink",  "victim", "victim_manual"};
    for (unsigned i = 0; i < sizeof kOthers / sizeof *kOthers; ++i) stop(kOthers[i]);
    kos_msg_t message = {.label = KOS_APPMAN_ACCOUNTS};
    kos_assert_ok(kos_msg_call(appman, &message));
    kos_assert(message.payload_bytes == 32);
    const uint64_t used = ((const uint64_t*)message.payload)[1];
    uint64_t own[4] = {0};
    kos_assert_ok(kos_root_request(KOS_ROOT_MEM_STATUS, own));
    report("memory/core_services", (double)(used - own[1]), "bytes");
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    kos_assert_ok(kos_dir_request("console", &console));
    kos_assert_ok(kos_app_ready());
    appman = port("appman");
    measure_reference();
    measure_calls();
    measure_calls_cpp();
    measure_transfers();
    measure_restarts();
    measure_devices();
    measure_memory();
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":0,\"failed\":%u,\"skipped\":0,\"rows\":%u}\n",
             failures ? "fail" : "pass", failures, rows);
    print(line);
    return 0;
}
