// Watches a door contact at line 4, which system.toml gives to this domain.
#include <kos/app.h>
#include <kos/log.h>
#include <kos/idl/gpio.hpp>

using namespace kos::idl;

namespace {
constexpr uint8_t kLamp = 0, kDoor = 4;
}

int main() {
    const auto gpio = gpio::Client::connect("gpio");
    kos_assert(gpio.ok());
    kos_assert(*gpio->lines() == 1u << kDoor);
    kos_assert(gpio->set_direction(kDoor, false, false).ok());
    kos_assert(gpio->subscribe(kDoor, gpio::Edges::kBoth).ok());
    kos_log_info("the door is %s", *gpio->read(kDoor) ? "open" : "closed");
    // Nothing is wired to the line in QEMU, so no edge comes. With a real contact: gpio->wait().
    kos_assert(gpio->events().status() == KOS_STATUS_EMPTY);
    kos_assert(gpio->write(kDoor, true).status() == KOS_STATUS_CONFLICT);  // an input
    kos_assert(gpio->read(kLamp).status() == KOS_STATUS_UNAUTHORIZED);     // the other client's
    return 0;
}
