// Waits until the domains of an example are in the state that its test expects, and gives the verdict.
#define RECORDS_HERE
#include "records.h"

#include <kos/idl/appman.h>

#include <stdlib.h>

static kos_appman_client_t appman;
static uint64_t deadline;

// appman may be restarted meanwhile, so a failure is tried again.
static int look_at(const char* name, kos_appman_domain_t* domain) {
    while (kos_appman_client_status(appman, name, strlen(name), domain) != KOS_STATUS_OK) {
        if (kos_time_ticks() >= deadline) return 0;
        pause_us(10000);
    }
    return 1;
}

static void check_done(char* name) {
    kos_appman_domain_t domain = {.state = KOS_APPMAN_STATE_STOPPED};
    while (look_at(name, &domain) && domain.state != KOS_APPMAN_STATE_DONE && kos_time_ticks() < deadline)
        pause_us(10000);
    check(name, domain.state == KOS_APPMAN_STATE_DONE && domain.last_reason == KOS_APPMAN_REASON_DONE,
          domain.last_reason);
}

// `expected`: "leaf:3". Leaves the name in it.
static uint32_t split(char* expected) {
    char* const colon = strchr(expected, ':');
    if (!colon) kos_stop("parameter restarts: expected NAME:NUMBER");
    *colon = 0;
    return (uint32_t)strtoul(colon + 1, 0, 10);
}

static void check_restarts(char* expected, int once_more) {
    uint32_t const wanted = split(expected);
    kos_appman_domain_t domain = {.restarts = ~0u};
    while (look_at(expected, &domain) && !once_more && kos_time_ticks() < deadline &&
           (domain.restarts != wanted || domain.state != KOS_APPMAN_STATE_READY)) {
        pause_us(10000);
    }
    check(expected, domain.restarts == wanted && domain.state == KOS_APPMAN_STATE_READY, domain.restarts);
}

// Calls `each` with every word of the parameter `key`.
static void for_words(const char* key, void (*each)(char* word)) {
    char words[256];
    const char* const value = kos_app_parameter(key);
    snprintf(words, sizeof words, "%s", value ? value : "");
    char* rest = words;
    for (char* word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        if (*word) each(word);
    }
}

static void reaches(char* expected) { check_restarts(expected, 0); }
static void still_is(char* expected) { check_restarts(expected, 1); }

int main(void) {
    begin_records();
    kos_assert_ok(kos_appman_connect("appman", &appman));
    deadline = kos_time_after_us(kos_app_parameter_number("wait_ms", 15000) * 1000);
    for_words("done", check_done);
    for_words("restarts", reaches);
    pause_us(500000);
    for_words("restarts", still_is);
    print_verdict();
    return 0;
}
