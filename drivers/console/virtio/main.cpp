/*
 * The domain `virtio_console`: port 0 of a virtio console device, served as the port "virtio_console".
 *
 * A passive server, like the UART's; interrupts run on the domain's own time.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/server.h>

#include "console_service.h"
#include "hardware.h"
#include "virtio_console.h"

namespace {

using kos::driver::ConsoleService;
using kos::driver::DomainSet;
using kos::driver::Hardware;
using Console = kos::driver::VirtioConsole<Hardware>;
using Service = ConsoleService<Console>;

constexpr char kDevice[] = "virtio_console";
constexpr char kDma[] = "buffers";

struct Context {
    Console& console;
    Service& service;
    kos_interrupt_t interrupt;
};

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->service.call(*caller, *request, *answer);
}

void signalled(kos_server_t* server, uint64_t bits) {
    auto* context = static_cast<Context*>(server->context);
    if ((bits & context->interrupt.signal) == 0) return;
    context->console.interrupt();
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
    kos_dma_t dma;
    kos_assert_ok(kos_dev_find(kDevice, &device));
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));
    kos_assert_ok(kos_dev_dma(kDma, &dma));

    static Hardware hardware(device);
    static Console console(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical);
    const kos::virtio::Status started = console.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));
    static Service service(console, readers());
    Context context{console, service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    kos_dev_interrupt_acknowledge(&interrupt);
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
