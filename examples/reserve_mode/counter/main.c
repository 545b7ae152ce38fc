// Counts every 10 ms; runs in both modes, so switching does not touch it.
#include <kos/app.h>
#include <kos/idl/counter.h>
#include <kos/time.h>

static uint64_t ticks;

static void tick(kos_server_t* server, uint64_t bits) {
    (void)server;
    if (bits & 1) ++ticks;
    kos_assert_ok(kos_time_alarm(0, kos_time_after_us(10000)));
}

static kos_status_t now(kos_counter_server_t* self, const kos_caller_t* caller, uint64_t* count, uint32_t* instance) {
    (void)self, (void)caller;
    *count = ticks;
    *instance = kos_app_startup()->instance;
    return KOS_STATUS_OK;
}

int main(void) {
    static kos_counter_server_t server = {.server = {.signalled = tick}, .now = now};
    tick(&server.server, 0);
    return kos_counter_server_run(&server) == KOS_STATUS_OK ? 0 : 1;
}
