/*
 * The interface "gpio": each client sees and drives the lines that the manifest gives it, and no others.
 *
 * `Device` is Pl061, `Calls` keeps and answers callers (server_calls.h).
 */
#ifndef KOS_DRIVERS_GPIO_SERVICE_H_
#define KOS_DRIVERS_GPIO_SERVICE_H_

#include <kos/server.h>

#include <stdint.h>

#include "client_list.h"
#include "message.h"
#include "pl061.h"

namespace kos::driver {

// Labels of the interface. `line` is 0..7, one byte in param; levels and flags are 0 or 1, one byte each, after it.
enum GpioLabel : uint64_t {
    kGpioLines = 1,      // -> param: the caller's lines as bits
    kGpioDirection = 2,  // param: line, is output, level (0 for an input)
    kGpioRead = 3,       // param: line -> param: level
    kGpioWrite = 4,      // param: line, level
    kGpioSubscribe = 5,  // param: line, edges (GpioEdges)
    kGpioEvents = 6,  // -> param: lines with an edge since they were last told (bits), levels now (bits). EMPTY: none
    kGpioWait = 7,    // as kGpioEvents, answered when there are some
};

// Which domain owns which line; 0 is nobody. Filled at start.
class GpioOwners {
public:
    // Precondition: line < kGpioLineCount.
    void give(unsigned line, uint16_t domain) { owner_[line] = domain; }
    // Gives `line` to the client `name`, "" being nobody. False if there is no such client.
    [[nodiscard]] bool give(unsigned line, std::span<const kos_startup_client_t> clients, std::string_view name) {
        owner_[line] = client_domain(clients, name);
        return name.empty() || owner_[line] != 0;
    }
    bool owns(uint16_t domain, uint64_t line) const { return line < kGpioLineCount && owner_[line] == domain; }
    uint16_t owner(unsigned line) const { return owner_[line]; }
    uint8_t lines(uint16_t domain) const {
        unsigned result = 0;
        for (unsigned line = 0; line < kGpioLineCount; line++) result |= owner_[line] == domain ? 1u << line : 0;
        return static_cast<uint8_t>(result);
    }

private:
    uint16_t owner_[kGpioLineCount] = {};
};

template <typename Device, typename Calls>
class GpioService {
public:
    GpioService(Device& device, Calls& calls, const GpioOwners& owners)
        : device_(device), calls_(calls), owners_(owners) {}

    // Errors: BAD_REQUEST; UNAUTHORIZED (not the caller's line, or no line); CONFLICT (write to an input; for a waiting
    // call: another wait or a subscription of the same client has taken its place); EMPTY; FULL (no reply object).
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        if (!is_param_only(caller, request)) return KOS_STATUS_BAD_REQUEST;
        const unsigned line = request.param & 0xff;
        const unsigned second = request.param >> 8 & 0xff;
        const unsigned third = request.param >> 16 & 0xff;
        switch (request.label) {
            case kGpioLines:
                if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
                answer.param = owners_.lines(caller.domain);
                return KOS_STATUS_OK;
            case kGpioDirection:
                if (request.param >> 24 != 0 || second > 1 || third > second) return KOS_STATUS_BAD_REQUEST;
                if (!owners_.owns(caller.domain, line)) return KOS_STATUS_UNAUTHORIZED;
                if (second != 0) {
                    device_.make_output(line, third != 0);
                } else {
                    device_.make_input(line);
                }
                return KOS_STATUS_OK;
            case kGpioRead:
                if (request.param >> 8 != 0) return KOS_STATUS_BAD_REQUEST;
                if (!owners_.owns(caller.domain, line)) return KOS_STATUS_UNAUTHORIZED;
                answer.param = device_.read(static_cast<uint8_t>(1u << line)) != 0 ? 1 : 0;
                return KOS_STATUS_OK;
            case kGpioWrite:
                if (request.param >> 16 != 0 || second > 1) return KOS_STATUS_BAD_REQUEST;
                if (!owners_.owns(caller.domain, line)) return KOS_STATUS_UNAUTHORIZED;
                if (!device_.is_output(line)) return KOS_STATUS_CONFLICT;
                device_.write(line, second != 0);
                return KOS_STATUS_OK;
            case kGpioSubscribe:
                if (request.param >> 16 != 0 || second > 3) return KOS_STATUS_BAD_REQUEST;
                if (!owners_.owns(caller.domain, line)) return KOS_STATUS_UNAUTHORIZED;
                subscribe(caller.domain, line, static_cast<GpioEdges>(second));
                return KOS_STATUS_OK;
            case kGpioEvents:
                if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
                return events(caller.domain, answer) ? KOS_STATUS_OK : KOS_STATUS_EMPTY;
            case kGpioWait:
                if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
                return wait(caller, answer);
            default: return KOS_STATUS_BAD_REQUEST;
        }
    }

    // The device's interrupt; to be acknowledged afterwards.
    void interrupt() {
        pending_ = static_cast<uint8_t>(pending_ | device_.take());
        for (Waiter& waiter : waiters_) {
            kos_msg_t answer = {};
            if (!waiter.is_used || !events(waiter.deferred.caller.domain, answer)) continue;
            waiter.is_used = false;
            calls_.answer(waiter.deferred, KOS_STATUS_OK, &answer);
        }
    }

private:
    struct Waiter {
        bool is_used = false;
        kos_deferred_t deferred = {};
    };

    // A client that subscribes begins anew: an instance of it before may have been killed while it waited, and an
    // answer to that would swallow the first event.
    void subscribe(uint16_t domain, unsigned line, GpioEdges edges) {
        end_wait(domain);
        const auto bit = static_cast<uint8_t>(1u << line);
        pending_ = static_cast<uint8_t>(pending_ & ~bit);
        subscribed_ = static_cast<uint8_t>(edges == GpioEdges::kNone ? subscribed_ & ~bit : subscribed_ | bit);
        device_.choose_edges(line, edges);
    }

    // Tells the domain's events, if any, and lets further ones through.
    bool events(uint16_t domain, kos_msg_t& answer) {
        const uint8_t lines = owners_.lines(domain);
        const auto told = static_cast<uint8_t>(pending_ & lines);
        if (told == 0) return false;
        pending_ = static_cast<uint8_t>(pending_ & ~told);
        // Enabled before the levels are read, so that a change after the reading is an event again.
        device_.enable(static_cast<uint8_t>(told & subscribed_));
        answer.param = told | static_cast<uint64_t>(device_.read(lines)) << 8;
        return true;
    }

    kos_status_t wait(const kos_caller_t& caller, kos_msg_t& answer) {
        end_wait(caller.domain);
        if (events(caller.domain, answer)) return KOS_STATUS_OK;
        for (Waiter& waiter : waiters_) {
            if (waiter.is_used) continue;
            const kos_status_t kept = calls_.defer(caller, &waiter.deferred);
            if (!kos_status_is_ok(kept)) return kept;
            waiter.is_used = true;
            return KOS_STATUS_NO_REPLY;
        }
        return KOS_STATUS_FULL;
    }

    void end_wait(uint16_t domain) {
        for (Waiter& waiter : waiters_) {
            if (!waiter.is_used || waiter.deferred.caller.domain != domain) continue;
            waiter.is_used = false;
            calls_.answer(waiter.deferred, KOS_STATUS_CONFLICT, nullptr);
        }
    }

    Device& device_;
    Calls& calls_;
    GpioOwners owners_;
    uint8_t pending_ = 0;                  // lines with an edge that their owner has not been told
    uint8_t subscribed_ = 0;               // lines whose edges somebody wants
    Waiter waiters_[kGpioLineCount] = {};  // more owners than lines there cannot be
};

}  // namespace kos::driver

#endif
