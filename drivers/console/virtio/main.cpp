/*
 * The domain `virtio_console`: port 0 of a virtio console device, served as the port "virtio_console".
 *
 * A passive server, like the UART's; interrupts run on the domain's own time.
 */
#include "client_signals.h"
#include "console_service.h"
#include "serve.h"
#include "virtio_console.h"

namespace {

using namespace kos::driver;
using Console = VirtioConsole<Hardware>;

constexpr char kDevice[] = "virtio_console";

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    const kos_dma_t dma = dma_of("buffers");
    static Console console(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical);
    const kos::virtio::Status started = console.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));
    static ClientSignals signals(kos_app_startup());
    static ConsoleService<Console> service(
        console, clients_listed("readers", "parameter readers: expected names of clients of this domain, or *"),
        signals);
    return serve(service, kDevice);
}
