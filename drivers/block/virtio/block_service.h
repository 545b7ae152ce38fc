/*
 * The interface "block": hands requests to the device, answers when it has finished.
 *
 * `Device` is VirtioBlock; `Calls` is how callers are kept and answered (libkos in main.cpp, a list in the test):
 *   kos_status_t defer(const kos_caller_t&, kos_deferred_t*), void answer(const kos_deferred_t&, kos_status_t,
 *   const kos_msg_t*), void alarm(uint64_t ticks), uint64_t ticks(), uint64_t hz(), void report(virtio::Error).
 */
#ifndef KOS_DRIVERS_BLOCK_SERVICE_H_
#define KOS_DRIVERS_BLOCK_SERVICE_H_

#include <kos/driver/wait.h>
#include <kos/idl/block.hpp>

#include <stdint.h>
#include <span>

#include "virtio_block.h"

namespace kos::driver {

template <typename Device, typename Calls>
class BlockService : public idl::block::Server<BlockService<Device, Calls>> {
public:
    using Caller = idl::Caller;
    using Failure = idl::Failure;
    using Bytes = std::span<const uint8_t>;
    template <typename T>
    using Result = idl::Result<T>;
    using Operation = typename Device::Operation;

    BlockService(Device& device, Calls& calls) : device_(device), calls_(calls) {}

    bool accepts(const Caller& caller) const { return caller.token == 0; }

    // UNAVAILABLE here and below: the device does not come back from a reset.
    Result<idl::block::GeometryAnswer> geometry(const Caller&) {
        check_deadlines();
        if (!is_available()) return Failure{KOS_STATUS_UNAVAILABLE};
        const BlockGeometry& found = device_.geometry();
        return idl::block::GeometryAnswer{found.sectors, found.block_bytes, Device::kRequestBytes, found.read_only};
    }

    // Errors, here and below, at once: INVALID_ARGUMENT (not whole blocks, too many, beyond the end), FULL (too much in
    // flight), UNAVAILABLE. Later: INTERNAL_ERROR (the device failed or did not answer), NOT_IMPLEMENTED (the device
    // says so).
    Result<Bytes> read(const Caller& caller, uint64_t sector, uint64_t bytes) {
        check_deadlines();
        return Failure{transfer(caller, Operation::kRead, sector, bytes, nullptr)};
    }

    // UNAUTHORIZED: a read-only device.
    Result<void> write(const Caller& caller, uint64_t sector, Bytes data) {
        check_deadlines();
        if (device_.geometry().read_only) return Failure{KOS_STATUS_UNAUTHORIZED};
        return Failure{transfer(caller, Operation::kWrite, sector, data.size(), data.data())};
    }

    Result<void> flush(const Caller& caller) {
        check_deadlines();
        if (!is_available()) return Failure{KOS_STATUS_UNAVAILABLE};
        // Without the feature the device has no volatile cache.
        if (!device_.has_flush() || device_.geometry().read_only) return {};
        return Failure{start(caller, Operation::kFlush, 0, 0, nullptr)};
    }

    // The device's interrupt; to be acknowledged afterwards.
    void interrupt() {
        if (!device_.is_running()) return;
        const virtio::Status status = device_.finish(finished());
        if (!status.ok()) recover(status.error());
        check_deadlines();
    }

    // The alarm.
    void other_signals() { check_deadlines(); }

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
            // Empty for writes and flushes, whose answers have nothing in them.
            const kos_block_read_answer_t view = {.data = data.data(), .data_bytes = data.size()};
            kos_msg_t answer = {};
            kos_block_read_answer_encode(&view, &answer);
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
