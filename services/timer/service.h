/*
 * What the timer does with requests and time. Hardware and callers are behind Host; main.cpp connects them, tests fake
 * them.
 */
#ifndef KOS_SERVICES_TIMER_SERVICE_H_
#define KOS_SERVICES_TIMER_SERVICE_H_

#include <kos/msg.h>
#include <kos/ports.h>
#include <kos/server.h>

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

class Service {
public:
    // `setters`: bit n: domain n may set the wall clock.
    Service(Alarms& alarms, SavedWall& saved, Host& host, uint64_t hz, uint64_t setters);

    kos_status_t call(const kos_caller_t& caller, const kos_msg_t& request, uint64_t now, kos_msg_t& answer);
    // False if the message was none.
    [[nodiscard]] bool queued(const kos_caller_t& caller, uint64_t label, const void* bytes, size_t size, uint64_t now);

    // Everything whose time has come; then the device is armed for what is next.
    void expire(uint64_t now);

    // It was `ns` since 1970 when the counter was at `ticks`.
    void set_wall(uint64_t ns, uint64_t ticks);
    bool has_wall() const { return wall_.changes != 0; }

private:
    kos_status_t alarm(unsigned domain, uint64_t bit, uint64_t time, uint64_t now);
    kos_status_t sleep(const kos_caller_t& caller, uint64_t time, uint64_t now);
    uint64_t to_ns(uint64_t ticks) const;

    Alarms& alarms_;
    SavedWall& saved_;
    Host& host_;
    uint64_t hz_;
    uint64_t setters_;
    Wall wall_ = {};
    Sleepers sleepers_;
};

}  // namespace kos::timer

#endif
