/*
 * What can be wrong with a virtio device, and Result<T>: a value or the reason why there is none.
 * Portable and freestanding; no exceptions, no allocation.
 */
#ifndef KOS_VIRTIO_RESULT_H_
#define KOS_VIRTIO_RESULT_H_

#include <stdint.h>

namespace kos::virtio {

enum class Error : uint8_t {
    kNoDevice,  // no virtio transport, no device behind it, or another kind of device
    kLegacy,    // a transport of version 1 (QEMU: -global virtio-mmio.force-legacy=false)
    kFeatures,  // the device lacks a feature that is needed, or refuses those chosen
    kNoReset,   // the device did not reset in time
    kNoQueue,   // the device lacks a queue, or its queue is too small
    kConfig,    // the configuration does not keep still while it is read
    kMemory,    // DMA memory too small or not aligned: a mistake of the driver or its manifest
    kFull,      // not enough free descriptors now
    kBroken,    // the device wrote something that no device may write; only a reset helps
};

// For the log.
constexpr const char* error_text(Error error) {
    switch (error) {
        case Error::kNoDevice: return "no such device";
        case Error::kLegacy: return "legacy transport (version 1), expected version 2";
        case Error::kFeatures: return "device lacks needed features";
        case Error::kNoReset: return "device does not reset";
        case Error::kNoQueue: return "device lacks a queue";
        case Error::kConfig: return "configuration does not keep still";
        case Error::kMemory: return "DMA memory too small or not aligned";
        case Error::kFull: return "no free descriptors";
        case Error::kBroken: return "device broke the protocol";
    }
    return "unknown";
}

struct Nothing {};

template <typename T>
class [[nodiscard]] Result {
public:
    constexpr Result(const T& value) : value_(value), ok_(true) {}  // NOLINT(google-explicit-constructor)
    constexpr Result(Error error) : error_(error), ok_(false) {}    // NOLINT(google-explicit-constructor)

    constexpr bool ok() const { return ok_; }
    constexpr const T& value() const { return value_; }  // Precondition: ok().
    constexpr Error error() const { return error_; }     // Precondition: !ok().

private:
    T value_{};
    Error error_{};
    bool ok_;
};

using Status = Result<Nothing>;
constexpr Status kOk{Nothing{}};

}  // namespace kos::virtio

// Hands the error of `expression` up to the caller.
#define KOS_VIRTIO_TRY(expression)                    \
    do {                                              \
        const auto& kos_virtio_result = (expression); \
        if (!kos_virtio_result.ok()) {                \
            return kos_virtio_result.error();         \
        }                                             \
    } while (false)

#endif
