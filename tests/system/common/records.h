// Records of a test domain (docs/testing.md): one per check, then the verdict, on the port "console".
//
// For the one domain of a system that judges. The console driver may be restarted meanwhile: a line is repeated when it
// had it.
#pragma once

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/thread.h>
#include <kos/time.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { kConsoleWrite = 1 };

// One judge per domain, so one set of counts: `extern` parts live where RECORDS_HERE is defined.
extern kos_slot_t console_slot;
extern int checks_passed, checks_failed;
#ifdef RECORDS_HERE
kos_slot_t console_slot;
int checks_passed, checks_failed;
#endif

static inline void print_line(const char* text) {
    kos_status_t status;
    unsigned attempts = 100;
    do {
        kos_msg_t message;
        memset(&message, 0, sizeof message);
        message.label = kConsoleWrite;
        message.payload = text;
        message.payload_bytes = (uint32_t)strlen(text);
        status = kos_msg_call(console_slot, &message);
    } while (status != KOS_STATUS_OK && --attempts);
}

static inline void begin_records(void) {
    kos_assert_ok(kos_dir_request("console", &console_slot));
    kos_assert_ok(kos_app_ready());  // or the supervisor gives up waiting in the middle of the test
}

static inline int check(const char* name, int is_right, int64_t detail) {
    char line[200];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%s\",\"result\":\"%s\",\"detail\":\"%lld\"}\n", name,
             is_right ? "pass" : "fail", (long long)detail);
    print_line(line);
    is_right ? ++checks_passed : ++checks_failed;
    return is_right;
}

static inline int check_status(const char* name, kos_status_t got, kos_status_t expected) {
    if (got == expected) return check(name, 1, got);
    char text[120];
    snprintf(text, sizeof text, "%s: %s instead of %s", name, kos_status_name(got), kos_status_name(expected));
    return check(text, 0, got);
}

// The end of the test. Does not return: a judge that ended would be started again, and its first records could come
// behind the verdict.
KOS_NORETURN static inline void print_verdict(void) {
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%d,\"failed\":%d,\"skipped\":0}\n",
             checks_failed || !checks_passed ? "fail" : "pass", checks_passed, checks_failed);
    print_line(line);
    for (;;) kos_thread_yield();
}

// Waits on the caller's own time, a period at a time.
static inline void pause_us(uint64_t us) {
    uint64_t const end = kos_time_after_us(us);
    do kos_thread_yield();
    while (kos_time_ticks() < end);
}
