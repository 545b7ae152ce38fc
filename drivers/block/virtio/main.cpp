/*
 * The domain `virtio_blk`: one virtio block device, served as the port "block".
 *
 * An active server: requests are answered when the device has finished them, several are in flight.
 */
#include <kos/app.h>
#include <kos/dev.h>
#include <kos/log.h>
#include <kos/server.h>
#include <kos/time.h>

#include "block_service.h"
#include "hardware.h"
#include "server_calls.h"

namespace {

using kos::driver::BlockService;
using kos::driver::Hardware;
using Device = kos::driver::VirtioBlock<Hardware>;

constexpr char kDevice[] = "virtio_blk";
constexpr char kDma[] = "buffers";
constexpr unsigned kAlarmBit = 0;

// What the service asks of libkos.
struct Calls : kos::driver::ServerCalls {
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

struct Context {
    BlockService<Device, Calls>& service;
    kos_interrupt_t interrupt;
};

kos_status_t call(kos_server_t* server, const kos_caller_t* caller, const kos_msg_t* request, kos_msg_t* answer) {
    return static_cast<Context*>(server->context)->service.call(*caller, *request, *answer);
}

void signalled(kos_server_t* server, uint64_t bits) {
    auto* context = static_cast<Context*>(server->context);
    if ((bits & context->interrupt.signal) != 0) {
        context->service.interrupt();
        kos_dev_interrupt_acknowledge(&context->interrupt);
    } else {
        context->service.check_deadlines();
    }
}

}  // namespace

int main(int, char**) {
    kos_device_t device;
    kos_interrupt_t interrupt;
    kos_dma_t dma;
    kos_assert_ok(kos_dev_find(kDevice, &device));
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));
    kos_assert_ok(kos_dev_dma(kDma, &dma));
    const uint64_t timeout_ms = kos_app_parameter_number("timeout_ms", 5000);
    if (timeout_ms == 0 || timeout_ms > 3600000) kos_stop("parameter timeout_ms: expected 1..3600000");

    static Hardware hardware(device);
    static Device block(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical,
                        timeout_ms * 1000);
    const kos::virtio::Status started = block.start();
    if (!started.ok()) kos_stop(kos::virtio::error_text(started.error()));

    static Calls calls;
    static BlockService<Device, Calls> service(block, calls);
    Context context{service, interrupt};
    kos_server_t server = {.call = call, .queued = nullptr, .signalled = signalled, .context = &context};
    calls.server = &server;
    kos_dev_interrupt_acknowledge(&interrupt);
    return kos_status_is_ok(kos_server_run(&server)) ? 0 : 1;
}
