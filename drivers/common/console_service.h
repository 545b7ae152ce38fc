/*
 * The interface "console" over a driver for a stream of bytes.
 *
 * `Device` has write_all, write_some, read, status and interrupt (uart/pl011, console/virtio). Requests never block:
 * what does not fit is refused, what has not arrived is not waited for. Runs on the thread that receives the requests.
 */
#ifndef KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_
#define KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_

#include <kos/idl/console.hpp>

#include <stdint.h>
#include <bit>
#include <span>

#include "client_list.h"
#include "stream_status.h"

namespace kos::driver {

template <typename Device>
class ConsoleService : public idl::console::Server<ConsoleService<Device>> {
public:
    using Caller = idl::Caller;
    using Bytes = std::span<const uint8_t>;
    template <typename T>
    using Result = idl::Result<T>;

    // `readers`: who may take received bytes away; everyone with a connection may write.
    ConsoleService(Device& device, const DomainSet& readers) : device_(device), readers_(readers) {}

    bool accepts(const Caller& caller) const { return caller.token == 0; }

    Result<void> write(const Caller&, Bytes data) {
        if (data.empty()) return idl::Failure{KOS_STATUS_BAD_REQUEST};
        return Result<void>(device_.write_all(data) ? KOS_STATUS_OK : KOS_STATUS_FULL);
    }
    Result<uint64_t> write_some(const Caller&, Bytes data) {
        if (data.empty()) return idl::Failure{KOS_STATUS_BAD_REQUEST};
        return device_.write_some(data);
    }
    Result<Bytes> read(const Caller& caller, uint64_t most) {
        if (most == 0 || most > sizeof buffer_) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        if (!readers_.has(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        const size_t count = device_.read({buffer_, most});
        if (count == 0) return idl::Failure{KOS_STATUS_EMPTY};
        return Bytes(buffer_, count);
    }
    Result<kos_console_status_t> status(const Caller&) {
        return std::bit_cast<kos_console_status_t>(device_.status());  // the same counters in the same order
    }

    void interrupt() { device_.interrupt(); }

private:
    Device& device_;
    DomainSet readers_;
    uint8_t buffer_[KOS_PAYLOAD_MAX];
};

}  // namespace kos::driver

#endif
