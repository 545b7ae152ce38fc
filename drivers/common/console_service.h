/*
 * The interface "console" over a driver for a stream of bytes: decodes requests, checks them, answers.
 *
 * `Device` has write_all, write_some, read and status (uart/pl011, console/virtio). Requests never block: what does not
 * fit is refused, what has not arrived is not waited for. Runs on the thread that receives the requests.
 */
#ifndef KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_
#define KOS_DRIVERS_COMMON_CONSOLE_SERVICE_H_

#include <kos/server.h>

#include <stdint.h>
#include <span>

#include "client_list.h"
#include "message.h"
#include "stream_status.h"

namespace kos::driver {

// Labels of the interface.
enum ConsoleLabel : uint64_t {
    // payload: 1..4096 bytes, sent as a whole -> nothing. FULL: no room for all of them, nothing was taken.
    kConsoleWrite = 1,
    // payload: 1..4096 bytes -> param: how many of them, from the first on, were taken (0 if there is no room)
    kConsoleWriteSome = 2,
    // param: most bytes wanted, 1..4096 -> payload: received bytes. EMPTY: there are none
    kConsoleRead = 3,
    // nothing -> payload: StreamStatus
    kConsoleStatus = 4,
};

template <typename Device>
class ConsoleService {
public:
    // `readers`: who may take received bytes away; everyone with a connection may write.
    ConsoleService(Device& device, const DomainSet& readers) : device_(device), readers_(readers) {}

    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        // No request of this interface carries words, and this port hands out no tokens.
        if (word_of(request, 0) != 0 || word_of(request, 1) != 0) return KOS_STATUS_BAD_REQUEST;
        if (request.token != 0 || caller.token != 0) return KOS_STATUS_BAD_REQUEST;
        const std::span<const uint8_t> payload(static_cast<const uint8_t*>(request.payload), request.payload_bytes);
        switch (request.label) {
            case kConsoleWrite:
                if (request.param != 0 || payload.empty()) return KOS_STATUS_BAD_REQUEST;
                return device_.write_all(payload) ? KOS_STATUS_OK : KOS_STATUS_FULL;
            case kConsoleWriteSome:
                if (request.param != 0 || payload.empty()) return KOS_STATUS_BAD_REQUEST;
                answer.param = device_.write_some(payload);
                return KOS_STATUS_OK;
            case kConsoleRead: return read(caller, request.param, payload, answer);
            case kConsoleStatus:
                if (request.param != 0 || !payload.empty()) return KOS_STATUS_BAD_REQUEST;
                status_ = device_.status();
                answer.payload = &status_;
                answer.payload_bytes = sizeof status_;
                return KOS_STATUS_OK;
            default: return KOS_STATUS_BAD_REQUEST;
        }
    }

private:
    kos_status_t read(const kos_caller_t& caller, uint64_t most, std::span<const uint8_t> payload, kos_msg_t& answer) {
        if (!payload.empty()) return KOS_STATUS_BAD_REQUEST;
        if (most == 0 || most > sizeof buffer_) return KOS_STATUS_INVALID_ARGUMENT;
        if (!readers_.has(caller.domain)) return KOS_STATUS_UNAUTHORIZED;
        const size_t count = device_.read({buffer_, most});
        if (count == 0) return KOS_STATUS_EMPTY;
        answer.payload = buffer_;
        answer.payload_bytes = static_cast<uint32_t>(count);
        return KOS_STATUS_OK;
    }

    Device& device_;
    DomainSet readers_;
    StreamStatus status_ = {};
    uint8_t buffer_[KOS_PAYLOAD_MAX];
};

}  // namespace kos::driver

#endif
