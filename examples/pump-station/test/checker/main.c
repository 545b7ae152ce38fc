// The controller crashes again and again: are the others still what they were, and does the display go on showing?
#define RECORDS_HERE
#include "records.h"

#include <kos/idl/appman.h>
#include <kos/idl/display.h>

static kos_appman_client_t appman;

static uint32_t restarts_of(const char* name) {
    kos_appman_domain_t domain = {.restarts = ~0u};
    kos_assert_ok(kos_appman_client_status(appman, name, strlen(name), &domain));
    return domain.restarts;
}

int main(void) {
    kos_display_client_t display;
    uint64_t before = 0, after = 0, gap_us = 0;
    begin_records();
    kos_assert_ok(kos_appman_connect("appman", &appman));
    kos_assert_ok(kos_display_connect("display", &display));
    kos_assert_ok(kos_display_client_progress(display, &before, &gap_us));
    for (unsigned tries = 0; tries < 1500 && restarts_of("controller") < 4; ++tries) pause_us(10000);
    kos_assert_ok(kos_display_client_progress(display, &after, &gap_us));

    check("the controller was restarted", restarts_of("controller") >= 4, restarts_of("controller"));
    check("the sensor was not", restarts_of("sensor") == 0, restarts_of("sensor"));
    check("nor the display", restarts_of("display") == 0, restarts_of("display"));
    check("it went on showing", after >= before + 20, (int64_t)(after - before));
    // Its interval is 50 ms. A crash costs it nothing; an emulator on a busy machine may.
    check("without a gap", gap_us < 500000, (int64_t)gap_us);
    print_verdict();
    return 0;
}
