/*
 * The MMIO transport of a virtio device: finding, resetting, features, queues, configuration, interrupts.
 *
 * `Hardware` is the register access and counter that lib/driver's wait.h describes. Only version 2 ("modern")
 * registers. Nothing that the device answers is believed without a check, and no wait is without a limit. Source:
 * Virtual I/O Device (VIRTIO) Version 1.1, OASIS, sections 2.1, 3.1 and 4.2.
 */
#ifndef KOS_VIRTIO_TRANSPORT_H_
#define KOS_VIRTIO_TRANSPORT_H_

#include <kos/driver/wait.h>
#include <kos/virtio/queue.h>
#include <kos/virtio/result.h>

#include <stdint.h>

namespace kos::virtio {

namespace mmio {
// Register offsets, 4.2.2 table 4.1.
constexpr uint32_t kMagic = 0x000;
constexpr uint32_t kVersion = 0x004;
constexpr uint32_t kDeviceId = 0x008;
constexpr uint32_t kDeviceFeatures = 0x010;
constexpr uint32_t kDeviceFeaturesSelect = 0x014;
constexpr uint32_t kDriverFeatures = 0x020;
constexpr uint32_t kDriverFeaturesSelect = 0x024;
constexpr uint32_t kQueueSelect = 0x030;
constexpr uint32_t kQueueSizeMax = 0x034;
constexpr uint32_t kQueueSize = 0x038;
constexpr uint32_t kQueueReady = 0x044;
constexpr uint32_t kQueueNotify = 0x050;
constexpr uint32_t kInterruptStatus = 0x060;
constexpr uint32_t kInterruptAcknowledge = 0x064;
constexpr uint32_t kStatus = 0x070;
constexpr uint32_t kQueueDescriptorsLow = 0x080;  // each with its High at + 4
constexpr uint32_t kQueueAvailableLow = 0x090;
constexpr uint32_t kQueueUsedLow = 0x0a0;
constexpr uint32_t kConfigGeneration = 0x0fc;
constexpr uint32_t kConfig = 0x100;

constexpr uint32_t kMagicValue = 0x74726976;  // "virt"
constexpr uint32_t kInterruptUsed = 1u << 0;
constexpr uint32_t kInterruptConfig = 1u << 1;
}  // namespace mmio

// Bits of the status register, 2.1.
enum DeviceStatus : uint32_t {
    kAcknowledge = 1,
    kDriver = 2,
    kDriverOk = 4,
    kFeaturesOk = 8,
    kNeedsReset = 64,
    kFailed = 128,
};

// Device types, chapter 5.
enum class DeviceType : uint32_t { kNet = 1, kBlock = 2, kConsole = 3, kEntropy = 4 };

constexpr uint64_t kFeatureVersion1 = uint64_t{1} << 32;  // 6

// One device on its transport. A start is: find, reset, negotiate, read the configuration, add_queue..., run.
template <typename Hardware>
class Transport {
public:
    static constexpr uint64_t kResetUs = 1000000;

    // `reset_us`: how long reset() waits at most; short for a driver that resets on its callers' time.
    explicit Transport(Hardware& hardware, uint64_t reset_us = kResetUs) : hardware_(hardware), reset_us_(reset_us) {}

    // Is there a device of this type? 4.2.3.1.1. Errors: kNoDevice, kLegacy.
    Status find(DeviceType type) {
        if (hardware_.read32(mmio::kMagic) != mmio::kMagicValue) return Error::kNoDevice;
        const uint32_t version = hardware_.read32(mmio::kVersion);
        if (version == 1) return Error::kLegacy;
        if (version != 2 || hardware_.read32(mmio::kDeviceId) != static_cast<uint32_t>(type)) return Error::kNoDevice;
        return kOk;
    }

    // Afterwards the device touches no memory of ours any more (2.1.2, 2.4): only now may DMA memory be used for
    // something else. On kNoReset it may still write, so its memory must not be used again.
    Status reset() {
        hardware_.write32(mmio::kStatus, 0);
        if (!driver::wait_for(hardware_, reset_us_, [this] { return status() == 0; })) return Error::kNoReset;
        hardware_.write32(mmio::kInterruptAcknowledge, hardware_.read32(mmio::kInterruptStatus));
        hardware_.write32(mmio::kStatus, kAcknowledge);
        hardware_.write32(mmio::kStatus, kAcknowledge | kDriver);
        return kOk;
    }

    // Takes what the device offers of `needed` and `wanted`; VERSION_1 is always needed (6.1). Returns the features in
    // force. Error: kFeatures, also if the device refuses what it has offered (3.1.1 step 6).
    Result<uint64_t> negotiate(uint64_t needed, uint64_t wanted) {
        const uint64_t offered = device_features();
        needed |= kFeatureVersion1;
        if ((offered & needed) != needed) return fail(Error::kFeatures);
        const uint64_t chosen = offered & (needed | wanted);
        for (uint32_t half = 0; half < 2; half++) {
            hardware_.write32(mmio::kDriverFeaturesSelect, half);
            hardware_.write32(mmio::kDriverFeatures, static_cast<uint32_t>(chosen >> (32 * half)));
        }
        hardware_.write32(mmio::kStatus, kAcknowledge | kDriver | kFeaturesOk);
        if ((status() & kFeaturesOk) == 0) return fail(Error::kFeatures);
        return chosen;
    }

    // Gives the device queue `index`, which lies in `memory` (queue.h). Errors: kNoQueue.
    Status add_queue(uint32_t index, const QueueLayout& layout) {
        hardware_.write32(mmio::kQueueSelect, index);
        // 4.2.3.2: not in use, and large enough for ours.
        if (hardware_.read32(mmio::kQueueReady) != 0 || hardware_.read32(mmio::kQueueSizeMax) < layout.size) {
            return fail(Error::kNoQueue);
        }
        hardware_.write32(mmio::kQueueSize, layout.size);
        write64(mmio::kQueueDescriptorsLow, layout.descriptors_physical);
        write64(mmio::kQueueAvailableLow, layout.available_physical);
        write64(mmio::kQueueUsedLow, layout.used_physical);
        hardware_.write32(mmio::kQueueReady, 1);
        if (hardware_.read32(mmio::kQueueReady) != 1) return fail(Error::kNoQueue);
        return kOk;
    }

    // The device may use its queues from now on.
    void run() { hardware_.write32(mmio::kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk); }

    // Says that the driver has given up (2.1.2).
    void give_up() { hardware_.write32(mmio::kStatus, status() | kFailed); }

    // What has been published in queue `index` may be fetched. Queue::publish has ordered memory before this.
    void notify(uint32_t index) { hardware_.write32(mmio::kQueueNotify, index); }

    // Causes of the interrupt (mmio::kInterrupt*), which are thereby acknowledged.
    uint32_t take_interrupts() {
        const uint32_t causes =
            hardware_.read32(mmio::kInterruptStatus) & (mmio::kInterruptUsed | mmio::kInterruptConfig);
        if (causes != 0) hardware_.write32(mmio::kInterruptAcknowledge, causes);
        return causes;
    }

    // The device has met an error from which only a reset helps (2.1.2).
    bool needs_reset() const { return (status() & kNeedsReset) != 0; }

    // Runs `read` (which calls config8, config32, ...) until no change of the configuration came in between (4.2.2.1,
    // ConfigGeneration), at most kConfigTries times. Error: kConfig.
    template <typename Read>
    Status read_config(Read read) {
        for (int i = 0; i < kConfigTries; i++) {
            const uint32_t before = hardware_.read32(mmio::kConfigGeneration);
            read();
            if (hardware_.read32(mmio::kConfigGeneration) == before) return kOk;
        }
        return Error::kConfig;
    }
    // Fields of the configuration, by their own width (4.2.2.2).
    uint8_t config8(uint32_t offset) { return hardware_.read8(mmio::kConfig + offset); }
    uint16_t config16(uint32_t offset) { return hardware_.read16(mmio::kConfig + offset); }
    uint32_t config32(uint32_t offset) { return hardware_.read32(mmio::kConfig + offset); }
    uint64_t config64(uint32_t offset) { return config32(offset) | static_cast<uint64_t>(config32(offset + 4)) << 32; }

    uint32_t status() const { return hardware_.read32(mmio::kStatus); }

private:
    static constexpr int kConfigTries = 16;

    uint64_t device_features() {
        uint64_t features = 0;
        for (uint32_t half = 0; half < 2; half++) {
            hardware_.write32(mmio::kDeviceFeaturesSelect, half);
            features |= static_cast<uint64_t>(hardware_.read32(mmio::kDeviceFeatures)) << (32 * half);
        }
        return features;
    }

    void write64(uint32_t offset, uint64_t value) {
        hardware_.write32(offset, static_cast<uint32_t>(value));
        hardware_.write32(offset + 4, static_cast<uint32_t>(value >> 32));
    }

    Error fail(Error error) {
        give_up();
        return error;
    }

    Hardware& hardware_;
    uint64_t reset_us_;
};

}  // namespace kos::virtio

#endif
