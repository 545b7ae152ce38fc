/*
 * The interface "console" over a driver for a stream of bytes.
 *
 * `Device` has write_all, write_some, read, status, interrupt and kTransmitBytes (uart/pl011, console/virtio). Requests
 * never block: what does not fit is refused, what has not arrived is not waited for; who wants to know when it is worth
 * asking again is signalled. Runs on the thread that receives the requests.
 */
#ifndef KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_
#define KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_

#include <kos/idl/console.hpp>

#include <stdint.h>
#include <bit>
#include <span>

#include "client_list.h"
#include "console_wishes.h"
#include "stream_status.h"

namespace kos::driver {

template <typename Device>
class ConsoleService : public idl::console::Server<ConsoleService<Device>> {
public:
    using Caller = idl::Caller;
    using Bytes = std::span<const uint8_t>;
    template <typename T>
    using Result = idl::Result<T>;

    // `readers`: who may take received bytes away; everyone with a connection may write. Clients that were waiting when
    // an earlier instance of the driver ended are told: it may have lost what they waited for.
    ConsoleService(Device& device, const DomainSet& readers, ConsoleWaker& waker)
        : device_(device), readers_(readers), waker_(waker) {
        ConsoleWishes& wishes = waker_.wishes();
        tell(wishes.input);
        tell(wishes.room);
    }

    bool accepts(const Caller& caller) const { return caller.token == 0; }

    Result<void> write(const Caller&, Bytes data) {
        if (data.empty()) return idl::Failure{KOS_STATUS_BAD_REQUEST};
        const bool is_written = device_.write_all(data);
        look();
        return Result<void>(is_written ? KOS_STATUS_OK : KOS_STATUS_FULL);
    }
    Result<uint64_t> write_some(const Caller&, Bytes data) {
        if (data.empty()) return idl::Failure{KOS_STATUS_BAD_REQUEST};
        const uint64_t count = device_.write_some(data);
        look();
        return count;
    }
    Result<Bytes> read(const Caller& caller, uint64_t most) {
        if (most == 0 || most > sizeof buffer_) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        if (!readers_.has(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        const size_t count = device_.read({buffer_, most});
        look();
        if (count == 0) return idl::Failure{KOS_STATUS_EMPTY};
        return Bytes(buffer_, count);
    }
    Result<kos_console_status_t> status(const Caller&) {
        return std::bit_cast<kos_console_status_t>(device_.status());  // the same counters in the same order
    }

    Result<void> wake(const Caller& caller, uint64_t events) {
        if ((events & ~(kInput | kRoom)) != 0) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        if ((events & kInput) != 0 && !readers_.has(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        ConsoleWishes& wishes = waker_.wishes();
        const uint64_t bit = uint64_t{1} << caller.domain;
        wishes.input = (wishes.input & ~bit) | ((events & kInput) != 0 ? bit : 0);
        wishes.room = (wishes.room & ~bit) | ((events & kRoom) != 0 ? bit : 0);
        look();
        return {};
    }

    void interrupt() {
        device_.interrupt();
        look();
    }

private:
    static constexpr uint64_t kInput = 1, kRoom = 2;

    // Tells those whose wish has come true. Any request may move bytes between the device and the driver.
    void look() {
        ConsoleWishes& wishes = waker_.wishes();
        if ((wishes.input | wishes.room) == 0) return;
        const StreamStatus status = device_.status();
        if (status.receive_queued != 0) tell(wishes.input);
        if (Device::kTransmitBytes - status.transmit_queued >= KOS_PAYLOAD_MAX) tell(wishes.room);
    }
    // Once: who goes on waiting asks again.
    void tell(uint64_t& domains) {
        for (; domains != 0; domains &= domains - 1) waker_.signal(static_cast<unsigned>(std::countr_zero(domains)));
    }

    Device& device_;
    DomainSet readers_;
    ConsoleWaker& waker_;
    uint8_t buffer_[KOS_PAYLOAD_MAX];
};

}  // namespace kos::driver

#endif
