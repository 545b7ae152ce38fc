/*
 * Result<T>: a value or the Failure that prevented it. Trivial types only; no exceptions, no allocation.
 * Portable: loader, mkimage and host tests.
 */
#ifndef KOS_BOOT_RESULT_H_
#define KOS_BOOT_RESULT_H_

#include "failure.h"

namespace kos::boot {

struct Nothing {};

template <typename T>
class [[nodiscard]] Result {
public:
    constexpr Result(const T& value) : value_(value), ok_(true) {}               // NOLINT(google-explicit-constructor)
    constexpr Result(const Failure& failure) : failure_(failure), ok_(false) {}  // NOLINT(google-explicit-constructor)

    constexpr bool ok() const { return ok_; }
    // Precondition: ok().
    constexpr const T& value() const { return value_; }
    // Precondition: !ok().
    constexpr const Failure& failure() const { return failure_; }

private:
    T value_{};
    Failure failure_{};
    bool ok_;
};

using Status = Result<Nothing>;
constexpr Status kOk{Nothing{}};

}  // namespace kos::boot

// Hands the failure of `expression` up to the caller.
#define KOS_BOOT_TRY(expression)               \
    do {                                       \
        const auto& kos_status = (expression); \
        if (!kos_status.ok()) {                \
            return kos_status.failure();       \
        }                                      \
    } while (false)

#endif
