/*
 * The interface "rtc": reads and sets the clock, and answers callers that wait for a time, with the device's one alarm.
 *
 * `Device` is Pl031, `Calls` keeps and answers callers (server_calls.h).
 */
#ifndef KOS_DRIVERS_RTC_SERVICE_H_
#define KOS_DRIVERS_RTC_SERVICE_H_

#include <kos/idl/rtc.hpp>

#include <stdint.h>

#include "client_list.h"

namespace kos::driver {

template <typename Device, typename Calls>
class RtcService : public idl::rtc::Server<RtcService<Device, Calls>> {
public:
    static constexpr unsigned kWaiters = 8;

    // `setters`: who may set the clock; everyone with a connection may read it and wait.
    RtcService(Device& device, Calls& calls, const DomainSet& setters)
        : device_(device), calls_(calls), setters_(setters) {}

    bool accepts(const idl::Caller& caller) const { return caller.token == 0; }

    idl::Result<uint64_t> get(const idl::Caller&) { return uint64_t{device_.seconds()}; }

    // Errors: UNAUTHORIZED (not a setter); INVALID_ARGUMENT (a time after 2106-02-07).
    idl::Result<void> set(const idl::Caller& caller, uint64_t seconds) {
        if (!setters_.has(caller.domain)) return idl::Failure{KOS_STATUS_UNAUTHORIZED};
        if (seconds > UINT32_MAX) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        device_.set(static_cast<uint32_t>(seconds));
        // Times that others wait for may have come, or have gone far away.
        look();
        return {};
    }

    // Errors: INVALID_ARGUMENT; FULL (kWaiters wait). One wait per client: another one replaces it, the former is
    // answered CONFLICT.
    idl::Result<uint64_t> alarm(const idl::Caller& caller, uint64_t seconds) {
        if (seconds > UINT32_MAX) return idl::Failure{KOS_STATUS_INVALID_ARGUMENT};
        return idl::Failure{wait(caller, static_cast<uint32_t>(seconds))};
    }

    // The device's interrupt; to be acknowledged afterwards.
    void interrupt() { look(); }

private:
    struct Waiter {
        bool is_used = false;
        uint32_t until = 0;
        kos_deferred_t deferred = {};
    };

    kos_status_t wait(const kos_caller_t& caller, uint32_t until) {
        Waiter* place = nullptr;
        for (Waiter& waiter : waiters_) {
            if (waiter.is_used && waiter.deferred.caller.domain == caller.domain) {
                waiter.is_used = false;
                calls_.answer(waiter.deferred, KOS_STATUS_CONFLICT, nullptr);
            }
            if (!waiter.is_used && place == nullptr) place = &waiter;
        }
        if (place == nullptr) return KOS_STATUS_FULL;
        const kos_status_t kept = calls_.defer(caller, &place->deferred);
        if (!kos_status_is_ok(kept)) return kept;
        place->until = until;
        place->is_used = true;
        look();
        return KOS_STATUS_NO_REPLY;
    }

    // Answers whose time has come and arms the alarm for the next. If the time passes between the two, it is seen by
    // the second look: the alarm is raised only by the change to exactly its time.
    void look() {
        for (bool is_settled = false; !is_settled;) {
            const uint32_t now = device_.seconds();
            answer_until(now);
            const Waiter* next = earliest();
            if (next == nullptr) {
                device_.disarm();
                return;
            }
            device_.arm(next->until);
            is_settled = device_.seconds() < next->until;
        }
    }

    void answer_until(uint32_t now) {
        for (Waiter& waiter : waiters_) {
            if (!waiter.is_used || waiter.until > now) continue;
            waiter.is_used = false;
            const kos_rtc_alarm_answer_t view = {.now = now};
            kos_msg_t answer = {};
            kos_rtc_alarm_answer_encode(&view, &answer);
            calls_.answer(waiter.deferred, KOS_STATUS_OK, &answer);
        }
    }

    const Waiter* earliest() const {
        const Waiter* found = nullptr;
        for (const Waiter& waiter : waiters_) {
            if (waiter.is_used && (found == nullptr || waiter.until < found->until)) found = &waiter;
        }
        return found;
    }

    Device& device_;
    Calls& calls_;
    DomainSet setters_;
    Waiter waiters_[kWaiters] = {};
};

}  // namespace kos::driver

#endif
