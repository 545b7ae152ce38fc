/*
 * The device's side of virtio-net for unit tests (VIRTIO 1.1, 5.1), with lies on request.
 */
#ifndef KOS_DRIVERS_FAKE_NET_H_
#define KOS_DRIVERS_FAKE_NET_H_

#include <deque>

#include "../net_link.h"
#include "fake_device.h"

namespace kos::driver {

class FakeNet : public virtio::testing::FakeDevice {
public:
    static constexpr uint64_t kChecksum = 1u << 0, kGuestChecksum = 1u << 1, kMtu = 1u << 3, kMac = 1u << 5,
                              kStatus = 1u << 16;
    static constexpr size_t kHeaderBytes = 12;

    explicit FakeNet(virtio::testing::FakeDma& memory, uint64_t offered = kMac | kStatus)
        : FakeDevice(virtio::DeviceType::kNet, memory, 2, offered) {
        config = {0x52, 0x54, 0, 1, 2, 3, 1, 0, 0, 0, 0, 0};
    }

    void set_link(bool is_up) {
        config[6] = is_up ? 1 : 0;
        generation++;
        interrupts |= virtio::mmio::kInterruptConfig;
    }
    void set_mtu(uint16_t mtu) {
        config[10] = static_cast<uint8_t>(mtu);
        config[11] = static_cast<uint8_t>(mtu >> 8);
    }

    // A frame arrives; false: there is no buffer for it, it is lost.
    bool arrive(const std::vector<uint8_t>& frame, uint8_t flags = 0, uint8_t segmentation = 0) {
        const auto chain = fetch(0);
        if (!chain) return false;
        EXPECT_EQ(chain->writable_bytes(), kHeaderBytes + net::kFrameMax);
        std::vector<uint8_t> bytes(kHeaderBytes);
        bytes[0] = flags;
        bytes[1] = segmentation;
        bytes[10] = 1;
        bytes.insert(bytes.end(), frame.begin(), frame.end());
        const uint32_t written = chain->write(bytes);
        put_used(0, chain->head, length_override.value_or(written));
        return true;
    }

    struct Sent {
        std::vector<uint8_t> header, frame;
    };
    // Takes what the driver has given to be sent, without finishing it.
    void collect() {
        while (auto chain = fetch(1)) {
            const std::vector<uint8_t> bytes = chain->readable();
            ASSERT_GE(bytes.size(), kHeaderBytes + net::kFrameMin);
            sent.push_back(
                {{bytes.begin(), bytes.begin() + kHeaderBytes}, {bytes.begin() + kHeaderBytes, bytes.end()}});
            unfinished.push_back(chain->head);
        }
    }
    void send_all() {
        collect();
        while (!unfinished.empty()) {
            put_used(1, unfinished.front(), 0);
            unfinished.pop_front();
        }
    }
    // What a reset does.
    void forget() {
        unfinished.clear();
        sent.clear();
    }

    std::deque<Sent> sent;
    std::deque<uint32_t> unfinished;
    std::optional<uint32_t> length_override;
};

}  // namespace kos::driver

#endif
