/*
 * The domain `virtio_rng`: one virtio entropy device, served as the port "rng" to the entropy service. A passive
 * server.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/server.h>

#include "hardware.h"
#include "rng_service.h"
#include "virtio_rng.h"

namespace {

using kos::driver::Hardware;
using Rng = kos::driver::VirtioRng<Hardware>;
using Service = kos::driver::RngService<Rng>;

constexpr char kDevice[] = "virtio_rng";
constexpr char kDma[] = "buffers";

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

}  // namespace

int main(int, char**) {
    kos_device_t device;
    kos_interrupt_t interrupt;
    kos_dma_t dma;
    kos_assert_ok(kos_dev_find(kDevice, &device));
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));
    kos_assert_ok(kos_dev_dma(kDma, &dma));

    static Hardware hardware(device);
    static Rng rng(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical);
    const kos::virtio::Status started = rng.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));
    static Service service(rng);
    Context context{service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    kos_dev_interrupt_acknowledge(&interrupt);
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
