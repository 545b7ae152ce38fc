/*
 * The domain `virtio_rng`: one virtio entropy device, served as the port "rng" to the entropy service. A passive
 * server.
 */
#include "rng_service.h"
#include "serve.h"
#include "virtio_rng.h"

namespace {

using namespace kos::driver;
using Rng = VirtioRng<Hardware>;

constexpr char kDevice[] = "virtio_rng";

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    const kos_dma_t dma = dma_of("buffers");
    static Rng rng(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical);
    const kos::virtio::Status started = rng.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));
    static RngService<Rng> service(rng);
    return serve(service, kDevice);
}
