/*
 * Device, driver and router in one process: what the tests of this folder have in common.
 */
#ifndef KOS_DRIVERS_NET_FIXTURE_H_
#define KOS_DRIVERS_NET_FIXTURE_H_

#include <memory>
#include <string>

#include "../net_link_router.h"
#include "../testing/memory_ring.h"
#include "driver_link.h"
#include "fake_net.h"
#include "virtio_net.h"

namespace kos::driver {

using Ring = net::testing::MemoryRing;
using Net = VirtioNet<FakeNet>;
using Link = DriverLink<Net, Ring>;
using Router = net::RouterLink<Ring>;

inline std::vector<uint8_t> frame_of(const std::string& text) {
    std::vector<uint8_t> frame(net::kFrameMin, 0xee);
    frame.insert(frame.end(), text.begin(), text.end());
    return frame;
}
inline std::string text_of(std::span<const uint8_t> frame) {
    return frame.size() < net::kFrameMin ? "?" : std::string(frame.begin() + net::kFrameMin, frame.end());
}

// What the router has heard.
struct Heard {
    void begin(const uint8_t* mac, uint16_t new_mtu) {
        begins++;
        last_mac.assign(mac, mac + net::kMacBytes);
        mtu = new_mtu;
    }
    void link(bool is_up) { links.push_back(is_up); }
    void frame(std::span<const uint8_t> bytes, net::LinkFlags flags) {
        frames.push_back(text_of(bytes));
        last_flags = flags;
    }
    unsigned begins = 0;
    uint16_t mtu = 0;
    std::vector<uint8_t> last_mac;
    std::vector<bool> links;
    std::deque<std::string> frames;
    net::LinkFlags last_flags{};
};

struct System {
    explicit System(uint64_t offered = FakeNet::kMac | FakeNet::kStatus)
        : memory(Net::kDmaBytes + net::kLinkBytes),
          fake(memory, offered),
          device(fake, memory.span().first(Net::kDmaBytes), memory.physical(), memory.physical() + Net::kDmaBytes,
                 1000000) {
        memset(area().data(), 0, net::kBuffersOffset);  // as root gives it
    }

    std::span<uint8_t> area() { return memory.span().subspan(Net::kDmaBytes); }

    // A new instance of the driver.
    void start_driver() {
        ASSERT_TRUE(device.start().ok());
        fake.forget();
        driver_in = std::make_unique<Ring>(area());
        driver_out = std::make_unique<Ring>(area());
        link = std::make_unique<Link>(device, *driver_in, *driver_out, session++);
        ASSERT_EQ(link->open(), KOS_STATUS_OK);
        ASSERT_TRUE(pump().ok());
    }
    void start_router() {
        router_in = std::make_unique<Ring>(area());
        router_out = std::make_unique<Ring>(area());
        router = std::make_unique<Router>(area(), *router_in, *router_out);
        heard = {};
        ASSERT_EQ(router->open(), KOS_STATUS_OK);
    }
    // Until the driver has nothing to do; a bound, because that is a promise.
    virtio::Status pump() {
        for (unsigned i = 0; i < 100; i++) {
            bool any = false;
            const virtio::Status status = link->pump(any);
            if (!status.ok() || (!any && link->prepare_wait() == 0)) return status;
        }
        ADD_FAILURE() << "the driver does not come to rest";
        return virtio::kOk;
    }
    // Both sides until nothing moves.
    void settle() {
        for (unsigned i = 0; i < 4; i++) {
            ASSERT_TRUE(pump().ok());
            while (router->poll(heard, 50) != 0) {
            }
        }
    }
    bool send(const std::string& text) {
        const std::vector<uint8_t> frame = frame_of(text);
        const std::span<uint8_t> room = router->transmit_buffer();
        if (room.empty()) return false;
        memcpy(room.data(), frame.data(), frame.size());
        router->send(frame.size());
        return true;
    }

    virtio::testing::FakeDma memory;
    FakeNet fake;
    Net device;
    uint16_t session = 7;
    std::unique_ptr<Ring> driver_in, driver_out, router_in, router_out;
    std::unique_ptr<Link> link;
    std::unique_ptr<Router> router;
    Heard heard;
};

}  // namespace kos::driver

#endif
