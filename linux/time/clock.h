// Time for the layers of the personality: what the clocks say, and timers.
//
// Times are nanoseconds of the monotonic clock (since boot) unless a name says otherwise. The platform supplies the
// source and one alarm; host tests set the time by hand.
#pragma once

#include "base/wait_queue.h"

#include <stddef.h>
#include <stdint.h>

#include <map>

namespace kos::lx {

using Nanoseconds = int64_t;
constexpr Nanoseconds kNever = INT64_MAX;

class TimeSource {
public:
    virtual Nanoseconds monotonic() = 0;
    // Realtime minus monotonic, as it stands now; changes when somebody sets the clock.
    virtual Nanoseconds realtime_offset() = 0;
    virtual void set_realtime_offset(Nanoseconds offset) = 0;
    // Calls Timers::expire at that time or soon after; replaces the earlier wish. kNever: no alarm.
    virtual void set_alarm(Nanoseconds when) = 0;

protected:
    ~TimeSource() = default;
};

class Timers;

class Timer {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() { cancel(); }

    // The time has come. The timer is no longer set; may set it again, must not destroy it.
    virtual void expired() = 0;

    void cancel();
    bool is_set() const { return timers_ != nullptr; }
    Nanoseconds when() const { return is_set() ? place_->first : kNever; }

private:
    friend class Timers;
    Timers* timers_ = nullptr;
    std::multimap<Nanoseconds, Timer*>::iterator place_;
};

class Timers {
public:
    explicit Timers(TimeSource& source) : source_(source) {}

    TimeSource& source() { return source_; }
    Nanoseconds now() { return source_.monotonic(); }
    Nanoseconds realtime() { return source_.monotonic() + source_.realtime_offset(); }
    void set(Timer& timer, Nanoseconds when);  // replaces an earlier time
    void expire();                             // calls `expired` of all that are due
    // Sets the clock (clock_settime(2)) and wakes `realtime_set`, for timers that go by it.
    void set_realtime(Nanoseconds now);
    WaitQueue realtime_set;

private:
    friend class Timer;
    void update_alarm();

    TimeSource& source_;
    std::multimap<Nanoseconds, Timer*> set_;
    Nanoseconds alarm_ = kNever;
    bool is_expiring_ = false;
};

}  // namespace kos::lx
