/*
 * Port 0 of a virtio console device as a stream of bytes in both directions, with bounded rings.
 *
 * One thread calls everything; nothing waits but a reset, for kResetUs. Without MULTIPORT, which is not negotiated,
 * port 0 is queues 0 (receive) and 1 (transmit). Source: VIRTIO 1.1, section 5.3.
 */
#ifndef KOS_DRIVERS_VIRTIO_CONSOLE_H_
#define KOS_DRIVERS_VIRTIO_CONSOLE_H_

#include <kos/driver/byte_ring.h>
#include <kos/virtio/queue.h>
#include <kos/virtio/transport.h>

#include <stdint.h>
#include <span>

#include "stream_status.h"

namespace kos::driver {

template <typename Hardware>
class VirtioConsole {
public:
    static constexpr size_t kTransmitBytes = 16384;  // held for the device, beside what it has
    static constexpr size_t kReceiveBytes = 4096;
    static constexpr size_t kDmaBytes = 16384;
    static constexpr uint64_t kResetUs = 2000;     // on a caller's time
    static constexpr uint64_t kRetryUs = 5000000;  // between attempts to start a device that does not start

    VirtioConsole(Hardware& hardware, std::span<uint8_t> dma, uint64_t physical)
        : hardware_(hardware), transport_(hardware, kResetUs), dma_(dma), physical_(physical) {}

    // Resets the device. What it had is lost, what is in the rings stays.
    virtio::Status start() {
        is_running_ = false;
        retry_ = hardware_.ticks() + us_to_ticks(kRetryUs, hardware_.hz());
        if (dma_.size() < kDmaBytes) return virtio::Error::kMemory;
        KOS_VIRTIO_TRY(transport_.find(virtio::DeviceType::kConsole));
        KOS_VIRTIO_TRY(transport_.reset());
        const auto features = transport_.negotiate(0, 0);
        if (!features.ok()) return features.error();
        KOS_VIRTIO_TRY(
            receive_queue_.create(dma_.subspan(kReceiveQueueOffset, kQueueStride), physical_ + kReceiveQueueOffset));
        KOS_VIRTIO_TRY(
            transmit_queue_.create(dma_.subspan(kTransmitQueueOffset, kQueueStride), physical_ + kTransmitQueueOffset));
        KOS_VIRTIO_TRY(transport_.add_queue(kReceiveQueue, receive_queue_.layout()));
        KOS_VIRTIO_TRY(transport_.add_queue(kTransmitQueue, transmit_queue_.layout()));
        transport_.run();
        receive_free_ = transmit_free_ = (1u << kBuffers) - 1;
        is_running_ = true;
        return exchange();
    }

    // All of `bytes` or nothing; false if there is no room. Bytes of one call are never mixed with those of another.
    [[nodiscard]] bool write_all(std::span<const uint8_t> bytes) {
        look();
        if (bytes.size() > transmit_.room()) {
            status_.refused_bytes += bytes.size();
            return false;
        }
        write_some(bytes);
        return true;
    }

    // As many of `bytes` as there is room for; returns how many.
    size_t write_some(std::span<const uint8_t> bytes) {
        look();
        const size_t accepted = transmit_.push(bytes);
        status_.sent_bytes += accepted;
        status_.refused_bytes += bytes.size() - accepted;
        look();
        return accepted;
    }

    size_t read(std::span<uint8_t> out) {
        const size_t count = receive_.pop(out);
        // There may be room for buffers that were held back.
        look();
        return count;
    }

    void interrupt() {
        status_.interrupts++;
        look();
    }

    StreamStatus status() const {
        StreamStatus result = status_;
        result.transmit_queued = transmit_.size();
        result.receive_queued = receive_.size();
        return result;
    }

    bool is_running() const { return is_running_; }
    uint64_t resets() const { return resets_; }

private:
    static constexpr unsigned kBuffers = 4;  // each way
    static constexpr uint16_t kQueueSize = kBuffers;
    static constexpr uint32_t kBufferBytes = 1024;
    static constexpr uint32_t kReceiveQueue = 0, kTransmitQueue = 1;
    static constexpr size_t kQueueStride = 1024;
    static constexpr size_t kReceiveQueueOffset = 0, kTransmitQueueOffset = kQueueStride;
    static constexpr size_t kReceiveOffset = 4096, kTransmitOffset = kReceiveOffset + kBuffers * kBufferBytes;
    static_assert(virtio::Queue<kQueueSize>::kBytes <= kQueueStride);
    static_assert(kTransmitOffset + kBuffers * kBufferBytes <= kDmaBytes);
    static_assert(kReceiveBytes >= kBufferBytes, "a received buffer must fit into the empty ring");

    // Moves what can be moved; resets a device that broke the protocol.
    void look() {
        if (!is_running_) {
            if (hardware_.ticks() < retry_) return;
            restart();
            return;
        }
        (void)transport_.take_interrupts();
        if (!exchange().ok()) restart();
    }

    virtio::Status exchange() {
        KOS_VIRTIO_TRY(collect_received());
        KOS_VIRTIO_TRY(offer_receive_buffers());
        KOS_VIRTIO_TRY(collect_transmitted());
        return transmit();
    }

    // Received bytes go into the ring as long as a whole buffer fits; then the device is not given more buffers, so
    // that whoever sends to us has to wait, and nothing is lost.
    virtio::Status collect_received() {
        for (unsigned i = 0; i <= kBuffers; i++) {
            if (receive_.room() < kBufferBytes) return virtio::kOk;
            const auto taken = receive_queue_.take();
            if (!taken.ok()) return taken.error();
            if (!taken.value().any) return virtio::kOk;
            const unsigned buffer = receive_buffer_of_[taken.value().head];
            receive_free_ |= 1u << buffer;
            const uint32_t count = taken.value().written;
            status_.received_bytes += receive_.push({dma_.data() + receive_offset(buffer), count});
        }
        return virtio::kOk;
    }

    virtio::Status offer_receive_buffers() {
        bool added = false;
        while (receive_free_ != 0) {
            const auto buffer = static_cast<unsigned>(__builtin_ctz(receive_free_));
            const virtio::Buffer chain{physical_ + receive_offset(buffer), kBufferBytes, true};
            const auto head = receive_queue_.add({&chain, 1});
            if (!head.ok()) return head.error();
            receive_buffer_of_[head.value()] = static_cast<uint8_t>(buffer);
            receive_free_ &= ~(1u << buffer);
            added = true;
        }
        if (added && receive_queue_.wants_notify()) transport_.notify(kReceiveQueue);
        return virtio::kOk;
    }

    virtio::Status collect_transmitted() {
        for (unsigned i = 0; i <= kBuffers; i++) {
            const auto taken = transmit_queue_.take();
            if (!taken.ok()) return taken.error();
            if (!taken.value().any) return virtio::kOk;
            transmit_free_ |= 1u << transmit_buffer_of_[taken.value().head];
        }
        return virtio::kOk;
    }

    virtio::Status transmit() {
        bool added = false;
        while (transmit_free_ != 0 && !transmit_.empty()) {
            const auto buffer = static_cast<unsigned>(__builtin_ctz(transmit_free_));
            const auto count =
                static_cast<uint32_t>(transmit_.pop({dma_.data() + transmit_offset(buffer), kBufferBytes}));
            const virtio::Buffer chain{physical_ + transmit_offset(buffer), count, false};
            const auto head = transmit_queue_.add({&chain, 1});
            if (!head.ok()) return head.error();
            transmit_buffer_of_[head.value()] = static_cast<uint8_t>(buffer);
            transmit_free_ &= ~(1u << buffer);
            added = true;
        }
        if (added && transmit_queue_.wants_notify()) transport_.notify(kTransmitQueue);
        return virtio::kOk;
    }

    static constexpr size_t receive_offset(unsigned buffer) { return kReceiveOffset + buffer * size_t{kBufferBytes}; }
    static constexpr size_t transmit_offset(unsigned buffer) { return kTransmitOffset + buffer * size_t{kBufferBytes}; }

    void restart() {
        resets_++;
        status_.device_overruns++;
        if (!start().ok()) is_running_ = false;
    }

    Hardware& hardware_;
    virtio::Transport<Hardware> transport_;
    std::span<uint8_t> dma_;
    uint64_t physical_;
    virtio::Queue<kQueueSize> receive_queue_, transmit_queue_;
    bool is_running_ = false;
    unsigned receive_free_ = 0, transmit_free_ = 0;  // buffers that the device does not have, as bits
    uint8_t receive_buffer_of_[kQueueSize] = {}, transmit_buffer_of_[kQueueSize] = {};
    uint64_t retry_ = 0;
    uint64_t resets_ = 0;
    StreamStatus status_ = {};
    ByteRing<kTransmitBytes> transmit_;
    ByteRing<kReceiveBytes> receive_;
};

}  // namespace kos::driver

#endif
