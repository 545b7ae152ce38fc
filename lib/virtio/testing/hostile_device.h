/*
 * A virtio device that does whatever a fuzz target's input says: registers that answer anything, and anything at any
 * place of the memory that it shares with the driver. The memory is exactly as large as it says, so that the sanitizer
 * sees a driver that is led out of it.
 */
#ifndef KOS_VIRTIO_TESTING_HOSTILE_DEVICE_H_
#define KOS_VIRTIO_TESTING_HOSTILE_DEVICE_H_

#include <cstring>
#include <memory>
#include <new>

#include "fake_hardware.h"
#include "fuzz.h"
#include "kos/virtio/transport.h"

namespace kos::virtio::testing {

class HostileDevice : public driver::FakeCounter {
public:
    static constexpr uint64_t kPhysical = 0x140000000;

    // `input` must live as long as the device.
    HostileDevice(DeviceType type, size_t dma_bytes, fuzz::Reader& input)
        : input_(input), type_(type), dma_bytes_(dma_bytes), dma_(new (kAlign) uint8_t[dma_bytes]) {
        memset(dma_.get(), 0, dma_bytes);
    }

    std::span<uint8_t> dma() { return {dma_.get(), dma_bytes_}; }
    // How many of 256 answers of registers are lies.
    void lie(uint8_t rate) { rate_ = rate; }

    uint8_t read8(uint32_t offset) { return static_cast<uint8_t>(read32(offset)); }
    uint16_t read16(uint32_t offset) { return static_cast<uint16_t>(read32(offset)); }
    uint32_t read32(uint32_t offset) {
        if (rate_ != 0 && input_.number() < rate_) return static_cast<uint32_t>(input_.value());
        switch (offset) {
            case mmio::kMagic: return mmio::kMagicValue;
            case mmio::kVersion: return 2;
            case mmio::kDeviceId: return static_cast<uint32_t>(type_);
            case mmio::kDeviceFeatures: return features_select_ == 1 ? 1 : offered;
            case mmio::kQueueSizeMax: return 256;
            case mmio::kQueueReady: return queue_ready_[queue_select_ % kMostQueues];
            case mmio::kInterruptStatus: return mmio::kInterruptUsed;
            case mmio::kStatus: return status_;
            case mmio::kConfig: return 1000;      // virtio-blk: sectors
            case mmio::kConfig + 20: return 512;  // and bytes of a block
            default: return 0;
        }
    }
    void write32(uint32_t offset, uint32_t value) {
        switch (offset) {
            case mmio::kDeviceFeaturesSelect: features_select_ = value; break;
            case mmio::kQueueSelect: queue_select_ = value; break;
            case mmio::kQueueReady: queue_ready_[queue_select_ % kMostQueues] = value; break;
            case mmio::kStatus: status_ = value; break;
            case mmio::kQueueUsedLow: add_used(kPhysical >> 32 << 32 | value); break;
            default: break;
        }
        if (offset == mmio::kStatus && value == 0) {
            for (uint32_t& ready : queue_ready_) ready = 0;
            used_count_ = 0;
        }
    }

    // One change of the shared memory: what a device writes into a used ring, or something anywhere.
    void write_memory() {
        const unsigned what = input_.below(4);
        if (what == 0 || used_count_ == 0) {
            const uint64_t value = input_.value();
            const size_t at = input_.number<uint16_t>() % dma_bytes_;
            memcpy(dma_.get() + at, &value, std::min<size_t>(1 + input_.below(8), dma_bytes_ - at));
            return;
        }
        const size_t used = used_[input_.below(256) % used_count_];
        uint16_t index;
        memcpy(&index, dma_.get() + used + 2, sizeof index);
        if (what == 1) index = input_.number<uint16_t>();
        const uint32_t entry[2] = {input_.number(), static_cast<uint32_t>(input_.value())};
        const size_t at = used + 4 + 8 * (index % kEntries);
        if (at + sizeof entry <= dma_bytes_) memcpy(dma_.get() + at, entry, sizeof entry);
        index++;
        memcpy(dma_.get() + used + 2, &index, sizeof index);
    }

    uint32_t offered = 0;  // features 0..31

private:
    static constexpr std::align_val_t kAlign{4096};
    static constexpr unsigned kMostQueues = 4;
    static constexpr unsigned kEntries = 4;  // the smallest queue of our drivers; all others are multiples

    struct Delete {
        void operator()(uint8_t* bytes) const { ::operator delete[](bytes, kAlign); }
    };

    void add_used(uint64_t physical) {
        fuzz::require(physical >= kPhysical && physical - kPhysical + 4 <= dma_bytes_,
                      "a queue outside of the DMA memory");
        if (used_count_ < kMostQueues) used_[used_count_++] = physical - kPhysical;
    }

    fuzz::Reader& input_;
    DeviceType type_;
    size_t dma_bytes_;
    std::unique_ptr<uint8_t[], Delete> dma_;
    uint8_t rate_ = 0;
    uint32_t status_ = 0, features_select_ = 0, queue_select_ = 0, queue_ready_[kMostQueues] = {};
    size_t used_[kMostQueues] = {};
    unsigned used_count_ = 0;
};

}  // namespace kos::virtio::testing

#endif
