// Serves signals and nothing else: ends well only if an alarm has come before the request to stop.
#include <kos/app.h>
#include <kos/server.h>
#include <kos/time.h>

enum { kAlarmBit = 3 };

static int alarms;

static void signalled(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (bits & 1u << kAlarmBit) ++alarms;
}

int main(void) {
    kos_assert_ok(kos_time_alarm(kAlarmBit, kos_time_after_us(5000)));
    kos_server_t server = {.signalled = signalled};
    return kos_status_is_ok(kos_server_run(&server)) && alarms == 1 ? 0 : 1;
}
