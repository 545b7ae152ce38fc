// Sends a record through each of 20 rings and waits for all of them to come back through 20 others, again and again, by
// the 16 signals that these 40 share. The judge of the test.
#define RECORDS_HERE
#include "records.h"

#include <kos/ring.h>
#include <kos/signal.h>

enum { kSpokes = 20, kRounds = 200, kAlarmBit = 0 };

static kos_ring_t out[kSpokes], in[kSpokes];

static uint64_t open_all(void) {
    uint64_t signals = 0;
    for (uint32_t i = 0; i < kSpokes; ++i) {
        char name[16];
        snprintf(name, sizeof name, "out_%u", i);
        kos_assert_ok(kos_ring_open(name, &out[i]));
        snprintf(name, sizeof name, "back_%u", i);
        kos_assert_ok(kos_ring_open(name, &in[i]));
        signals |= in[i].signal | out[i].signal;
    }
    return signals;
}

static int pop_count(uint64_t bits) {
    int count = 0;
    for (; bits; bits &= bits - 1) ++count;
    return count;
}

// One round: number of records that came back as they were. Sleeps only when nothing is to be done.
static uint32_t round_trip(uint32_t round, uint64_t signals) {
    uint64_t const end = kos_time_after_us(5000000);
    uint8_t sent[kSpokes] = {0}, received[kSpokes] = {0};
    uint32_t done = 0, wrong = 0;
    while (done < kSpokes && kos_time_ticks() < end) {
        int is_busy = 0;
        for (uint32_t i = 0; i < kSpokes; ++i) {
            uint64_t word = (uint64_t)round << 32 | i;
            if (!sent[i]) {
                sent[i] = kos_ring_send(&out[i], round, &word, sizeof word) == KOS_STATUS_OK;
                is_busy |= !sent[i] && kos_ring_prepare_wait(&out[i], kos_ring_record_needs(&out[i], sizeof word));
            }
            size_t length = 0;
            uint32_t tag = 0;
            if (received[i]) continue;
            if (kos_ring_receive(&in[i], &word, sizeof word, &length, &tag) == KOS_STATUS_OK) {
                received[i] = 1;
                ++done;
                wrong += word != ((uint64_t)round << 32 | i) || length != sizeof word || tag != round + i;
            } else {
                is_busy |= kos_ring_prepare_wait(&in[i], 1);
            }
        }
        if (is_busy || done == kSpokes) continue;
        kos_assert_ok(kos_time_alarm(kAlarmBit, end));
        kos_signal_wait(signals | 1u << (KOS_SIGNAL_USER_0 + kAlarmBit));
    }
    return done - wrong;
}

int main(void) {
    begin_records();
    uint64_t const signals = open_all();
    check("40 rings share 16 signals", pop_count(signals) == KOS_SIGNAL_RING_COUNT, pop_count(signals));
    uint32_t complete = 0;
    for (uint32_t round = 0; round < kRounds; ++round) complete += round_trip(round, signals) == kSpokes;
    check("every record comes back in every round", complete == kRounds, complete);
    print_verdict();
}
