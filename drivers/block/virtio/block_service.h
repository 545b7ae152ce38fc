/*
 * The interface "block": decodes and checks requests, hands them to the device, answers when it has finished.
 *
 * `Device` is VirtioBlock; `Calls` is how callers are kept and answered (libkos in main.cpp, a list in the test):
 *   kos_status_t defer(const kos_caller_t&, kos_deferred_t*), void answer(const kos_deferred_t&, kos_status_t,
 *   const kos_msg_t*), void alarm(uint64_t ticks), uint64_t ticks(), uint64_t hz(), void report(virtio::Error).
 */
#ifndef KOS_DRIVERS_BLOCK_SERVICE_H_
#define KOS_DRIVERS_BLOCK_SERVICE_H_

#include <kos/driver/wait.h>
#include <kos/server.h>

#include <stdint.h>
#include <span>

#include "message.h"
#include "virtio_block.h"

namespace kos::driver {

// Labels of the interface.
enum BlockLabel : uint64_t {
    // -> param: sectors of 512 bytes; words[0]: bytes of a block, most bytes of one request << 32; words[1]: 1 if
    // read-only
    kBlockGeometry = 1,
    // param: first sector, words[0]: bytes -> payload
    kBlockRead = 2,
    // param: first sector, payload: the data
    kBlockWrite = 3,
    // All writes that were answered before the request are durable when it is answered.
    kBlockFlush = 4,
};

template <typename Device, typename Calls>
class BlockService {
public:
    using Operation = typename Device::Operation;

    BlockService(Device& device, Calls& calls) : device_(device), calls_(calls) {}

    // NO_REPLY: answered later. Errors: BAD_REQUEST, INVALID_ARGUMENT (not whole blocks, too many, beyond the end),
    // UNAUTHORIZED (write, read-only device), FULL (too much in flight), UNAVAILABLE (the device does not come back
    // from a reset), INTERNAL_ERROR (the device failed or did not answer), NOT_IMPLEMENTED (the device says so).
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        check_deadlines();
        if (request.token != 0 || caller.token != 0) return KOS_STATUS_BAD_REQUEST;
        switch (request.label) {
            case kBlockGeometry: return geometry(caller, request, answer);
            case kBlockRead:
                if (request.payload_bytes != 0 || word_of(request, 1) != 0) return KOS_STATUS_BAD_REQUEST;
                return transfer(caller, Operation::kRead, request.param, word_of(request, 0), nullptr);
            case kBlockWrite:
                if (word_of(request, 0) != 0 || word_of(request, 1) != 0) return KOS_STATUS_BAD_REQUEST;
                if (device_.geometry().read_only) return KOS_STATUS_UNAUTHORIZED;
                return transfer(caller, Operation::kWrite, request.param, request.payload_bytes, request.payload);
            case kBlockFlush:
                if (!is_param_only(caller, request) || request.param != 0) return KOS_STATUS_BAD_REQUEST;
                if (!is_available()) return KOS_STATUS_UNAVAILABLE;
                // Without the feature the device has no volatile cache.
                if (!device_.has_flush() || device_.geometry().read_only) return KOS_STATUS_OK;
                return start(caller, Operation::kFlush, 0, 0, nullptr);
            default: return KOS_STATUS_BAD_REQUEST;
        }
    }

    // The device's interrupt; to be acknowledged afterwards.
    void interrupt() {
        if (!device_.is_running()) return;
        const virtio::Status status = device_.finish(finished());
        if (!status.ok()) recover(status.error());
        check_deadlines();
    }

    // At alarms and whenever there is occasion: a device that does not answer in time is reset, its callers are
    // answered.
    void check_deadlines() {
        const uint64_t deadline = device_.deadline();
        if (deadline == UINT64_MAX) return;
        const uint64_t now = calls_.ticks();
        if (now >= deadline) {
            // The answer may be there and only its interrupt be late.
            const virtio::Status status = device_.finish(finished());
            if (!status.ok() || now >= device_.deadline())
                recover(status.ok() ? virtio::Error::kBroken : status.error());
            return;
        }
        // One alarm at a time; after it the oldest request's deadline is set again.
        if (alarm_ <= now) {
            alarm_ = deadline;
            calls_.alarm(deadline);
        }
    }

private:
    static constexpr uint64_t kRetryUs = 5000000;

    kos_status_t geometry(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        if (!is_param_only(caller, request) || request.param != 0) return KOS_STATUS_BAD_REQUEST;
        if (!is_available()) return KOS_STATUS_UNAVAILABLE;
        const BlockGeometry& found = device_.geometry();
        answer.param = found.sectors;
        answer.words[0] = found.block_bytes | static_cast<uint64_t>(Device::kRequestBytes) << 32;
        answer.words[1] = found.read_only ? 1 : 0;
        answer.has_words = 1;
        return KOS_STATUS_OK;
    }

    kos_status_t transfer(const kos_caller_t& caller, Operation operation, uint64_t sector, uint64_t bytes,
                          const void* data) {
        if (!is_available()) return KOS_STATUS_UNAVAILABLE;
        const BlockGeometry& found = device_.geometry();
        if (bytes == 0 || bytes > Device::kRequestBytes || bytes % found.block_bytes != 0)
            return KOS_STATUS_INVALID_ARGUMENT;
        if (sector % (found.block_bytes / kSectorBytes) != 0) return KOS_STATUS_INVALID_ARGUMENT;
        // In this form, because sector + count may overflow.
        if (sector > found.sectors || bytes / kSectorBytes > found.sectors - sector) return KOS_STATUS_INVALID_ARGUMENT;
        return start(caller, operation, sector, static_cast<uint32_t>(bytes), data);
    }

    kos_status_t start(const kos_caller_t& caller, Operation operation, uint64_t sector, uint32_t bytes,
                       const void* data) {
        if (!device_.has_room()) return KOS_STATUS_FULL;
        kos_deferred_t deferred;
        const kos_status_t kept = calls_.defer(caller, &deferred);
        if (!kos_status_is_ok(kept)) return kept;
        const auto number =
            device_.submit(operation, sector, bytes, {static_cast<const uint8_t*>(data), data == nullptr ? 0 : bytes});
        if (!number.ok()) {
            calls_.answer(deferred, KOS_STATUS_INTERNAL_ERROR, nullptr);
            recover(number.error());
            return KOS_STATUS_NO_REPLY;
        }
        waiting_[number.value()] = deferred;
        check_deadlines();
        return KOS_STATUS_NO_REPLY;
    }

    auto finished() {
        return [this](unsigned number, BlockOutcome outcome, std::span<const uint8_t> data) {
            kos_msg_t answer = {};
            answer.payload = data.data();
            answer.payload_bytes = static_cast<uint32_t>(data.size());
            calls_.answer(waiting_[number], status_of(outcome), &answer);
        };
    }

    static kos_status_t status_of(BlockOutcome outcome) {
        switch (outcome) {
            case BlockOutcome::kDone: return KOS_STATUS_OK;
            case BlockOutcome::kUnsupported: return KOS_STATUS_NOT_IMPLEMENTED;
            case BlockOutcome::kFailed:
            case BlockOutcome::kLost: break;
        }
        return KOS_STATUS_INTERNAL_ERROR;
    }

    void recover(virtio::Error why) {
        calls_.report(why);
        const virtio::Status status = device_.recover(finished());
        if (!status.ok()) calls_.report(status.error());
        retry_ = calls_.ticks() + us_to_ticks(kRetryUs, calls_.hz());
    }

    // A device that did not come back is tried again now and then, not with each request: a reset may take a second.
    bool is_available() {
        if (!device_.is_running() && calls_.ticks() >= retry_) recover(virtio::Error::kNoReset);
        return device_.is_running();
    }

    Device& device_;
    Calls& calls_;
    uint64_t alarm_ = 0;  // when the last alarm that was set is due
    uint64_t retry_ = 0;
    kos_deferred_t waiting_[Device::kRequests] = {};
};

}  // namespace kos::driver

#endif
