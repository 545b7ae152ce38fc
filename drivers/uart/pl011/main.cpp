/*
 * The domain `uart`: finds the PL011 of its manifest, starts it and serves the port "console".
 *
 * Calls run on the callers' time, interrupts on the domain's own; both on the one main thread, so nothing is locked.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/log.h>
#include <kos/server.h>

#include "console_service.h"
#include "hardware.h"
#include "pl011.h"

namespace {

using kos::driver::ConsoleService;
using kos::driver::DomainSet;
using kos::driver::Hardware;
using Uart = kos::driver::Pl011<Hardware>;

constexpr char kDevice[] = "pl011";
// How long the last bytes get when the domain is asked to stop; half of what app.toml gives in shutdown_ms.
constexpr uint64_t kFlushUs = 500000;

struct Context {
    Uart& uart;
    ConsoleService<Uart>& service;
    kos_interrupt_t interrupt;
};

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->service.call(*caller, *request, *answer);
}

void signalled(kos_server_t* server, uint64_t bits) {
    auto* context = static_cast<Context*>(server->context);
    if ((bits & context->interrupt.signal) == 0) return;
    context->uart.interrupt();
    kos_dev_interrupt_acknowledge(&context->interrupt);
}

DomainSet readers() {
    DomainSet result;
    if (!result.add_listed(kos::driver::startup_clients(kos_app_startup()), kos_app_parameter("readers"))) {
        kos_stop("parameter readers: expected names of clients of this domain, or *");
    }
    return result;
}

}  // namespace

int main(int, char**) {
    kos_device_t device;
    kos_interrupt_t interrupt;
    kos_assert_ok(kos_dev_find(kDevice, &device));
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));

    static Hardware hardware(device);
    static Uart uart(hardware);
    static ConsoleService<Uart> service(uart, readers());
    const kos_status_t started =
        uart.start(kos_app_parameter_number("clock_hz", 24000000), kos_app_parameter_number("baud", 115200));
    if (started == KOS_STATUS_INVALID_ARGUMENT) kos_stop("parameters clock_hz, baud: the device has no such divisor");
    if (!kos_status_is_ok(started)) kos_stop("device pl011: no PL011 at this address");
    kos_dev_interrupt_acknowledge(&interrupt);

    Context context{uart, service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    const kos_status_t ended = kos_server_run(&server);
    (void)kos::driver::wait_for(hardware, kFlushUs, [] { return uart.flush(); });
    return kos_status_is_ok(ended) ? 0 : 1;
}
