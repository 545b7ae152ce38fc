/*
 * The domain `net_virtio`: one virtio network device, whose frames it shares with netrouter (../net_link.h).
 *
 * It serves no port. It sleeps for its device, the router and the alarm that tells of a device that stands still.
 */
#include <kos/log.h>
#include <kos/signal.h>
#include <kos/time.h>

#include "../link_ring.h"
#include "driver_link.h"
#include "serve.h"
#include "virtio_net.h"

namespace {

using namespace kos;
using namespace kos::driver;
using Device = VirtioNet<Hardware>;
using Link = DriverLink<Device, net::LinkRing>;

constexpr char kDevice[] = "virtio_net";
constexpr unsigned kAlarmBit = 0;
constexpr unsigned kRounds = 64;  // between two looks at the rest of the world
constexpr uint64_t kRetryUs = 5000000;
constexpr uint64_t kReportUs = 1000000;

class Driver {
public:
    Driver(Device& device, Link& link) : device_(device), link_(link) {}

    void work() {
        for (unsigned i = 0;; i++) {
            bool any = false;
            if (const virtio::Status status = link_.pump(any); !status.ok()) recover(status.error());
            if (!any && !link_.prepare_wait()) break;
            if (i % kRounds == kRounds - 1) {
                kos_app_alive();
                if (kos_app_should_stop()) return;
            }
        }
        check_device();
        report();
    }

    kos_server_t server = {.call = nullptr, .queued = nullptr, .signalled = nullptr, .context = nullptr};

private:
    // A device that does not finish what it was given is reset; one that does not come back is tried again.
    void check_device() {
        const uint64_t now = kos_time_ticks();
        if (!device_.is_running()) {
            if (now >= retry_) recover(virtio::Error::kNoReset);
            return set_alarm(retry_, now);
        }
        if (device_.deadline() == UINT64_MAX) return;
        if (now >= device_.deadline()) recover(virtio::Error::kBroken);
        set_alarm(device_.is_running() ? device_.deadline() : retry_, now);
    }

    // One alarm at a time: when it has come, the deadline then is looked at.
    void set_alarm(uint64_t when, uint64_t now) {
        if (alarm_ > now || when == UINT64_MAX) return;
        alarm_ = when;
        const kos_status_t status = kos_time_alarm(kAlarmBit, when);
        // Looked at with each interrupt and frame as well, so this makes it late, not lost.
        if (!kos_status_is_ok(status))
            kos_log_warning("no alarm for the device's deadline: %s", kos_status_name(status));
    }

    void recover(virtio::Error why) {
        kos_log_error("device reset: %s", virtio::error_text(why));
        const virtio::Status status = link_.recover();
        if (status.ok()) return;
        kos_log_error("the device does not come back: %s", virtio::error_text(status.error()));
        retry_ = kos_time_after_us(kRetryUs);
    }

    // What is worth a line, at most one per second.
    void report() {
        const DriverLinkCounters& link = link_.counters();
        const NetCounters& device = device_.counters();
        if (link.invalid == told_invalid_ && device.malformed == told_malformed_) return;
        if (const uint64_t now = kos_time_ticks(); now >= next_report_) {
            next_report_ = now + kos_time_us_to_ticks(kReportUs);
            told_invalid_ = link.invalid;
            told_malformed_ = device.malformed;
            kos_log_warning("the router broke the rules %llu times, the device gave %llu malformed frames",
                            static_cast<unsigned long long>(told_invalid_),
                            static_cast<unsigned long long>(told_malformed_));
        }
    }

    Device& device_;
    Link& link_;
    uint64_t alarm_ = 0;
    uint64_t retry_ = 0;
    uint64_t next_report_ = 0;
    uint64_t told_invalid_ = 0, told_malformed_ = 0;
};

kos_interrupt_t interrupt;

}  // namespace

int main(int, char**) {
    static Hardware hardware = registers_of(kDevice);
    const kos_dma_t dma = dma_of("queues");
    static kos_ring_memory_t frames;
    kos_assert_ok(kos_ring_memory(net::kFramesRing, &frames));
    if (frames.size_bytes < net::kLinkBytes || frames.physical == 0) {
        kos_stop("[[ring]] net_frames: expected 800K, dma = true, from this domain");
    }
    const uint64_t timeout_ms = kos_app_parameter_number("timeout_ms", 5000);
    if (timeout_ms == 0 || timeout_ms > 3600000) kos_stop("parameter timeout_ms: expected 1..3600000");

    static Device device(hardware, {static_cast<uint8_t*>(dma.address), dma.size_bytes}, dma.physical, frames.physical,
                         timeout_ms * 1000);
    const virtio::Status started = device.start();
    if (!started.ok()) kos_stop(virtio::error_text(started.error()));
    const auto mac = device.mac();
    kos_log_info("%02x:%02x:%02x:%02x:%02x:%02x, link %s%s", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
                 device.is_link_up() ? "up" : "down", device.offers_checksum() ? ", checksums" : "");

    static net::LinkRing in(frames), out(frames);
    // Any number: the router forgets the session of the last instance with the ring.
    static Link link(device, in, out, static_cast<uint16_t>(kos_time_ticks()));
    kos_assert_ok(link.open());
    static Driver driver(device, link);
    driver.server.context = &driver;
    driver.server.signalled = [](kos_server_t* server, uint64_t bits) {
        static_cast<Driver*>(server->context)->work();
        if ((bits & interrupt.signal) != 0) kos_dev_interrupt_acknowledge(&interrupt);
    };
    kos_assert_ok(kos_dev_interrupt(kDevice, &interrupt));
    kos_dev_interrupt_acknowledge(&interrupt);
    driver.work();
    return kos_status_is_ok(kos_server_run(&driver.server)) ? 0 : 1;
}
