// A client of the clock: asks for the time and waits for two seconds later.
#include <kos/app.h>
#include <kos/idl/clock.h>
#include <kos/log.h>

int main(void) {
    kos_clock_client_t clock;
    uint32_t start = 0, now = 0;
    kos_assert_ok(kos_clock_connect("clock", &clock));
    kos_assert_ok(kos_clock_client_seconds(clock, &start));
    kos_assert_ok(kos_clock_client_wait_until(clock, start + 2, &now));
    kos_log_info("it is %u; %u seconds have passed", now, now - start);
    kos_assert(now >= start + 2);
    return 0;
}
