// Works until it is asked to stop, or fails: how says its app.toml. Tells the log when it starts, in microseconds.
#include "../faults.h"

#include <kos/app.h>
#include <kos/log.h>
#include <kos/signal.h>
#include <kos/thread.h>
#include <kos/time.h>

static void work_us(uint64_t us) {
    uint64_t const end = kos_time_after_us(us);
    while (kos_time_ticks() < end && !kos_app_should_stop()) kos_thread_yield();
}

int main(int argc, char** argv) {
    (void)argc;
    (void)argv;
    uint32_t const instance = kos_app_startup()->instance;
    kos_log_info("begins %llu", (unsigned long long)kos_time_us());
    work_us(kos_app_parameter_number("start_ms", 0) * 1000);
    if (kos_app_parameter_number("never_ready", 0)) {
        for (;;) kos_thread_yield();
    }
    kos_assert_ok(kos_app_ready());
    uint64_t const fail_after_ms = kos_app_parameter_number("fail_after_ms", 0);
    if (fail_after_ms && instance <= kos_app_parameter_number("fail_instances", 0)) {
        work_us(fail_after_ms * 1000);
        if (!kos_app_should_stop()) go_wrong(kos_app_parameter_number("fail_kind", 0));
        return 0;
    }
    kos_signal_wait(0);
    return 0;
}
