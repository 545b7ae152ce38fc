/*
 * A virtio entropy device: keeps one buffer of random bytes ready and asks for the next when it is empty.
 *
 * One thread calls everything; nothing waits but a reset, for kResetUs. What the bytes are worth is for the entropy
 * service to judge: a hostile device can send what it likes. Source: VIRTIO 1.1, section 5.4.
 */
#ifndef KOS_DRIVERS_VIRTIO_RNG_H_
#define KOS_DRIVERS_VIRTIO_RNG_H_

#include <kos/virtio/queue.h>
#include <kos/virtio/transport.h>

#include <stdint.h>
#include <string.h>
#include <span>

namespace kos::driver {

template <typename Hardware>
class VirtioRng {
public:
    static constexpr uint32_t kBufferBytes = 1024;
    static constexpr size_t kDmaBytes = 4096;
    static constexpr uint64_t kResetUs = 2000;     // on a caller's time
    static constexpr uint64_t kStallUs = 2000000;  // a request that is not answered by then is given up
    static constexpr uint64_t kRetryUs = 5000000;  // between attempts to start a device that does not start

    VirtioRng(Hardware& hardware, std::span<uint8_t> dma, uint64_t physical)
        : hardware_(hardware), transport_(hardware, kResetUs), dma_(dma), physical_(physical) {}

    // Resets the device and asks for the first bytes.
    virtio::Status start() {
        is_running_ = false;
        ready_ = used_ = 0;
        retry_ = hardware_.ticks() + us_to_ticks(kRetryUs, hardware_.hz());
        if (dma_.size() < kDmaBytes) return virtio::Error::kMemory;
        KOS_VIRTIO_TRY(transport_.find(virtio::DeviceType::kEntropy));
        KOS_VIRTIO_TRY(transport_.reset());
        const auto features = transport_.negotiate(0, 0);
        if (!features.ok()) return features.error();
        KOS_VIRTIO_TRY(queue_.create(dma_.first(kBufferOffset), physical_));
        KOS_VIRTIO_TRY(transport_.add_queue(0, queue_.layout()));
        transport_.run();
        is_running_ = true;
        return request();
    }

    // After an interrupt, and before each read: takes what has come. A device that broke the protocol or has been
    // silent for too long is reset.
    void look() {
        if (!is_running_) {
            if (hardware_.ticks() >= retry_) restart();
            return;
        }
        (void)transport_.take_interrupts();
        if (queue_.in_flight() == 0) return;
        const auto taken = queue_.take();
        if (!taken.ok()) return restart();
        if (!taken.value().any) {
            if (hardware_.ticks() - asked_ > us_to_ticks(kStallUs, hardware_.hz())) restart();
            return;
        }
        // 5.4.6.1: at least one byte.
        if (taken.value().written == 0) return restart();
        ready_ = taken.value().written;
        used_ = 0;
    }

    // Moves up to out.size() bytes that are ready into `out`, each of them once; returns how many.
    size_t read(std::span<uint8_t> out) {
        const size_t count = out.size() < ready_ - used_ ? out.size() : ready_ - used_;
        if (count == 0) return 0;
        memcpy(out.data(), buffer() + used_, count);
        // Whoever sees this memory later learns nothing of what was handed out.
        memset(buffer() + used_, 0, count);
        used_ += static_cast<uint32_t>(count);
        if (used_ == ready_ && !request().ok()) restart();
        return count;
    }

    bool is_running() const { return is_running_; }
    uint64_t resets() const { return resets_; }

private:
    static constexpr uint16_t kQueueSize = 2;
    static constexpr size_t kBufferOffset = 1024;
    static_assert(virtio::Queue<kQueueSize>::kBytes <= kBufferOffset && kBufferOffset + kBufferBytes <= kDmaBytes);

    uint8_t* buffer() { return dma_.data() + kBufferOffset; }

    virtio::Status request() {
        ready_ = used_ = 0;
        asked_ = hardware_.ticks();
        const virtio::Buffer chain{physical_ + kBufferOffset, kBufferBytes, true};
        const auto head = queue_.add({&chain, 1});
        if (!head.ok()) return head.error();
        if (queue_.wants_notify()) transport_.notify(0);
        return virtio::kOk;
    }

    void restart() {
        resets_++;
        if (!start().ok()) is_running_ = false;
    }

    Hardware& hardware_;
    virtio::Transport<Hardware> transport_;
    std::span<uint8_t> dma_;
    uint64_t physical_;
    virtio::Queue<kQueueSize> queue_;
    bool is_running_ = false;
    uint32_t ready_ = 0;  // bytes that the device wrote into the buffer, 0 while it has the buffer
    uint32_t used_ = 0;   // of them, handed out
    uint64_t asked_ = 0;
    uint64_t retry_ = 0;
    uint64_t resets_ = 0;
};

}  // namespace kos::driver

#endif
