/*
 * A split virtqueue, the driver's side, which trusts nothing that the device writes.
 *
 * The device can write into all of the queue's memory (without an IOMMU, into any memory). Whatever the driver must
 * rely on is therefore kept in the Queue object: which descriptors are free, which chains are with the device and how
 * many bytes it may write into each. Of the shared memory only the used ring is read, each word once. A device that
 * breaks a rule makes the queue broken: everything in it is lost until the device has been reset and the queue created
 * anew. One thread uses a queue. Little-endian machines. Source: VIRTIO 1.1, section 2.6.
 */
#ifndef KOS_VIRTIO_QUEUE_H_
#define KOS_VIRTIO_QUEUE_H_

#include <kos/virtio/barrier.h>
#include <kos/virtio/result.h>

#include <stddef.h>
#include <stdint.h>
#include <span>

namespace kos::virtio {

// Where a queue is, for the transport.
struct QueueLayout {
    uint16_t size = 0;
    uint64_t descriptors_physical = 0;
    uint64_t available_physical = 0;
    uint64_t used_physical = 0;
};

// A part of a request: memory that the device reads or writes.
struct Buffer {
    uint64_t physical;
    uint32_t bytes;
    bool device_writes;
};

// A request that the device has finished.
struct Completion {
    bool any;          // false: nothing has finished
    uint16_t head;     // as add() returned it; free again
    uint32_t written;  // bytes that the device says it wrote; at most those of the chain's writable buffers
};

// A queue of kSize descriptors, a power of two.
template <uint16_t kSize>
class Queue {
    static_assert(kSize != 0 && (kSize & (kSize - 1)) == 0 && kSize <= 32768, "2.6: a power of two, at most 32768");

public:
    // Bytes of DMA memory that a queue needs, and their alignment (2.6: 16; a cache line keeps the two sides apart).
    static constexpr size_t kAlign = 64;
    static constexpr size_t kAvailableOffset = sizeof(uint64_t) * 2 * kSize;
    static constexpr size_t kUsedOffset = (kAvailableOffset + 4 + 2 * kSize + kAlign - 1) / kAlign * kAlign;
    static constexpr size_t kBytes = (kUsedOffset + 4 + 8 * kSize + kAlign - 1) / kAlign * kAlign;

    // Begins anew in `memory`, which no device may be using: empty, not broken. Error: kMemory.
    Status create(std::span<uint8_t> memory, uint64_t physical) {
        if (memory.size() < kBytes || reinterpret_cast<uintptr_t>(memory.data()) % kAlign != 0 ||
            physical % kAlign != 0) {
            return Error::kMemory;
        }
        base_ = memory.data();
        physical_ = physical;
        for (size_t i = 0; i < kBytes; i++) base_[i] = 0;
        for (uint16_t i = 0; i < kSize; i++) {
            next_[i] = static_cast<uint16_t>(i + 1);
            chains_[i] = {};
        }
        free_first_ = 0;
        free_ = kSize;
        in_flight_ = 0;
        added_ = 0;
        taken_ = 0;
        broken_ = false;
        return kOk;
    }

    // Precondition: created.
    QueueLayout layout() const { return {kSize, physical_, physical_ + kAvailableOffset, physical_ + kUsedOffset}; }

    // Hands the device a request made of `chain` (1..kSize buffers; those that the device reads come first, 2.6.4.2).
    // Returns its head, a number below kSize that names it until it is taken. Tell the device with Transport::notify if
    // wants_notify(). Errors: kFull, kBroken; kMemory for a chain that is empty or not in that order.
    Result<uint16_t> add(std::span<const Buffer> chain) {
        if (broken_) return Error::kBroken;
        if (chain.empty() || chain.size() > kSize) return Error::kMemory;
        uint64_t writable = 0;
        bool writing = false;
        for (const Buffer& buffer : chain) {
            if (buffer.bytes == 0 || (writing && !buffer.device_writes)) return Error::kMemory;
            writing = buffer.device_writes;
            if (buffer.device_writes) writable += buffer.bytes;
        }
        if (writable > UINT32_MAX) return Error::kMemory;  // 2.6.5.1: a chain is not longer than 2^32 bytes
        if (chain.size() > free_) return Error::kFull;

        const uint16_t head = free_first_;
        uint16_t at = head;
        for (size_t i = 0; i < chain.size(); i++) {
            const bool last = i + 1 == chain.size();
            const uint16_t flags =
                static_cast<uint16_t>((last ? 0 : kFlagNext) | (chain[i].device_writes ? kFlagWrite : 0));
            // Addresses and links come from here, never from what the table holds.
            store<uint64_t>(at * 16u, chain[i].physical);
            store<uint32_t>(at * 16u + 8, chain[i].bytes);
            store<uint16_t>(at * 16u + 12, flags);
            store<uint16_t>(at * 16u + 14, last ? 0 : next_[at]);
            if (!last) at = next_[at];
        }
        free_first_ = next_[at];
        free_ = static_cast<uint16_t>(free_ - chain.size());
        chains_[head] = {
            .writable = static_cast<uint32_t>(writable), .last = at, .count = static_cast<uint16_t>(chain.size())};
        in_flight_++;

        store<uint16_t>(kAvailableOffset + 4 + 2 * (added_ % kSize), head);
        // 2.6.13.3: the entry before the index. Pairs with the device's load of the index.
        dma_store_barrier();
        store<uint16_t>(kAvailableOffset + 2, ++added_);
        return head;
    }

    // Whether the device must be told of what has been added (2.6.10). Also orders the additions before the
    // notification.
    bool wants_notify() const {
        dma_barrier();
        return (load<uint16_t>(kUsedOffset) & kUsedNoNotify) == 0;
    }

    // Whether the device is to interrupt when it has finished something; a hint (2.6.7). At first it is. Requests that
    // finished before may not cause one: look with take() once more after asking for it.
    void want_interrupts(bool wanted) {
        store<uint16_t>(kAvailableOffset, wanted ? 0 : kAvailableNoInterrupt);
        dma_barrier();
    }

    // Takes the next finished request. Errors: kBroken.
    Result<Completion> take() {
        if (broken_) return Error::kBroken;
        const uint16_t index = load<uint16_t>(kUsedOffset + 2);
        const uint16_t finished = static_cast<uint16_t>(index - taken_);
        if (finished == 0) return Completion{};
        // More than there is, or the index went back.
        if (finished > in_flight_) return broken();
        // The index before the entry, and before what the device wrote into the buffers. Pairs with its 2.6.8.2.
        dma_load_barrier();
        const size_t entry = kUsedOffset + 4 + 8 * (taken_ % kSize);
        const uint32_t head = load<uint32_t>(entry);
        const uint32_t written = load<uint32_t>(entry + 4);
        if (head >= kSize) return broken();
        Chain& chain = chains_[head];
        if (chain.count == 0 || written > chain.writable) return broken();

        taken_++;
        next_[chain.last] = free_first_;
        free_first_ = static_cast<uint16_t>(head);
        free_ = static_cast<uint16_t>(free_ + chain.count);
        chain.count = 0;
        in_flight_--;
        return Completion{true, static_cast<uint16_t>(head), written};
    }

    uint16_t in_flight() const { return in_flight_; }  // requests with the device
    uint16_t free_descriptors() const { return free_; }
    bool is_broken() const { return broken_; }

private:
    static constexpr uint16_t kFlagNext = 1;              // VIRTQ_DESC_F_NEXT
    static constexpr uint16_t kFlagWrite = 2;             // VIRTQ_DESC_F_WRITE
    static constexpr uint16_t kAvailableNoInterrupt = 1;  // VIRTQ_AVAIL_F_NO_INTERRUPT
    static constexpr uint16_t kUsedNoNotify = 1;          // VIRTQ_USED_F_NO_NOTIFY

    struct Chain {
        uint32_t writable = 0;  // bytes that the device may write
        uint16_t last = 0;      // its last descriptor
        uint16_t count = 0;     // of descriptors; 0: no chain begins here
    };

    // Each access is one machine access of its width, so that a word is copied once and cannot change between check and
    // use.
    template <typename T>
    T load(size_t offset) const {
        return __atomic_load_n(reinterpret_cast<const T*>(base_ + offset), __ATOMIC_RELAXED);
    }
    template <typename T>
    void store(size_t offset, T value) {
        __atomic_store_n(reinterpret_cast<T*>(base_ + offset), value, __ATOMIC_RELAXED);
    }

    Error broken() {
        broken_ = true;
        return Error::kBroken;
    }

    uint8_t* base_ = nullptr;
    uint64_t physical_ = 0;
    uint16_t free_first_ = 0;  // list of free descriptors through next_, free_ of them
    uint16_t free_ = 0;
    uint16_t in_flight_ = 0;
    uint16_t added_ = 0;  // requests ever added, modulo 2^16; the available ring's index
    uint16_t taken_ = 0;  // requests ever taken
    bool broken_ = true;  // until created
    uint16_t next_[kSize];
    Chain chains_[kSize];
};

}  // namespace kos::virtio

#endif
