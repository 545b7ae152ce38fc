/*
 * The domain `gpio`: one PL061, served as the port "gpio" to the owners of its lines. An active server, because clients
 * may wait for edges.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/server.h>

#include "gpio_service.h"
#include "hardware.h"
#include "server_calls.h"

namespace {

using kos::driver::GpioOwners;
using kos::driver::Hardware;
using kos::driver::ServerCalls;
using Gpio = kos::driver::Pl061<Hardware>;
using Service = kos::driver::GpioService<Gpio, ServerCalls>;

constexpr char kDevice[] = "pl061";

struct Context {
    Service& service;
    kos_interrupt_t interrupt;
};

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->service.call(*caller, *request, *answer);
}

void signalled(kos_server_t* server, uint64_t bits) {
    auto* context = static_cast<Context*>(server->context);
    if ((bits & context->interrupt.signal) == 0) return;
    context->service.interrupt();
    kos_dev_interrupt_acknowledge(&context->interrupt);
}

// Parameters line_0 to line_7 name the owners.
GpioOwners owners() {
    GpioOwners result;
    const auto clients = kos::driver::startup_clients(kos_app_startup());
    for (unsigned line = 0; line < kos::driver::kGpioLineCount; line++) {
        char key[] = "line_0";
        key[sizeof key - 2] = static_cast<char>('0' + line);
        const char* name = kos_app_parameter(key);
        if (name != nullptr && !result.give(line, clients, name)) {
            kos_stop("parameters line_0 to line_7: expected names of clients of this domain");
        }
    }
    return result;
}

uint8_t lines_to_keep(const GpioOwners& owners) {
    if (kos_app_parameter_number("keep_outputs", 0) == 0) return 0;
    return static_cast<uint8_t>(~owners.lines(0));
}

}  // namespace

int main(int, char**) {
    kos_device_t device;
    kos_interrupt_t interrupt;
    kos_assert_ok(kos_dev_find(kDevice, &device));
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));

    static Hardware hardware(device);
    static Gpio gpio(hardware);
    const GpioOwners owners_of_lines = owners();
    if (!kos_status_is_ok(gpio.start(lines_to_keep(owners_of_lines))))
        kos_stop("device pl061: no PL061 at this address");
    static ServerCalls calls;
    static Service service(gpio, calls, owners_of_lines);
    Context context{service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    calls.server = &server;
    kos_dev_interrupt_acknowledge(&interrupt);
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
