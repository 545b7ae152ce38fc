// Stands for what drives the plant: one program in the normal mode, another one in the reserve mode.
#include <kos/app.h>
#include <kos/log.h>
#include <kos/time.h>

int main(void) {
    kos_log_info("drives");
    kos_assert_ok(kos_app_ready());
    while (!kos_app_should_stop()) kos_assert_ok(kos_delay(20000));
    kos_log_info("has left everything in a safe state");
    return 0;
}
