/*
 * The domain `gpio`: one PL061, served as the port "gpio" to the owners of its lines. An active server, because clients
 * may wait for edges.
 */
#include "gpio_service.h"
#include "serve.h"
#include "server_calls.h"

namespace {

using namespace kos::driver;
using Gpio = Pl061<Hardware>;

constexpr char kDevice[] = "pl061";

// Parameters line_0 to line_7 name the owners.
GpioOwners owners() {
    GpioOwners result;
    const auto clients = startup_clients(kos_app_startup());
    for (unsigned line = 0; line < kGpioLineCount; line++) {
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
    static Hardware hardware = registers_of(kDevice);
    static Gpio gpio(hardware);
    const GpioOwners owners_of_lines = owners();
    if (!kos_status_is_ok(gpio.start(lines_to_keep(owners_of_lines))))
        kos_stop("device pl061: no PL061 at this address");
    static ServerCalls calls;
    static GpioService<Gpio, ServerCalls> service(gpio, calls, owners_of_lines);
    calls.server = service.server();
    return serve(service, kDevice);
}
