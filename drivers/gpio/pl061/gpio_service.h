/*
 * The interface "gpio": each client sees and drives the lines that the manifest gives it, and no others.
 *
 * `Device` is Pl061, `Calls` keeps and answers callers (server_calls.h).
 */
#ifndef KOS_DRIVERS_GPIO_SERVICE_H_
#define KOS_DRIVERS_GPIO_SERVICE_H_

#include <kos/idl/gpio.hpp>

#include <stdint.h>

#include "client_list.h"
#include "pl061.h"

namespace kos::driver {

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
class GpioService : public idl::gpio::Server<GpioService<Device, Calls>> {
public:
    using Caller = idl::Caller;
    using Failure = idl::Failure;
    template <typename T>
    using Result = idl::Result<T>;

    GpioService(Device& device, Calls& calls, const GpioOwners& owners)
        : device_(device), calls_(calls), owners_(owners) {}

    bool accepts(const Caller& caller) const { return caller.token == 0; }

    Result<uint8_t> lines(const Caller& caller) { return owners_.lines(caller.domain); }

    // UNAUTHORIZED here and below: not the caller's line, or no line.
    Result<void> set_direction(const Caller& caller, uint8_t line, bool output, bool level) {
        if (level && !output) return Failure{KOS_STATUS_BAD_REQUEST};
        if (!owners_.owns(caller.domain, line)) return Failure{KOS_STATUS_UNAUTHORIZED};
        if (output) {
            device_.make_output(line, level);
        } else {
            device_.make_input(line);
        }
        return {};
    }

    Result<bool> read(const Caller& caller, uint8_t line) {
        if (!owners_.owns(caller.domain, line)) return Failure{KOS_STATUS_UNAUTHORIZED};
        return device_.read(static_cast<uint8_t>(1u << line)) != 0;
    }

    // CONFLICT: the line is an input.
    Result<void> write(const Caller& caller, uint8_t line, bool level) {
        if (!owners_.owns(caller.domain, line)) return Failure{KOS_STATUS_UNAUTHORIZED};
        if (!device_.is_output(line)) return Failure{KOS_STATUS_CONFLICT};
        device_.write(line, level);
        return {};
    }

    Result<void> subscribe(const Caller& caller, uint8_t line, idl::gpio::Edges edges) {
        if (!owners_.owns(caller.domain, line)) return Failure{KOS_STATUS_UNAUTHORIZED};
        begin_anew(caller.domain, line, static_cast<GpioEdges>(edges));
        return {};
    }

    Result<idl::gpio::EventsAnswer> events(const Caller& caller) {
        uint8_t lines;
        uint8_t levels;
        if (!take_events(caller.domain, lines, levels)) return Failure{KOS_STATUS_EMPTY};
        return idl::gpio::EventsAnswer{lines, levels};
    }

    // Errors: FULL (no reply object). CONFLICT is answered later, when another wait or a subscription of the same
    // client has taken its place.
    Result<idl::gpio::WaitAnswer> wait(const Caller& caller) {
        end_wait(caller.domain);
        uint8_t lines;
        uint8_t levels;
        if (take_events(caller.domain, lines, levels)) return idl::gpio::WaitAnswer{lines, levels};
        for (Waiter& waiter : waiters_) {
            if (waiter.is_used) continue;
            const kos_status_t kept = calls_.defer(caller, &waiter.deferred);
            if (!kos_status_is_ok(kept)) return Failure{kept};
            waiter.is_used = true;
            return Failure{KOS_STATUS_NO_REPLY};
        }
        return Failure{KOS_STATUS_FULL};
    }

    // The device's interrupt; to be acknowledged afterwards.
    void interrupt() {
        pending_ = static_cast<uint8_t>(pending_ | device_.take());
        for (Waiter& waiter : waiters_) {
            kos_gpio_wait_answer_t view = {};
            if (!waiter.is_used || !take_events(waiter.deferred.caller.domain, view.lines, view.levels)) continue;
            waiter.is_used = false;
            kos_msg_t answer = {};
            kos_gpio_wait_answer_encode(&view, &answer);
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
    void begin_anew(uint16_t domain, unsigned line, GpioEdges edges) {
        end_wait(domain);
        const auto bit = static_cast<uint8_t>(1u << line);
        pending_ = static_cast<uint8_t>(pending_ & ~bit);
        subscribed_ = static_cast<uint8_t>(edges == GpioEdges::kNone ? subscribed_ & ~bit : subscribed_ | bit);
        device_.choose_edges(line, edges);
    }

    // Tells the domain's events and the levels of its lines now, if there are any, and lets further ones through.
    bool take_events(uint16_t domain, uint8_t& told, uint8_t& levels) {
        const uint8_t lines = owners_.lines(domain);
        told = static_cast<uint8_t>(pending_ & lines);
        if (told == 0) return false;
        pending_ = static_cast<uint8_t>(pending_ & ~told);
        // Enabled before the levels are read, so that a change after the reading is an event again.
        device_.enable(static_cast<uint8_t>(told & subscribed_));
        levels = device_.read(lines);
        return true;
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
