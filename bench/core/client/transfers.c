// One way: queue and ring. The receiver has the higher priority, so that each pass is there and done.
#include "bench.h"

#include <kos/app.h>
#include <kos/ring.h>

static kos_slot_t sink;
static kos_ring_t ring;
static uint8_t bytes[32 << 10];
static size_t piece;
static uint64_t sent, written;

static void send_loop(uint64_t passes) {
    static const uint64_t kMessage[3] = {1, 2, 3};
    for (uint64_t i = 0; i < passes; ++i) {
        const kos_status_t status = kos_msg_send(sink, 1, kMessage, sizeof kMessage);
        expect(status == KOS_STATUS_OK, "send", status);
    }
    sent += passes;
}

static void ring_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        size_t done = 0;
        const kos_status_t status = kos_ring_write(&ring, bytes, piece, &done);
        expect(status == KOS_STATUS_OK && done == piece, "ring", status);
    }
    written += passes * piece;
}

static void measure_ring(const char* row, size_t size, uint64_t passes) {
    piece = size;
    report(row, time_of(ring_loop, passes) * 1024 / (double)size, "ns per KiB");
}

void measure_transfers(void) {
    sink = port("sink");
    kos_assert_ok(kos_ring_open("stream", &ring));
    measure("queue/send_and_receive", send_loop, 2000);
    // The two sides have to meet first.
    size_t done;
    while (kos_ring_write(&ring, bytes, 1024, &done) != KOS_STATUS_OK) kos_assert_ok(kos_ring_wait(&ring, 1024));
    written += done;
    measure_ring("ring/pieces_of_1024_bytes", 1024, 1000);
    measure_ring("ring/pieces_of_8192_bytes", 8192, 1000);
    measure_ring("ring/pieces_of_32768_bytes", 32768, 200);
    uint64_t param = 0, words[2] = {0, 0};
    const kos_status_t status = kos_msg_call_words(sink, 1, &param, words);
    expect(status == KOS_STATUS_OK && words[0] == sent, "all messages have arrived", (int64_t)words[0]);
    expect(words[1] == written, "all bytes have arrived", (int64_t)words[1]);
}
