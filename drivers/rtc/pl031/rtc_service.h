/*
 * The interface "rtc": reads and sets the clock, and answers callers that wait for a time, with the device's one alarm.
 *
 * `Device` is Pl031, `Calls` keeps and answers callers (server_calls.h).
 */
#ifndef KOS_DRIVERS_RTC_SERVICE_H_
#define KOS_DRIVERS_RTC_SERVICE_H_

#include <kos/server.h>

#include <stdint.h>

#include "client_list.h"
#include "message.h"

namespace kos::driver {

// Labels of the interface. Times are seconds since 1970-01-01 UTC.
enum RtcLabel : uint64_t {
    kRtcGet = 1,    // -> param: the time
    kRtcSet = 2,    // param: the time
    kRtcAlarm = 3,  // param: a time; answered when it has come, with the time in param
};

template <typename Device, typename Calls>
class RtcService {
public:
    static constexpr unsigned kWaiters = 8;

    // `setters`: who may set the clock; everyone with a connection may read it and wait.
    RtcService(Device& device, Calls& calls, const DomainSet& setters)
        : device_(device), calls_(calls), setters_(setters) {}

    // Errors: BAD_REQUEST; INVALID_ARGUMENT (a time after 2106-02-07); UNAUTHORIZED (not a setter); FULL (kWaiters
    // wait). One wait per client: another one replaces it, the former is answered CONFLICT.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, kos_msg_t& answer) {
        if (!is_param_only(caller, request)) return KOS_STATUS_BAD_REQUEST;
        switch (request.label) {
            case kRtcGet:
                if (request.param != 0) return KOS_STATUS_BAD_REQUEST;
                answer.param = device_.seconds();
                return KOS_STATUS_OK;
            case kRtcSet:
                if (!setters_.has(caller.domain)) return KOS_STATUS_UNAUTHORIZED;
                if (request.param > UINT32_MAX) return KOS_STATUS_INVALID_ARGUMENT;
                device_.set(static_cast<uint32_t>(request.param));
                // Times that others wait for may have come, or have gone far away.
                look();
                return KOS_STATUS_OK;
            case kRtcAlarm:
                if (request.param > UINT32_MAX) return KOS_STATUS_INVALID_ARGUMENT;
                return wait(caller, static_cast<uint32_t>(request.param));
            default: return KOS_STATUS_BAD_REQUEST;
        }
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
            kos_msg_t answer = {};
            answer.param = now;
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
