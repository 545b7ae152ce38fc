/*
 * What the main functions of drivers have in common: finding what the manifest gives the driver, and the server loop
 * with the device's interrupt. Target only. A driver without one of these ends at once, with a record that says which.
 *
 * `Service` is a server of generated bindings (idl/) with interrupt(), which runs on the thread that serves.
 */
#ifndef KOS_DRIVERS_COMMON_SERVE_H_
#define KOS_DRIVERS_COMMON_SERVE_H_

#include <kos/app.h>
#include <kos/dev.h>
#include <kos/server.h>

#include "client_list.h"
#include "hardware.h"

namespace kos::driver {

// The registers of the [[device]] `name`.
inline Hardware registers_of(const char* name) {
    kos_device_t device;
    kos_assert_ok(kos_dev_find(name, &device));
    return Hardware(device);
}

// The [[dma]] area `name`.
inline kos_dma_t dma_of(const char* name) {
    kos_dma_t area;
    kos_assert_ok(kos_dev_dma(name, &area));
    return area;
}

// The clients that a parameter lists; nobody, unless the manifest says so. `expected`: what to say of wrong names.
inline DomainSet clients_listed(const char* parameter, const char* expected) {
    DomainSet result;
    if (!result.add_listed(startup_clients(kos_app_startup()), kos_app_parameter(parameter))) kos_stop(expected);
    return result;
}

// Serves until the domain is asked to stop, with the first interrupt of the [[device]] `name`. Signals other than it go
// to the service's other_signals(), if it has one. The exit status of main.
template <typename Service>
[[nodiscard]] int serve(Service& service, const char* name) {
    static kos_interrupt_t interrupt;
    kos_assert_ok(kos_dev_interrupt(name, &interrupt));
    service.server()->signalled = [](kos_server_t* server, uint64_t bits) {
        auto* served = static_cast<Service*>(server->context);
        if ((bits & interrupt.signal) != 0) {
            served->interrupt();
            kos_dev_interrupt_acknowledge(&interrupt);
        } else if constexpr (requires { served->other_signals(); }) {
            served->other_signals();
        }
    };
    kos_dev_interrupt_acknowledge(&interrupt);
    return service.run().ok() ? 0 : 1;
}

}  // namespace kos::driver

#endif
