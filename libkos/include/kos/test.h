// For the domain of a system that tests the others: one record per check on the port "console", then the verdict
// (docs/testing.md). `./kos run --test` and `mix kos.test` wait for it.
//
//   kos_test_begin();
//   kos_test_check("the first call counts", kos_counter_client_add(counter, 1, &total) == KOS_STATUS_OK);
//   kos_test_end();
//
// Needs [[uses]] port = "console". One thread of one domain: include it in one source file only.
#pragma once

#include <kos/app.h>
#include <kos/dir.h>
#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/thread.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static kos_slot_t kos_test_console;
static unsigned kos_test_passed, kos_test_failed;

// Writes a line, again while the driver has no room or is restarted; gives up after a hundred times.
static inline void kos_test_print(const char* line) {
    kos_status_t status = KOS_STATUS_FULL;
    for (unsigned i = 0; i < 100 && status != KOS_STATUS_OK; ++i) {
        kos_msg_t message;
        memset(&message, 0, sizeof message);
        message.label = 1;  // write, of console.capnp
        message.payload = line;
        message.payload_bytes = (uint32_t)strlen(line);
        status = kos_msg_call(kos_test_console, &message);
        if (status == KOS_STATUS_FULL) kos_thread_yield();
    }
}

// Connects to the console and says that the domain is ready. Ends the domain if there is no console.
static inline void kos_test_begin(void) {
    kos_assert_ok(kos_dir_request("console", &kos_test_console));
    kos_assert_ok(kos_app_ready());
}

// Reports one check; returns `is_right`. `name` without quotation marks and backslashes, at most 100 bytes.
static inline int kos_test_check(const char* name, int is_right) {
    char line[160];
    snprintf(line, sizeof line, "\x1e{\"test\":\"%.100s\",\"result\":\"%s\"}\n", name, is_right ? "pass" : "fail");
    kos_test_print(line);
    ++*(is_right ? &kos_test_passed : &kos_test_failed);
    return is_right;
}

// The verdict. Does not return: a domain that ended could be started again, and test once more.
static inline void kos_test_end(void) {
    char line[120];
    snprintf(line, sizeof line, "\x1e{\"verdict\":\"%s\",\"passed\":%u,\"failed\":%u,\"skipped\":0}\n",
             kos_test_failed || !kos_test_passed ? "fail" : "pass", kos_test_passed, kos_test_failed);
    kos_test_print(line);
    for (;;) kos_thread_yield();
}
