// Interrupt to driver to client, and the disk.
#include "bench.h"

#include <kos/app.h>
#include <kos/idl/block.h>
#include <kos/signal.h>
#include <kos/time.h>

#include <stdio.h>

static kos_block_client_t block;
static size_t size;
static uint8_t bytes[KOS_PAYLOAD_MAX];

enum { kAlarmBit = 3 };

// How late an alarm is: the timer's interrupt, its driver, a signal, and this domain's main thread.
static void measure_alarm(void) {
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 50; ++i) {
        const uint64_t deadline = kos_time_after_us(2000 + i * 10);
        kos_assert_ok(kos_time_alarm(kAlarmBit, deadline));
        kos_signal_wait(1u << kAlarmBit);
        const uint64_t late = kos_time_ticks() - deadline;
        if (late < best) best = late;
    }
    expect((int64_t)best > 0, "alarms are never early", (int64_t)best);
    report("interrupt/timer_to_client", (double)best * (1e9 / (double)kos_time_hz()), "ns");
}

static void read_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        const uint8_t* data;
        size_t got;
        const kos_status_t status = kos_block_client_read(block, i % 1024 * 8, size, &data, &got);
        expect(status == KOS_STATUS_OK && got == size, "read", status);
    }
}

static void write_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        const kos_status_t status = kos_block_client_write(block, i % 1024 * 8, bytes, size);
        expect(status == KOS_STATUS_OK, "write", status);
    }
}

static void measure_block(const char* what, loop_fn loop) {
    char row[64];
    double cost[2];
    for (unsigned i = 0; i < 2; ++i) {
        size = i ? 4096 : 512;
        cost[i] = time_of(loop, 1000);
        snprintf(row, sizeof row, "block/%s/%u_bytes", what, (unsigned)size);
        report(row, cost[i], "ns");
        snprintf(row, sizeof row, "block/%s/%u_bytes/per_second", what, (unsigned)size);
        report(row, 1e9 / cost[i], "requests per s");
    }
    snprintf(row, sizeof row, "block/%s/per_byte", what);
    report(row, (cost[1] - cost[0]) / (4096 - 512), "ns");
}

void measure_devices(void) {
    measure_alarm();
    kos_assert_ok(kos_block_connect("block", &block));
    measure_block("read", read_loop);
    measure_block("write", write_loop);
}
