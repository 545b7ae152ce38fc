// libkos inside a domain: each part once, the ring against a producer that keeps failing.
#include <kos/cpp/all.h>
#include <kos/mem.h>
#include <kos/signal.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"

namespace {

kos_slot_t console;
int passed;
int failed;

void print(const char* text) {
    kos_msg_t message{};
    message.label = 1;
    message.payload = text;
    message.payload_bytes = static_cast<uint32_t>(strlen(text));
    kos_assert_ok(kos_msg_call(console, &message));
}

struct Constructed {
    Constructed() : value(sqrt(49.0)) {}
    double value;
};
Constructed constructed;
thread_local int local = 11;

void check_c_library() {
    check("constructors ran", constructed.value == 7.0);
    check("thread-local", local == 11);
    check("printf", printf("runtime: %d %s %.3f\n", 5, "text", 2.5) == 22);
    check("getenv", !strcmp(getenv("COLOUR"), "blue") && *getenv("EMPTY") == 0 && !getenv("ABSENT"));
    check("stderr", fprintf(stderr, "runtime: a warning\n") > 0 && !ferror(stderr));
    kos_mem_status_t before{};
    kos_mem_status_t during{};
    kos_mem_status_t after{};
    (void)kos_mem_status(&before);
    auto* const large = static_cast<unsigned char*>(malloc(200000));
    (void)kos_mem_status(&during);
    memset(large, 1, 200000);
    free(large);
    (void)kos_mem_status(&after);
    check("a large block goes back to root",
          large && during.used_bytes >= before.used_bytes + 200000 && after.used_bytes < before.used_bytes + 16384,
          after.used_bytes - before.used_bytes);
    errno = 0;
    check("no memory", malloc(100u << 20) == nullptr && errno == ENOMEM);
    bool is_good = true;
    for (unsigned i = 1; i < 2000; ++i) {
        auto* const block = static_cast<unsigned char*>(calloc(1, i));
        is_good &= block && block[i - 1] == 0;
        free(block);
    }
    check("2000 blocks", is_good);
}

void check_time() {
    timespec before{};
    timespec after{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    int const slept = usleep(3000);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long const us = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    check("usleep", slept == 0 && us >= 3000, static_cast<unsigned long long>(us));
    kos::Event never;
    uint64_t const begin = kos_time_us();
    kos::Status const status = never.wait_until(kos::Deadline::after_ms(5));
    uint64_t const waited = kos_time_us() - begin;
    check("wait with a deadline", status == KOS_STATUS_TIMEOUT && waited >= 5000, waited);
}

struct Sample {
    uint32_t instance;
    uint32_t number;
    unsigned char filling[92];
};

// 10000 records, over at least two failures of the producer.
void check_ring() {
    kos::Result<kos::RingConsumer> opened = kos::RingConsumer::open("samples");
    check("ring open", opened.ok(), opened.status().code());
    if (!opened.ok()) return;
    kos::RingConsumer& ring = opened.value();
    uint32_t expected = 0;
    uint32_t instance = 0;
    unsigned restarts = 0;
    unsigned received = 0;
    bool is_good = true;
    while (is_good && received < 10000) {
        Sample sample;
        kos::Result<kos::RingConsumer::Record> record =
            ring.receive({reinterpret_cast<unsigned char*>(&sample), sizeof sample});
        if (record.ok()) {
            size_t const bytes = record.value().payload.size();
            if (expected == 0) instance = sample.instance;
            is_good = sample.number == expected && sample.instance == instance &&
                      record.value().tag == (expected ^ 0x5a) &&
                      bytes == (expected % 2 ? sizeof sample : 8 + expected % 50);
            for (size_t i = 8; i < bytes; ++i) is_good &= sample.filling[i - 8] == static_cast<unsigned char>(expected);
            ++expected;
            ++received;
        } else if (record.status() == KOS_STATUS_PEER_GONE) {
            expected = 0;
            ++restarts;
        } else if (record.status() == KOS_STATUS_EMPTY) {
            is_good = ring.wait_until(1, kos::Deadline::after_ms(20000)).ok();
        } else {
            is_good = false;
        }
    }
    check("ring across restarts", is_good && restarts >= 2, received << 8 | restarts);
}

}  // namespace

void check(const char* name, bool ok, unsigned long long detail) {
    char line[200];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%llu\"}\n", name,
             ok ? "pass" : "fail", detail);
    print(line);
    ++(ok ? passed : failed);
}

int main(int, char**) {
    kos_assert_ok(kos_dir_request("console", &console));
    kos_assert_ok(kos_app_ready());
    check_c_library();
    check_time();
    check_locks();
    check_thread_manager();
    check_cpp_threads();
    check_ring();
    char line[160];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             failed ? "fail" : "pass", passed, failed);
    print(line);
    (void)kos_signal_wait(0);  // until the request to stop
    return 0;
}
