/*
 * A virtio network device: frames in buffers that somebody else hands over by number, several in flight both ways.
 *
 * It knows nothing of the router (driver_link.h) and trusts nothing that the device writes. One thread calls
 * everything. Source: VIRTIO 1.1, section 5.1.
 */
#ifndef KOS_DRIVERS_VIRTIO_NET_H_
#define KOS_DRIVERS_VIRTIO_NET_H_

#include <kos/virtio/queue.h>
#include <kos/virtio/transport.h>

#include <stdint.h>
#include <string.h>
#include <span>

#include "../net_link.h"

namespace kos::driver {

struct NetCounters {
    uint64_t received = 0, sent = 0;
    uint64_t malformed = 0;  // frames that the device should not have given: too short, or of a kind not agreed on
    uint64_t resets = 0;
};

template <typename Hardware>
class VirtioNet {
public:
    static constexpr size_t kDmaBytes = 32768;  // queues and headers, for this device only
    // Two descriptors for each frame, its header and itself.
    static constexpr uint16_t kQueueSize = 256;
    static constexpr unsigned kInFlight = kQueueSize / 2;
    static_assert(net::kTransmitBuffers <= kInFlight);

    // `dma`: kDmaBytes at `physical`. `frames`: physical address of the area of net_link.h.
    VirtioNet(Hardware& hardware, std::span<uint8_t> dma, uint64_t physical, uint64_t frames, uint64_t timeout_us)
        : hardware_(hardware),
          transport_(hardware),
          dma_(dma),
          physical_(physical),
          frames_(frames),
          timeout_us_(timeout_us) {}

    // Resets the device and begins anew. Frames that were in flight are forgotten: see recover().
    virtio::Status start() {
        is_running_ = false;
        if (dma_.size() < kDmaBytes) return virtio::Error::kMemory;
        KOS_VIRTIO_TRY(transport_.find(virtio::DeviceType::kNet));
        KOS_VIRTIO_TRY(transport_.reset());
        const auto features = transport_.negotiate(kMac, kChecksum | kGuestChecksum | kMtu | kStatus);
        if (!features.ok()) return features.error();
        features_ = features.value();
        KOS_VIRTIO_TRY(read_config());
        KOS_VIRTIO_TRY(receive_.create(dma_.first(kQueueStride), physical_));
        KOS_VIRTIO_TRY(send_.create(dma_.subspan(kQueueStride, kQueueStride), physical_ + kQueueStride));
        KOS_VIRTIO_TRY(transport_.add_queue(kReceiveQueue, receive_.layout()));
        KOS_VIRTIO_TRY(transport_.add_queue(kSendQueue, send_.layout()));
        memset(is_with_device_, 0, sizeof is_with_device_);
        receiving_ = sending_ = 0;
        must_notify_[kReceiveQueue] = must_notify_[kSendQueue] = false;
        transport_.run();
        is_running_ = true;
        return virtio::kOk;
    }

    bool is_running() const { return is_running_; }
    std::span<const uint8_t, net::kMacBytes> mac() const { return std::span<const uint8_t, net::kMacBytes>(mac_); }
    uint16_t mtu() const { return mtu_; }
    bool is_link_up() const { return is_link_up_; }
    bool offers_checksum() const { return (features_ & kChecksum) != 0; }
    const NetCounters& counters() const { return counters_; }
    unsigned receiving() const { return receiving_; }
    unsigned sending() const { return sending_; }
    bool is_with_device(unsigned buffer) const { return is_with_device_[buffer]; }

    // Lets the device write a frame into `buffer`. False: kInFlight are with it already, or it does not run.
    [[nodiscard]] bool post(unsigned buffer) {
        if (!is_running_ || receiving_ == kInFlight) return false;
        const virtio::Buffer chain[2] = {{header_physical(buffer), sizeof(Header), true},
                                         {frame_physical(buffer), net::kFrameMax, true}};
        const auto head = receive_.add(chain);
        if (!head.ok()) return false;
        receive_buffer_[head.value()] = static_cast<uint16_t>(buffer);
        is_with_device_[buffer] = true;
        receiving_++;
        must_notify_[kReceiveQueue] = true;
        return true;
    }

    // Sends the frame of `length` bytes in `buffer`. Precondition: running, the buffer is not with the device; with
    // checksum_offset != 0: offers_checksum(), both within the frame.
    virtio::Status send(unsigned buffer, uint16_t length, uint16_t checksum_start, uint16_t checksum_offset) {
        Header header = {};
        if (checksum_offset != 0) {
            header.flags = kNeedsChecksum;
            header.checksum_start = checksum_start;
            header.checksum_offset = checksum_offset;
        }
        memcpy(dma_.data() + header_position(buffer), &header, sizeof header);
        const virtio::Buffer chain[2] = {{header_physical(buffer), sizeof(Header), false},
                                         {frame_physical(buffer), length, false}};
        const auto head = send_.add(chain);
        if (!head.ok()) return head.error();
        send_buffer_[head.value()] = static_cast<uint16_t>(buffer);
        is_with_device_[buffer] = true;
        if (sending_++ == 0) progress_ = hardware_.ticks();
        counters_.sent++;
        must_notify_[kSendQueue] = true;
        return virtio::kOk;
    }

    // Tells the device of everything that post() and send() have added.
    void notify() {
        if (must_notify_[kReceiveQueue] && receive_.wants_notify()) transport_.notify(kReceiveQueue);
        if (must_notify_[kSendQueue] && send_.wants_notify()) transport_.notify(kSendQueue);
        must_notify_[kReceiveQueue] = must_notify_[kSendQueue] = false;
        // Below, whoever sends has buffers left, and what is finished is found on the next occasion. finish() is to be
        // called once more after frames were sent, which finds those finished before this.
        send_.want_interrupts(sending_ >= kInFlight / 2);
    }

    // Takes what the device has finished, at most kInFlight frames each way: calls received(buffer, length, flags) with
    // flags of net::LinkFlags, length 0 for a frame that is not to be passed on, and sent(buffer). Sets `any` if there
    // was something. An error means that only recover() helps.
    template <typename Received, typename Sent>
    virtio::Status finish(Received received, Sent sent, bool& any) {
        if ((transport_.take_interrupts() & virtio::mmio::kInterruptConfig) != 0) {
            if (transport_.needs_reset()) return virtio::Error::kBroken;
            KOS_VIRTIO_TRY(read_config());
            any = true;
        }
        for (unsigned i = 0; i < kInFlight; i++) {
            const auto taken = send_.take();
            if (!taken.ok()) return taken.error();
            if (!taken.value().any) break;
            const unsigned buffer = send_buffer_[taken.value().head];
            is_with_device_[buffer] = false;
            sending_--;
            progress_ = hardware_.ticks();
            any = true;
            sent(buffer);
        }
        for (unsigned i = 0; i < kInFlight; i++) {
            const auto taken = receive_.take();
            if (!taken.ok()) return taken.error();
            if (!taken.value().any) break;
            const unsigned buffer = receive_buffer_[taken.value().head];
            is_with_device_[buffer] = false;
            receiving_--;
            any = true;
            uint16_t flags = 0;
            const uint16_t length = check_frame(buffer, taken.value().written, flags);
            length != 0 ? counters_.received++ : counters_.malformed++;
            received(buffer, length, flags);
        }
        return virtio::kOk;
    }

    // Resets the device and starts it again; then calls lost(buffer) for each buffer that was with it. If it fails, the
    // device is not running and may still write to those buffers, which stay with it; recover() may be tried again.
    template <typename Lost>
    virtio::Status recover(Lost lost) {
        counters_.resets++;
        bool was_with_device[net::kBuffers];
        memcpy(was_with_device, is_with_device_, sizeof was_with_device);
        if (const virtio::Status status = start(); !status.ok()) return status;
        for (unsigned buffer = 0; buffer < net::kBuffers; buffer++) {
            if (was_with_device[buffer]) lost(buffer);
        }
        return virtio::kOk;
    }

    // When a device that sends nothing although it has frames to send counts as broken, in ticks; UINT64_MAX: never.
    uint64_t deadline() const {
        return sending_ == 0 ? UINT64_MAX : progress_ + us_to_ticks(timeout_us_, hardware_.hz());
    }

private:
    // 5.1.3: feature bits.
    static constexpr uint64_t kChecksum = uint64_t{1} << 0;
    static constexpr uint64_t kGuestChecksum = uint64_t{1} << 1;
    static constexpr uint64_t kMtu = uint64_t{1} << 3;
    static constexpr uint64_t kMac = uint64_t{1} << 5;
    static constexpr uint64_t kStatus = uint64_t{1} << 16;
    // 5.1.2
    static constexpr uint32_t kReceiveQueue = 0, kSendQueue = 1;
    // 5.1.4: struct virtio_net_config
    static constexpr uint32_t kConfigMac = 0, kConfigStatus = 6, kConfigMtu = 10;
    static constexpr uint16_t kStatusLinkUp = 1;
    static constexpr uint16_t kMtuMin = 1280, kMtuMax = net::kFrameMax - net::kFrameMin;

    // 5.1.6: struct virtio_net_hdr, as devices of version 1 have it.
    struct Header {
        uint8_t flags;
        uint8_t segmentation;  // none of these features is negotiated, so 0
        uint16_t header_length, segment_bytes;
        uint16_t checksum_start, checksum_offset;
        uint16_t buffers;
    };
    static_assert(sizeof(Header) == 12);
    static constexpr uint8_t kNeedsChecksum = 1, kDataValid = 2;

    static constexpr size_t kQueueStride = 8192;
    static constexpr size_t kHeaderStride = 16;
    static constexpr size_t kHeaders = 2 * kQueueStride;
    static_assert(virtio::Queue<kQueueSize>::kBytes <= kQueueStride);
    static_assert(kHeaders + net::kBuffers * kHeaderStride <= kDmaBytes);

    static constexpr size_t header_position(unsigned buffer) { return kHeaders + buffer * kHeaderStride; }
    uint64_t header_physical(unsigned buffer) const { return physical_ + header_position(buffer); }
    uint64_t frame_physical(unsigned buffer) const { return frames_ + net::frame_position(buffer); }

    virtio::Status read_config() {
        uint16_t status = kStatusLinkUp;
        uint16_t mtu = kMtuMax;
        KOS_VIRTIO_TRY(transport_.read_config([&] {
            for (uint32_t i = 0; i < net::kMacBytes; i++) mac_[i] = transport_.config8(kConfigMac + i);
            if ((features_ & kStatus) != 0) status = transport_.config16(kConfigStatus);
            if ((features_ & kMtu) != 0) mtu = transport_.config16(kConfigMtu);
        }));
        // A group address belongs to nobody (IEEE 802, 8.2.2).
        if ((mac_[0] & 1) != 0) return virtio::Error::kConfig;
        is_link_up_ = (status & kStatusLinkUp) != 0;
        mtu_ = mtu < kMtuMin || mtu > kMtuMax ? kMtuMax : mtu;
        return virtio::kOk;
    }

    // The length of the frame that the device says to have written, 0 for one that is not to be passed on.
    uint16_t check_frame(unsigned buffer, uint32_t written, uint16_t& flags) const {
        if (written < sizeof(Header) + net::kFrameMin) return 0;
        Header header;
        memcpy(&header, dma_.data() + header_position(buffer), sizeof header);
        if (header.segmentation != 0) return 0;
        if ((features_ & kGuestChecksum) != 0) {
            if ((header.flags & kNeedsChecksum) != 0) {
                flags = net::kChecksumPartial;
            } else if ((header.flags & kDataValid) != 0) {
                flags = net::kChecksumGood;
            }
        }
        // The queue has checked that it is not more than fits the two buffers.
        return static_cast<uint16_t>(written - sizeof(Header));
    }

    Hardware& hardware_;
    virtio::Transport<Hardware> transport_;
    std::span<uint8_t> dma_;
    uint64_t physical_, frames_;
    uint64_t timeout_us_;
    virtio::Queue<kQueueSize> receive_, send_;
    uint64_t features_ = 0;
    uint8_t mac_[net::kMacBytes] = {};
    uint16_t mtu_ = kMtuMax;
    bool is_running_ = false;
    bool is_link_up_ = false;
    bool must_notify_[2] = {};
    unsigned receiving_ = 0, sending_ = 0;
    uint64_t progress_ = 0;  // when the device last finished a frame, or had none
    bool is_with_device_[net::kBuffers] = {};
    uint16_t receive_buffer_[kQueueSize] = {};  // by head
    uint16_t send_buffer_[kQueueSize] = {};
    NetCounters counters_;
};

}  // namespace kos::driver

#endif
