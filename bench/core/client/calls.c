// Calls in registers and with payload, to servers with and without bindings.
#include "bench.h"

#include <kos/idl/echo.h>

#include <string.h>

enum { kPasses = 2000 };

static kos_slot_t target;
static kos_echo_client_t echo;
static uint8_t bytes[KOS_PAYLOAD_MAX];
static uint32_t size;

static void words_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        uint64_t param = i, words[2] = {2, 3};
        const kos_status_t status = kos_msg_call_words(target, 1, &param, words);
        expect(status == KOS_STATUS_OK && param == i, "call_words", status);
    }
}

static void message_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        kos_msg_t message = {.label = 1, .param = i, .payload = bytes, .payload_bytes = size};
        const kos_status_t status = kos_msg_call(target, &message);
        expect(status == KOS_STATUS_OK && message.payload_bytes == size && message.param == i, "call", status);
    }
}

static void add_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        uint32_t sum = 0;
        const kos_status_t status = kos_echo_client_add(echo, (uint32_t)i, 5, &sum);
        expect(status == KOS_STATUS_OK && sum == i + 5, "add", status);
    }
}

static void data_loop(uint64_t passes) {
    for (uint64_t i = 0; i < passes; ++i) {
        const uint8_t* copy;
        size_t copy_size;
        const kos_status_t status = kos_echo_client_data(echo, bytes, size, &copy, &copy_size);
        expect(status == KOS_STATUS_OK && copy_size == size && copy[size - 1] == bytes[size - 1], "data", status);
    }
}

// The crate on both sides: another domain measures, in nanoseconds for all passes, on this one's time.
static void measure_rust(void) {
    const kos_slot_t rust = port("rust_client");
    double best = 0;
    for (unsigned run = 0; run < 8; ++run) {
        uint64_t param = kPasses, words[2] = {0, 0};
        const kos_status_t status = kos_msg_call_words(rust, 1, &param, words);
        expect(status == KOS_STATUS_OK, "rust", status);
        if (best == 0 || (double)param < best) best = (double)param;
    }
    report("call/bindings_rust", best / kPasses, "ns");
    report("call/bindings_rust/over_reference", best / kPasses / reference_ns, "times");
}

void measure_calls(void) {
    target = port("words");
    double ns = time_of(words_loop, kPasses);
    report("call/words", ns, "ns");
    report("call/words/over_reference", ns / reference_ns, "times");
    echo.slot = port("idl_c");
    ns = time_of(add_loop, kPasses);
    report("call/bindings_c", ns, "ns");
    report("call/bindings_c/over_reference", ns / reference_ns, "times");
    measure_rust();
    for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i + i / 256);
    size = 0;
    measure("call/message/0_bytes", message_loop, kPasses);
    size = 64;
    measure("call/message/64_bytes", message_loop, kPasses);
    size = 1024;
    measure("call/message/1024_bytes", message_loop, kPasses);
    measure("call/bindings_c/1024_bytes", data_loop, kPasses);
    size = 4096;
    measure("call/message/4096_bytes", message_loop, kPasses);
    measure("call/bindings_c/4096_bytes", data_loop, kPasses);
    kos_msg_t message = {.label = 1, .payload = bytes, .payload_bytes = size};
    const kos_status_t status = kos_msg_call(target, &message);
    expect(status == KOS_STATUS_OK && memcmp(message.payload, bytes, size) == 0, "payload", status);
}
