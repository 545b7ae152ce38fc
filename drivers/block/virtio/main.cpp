/*
 * The domain `virtio_blk`: one virtio block device, served as the port "block".
 *
 * An active server: requests are answered when the device has finished them, several are in flight.
 */
#include <kos/log.h>
#include <kos/time.h>

#include "block_service.h"
#include "serve.h"
#include "server_calls.h"

namespace {

using namespace kos::driver;
using Device = VirtioBlock<Hardware>;

constexpr char kDevice[] = "virtio_blk";
constexpr unsigned kAlarmBit = 0;

// What the service asks of libkos.
struct Calls : ServerCalls {
    void alarm(uint64_t when) {
        const kos_status_t status = kos_time_alarm(kAlarmBit, when);
        // Deadlines are looked at with each request and interrupt as well, so this makes them late, not lost.
        if (!kos_status_is_ok(status))
            kos_log_warning("no alarm for the device's deadline: %s", kos_status_name(status));
    }
    uint64_t ticks() { return kos_time_ticks(); }
    uint64_t hz() { return kos_time_hz(); }
    void report(kos::virtio::Error error) { kos_log_error("device reset: %s", kos::virtio::error_text(error)); }
};

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    const kos_dma_t dma = dma_of("buffers");
    const uint64_t timeout_ms = kos_app_parameter_number("timeout_ms", 5000);
    if (timeout_ms == 0 || timeout_ms > 3600000) kos_stop("parameter timeout_ms: expected 1..3600000");

    static Device block(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical,
                        timeout_ms * 1000);
    const kos::virtio::Status started = block.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));

    static Calls calls;
    static BlockService<Device, Calls> service(block, calls);
    calls.server = service.server();
    return serve(service, kDevice);
}
