/*
 * The device's side of virtio for unit tests: the registers of an MMIO transport and the walk over split queues,
 * written from the same specification (VIRTIO 1.1, 2.6 and 4.2) as the driver's side but apart from it.
 *
 * It checks what the driver does (states, sizes, addresses inside the DMA memory, no loops in chains) and can be told
 * to misbehave: refuse a reset or features, let the configuration change while it is read, write anything into used
 * rings.
 */
#ifndef KOS_VIRTIO_TESTING_FAKE_DEVICE_H_
#define KOS_VIRTIO_TESTING_FAKE_DEVICE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <vector>

#include "fake_hardware.h"
#include "kos/virtio/transport.h"

namespace kos::virtio::testing {

// Memory that driver and device share, at a physical address of its own.
class FakeDma {
public:
    explicit FakeDma(size_t bytes, uint64_t physical = 0x140000000) : physical_(physical), storage_(bytes + 4096) {
        base_ = storage_.data() + (4096 - reinterpret_cast<uintptr_t>(storage_.data()) % 4096) % 4096;
        size_ = bytes;
        // Never zero by accident.
        memset(base_, 0xa5, bytes);
    }
    std::span<uint8_t> span() { return {base_, size_}; }
    uint64_t physical() const { return physical_; }
    // The bytes behind a physical range; a test failure and null if it is not of this memory.
    uint8_t* at(uint64_t physical, uint64_t bytes) {
        const bool inside = physical >= physical_ && bytes <= size_ && physical - physical_ <= size_ - bytes;
        EXPECT_TRUE(inside) << std::hex << "DMA outside: " << physical << " + " << bytes;
        return inside ? base_ + (physical - physical_) : nullptr;
    }
    template <typename T>
    T get(uint64_t physical) {
        T value{};
        if (const uint8_t* bytes = at(physical, sizeof value)) memcpy(&value, bytes, sizeof value);
        return value;
    }
    template <typename T>
    void put(uint64_t physical, T value) {
        if (uint8_t* bytes = at(physical, sizeof value)) memcpy(bytes, &value, sizeof value);
    }

private:
    uint64_t physical_;
    std::vector<uint8_t> storage_;
    uint8_t* base_;
    size_t size_;
};

struct FakeChain {
    uint32_t head = 0;
    struct Part {
        uint8_t* bytes;
        uint32_t size;
        bool writable;
    };
    std::vector<Part> parts;

    std::vector<uint8_t> readable() const {
        std::vector<uint8_t> all;
        for (const Part& part : parts) {
            if (!part.writable) all.insert(all.end(), part.bytes, part.bytes + part.size);
        }
        return all;
    }
    size_t writable_bytes() const {
        size_t sum = 0;
        for (const Part& part : parts) sum += part.writable ? part.size : 0;
        return sum;
    }
    // Puts `bytes` into the writable parts, in order; returns how many found room.
    uint32_t write(std::span<const uint8_t> bytes) const {
        size_t done = 0;
        for (const Part& part : parts) {
            if (!part.writable) continue;
            const size_t count = std::min<size_t>(part.size, bytes.size() - done);
            memcpy(part.bytes, bytes.data() + done, count);
            done += count;
        }
        return static_cast<uint32_t>(done);
    }
};

class FakeDevice : public driver::FakeCounter {
public:
    FakeDevice(DeviceType kind, FakeDma& memory, uint32_t queue_count, uint64_t offered)
        : device_id(static_cast<uint32_t>(kind)),
          features(offered | kFeatureVersion1),
          dma(memory),
          queues(queue_count) {}

    struct FakeQueue {
        uint32_t max = 256, size = 0, ready = 0;
        uint64_t descriptors = 0, available = 0, used = 0;
        uint16_t seen = 0, used_index = 0;
        unsigned notified = 0;
    };

    uint8_t read8(uint32_t offset) { return config_byte(offset - mmio::kConfig); }
    uint16_t read16(uint32_t offset) { return static_cast<uint16_t>(read8(offset) | read8(offset + 1) << 8); }

    uint32_t read32(uint32_t offset) {
        switch (offset) {
            case mmio::kMagic: return magic;
            case mmio::kVersion: return version;
            case mmio::kDeviceId: return device_id;
            case mmio::kDeviceFeatures: return static_cast<uint32_t>(features >> (32 * features_select_));
            case mmio::kQueueSizeMax: return queue().max;
            case mmio::kQueueReady: return queue().ready;
            case mmio::kInterruptStatus: return interrupts;
            case mmio::kStatus: return status();
            case mmio::kConfigGeneration: return restless ? generation++ : generation;
            default:
                EXPECT_GE(offset, mmio::kConfig) << "read of register " << offset;
                return static_cast<uint32_t>(read16(offset) | static_cast<uint32_t>(read16(offset + 2)) << 16);
        }
    }

    void write32(uint32_t offset, uint32_t value) {
        switch (offset) {
            case mmio::kDeviceFeaturesSelect: features_select_ = value; break;
            case mmio::kDriverFeaturesSelect: driver_select_ = value; break;
            case mmio::kDriverFeatures:
                accepted = driver_select_ == 0 ? (accepted & ~uint64_t{UINT32_MAX}) | value
                                               : (accepted & UINT32_MAX) | static_cast<uint64_t>(value) << 32;
                break;
            case mmio::kQueueSelect: selected_ = value; break;
            case mmio::kQueueSize:
                EXPECT_LE(value, queue().max);
                queue().size = value;
                break;
            case mmio::kQueueReady:
                EXPECT_NE(current & kFeaturesOk, 0u) << "queues come after the features";
                EXPECT_EQ(current & kDriverOk, 0u);
                queue().ready = refuse_queue ? 0 : value;
                break;
            case mmio::kQueueNotify:
                EXPECT_NE(current & kDriverOk, 0u) << "notified before DRIVER_OK";
                ASSERT_LT(value, queues.size());
                queues[value].notified++;
                break;
            case mmio::kInterruptAcknowledge: interrupts &= ~value; break;
            case mmio::kStatus: set_status(value); break;
            case mmio::kQueueDescriptorsLow: set_low(queue().descriptors, value); break;
            case mmio::kQueueDescriptorsLow + 4: set_high(queue().descriptors, value); break;
            case mmio::kQueueAvailableLow: set_low(queue().available, value); break;
            case mmio::kQueueAvailableLow + 4: set_high(queue().available, value); break;
            case mmio::kQueueUsedLow: set_low(queue().used, value); break;
            case mmio::kQueueUsedLow + 4: set_high(queue().used, value); break;
            default: ADD_FAILURE() << "write of register " << offset;
        }
    }

    bool running() const { return (current & kDriverOk) != 0; }

    // The next request in the available ring.
    std::optional<FakeChain> fetch(uint32_t index) {
        FakeQueue& from = queues[index];
        if (!running() || from.ready == 0) return std::nullopt;
        const uint16_t available = dma.get<uint16_t>(from.available + 2);
        if (available == from.seen) return std::nullopt;
        EXPECT_LE(static_cast<uint16_t>(available - from.seen), from.size) << "more requests than the ring holds";
        FakeChain chain;
        chain.head = dma.get<uint16_t>(from.available + 4 + 2 * (from.seen % from.size));
        from.seen++;
        uint32_t at = chain.head;
        for (uint32_t links = 0;; links++) {
            if (links == from.size || at >= from.size) {
                ADD_FAILURE() << "the chain at " << chain.head << " does not end";
                return std::nullopt;
            }
            const uint64_t entry = from.descriptors + 16 * at;
            const uint16_t flags = dma.get<uint16_t>(entry + 12);
            const auto size = dma.get<uint32_t>(entry + 8);
            chain.parts.push_back({dma.at(dma.get<uint64_t>(entry), size), size, (flags & 2) != 0});
            EXPECT_EQ(flags & ~3, 0);
            if ((flags & 1) == 0) return chain;
            at = dma.get<uint16_t>(entry + 14);
        }
    }

    // Puts anything into the used ring and moves its index.
    void put_used(uint32_t index, uint32_t head, uint32_t length) {
        FakeQueue& to = queues[index];
        dma.put<uint32_t>(to.used + 4 + 8 * (to.used_index % to.size), head);
        dma.put<uint32_t>(to.used + 8 + 8 * (to.used_index % to.size), length);
        set_used_index(index, static_cast<uint16_t>(to.used_index + 1));
        interrupts |= mmio::kInterruptUsed;
    }
    void set_used_index(uint32_t index, uint16_t value) {
        queues[index].used_index = value;
        dma.put<uint16_t>(queues[index].used + 2, value);
    }

    uint32_t device_id, magic = mmio::kMagicValue, version = 2;
    uint64_t features, accepted = 0;
    FakeDma& dma;
    std::vector<FakeQueue> queues;
    std::vector<uint8_t> config;
    uint32_t interrupts = 0, current = 0, generation = 0;
    unsigned resets = 0;
    // Misbehaviour
    bool refuse_reset = false, refuse_features = false, refuse_queue = false, restless = false;
    unsigned slow_reset = 0;  // so many reads of the status until the reset is complete

private:
    FakeQueue& queue() {
        static FakeQueue absent{.max = 0};
        return selected_ < queues.size() ? queues[selected_] : absent;
    }
    uint8_t config_byte(uint32_t offset) { return offset < config.size() ? config[offset] : 0; }
    static void set_low(uint64_t& to, uint32_t value) { to = (to & ~uint64_t{UINT32_MAX}) | value; }
    static void set_high(uint64_t& to, uint32_t value) { to = (to & UINT32_MAX) | static_cast<uint64_t>(value) << 32; }

    uint32_t status() {
        if (resetting_ > 0 && --resetting_ == 0) current = 0;
        return current;
    }
    void set_status(uint32_t value) {
        if (value != 0) {
            if (refuse_features) value &= ~uint32_t{kFeaturesOk};
            EXPECT_EQ(accepted & ~features, 0u) << "a feature that was not offered";
            current = value;
            return;
        }
        resets++;
        if (refuse_reset) return;
        for (FakeQueue& each : queues) each = {.max = each.max, .notified = each.notified};
        interrupts = 0;
        accepted = 0;
        if (slow_reset > 0) {
            resetting_ = slow_reset;
        } else {
            current = 0;
        }
    }

    uint32_t features_select_ = 0, driver_select_ = 0, selected_ = 0;
    unsigned resetting_ = 0;
};

}  // namespace kos::virtio::testing

#endif
