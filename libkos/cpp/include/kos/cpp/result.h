// Status and Result<T>: what a call brought, or why it brought nothing. No exceptions; neither may be ignored.
//
//     kos::Result<kos::Connection> log = kos::Connection::request("log");
//     kos::Connection c = KOS_TRY(kos::Connection::request("sensor"));   // in a function that returns Status or Result
#pragma once

#include <kos/app.h>
#include <kos/status.h>

#include <new>
#include <type_traits>
#include <utility>

namespace kos {

class [[nodiscard]] Status {
public:
    constexpr Status() = default;
    constexpr Status(kos_status_t code) : code_(code) {}  // NOLINT(google-explicit-constructor): the C API's codes

    bool ok() const { return kos_status_is_ok(code_) != 0; }
    constexpr kos_status_t code() const { return code_; }
    const char* name() const { return kos_status_name(code_); }
    // A failure that the caller has thought about and that changes nothing.
    constexpr void ignore() const {}

    friend constexpr bool operator==(Status a, Status b) { return a.code_ == b.code_; }

private:
    kos_status_t code_ = KOS_STATUS_OK;
};

// A T, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T> && !std::is_same_v<std::remove_cv_t<T>, Status>);

public:
    Result(T value) : status_(KOS_STATUS_OK) {  // NOLINT(google-explicit-constructor)
        new (&value_) T(std::move(value));
    }
    // A success without a value would be a mistake of the callee; it becomes INTERNAL_ERROR.
    Result(Status failure)  // NOLINT(google-explicit-constructor)
        : status_(failure.ok() ? Status(KOS_STATUS_INTERNAL_ERROR) : failure) {}
    Result(kos_status_t failure) : Result(Status(failure)) {}  // NOLINT(google-explicit-constructor)

    Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : status_(other.status_) {
        if (ok()) new (&value_) T(std::move(other.value_));
    }
    Result(const Result& other) requires std::is_copy_constructible_v<T> : status_(other.status_) {
        if (ok()) new (&value_) T(other.value_);
    }
    Result& operator=(Result other) {
        this->~Result();
        return *new (this) Result(std::move(other));
    }
    ~Result() {
        if (ok()) value_.~T();
    }

    bool ok() const { return status_.ok(); }
    Status status() const { return status_; }

    // Precondition: ok(); otherwise the domain ends.
    T& value() & {
        kos_assert(ok());
        return value_;
    }
    const T& value() const& {
        kos_assert(ok());
        return value_;
    }
    T value() && {
        kos_assert(ok());
        return std::move(value_);
    }
    T value_or(T otherwise) && { return ok() ? std::move(value_) : std::move(otherwise); }

private:
    union {
        T value_;  // there only if ok()
    };
    Status status_;
};

namespace detail {

inline Status failure_of(Status status) { return status; }
inline Status failure_of(kos_status_t status) { return status; }
template <typename T>
Status failure_of(const Result<T>& result) {
    return result.status();
}
inline bool is_ok(Status status) { return status.ok(); }
inline bool is_ok(kos_status_t status) { return kos_status_is_ok(status); }
template <typename T>
bool is_ok(const Result<T>& result) {
    return result.ok();
}
inline void value_of(Status) {}
inline void value_of(kos_status_t) {}
template <typename T>
T value_of(Result<T>&& result) {
    return std::move(result).value();
}

}  // namespace detail
}  // namespace kos

// The value of `expression` (Result, Status or kos_status_t); returns its failure from the enclosing function.
#define KOS_TRY(expression)                                   \
    ({                                                        \
        auto kos_try_result = (expression);                   \
        if (!::kos::detail::is_ok(kos_try_result)) {          \
            return ::kos::detail::failure_of(kos_try_result); \
        }                                                     \
        ::kos::detail::value_of(std::move(kos_try_result));   \
    })
