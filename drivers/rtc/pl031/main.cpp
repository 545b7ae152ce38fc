/*
 * The domain `rtc`: one PL031, served as the port "rtc". An active server, because callers may wait for a time.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/server.h>

#include "hardware.h"
#include "pl031.h"
#include "rtc_service.h"
#include "server_calls.h"

namespace {

using kos::driver::DomainSet;
using kos::driver::Hardware;
using kos::driver::ServerCalls;
using Rtc = kos::driver::Pl031<Hardware>;
using Service = kos::driver::RtcService<Rtc, ServerCalls>;

constexpr char kDevice[] = "pl031";

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

// Nobody, unless the manifest says so.
DomainSet setters() {
    DomainSet result;
    if (!result.add_listed(kos::driver::startup_clients(kos_app_startup()), kos_app_parameter("setters"))) {
        kos_stop("parameter setters: expected names of clients of this domain, or *");
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
    static Rtc rtc(hardware);
    if (!kos_status_is_ok(rtc.start())) kos_stop("device pl031: no PL031 at this address");
    static ServerCalls calls;
    static Service service(rtc, calls, setters());
    Context context{service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    calls.server = &server;
    kos_dev_interrupt_acknowledge(&interrupt);
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
