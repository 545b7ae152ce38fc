// Works until it is asked to stop. Its first `failures` instances crash after a moment.
#include <kos/app.h>
#include <kos/log.h>
#include <kos/time.h>

static volatile int* volatile nowhere;

int main(void) {
    uint32_t const instance = kos_app_startup()->instance;
    kos_log_info("starts, number %u", instance);
    kos_assert_ok(kos_app_ready());
    for (unsigned i = 0; !kos_app_should_stop(); ++i) {
        kos_assert_ok(kos_delay(20000));
        if (instance <= kos_app_parameter_number("failures", 0) && i == 3) *nowhere = 1;
    }
    return 0;
}
