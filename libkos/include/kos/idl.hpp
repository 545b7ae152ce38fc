// What the generated C++ bindings of interfaces (idl/) share. Applications include <kos/idl/NAME.hpp> instead.
#pragma once

#include <kos/idl.h>
#include <kos/server.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kos::idl {

using Caller = ::kos_caller_t;
using Deferred = ::kos_deferred_t;

// A status that is not a success, on its way into a Result.
struct Failure {
    kos_status_t status;
};

// A value or why there is none. Taking the value of a failure is a mistake of the program and ends it.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value, kos_status_t status = KOS_STATUS_OK) : status_(status), value_(std::move(value)) {}
    Result(Failure failure) : status_(failure.status), value_() {}

    bool ok() const { return kos_status_is_ok(status_) != 0; }
    explicit operator bool() const { return ok(); }
    kos_status_t status() const { return status_; }

    T& value() & {
        if (!ok()) __builtin_trap();
        return value_;
    }
    const T& value() const& {
        if (!ok()) __builtin_trap();
        return value_;
    }
    T&& value() && {
        if (!ok()) __builtin_trap();
        return std::move(value_);
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    kos_status_t status_;
    T value_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    explicit Result(kos_status_t status) : status_(status) {}
    Result(Failure failure) : status_(failure.status) {}

    bool ok() const { return kos_status_is_ok(status_) != 0; }
    explicit operator bool() const { return ok(); }
    kos_status_t status() const { return status_; }

private:
    kos_status_t status_ = KOS_STATUS_OK;
};

// A client of any interface: what a Capability is received as.
class AnyClient {
public:
    constexpr AnyClient() = default;
    constexpr explicit AnyClient(kos_slot_t slot) : slot_(slot) {}
    constexpr kos_slot_t slot() const { return slot_; }

private:
    kos_slot_t slot_ = 0;
};

// A token that this domain holds: gives its slot back at the end of its life. Empty after release() or a move.
template <typename Client>
class [[nodiscard]] Owned {
public:
    constexpr Owned() = default;
    constexpr explicit Owned(Client client) : client_(client) {}
    Owned(Owned&& other) noexcept : client_(other.release()) {}
    Owned& operator=(Owned&& other) noexcept {
        Client const next = other.release();
        reset();
        client_ = next;
        return *this;
    }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() { reset(); }

    explicit operator bool() const { return client_.slot() != 0; }
    const Client& operator*() const { return client_; }
    const Client* operator->() const { return &client_; }
    kos_slot_t slot() const { return client_.slot(); }

    // The slot is somebody else's now.
    Client release() { return std::exchange(client_, Client()); }
    void reset() {
        Client const old = release();
        if (old.slot() != 0) (void)kos_msg_token_delete(old.slot());
    }

private:
    Client client_;
};

// A token that a request may carry although it is one of the server's own ($Kos.own): then own() says which, and there
// is nothing to call. Else it is as every other token.
template <typename Client>
class [[nodiscard]] Received : public Owned<Client> {
public:
    Received(Client client, const Caller& own) : Owned<Client>(client), own_(own) {}

    // Null: somebody else's.
    const Caller* own() const { return own_.port != 0 ? &own_ : nullptr; }

private:
    Caller own_;
};

}  // namespace kos::idl
