// Switches the system to its reserve mode and looks at what has changed. Its records are the verdict of the test.
#define RECORDS_HERE
#include "records.h"

#include <kos/idl/appman.h>
#include <kos/idl/counter.h>

static kos_appman_client_t appman;

static kos_appman_state_t state_of(const char* name) {
    kos_appman_domain_t domain = {.state = KOS_APPMAN_STATE_STOPPED};
    kos_assert_ok(kos_appman_client_status(appman, name, strlen(name), &domain));
    return domain.state;
}

static int reaches(const char* name, kos_appman_state_t state) {
    for (unsigned tries = 0; tries < 300 && state_of(name) != state; ++tries) pause_us(10000);
    return state_of(name) == state;
}

static kos_status_t switch_to(const char* mode, uint64_t* number) {
    return kos_appman_client_mode(appman, mode, strlen(mode), number);
}

int main(void) {
    kos_counter_client_t counter;
    uint64_t mode = 0, before = 0, at_switch = 0, after = 0;
    uint32_t instance = 0, instance_after = 1;
    begin_records();
    kos_assert_ok(kos_appman_connect("appman", &appman));
    kos_assert_ok(kos_counter_connect("counter", &counter));

    check("the normal drive runs", reaches("main_drive", KOS_APPMAN_STATE_READY), 0);
    check("the reserve drive does not", state_of("spare_drive") == KOS_APPMAN_STATE_STOPPED, 0);
    kos_assert_ok(kos_counter_client_now(counter, &before, &instance));
    pause_us(100000);
    kos_assert_ok(kos_counter_client_now(counter, &at_switch, &instance));
    check("the counter counts", at_switch > before, (int64_t)at_switch);

    check_status("switch to reserve", switch_to("reserve", &mode), KOS_STATUS_OK);
    check("the reserve drive runs", reaches("spare_drive", KOS_APPMAN_STATE_READY), 0);
    check("the normal one has stopped", reaches("main_drive", KOS_APPMAN_STATE_STOPPED), 0);
    pause_us(100000);
    kos_assert_ok(kos_counter_client_now(counter, &after, &instance_after));
    check("the counter was not touched", instance_after == instance && after > at_switch, (int64_t)after);

    check_status("the way back is not this domain's", switch_to("normal", &mode), KOS_STATUS_UNAUTHORIZED);
    print_verdict();
    return 0;
}
