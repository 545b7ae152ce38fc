// Blinks a lamp at line 0, which system.toml gives to this domain.
#include <kos/app.h>
#include <kos/idl/gpio.h>
#include <kos/log.h>
#include <kos/time.h>

enum { kLamp = 0, kDoor = 4 };

int main(void) {
    kos_gpio_client_t gpio;
    kos_assert_ok(kos_gpio_connect("gpio", &gpio));
    kos_assert_ok(kos_gpio_client_set_direction(gpio, kLamp, true, false));
    for (unsigned i = 0; i < 6; ++i) {
        bool const on = i % 2 == 0;
        bool level = !on;
        kos_assert_ok(kos_gpio_client_write(gpio, kLamp, on));
        kos_assert_ok(kos_gpio_client_read(gpio, kLamp, &level));
        kos_assert_eq(level, on);
        kos_log_info("lamp %s", level ? "on" : "off");
        kos_assert_ok(kos_delay(50000));
    }
    // The other client's line is out of reach.
    kos_assert_eq(kos_gpio_client_write(gpio, kDoor, true), KOS_STATUS_UNAUTHORIZED);
    return 0;
}
