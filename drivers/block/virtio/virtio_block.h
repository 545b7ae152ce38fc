/*
 * A virtio block device: several requests in flight, each with a buffer of its own, a deadline and one outcome.
 *
 * It knows nothing of messages (block_service.h) and trusts nothing that the device writes. One thread calls
 * everything. Source: VIRTIO 1.1, section 5.2.
 */
#ifndef KOS_DRIVERS_VIRTIO_BLOCK_H_
#define KOS_DRIVERS_VIRTIO_BLOCK_H_

#include <kos/virtio/queue.h>
#include <kos/virtio/transport.h>

#include <stdint.h>
#include <string.h>
#include <span>

namespace kos::driver {

constexpr uint32_t kSectorBytes = 512;  // 5.2.4: the unit of all sector numbers, whatever the block size

struct BlockGeometry {
    uint64_t sectors = 0;
    uint32_t block_bytes = kSectorBytes;  // reads and writes are whole blocks
    bool read_only = false;
};

enum class BlockOutcome : uint8_t {
    kDone,
    kFailed,       // the device says that it could not: VIRTIO_BLK_S_IOERR
    kUnsupported,  // VIRTIO_BLK_S_UNSUPP
    kLost,         // the device broke the protocol or did not answer in time, and was reset; a write may have happened
};

template <typename Hardware>
class VirtioBlock {
public:
    enum class Operation : uint32_t { kRead = 0, kWrite = 1, kFlush = 4 };  // 5.2.6: VIRTIO_BLK_T_*

    static constexpr unsigned kRequests = 15;        // in flight at most
    static constexpr uint32_t kRequestBytes = 4096;  // data of one request at most
    static constexpr size_t kDmaBytes = 65536;       // one page for the queue and headers, one per request for data

    // `dma`: kDmaBytes at `physical`, for this device only.
    VirtioBlock(Hardware& hardware, std::span<uint8_t> dma, uint64_t physical, uint64_t timeout_us)
        : hardware_(hardware), transport_(hardware), dma_(dma), physical_(physical), timeout_us_(timeout_us) {}

    // Resets the device and begins anew; nothing may be in flight (see recover()).
    virtio::Status start() {
        is_running_ = false;
        if (dma_.size() < kDmaBytes) return virtio::Error::kMemory;
        KOS_VIRTIO_TRY(transport_.find(virtio::DeviceType::kBlock));
        KOS_VIRTIO_TRY(transport_.reset());
        const auto features = transport_.negotiate(0, kFeatureReadOnly | kFeatureBlockSize | kFeatureFlush);
        if (!features.ok()) return features.error();
        has_flush_ = (features.value() & kFeatureFlush) != 0;
        has_block_size_ = (features.value() & kFeatureBlockSize) != 0;
        geometry_.read_only = (features.value() & kFeatureReadOnly) != 0;
        KOS_VIRTIO_TRY(read_geometry());
        KOS_VIRTIO_TRY(queue_.create(dma_.first(kControlBytes), physical_));
        KOS_VIRTIO_TRY(transport_.add_queue(0, queue_.layout()));
        transport_.run();
        is_running_ = true;
        return virtio::kOk;
    }

    bool is_running() const { return is_running_; }
    const BlockGeometry& geometry() const { return geometry_; }
    // Whether flush reaches the device; if not, writes are durable when they are done (5.2.5).
    bool has_flush() const { return has_flush_; }
    bool has_room() const { return is_running_ && in_flight_ < kRequests; }
    unsigned in_flight() const { return in_flight_; }
    uint64_t resets() const { return resets_; }

    // Starts a request: a read of `bytes` bytes, a write of `data` (bytes == data.size()), a flush (both empty).
    // Returns its number, below kRequests; finish() or recover() tells its outcome. Precondition: has_room(), range
    // within the geometry, 0 < bytes <= kRequestBytes except for a flush.
    virtio::Result<unsigned> submit(Operation operation, uint64_t sector, uint32_t bytes,
                                    std::span<const uint8_t> data) {
        unsigned number = 0;
        while (requests_[number].is_used) number++;
        // What an earlier request left there is not for this one's client, even if the device writes less than it says.
        if (operation == Operation::kRead) memset(data_of(number), 0, bytes);
        if (operation == Operation::kWrite) memcpy(data_of(number), data.data(), bytes);
        const Header header = {static_cast<uint32_t>(operation), 0, sector};
        memcpy(dma_.data() + header_offset(number), &header, sizeof header);
        dma_[status_offset(number)] = kStatusNone;

        virtio::Buffer chain[3] = {{physical_ + header_offset(number), sizeof header, false},
                                   {physical_ + data_offset(number), bytes, operation == Operation::kRead},
                                   {physical_ + status_offset(number), 1, true}};
        if (bytes == 0) chain[1] = chain[2];
        const auto head = queue_.add({chain, bytes == 0 ? 2u : 3u});
        if (!head.ok()) return head.error();
        requests_[number] = {true, operation, bytes, hardware_.ticks() + us_to_ticks(timeout_us_, hardware_.hz())};
        request_of_head_[head.value()] = static_cast<uint8_t>(number);
        in_flight_++;
        if (queue_.wants_notify()) transport_.notify(0);
        return number;
    }

    // After an interrupt: calls done(number, outcome, data read) for each request that has finished. The data are valid
    // during the call. An error means that only recover() helps.
    template <typename Done>
    virtio::Status finish(Done done) {
        if ((transport_.take_interrupts() & virtio::mmio::kInterruptConfig) != 0) {
            if (transport_.needs_reset()) return virtio::Error::kBroken;
            KOS_VIRTIO_TRY(read_geometry());
        }
        // At most as many rounds as requests were in flight: a queue yields each once.
        for (;;) {
            const auto taken = queue_.take();
            if (!taken.ok()) return taken.error();
            if (!taken.value().any) return virtio::kOk;
            const unsigned number = request_of_head_[taken.value().head];
            const Request request = requests_[number];
            const BlockOutcome outcome = outcome_of(number, request, taken.value().written);
            if (outcome == BlockOutcome::kLost) return virtio::Error::kBroken;
            const bool has_data = request.operation == Operation::kRead && outcome == BlockOutcome::kDone;
            release(number);
            done(number, outcome, std::span<const uint8_t>(data_of(number), has_data ? request.bytes : 0));
        }
    }

    // Resets the device and starts it again; first calls done(number, kLost, {}) for each request that was in flight.
    // When it fails, the device is not running and its memory is left alone; recover() may be tried again later.
    template <typename Done>
    virtio::Status recover(Done done) {
        resets_++;
        const virtio::Status status = start();
        for (unsigned number = 0; number < kRequests; number++) {
            if (!requests_[number].is_used) continue;
            release(number);
            done(number, BlockOutcome::kLost, std::span<const uint8_t>());
        }
        return status;
    }

    // When the oldest request's time is over, in ticks; UINT64_MAX if nothing is in flight.
    uint64_t deadline() const {
        uint64_t earliest = UINT64_MAX;
        for (const Request& request : requests_) {
            if (request.is_used && request.deadline < earliest) earliest = request.deadline;
        }
        return earliest;
    }

private:
    static constexpr uint64_t kFeatureReadOnly = uint64_t{1} << 5;
    static constexpr uint64_t kFeatureBlockSize = uint64_t{1} << 6;
    static constexpr uint64_t kFeatureFlush = uint64_t{1} << 9;
    // 5.2.4: struct virtio_blk_config
    static constexpr uint32_t kConfigCapacity = 0;
    static constexpr uint32_t kConfigBlockSize = 20;
    // 5.2.6: VIRTIO_BLK_S_*; and one that no device writes.
    static constexpr uint8_t kStatusOk = 0, kStatusUnsupported = 2, kStatusIoError = 1, kStatusNone = 0xff;

    static constexpr uint16_t kQueueSize = 64;  // 15 requests of 3 descriptors
    static constexpr size_t kControlBytes = 4096;
    static constexpr size_t kHeaderStride = 64;

    struct Header {
        uint32_t type;
        uint32_t reserved;
        uint64_t sector;
    };
    static_assert(sizeof(Header) == 16);
    static_assert(virtio::Queue<kQueueSize>::kBytes + kRequests * kHeaderStride <= kControlBytes);
    static_assert(kControlBytes + kRequests * size_t{kRequestBytes} <= kDmaBytes);

    struct Request {
        bool is_used = false;
        Operation operation = Operation::kFlush;
        uint32_t bytes = 0;
        uint64_t deadline = 0;
    };

    static constexpr size_t header_offset(unsigned number) {
        return virtio::Queue<kQueueSize>::kBytes + number * kHeaderStride;
    }
    static constexpr size_t status_offset(unsigned number) { return header_offset(number) + sizeof(Header); }
    static constexpr size_t data_offset(unsigned number) { return kControlBytes + number * size_t{kRequestBytes}; }
    uint8_t* data_of(unsigned number) { return dma_.data() + data_offset(number); }

    virtio::Status read_geometry() {
        uint64_t sectors = 0;
        uint32_t block_bytes = kSectorBytes;
        KOS_VIRTIO_TRY(transport_.read_config([&] {
            sectors = transport_.config64(kConfigCapacity);
            if (has_block_size_) block_bytes = transport_.config32(kConfigBlockSize);
        }));
        const bool is_power = block_bytes != 0 && (block_bytes & (block_bytes - 1)) == 0;
        if (!is_power || block_bytes < kSectorBytes || block_bytes > kRequestBytes) return virtio::Error::kConfig;
        // So that a byte address fits into 64 bits; no device is that large.
        if (sectors > UINT64_MAX / kSectorBytes) return virtio::Error::kConfig;
        geometry_.sectors = sectors;
        geometry_.block_bytes = block_bytes;
        return virtio::kOk;
    }

    // kLost: the device contradicts itself.
    BlockOutcome outcome_of(unsigned number, const Request& request, uint32_t written) const {
        const uint8_t status = __atomic_load_n(&dma_[status_offset(number)], __ATOMIC_RELAXED);
        const uint32_t expected = 1 + (request.operation == Operation::kRead ? request.bytes : 0);
        switch (status) {
            case kStatusOk: return written == expected ? BlockOutcome::kDone : BlockOutcome::kLost;
            case kStatusIoError: return BlockOutcome::kFailed;
            case kStatusUnsupported: return BlockOutcome::kUnsupported;
            default: return BlockOutcome::kLost;
        }
    }

    void release(unsigned number) {
        requests_[number].is_used = false;
        in_flight_--;
    }

    Hardware& hardware_;
    virtio::Transport<Hardware> transport_;
    std::span<uint8_t> dma_;
    uint64_t physical_;
    uint64_t timeout_us_;
    virtio::Queue<kQueueSize> queue_;
    BlockGeometry geometry_;
    bool is_running_ = false;
    bool has_flush_ = false;
    bool has_block_size_ = false;
    unsigned in_flight_ = 0;
    uint64_t resets_ = 0;
    Request requests_[kRequests] = {};
    uint8_t request_of_head_[kQueueSize] = {};
};

}  // namespace kos::driver

#endif
