/*
 * The domain `uart`: finds the PL011 of its manifest, starts it and serves the port "console".
 *
 * Calls run on the callers' time, interrupts on the domain's own; both on the one main thread, so nothing is locked.
 */
#include "client_signals.h"
#include "console_service.h"
#include "pl011.h"
#include "serve.h"

namespace {

using namespace kos::driver;
using Uart = Pl011<Hardware>;

constexpr char kDevice[] = "pl011";
// How long the last bytes get when the domain is asked to stop; half of what app.toml gives in shutdown_ms.
constexpr uint64_t kFlushUs = 500000;

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    static Uart uart(hardware);
    static ClientSignals signals(kos_app_startup());
    static ConsoleService<Uart> service(
        uart, clients_listed("readers", "parameter readers: expected names of clients of this domain, or *"), signals);
    const kos_status_t started =
        uart.start(kos_app_parameter_number("clock_hz", 24000000), kos_app_parameter_number("baud", 115200));
    if (started == KOS_STATUS_INVALID_ARGUMENT) kos_stop("parameters clock_hz, baud: the device has no such divisor");
    if (!kos_status_is_ok(started)) kos_stop("device pl011: no PL011 at this address");
    const int status = serve(service, kDevice);
    (void)wait_for(hardware, kFlushUs, [] { return uart.flush(); });
    return status;
}
