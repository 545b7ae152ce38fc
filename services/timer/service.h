/*
 * What the timer does with requests and time. Hardware and callers are behind Host; main.cpp connects them, tests fake
 * them.
 */
#ifndef KOS_SERVICES_TIMER_SERVICE_H_
#define KOS_SERVICES_TIMER_SERVICE_H_

#include <kos/idl/timer.hpp>

#include <stdint.h>

#include "../common/saved.h"
#include "deadlines.h"

namespace kos::timer {

// Nanoseconds since 1970 when the counter was 0, as a sum modulo 2^64; and how often it has been set, 0: never.
struct Wall {
    uint64_t zero_ns;
    uint64_t changes;
};
using SavedWall = service::Saved<Wall, 0x314c4157>;

class Host {
public:
    // Keeps the caller of the present request as `place`. False: no room.
    virtual bool defer(unsigned place) = 0;
    virtual void wake(unsigned place) = 0;
    virtual void signal(unsigned domain) = 0;
    // The next interrupt is wanted at `time`; kNever: none.
    virtual void arm(uint64_t time) = 0;
    // Times that somebody else had altered the device.
    virtual uint64_t alterations() = 0;

protected:
    ~Host() = default;
};

class Service : public idl::timer::Server<Service> {
public:
    using Caller = idl::Caller;

    // `setters`: bit n: domain n may set the wall clock.
    Service(Alarms& alarms, SavedWall& saved, Host& host, uint64_t hz, uint64_t setters);

    // A request of the interface "timer", received at `now`.
    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);
    // The interface (idl/timer.capnp).
    bool accepts(const Caller& caller) const { return caller.token == 0 && caller.domain < KOS_MAX_DOMAINS; }
    idl::Result<void> alarm(const Caller& caller, uint64_t bit, uint64_t time);
    idl::Result<void> sleep(const Caller& caller, uint64_t time);
    idl::Result<idl::timer::WallAnswer> wall(const Caller& caller);
    idl::Result<void> set_wall(const Caller& caller, uint64_t ns, uint64_t time);
    idl::Result<idl::timer::StatusAnswer> status(const Caller& caller);
    void queue_alarm(const Caller& caller, uint64_t bit, uint64_t time);

    // False if the message was none.
    [[nodiscard]] bool queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now);

    // Everything whose time has come; then the device is armed for what is next.
    void expire(uint64_t now);

    // It was `ns` since 1970 when the counter was at `ticks`.
    void set_wall(uint64_t ns, uint64_t ticks);
    bool has_wall() const { return wall_.changes != 0; }

private:
    uint64_t to_ns(uint64_t ticks) const;

    Alarms& alarms_;
    SavedWall& saved_;
    Host& host_;
    uint64_t hz_;
    uint64_t setters_;
    Wall wall_ = {};
    Sleepers sleepers_;
    uint64_t now_ = 0;           // of the present request
    bool is_queued_ok_ = false;  // the present queue message has done something
};

}  // namespace kos::timer

#endif
