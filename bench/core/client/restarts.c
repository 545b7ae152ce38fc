// From a fault to READY.
//
// The whole way: the victim notes the time just before its fault, and the first call that the next instance answers
// ends it. The phases, with a victim that appman leaves alone: destroyed when the call that faulted has ended; built
// when the next instance is in main; started when it answers.
#include "../victim/victim.h"
#include "bench.h"

#include <kos/app.h>
#include <kos/ports.h>
#include <kos/time.h>

#include <string.h>

enum { kRestarts = 8 };

static double ns(uint64_t ticks) { return (double)ticks * (1e9 / (double)kos_time_hz()); }

static kos_status_t ask(kos_slot_t victim, uint64_t label, uint64_t* param, uint64_t words[2]) {
    *param = 0;
    words[0] = words[1] = 0;
    return kos_msg_call_words(victim, label, param, words);
}

static void whole_way(kos_slot_t victim) {
    double best = 0;
    uint64_t param, words[2];
    expect(ask(victim, kVictimTimes, &param, words) == KOS_STATUS_OK, "victim", 0);
    const uint64_t first = words[1];
    for (uint64_t i = 1; i <= kRestarts; ++i) {
        kos_status_t status = ask(victim, kVictimFault, &param, words);
        expect(status == KOS_STATUS_PEER_GONE, "fault", status);
        status = ask(victim, kVictimTimes, &param, words);
        const uint64_t now = kos_time_ticks();
        expect(status == KOS_STATUS_OK && words[1] == first + i, "restarted", (int64_t)words[1]);
        const double took = ns(now - param);
        if (best == 0 || took < best) best = took;
        kos_assert_ok(kos_delay(20000));
    }
    report("restart/fault_to_ready", best, "ns");
}

static void phases(kos_slot_t victim, kos_slot_t appman) {
    static const char kName[] = "victim_manual";
    double destroy = 0, build = 0, start = 0;
    for (unsigned i = 0; i < kRestarts; ++i) {
        uint64_t param, words[2];
        kos_status_t status = ask(victim, kVictimFault, &param, words);
        const uint64_t gone = kos_time_ticks();
        expect(status == KOS_STATUS_PEER_GONE, "fault", status);
        kos_assert_ok(kos_delay(20000));
        kos_msg_t message = {.label = KOS_APPMAN_START, .payload = kName, .payload_bytes = sizeof kName - 1};
        const uint64_t ordered = kos_time_ticks();
        status = kos_msg_call(appman, &message);
        expect(status == KOS_STATUS_OK, "start", status);
        status = ask(victim, kVictimTimes, &param, words);
        const uint64_t ready = kos_time_ticks();
        expect(status == KOS_STATUS_OK && words[0] > ordered, "started", status);
        if (i == 0 || ns(gone - param) < destroy) destroy = ns(gone - param);
        if (i == 0 || ns(words[0] - ordered) < build) build = ns(words[0] - ordered);
        if (i == 0 || ns(ready - words[0]) < start) start = ns(ready - words[0]);
        kos_assert_ok(kos_delay(20000));
    }
    report("restart/phase/fault_and_destroy", destroy, "ns");
    report("restart/phase/build", build, "ns");
    report("restart/phase/main_to_ready", start, "ns");
}

void measure_restarts(void) {
    whole_way(port("victim"));
    phases(port("victim_manual"), port("appman"));
}
